"""A notice: one line that tmux shows for some seconds on every terminal on which a pane can be seen. Nothing is typed.

While it is shown tmux draws nothing else on that terminal; any key ends it and goes to its pane as ever.
"""

from __future__ import annotations

from xats.errors import NoPane, TmuxUnavailable
from xats.tmux.server import TIMEOUT, argument, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.pane import Pane

SHOWN = 5000  # ms

_WHERE = "#{pid}|#{start_time}|#{pane_pid}|#{window_id}"
# Of a client, window_id is the window that it shows. Free text stands last.
_CLIENTS = "#{client_control_mode}|#{window_id}|#{client_flags}|#{client_name}"


def viewers(pane: Pane, timeout: float = TIMEOUT) -> list[str]:
    """Return the tmux clients whose current window contains `pane`, by name; those without a terminal left out.

    Raises NoPane (also when it is another pane by now), TmuxGone, TmuxUnavailable.
    """
    look = ("display-message", "-p", "-t", pane.pane_id, _WHERE, ";", "list-clients", "-F", _CLIENTS)
    where, *lines = run(pane.socket, *look, timeout=timeout).split("\n")
    server_pid, server_start, pane_pid, window = (where.split("|") + [""] * 4)[:4]
    if (server_pid, server_start, pane_pid) != (str(pane.server_pid), str(pane.server_start), str(pane.pane_pid)):
        raise NoPane(f"pane {pane.pane_id} is gone or has another process in it")
    found = []
    for line in lines:
        control, shown, flags, name = (line.split("|", 3) + [""] * 4)[:4]
        if control == "0" and shown == window and "suspended" not in flags and name:
            found.append(name)
    return found


def show(pane: Pane, text: str, timeout: float = TIMEOUT) -> list[str]:
    """Show `text` on the terminals on which `pane` can be seen; return the clients that showed it.

    Raises NoPane (also when it is another pane by now), TmuxGone, TmuxUnavailable.
    """
    clients = viewers(pane, timeout)
    for client in clients:
        _tell(pane, client, literal(text), timeout)
    # A client that went away meanwhile has shown nothing, and not every tmux says so.
    still = viewers(pane, timeout) if clients else []
    return [client for client in clients if client in still]


def literal(text: str) -> str:
    """Return `text` as display-message shows it whatever its version: a message is a format, through strftime first.

    There is no way to quote `#` and `%` that every version of tmux understands alike, so none is left.
    """
    return "".join(char if char.isprintable() and char not in "#%" else "?" for char in text)


def _tell(pane: Pane, client: str, text: str, timeout: float) -> None:
    for delay in (("-d", str(SHOWN)), ()):  # before tmux 3.2 the option display-time alone says for how long
        try:
            run(pane.socket, "display-message", "-c", argument(client), *delay, argument(text), timeout=timeout)
        except TmuxUnavailable as problem:
            if "client" in str(problem):  # can't find it: it has gone
                return
            if not delay or not any(word in str(problem) for word in ("flag", "option", "usage")):
                raise
        else:
            return
