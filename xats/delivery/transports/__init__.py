"""The transports, one module each, what each of them is given, and the results that it can return.

tmux.py pastes a line into the agent's pane. notice.py shows it on the terminals that show the pane. command.py runs the
user's own program. waiter.py hands the line to a process beside the agent. native.py finds the module for the inbox
that the agent's program has itself. Each has a NAME and `deliver(request)`, which returns a Result and never raises an
error of its counterpart. The agent's `wake_by` or delivery/routing.py chooses the transport.
"""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from xats.core.agents.agents import Agent, Session
    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Pending, Wake
    from xats.delivery.settings import Settings
    from xats.tmux.screen import Look

    class Transport(Protocol):
        """What the module of a transport holds."""

        NAME: str

        deliver: Callable[[Request], Result]


@record
class Request:
    """The request to a transport: wake `agent` once. `session` is its current session, on this host."""

    agent: Agent
    session: Session
    wake: Wake
    settings: Settings
    store: str  #: the path of the store
    token: str  #: marks the pane as woken by this wake
    line: Callable[[], str | None]  #: returns the line, called as late as possible; None: nothing is unread now
    pending: Callable[[], Pending | None]  #: returns the unread mail that the line counts, or None
    stopping: Callable[[], bool] = bool  #: tells whether to give up, before anything is pasted
    quiet_for: Callable[[Look], int] = lambda _: 0  #: for how long (ms) the pane has looked as in a look
    echoed: Callable[[Look], bool] = lambda _: False  #: tells whether the program showed a person's last key
    is_token: Callable[[str], bool] = lambda _: False  #: tells whether a text is the token of a wake of this session


@record
class Delivered:
    """The transport took the line. `exit` is the exit code of the user's program, if it ran."""

    detail: str = ""
    exit: int | None = None

    state, reason = "delivered", None


@record
class Refused:
    """A check failed, or the line was not taken. `exit` is the exit code of the user's program, if it ran and ended."""

    reason: Reason
    detail: str = ""
    exit: int | None = None

    state = "refused"


def not_taken(detail: str) -> Refused:
    """Return the refusal of an inbox or a waiter that surely did not take the line."""
    return Refused("inbox_failed", detail)


@record
class Postponed:
    """No check failed, but xats could not make the attempt safely at this moment. The next one is due soon."""

    reason: Reason
    detail: str = ""

    state = "postponed"


@record
class Skipped:
    """The agent has no unread mail that wakes it."""

    reason: Reason

    state, detail = "skipped", ""


@record
class Stopped:
    """The daemon ends, so the attempt was given up. The wake stays due."""

    detail: str = ""

    state, reason = "stopped", None


@record
class Elsewhere:
    """The agent is on another host. The daemon there wakes it."""

    state, reason, detail = "elsewhere", None, ""


if TYPE_CHECKING:
    Result = Delivered | Refused | Postponed | Skipped | Stopped | Elsewhere
