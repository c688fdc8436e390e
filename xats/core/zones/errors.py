"""Errors of zones; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import NotFound, Refused, Usage


class InvalidPattern(Usage):
    """The pattern is not valid."""

    code = "invalid_pattern"


class PatternTooComplex(Usage):
    """xats cannot compare the pattern with another one."""

    code = "pattern_too_complex"


class ZonesOverlap(Refused):
    """The pattern and the zone of another owner have files in common."""

    code = "zones_overlap"


class ZoneTaken(Refused):
    """The file is in the zone of another agent or role."""

    code = "zone_taken"


class UnknownZone(NotFound):
    """There is no such zone in this team."""

    code = "unknown_zone"
    hint = "xats zone list"


class NotYourZone(Refused):
    """The zone belongs to another agent, and another agent assigned it."""

    code = "not_your_zone"
