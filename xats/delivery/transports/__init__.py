"""The transports, one file each, and the results that an attempt by any of them can have.

tmux.py pastes a line into the agent's pane, notice.py shows it on the terminals where the pane is seen, command.py
runs the user's own program; waiter.py tells it to a process beside the agent, native.py hands it to the inbox of the
agent's program. Which one is for an agent is said when it is registered (`Agent.wake_by`), or by delivery/routing.py.
"""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.waking.reasons import Reason


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
