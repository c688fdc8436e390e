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
    """What a transport is asked to do: to wake `agent`, whose current session on this host is `session`, once."""

    agent: Agent
    session: Session
    wake: Wake
    settings: Settings
    store: str  #: the path of the store
    token: str  #: marks the pane as woken by this wake
    line: Callable[[], str | None]  #: gives the line, asked for as late as possible; None: nothing is unread any more
    pending: Callable[[], Pending | None]  #: gives the unread mail that the line is about, or None as well
    stopping: Callable[[], bool] = bool  #: whether to give up, before anything was pasted
    quiet_for: Callable[[Look], int] = lambda _: 0  #: for how long (ms) the daemon has seen the pane as a look shows it
    echoed: Callable[[Look], bool] = lambda _: False  #: whether it has seen the program show a person's last key
    is_token: Callable[[str], bool] = lambda _: False  #: whether a text is the token of a wake of this session


@record
class Delivered:
    """The transport took the line. `exit` is the exit code of the program that was run, if one was."""

    detail: str = ""
    exit: int | None = None

    state, reason = "delivered", None


@record
class Refused:
    """Something objected: the line was not delivered. `exit` is the exit code of the program, if one ran and ended."""

    reason: Reason
    detail: str = ""
    exit: int | None = None

    state = "refused"


def not_taken(detail: str) -> Refused:
    """Return the refusal of an inbox or a waiter that surely did not take the line."""
    return Refused("inbox_failed", detail)


@record
class Postponed:
    """Nothing objected, but the attempt could not be made safely at this moment; another one is due soon."""

    reason: Reason
    detail: str = ""

    state = "postponed"


@record
class Skipped:
    """There is nothing left to wake the agent for."""

    reason: Reason

    state, detail = "skipped", ""


@record
class Stopped:
    """The attempt was given up because its process ends; the wake is as due as before."""

    detail: str = ""

    state, reason = "stopped", None


@record
class Elsewhere:
    """The agent is on another host, whose daemon wakes it."""

    state, reason, detail = "elsewhere", None, ""


if TYPE_CHECKING:
    Result = Delivered | Refused | Postponed | Skipped | Stopped | Elsewhere
