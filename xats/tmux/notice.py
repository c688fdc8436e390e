"""A notice: one line that tmux shows for some seconds on every terminal that shows a pane. Nothing is typed.

Meanwhile tmux draws nothing else on that terminal. Any key ends the notice and goes to its pane as usual.
"""

from __future__ import annotations

import re  # costs nothing more: subprocess imports it too

from xats.tmux.errors import NoPane, TmuxUnavailable
from xats.tmux.server import TIMEOUT, argument, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane

SHOWN = 5000  # ms

_END = "end of the log of xats"

_WHERE = "#{pid}|#{start_time}|#{pane_pid}|#{window_id}"
# Of a client, window_id is the window that it shows. Free text comes last.
_CLIENTS = "#{client_control_mode}|#{window_id}|#{client_flags}|#{client_name}"


def viewers(pane: Pane, timeout: float = TIMEOUT) -> list[str]:
    """Return the names of the tmux clients with a terminal that show the window of `pane`.

    Raises NoPane (also when another pane has its id by now), TmuxGone, TmuxUnavailable.
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
    """Show `text` on the terminals that show the window of `pane`; return the clients that did it.

    Raises NoPane (also when another pane has its id by now), TmuxGone, TmuxUnavailable.
    """
    clients = viewers(pane, timeout)
    try:
        shown = [client for client in clients if _show_to(pane, client, literal(text), timeout)]
    except _NoTarget:
        shown = _show_in_session(pane, pane.pane_id, literal(text), timeout)
    # A client that has left meanwhile has shown nothing. Some releases of tmux do not say so.
    still = viewers(pane, timeout) if shown else []
    return [client for client in clients if client in still and client in shown]


def show_on(at: Pane | str, client: str, pane_id: str, text: str, timeout: float = TIMEOUT) -> bool:
    """Show `text` on the terminal of the tmux client `client`, which shows the pane `pane_id`; tell whether it did.

    `at` is a pane or the socket of its server. Raises TmuxGone, TmuxUnavailable.
    """
    try:
        return _show_to(at, client, literal(text), timeout)
    except _NoTarget:
        return client in _show_in_session(at, pane_id, literal(text), timeout)


def literal(text: str) -> str:
    """Return `text` without the characters that display-message expands: it takes a format, and first strftime.

    The versions of tmux quote `#` and `%` differently, so this replaces them.
    """
    return "".join(char if char.isprintable() and char not in "#%" else "?" for char in text)


class _NoTarget(Exception):
    """An old tmux takes no client for a message: in 3.2 and 3.2a display-message -c has no value."""


def _show_to(at: Pane | str, client: str, text: str, timeout: float) -> bool:
    """Show `text` on the terminal of `client`; False if it has gone. Raises _NoTarget."""
    for delay in (("-d", str(SHOWN)), ()):  # before tmux 3.2 only the option display-time sets the duration
        try:
            run(at, "display-message", "-c", argument(client), *delay, argument(text), timeout=timeout)
        except TmuxUnavailable as problem:
            if str(problem).startswith("can't find client"):
                return False
            if not any(word in str(problem) for word in ("unknown option", "unknown flag", "usage")):
                raise
        else:
            return True
    raise _NoTarget


def _show_in_session(at: Pane | str, pane_id: str, text: str, timeout: float) -> list[str]:
    """Show `text` on a terminal of the session of a pane that tmux chooses; return its client, as in tmux's log.

    tmux chooses it for a command inside the pane that TMUX_PANE names.
    """
    log = ("show-messages", ";", "display-message", "-p", _END, ";")
    words = (*log, "display-message", "-d", str(SHOWN), argument(text), ";", *log[:-1])
    try:
        before, _, rest = run(at, *words, timeout=timeout, inside=pane_id).partition(f"{_END}\n")
    except TmuxUnavailable as problem:
        if str(problem).startswith("no current client"):  # all have gone
            return []
        raise
    after = rest.partition(f"{_END}\n")[0]
    logged = re.compile(rf"^[^ ]* (.+) message: {re.escape(text)}$", re.MULTILINE)
    was, now = logged.findall(before), logged.findall(after)
    return sorted({client for client in now if now.count(client) > was.count(client)})
