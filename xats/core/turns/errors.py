"""Errors of turns; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import NotFound, Refused, Usage


class InvalidHandoff(Usage):
    """The handoff is not valid."""

    code = "invalid_handoff"


class UnknownTurn(NotFound):
    """There is no turn of that name in this team."""

    code = "unknown_turn"


class NotMember(Refused):
    """The agent does not take part in the turn."""

    code = "not_member"


class TurnHeld(Refused):
    """Another agent has the turn."""

    code = "turn_held"


class TurnTooSoon(Refused):
    """You had the turn last; other members may take it first."""

    code = "turn_too_soon"


class TurnLost(Refused):
    """You do not have that turn any more."""

    code = "turn_lost"


class NotTurnHolder(Refused):
    """You do not have the turn."""

    code = "not_turn_holder"


class MemberActive(Refused):
    """The member may still be at work."""

    code = "member_active"


class TurnsHeld(Refused):
    """The agent has a turn."""

    code = "turns_held"
