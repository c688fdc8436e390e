"""Why a pane did not answer: it is known to be gone, or it cannot be asked just now.

Only a target that is known to be gone suspends a wake (core/waking/wakes.py). Everything else is tried again.
"""

from __future__ import annotations

from xats.base import process
from xats.base.errors import NoPane, TmuxUnavailable
from xats.tmux.address import is_pane_id
from xats.tmux.server import TIMEOUT, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.core.waking.reasons import Reason


def reason(pane: Pane, problem: NoPane | TmuxUnavailable, timeout: float = TIMEOUT) -> Reason:
    """Return the reason code for `problem`, which tmux gave instead of an answer about `pane`.

    `no_pane` needs the word of the registered server. A socket may be moved or removed, a server may be stopped, and
    the tmux program may be missing, while the registered server lives on: that is `tmux_unavailable`. `timeout` is in
    seconds.
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
    """Tell whether the tmux server of `pane` has surely ended: its pid is free, or a process of another name has it.

    On Linux a server names itself `tmux: server`, after the file that it was started from.
    """
    found = process.read(pane.server_pid)
    if found is None:
        return process.absent(pane.server_pid)
    return not ("tmux" in found.name or ": serv" in found.name)
