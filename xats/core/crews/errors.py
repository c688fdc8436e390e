"""Errors of crews; see base/errors.py."""

from __future__ import annotations

from xats.base.errors import REFUSED, Refused, TimedOut, XatsError


class AlreadyStarted(Refused):
    """The agent already runs, or is being started."""

    code = "already_started"


class StartSuperseded(Refused):
    """A newer start of the agent has replaced this one, or it is over."""

    code = "start_superseded"


class StartFailed(XatsError):
    """The program did not start."""

    code = "start_failed"


class NotReady(TimedOut):
    """The program did not become ready in time."""

    code = "not_ready"


class NotStartedByXats(Refused):
    """xats did not start the program of this agent on this host, so xats does not end it."""

    code = "not_started_by_xats"


class LimitReached(Refused):
    """The team has reached a limit that a person has set, so xats starts no further program."""

    code = "limit_reached"


class NotStopped(XatsError):
    """The program still runs."""

    code = "not_stopped"
    exit = REFUSED
