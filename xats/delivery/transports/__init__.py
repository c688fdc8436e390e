"""The ways to wake an agent, one file each, and what an attempt by any of them comes to.

tmux.py pastes a line into the agent's pane, notice.py shows it on the terminals where the pane is seen, command.py
runs the user's own program; waiter.py tells it to a process beside the agent, native.py hands it to the inbox of the
agent's program. Which one is for an agent is said when it is registered (`Agent.wake_by`), or by delivery/order.py.
"""

from __future__ import annotations

from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.reasons import Reason


@record
class Result:
    """What an attempt came to, in the words of the wake machine.

    `exit` is the exit code of the program that was run, if one was and ended.
    """

    state: str
    reason: Reason | None
    detail: str = ""
    exit: int | None = None
