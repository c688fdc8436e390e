"""Why a pane did not answer: it is certainly gone, or tmux cannot be asked now.

Only a target that is certainly gone suspends a wake (core/waking/wakes.py). In all other cases the daemon retries.
"""

from __future__ import annotations

from xats.base import process
from xats.tmux.address import is_pane_id
from xats.tmux.errors import NoPane, TmuxUnavailable
from xats.tmux.server import TIMEOUT, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.core.waking.reasons import Reason


def reason(pane: Pane, problem: NoPane | TmuxUnavailable, timeout: float = TIMEOUT) -> Reason:
    """Return the reason code for the `problem` that a look at `pane` has raised.

    Only the registered server can say `no_pane`. While that server lives, its socket may be moved or removed, it may be
    stopped, or the tmux program may be missing: that is `tmux_unavailable`. `timeout` is in seconds.
    """
    if isinstance(problem, NoPane):
        if not is_pane_id(pane.pane_id):
            return "no_pane"
        try:
            said = run(pane, "display-message", "-p", "#{pid}|#{start_time}", timeout=timeout).strip()
        except NoPane:
            return "tmux_unavailable"
        except TmuxUnavailable as other:
            return reason(pane, other, timeout)
        return "no_pane" if said == f"{pane.server_pid}|{pane.server_start}" else elsewhere(pane)
    return elsewhere(pane) if problem.reason == TmuxUnavailable.reason else problem.reason


def elsewhere(pane: Pane) -> Reason:
    """Return the reason code where the registered server of `pane` does not answer."""
    return "server_gone" if server_ended(pane) else "tmux_unavailable"


def server_ended(pane: Pane) -> bool:
    """Tell whether the tmux server of `pane` has certainly ended: its pid is free, or belongs to another program.

    On Linux a server names itself `tmux: server`, or after the name of its program file.
    """
    found = process.read(pane.server_pid)
    if found is None:
        return process.absent(pane.server_pid)
    return not ("tmux" in found.name or ": serv" in found.name)
