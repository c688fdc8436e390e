"""A notice: one line that tmux shows for some seconds on every terminal on which a pane can be seen. Nothing is typed.

While it is shown tmux draws nothing else on that terminal; any key ends it and goes to its pane as ever.
"""

from __future__ import annotations

import re  # costs nothing more: subprocess imports it too

from xats.base.errors import NoPane, TmuxUnavailable
from xats.tmux.server import TIMEOUT, argument, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane

SHOWN = 5000  # ms

_END = "end of the log of xats"

_WHERE = "#{pid}|#{start_time}|#{pane_pid}|#{window_id}"
# Of a client, window_id is the window that it shows. Free text stands last.
_CLIENTS = "#{client_control_mode}|#{window_id}|#{client_flags}|#{client_name}"


def viewers(pane: Pane, timeout: float = TIMEOUT) -> list[str]:
    """Return the tmux clients whose current window contains `pane`, by name; those without a terminal left out.

    Raises NoPane (also when it is another pane by now), TmuxGone, TmuxUnavailable.
    """
    look = ("display-message", "-p", "-t", pane.pane_id, _WHERE, ";", "list-clients", "-F", _CLIENTS)
    where, *lines = run(pane, *look, timeout=timeout).split("\n")
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
    try:
        shown = [client for client in clients if _tell(pane, client, literal(text), timeout)]
    except _NoTarget:
        shown = _tell_session(pane, literal(text), timeout)
    # A client that went away meanwhile has shown nothing, and not every tmux says so.
    still = viewers(pane, timeout) if shown else []
    return [client for client in clients if client in still and client in shown]


def literal(text: str) -> str:
    """Return `text` as display-message shows it whatever its version: a message is a format, through strftime first.

    There is no way to quote `#` and `%` that every version of tmux understands alike, so none is left.
    """
    return "".join(char if char.isprintable() and char not in "#%" else "?" for char in text)


class _NoTarget(Exception):
    """In this tmux no client can be named: the -c of display-message takes no value in 3.2 and 3.2a."""


def _tell(pane: Pane, client: str, text: str, timeout: float) -> bool:
    """Show `text` on the terminal of `client`; False if it has gone. Raises _NoTarget."""
    for delay in (("-d", str(SHOWN)), ()):  # before tmux 3.2 the option display-time alone says for how long
        try:
            run(pane, "display-message", "-c", argument(client), *delay, argument(text), timeout=timeout)
        except TmuxUnavailable as problem:
            if str(problem).startswith("can't find client"):
                return False
            if not any(word in str(problem) for word in ("unknown option", "unknown flag", "usage")):
                raise
        else:
            return True
    raise _NoTarget


def _tell_session(pane: Pane, text: str, timeout: float) -> list[str]:
    """Show `text` on one terminal of the session of `pane`, which tmux chooses; return the client, by tmux's log.

    tmux chooses it for a command that is run inside the pane, as TMUX_PANE says.
    """
    log = ("show-messages", ";", "display-message", "-p", _END, ";")
    words = (*log, "display-message", "-d", str(SHOWN), argument(text), ";", *log[:-1])
    try:
        before, _, rest = run(pane, *words, timeout=timeout, inside=pane.pane_id).partition(f"{_END}\n")
    except TmuxUnavailable as problem:
        if str(problem).startswith("no current client"):  # all have gone
            return []
        raise
    after = rest.partition(f"{_END}\n")[0]
    logged = re.compile(rf"^[^ ]* (.+) message: {re.escape(text)}$", re.MULTILINE)
    was, now = logged.findall(before), logged.findall(after)
    return sorted({client for client in now if now.count(client) > was.count(client)})
