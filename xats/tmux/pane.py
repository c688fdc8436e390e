"""The identity of a pane: an id like `%5` is only valid with the server's pid and start time and the pane's own pid.

tmux never reuses a pane id while a server lives, starts at %0 again in the next one, and keeps the id of a pane that is
respawned with another program.
"""

from __future__ import annotations

import os
import stat

from xats.base import process
from xats.base.pane import Pane
from xats.tmux import trust
from xats.tmux.address import address, check_pane_id
from xats.tmux.errors import NoPane, TmuxGone, TmuxUnavailable
from xats.tmux.server import TIMEOUT, number, quote, run, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


FORMAT = "#{pane_id}|#{pid}|#{start_time}|#{pane_pid}|#{pane_tty}"
_IDENTITY = "#{pid}|#{start_time}|#{pane_pid}"


def find(socket: str, pane_id: str, timeout: float = TIMEOUT) -> Pane:
    """Return the pane `pane_id` of the server at `socket`, asked within `timeout` seconds.

    The server that answers must be the process that listens at the socket. Raises NoPane, TmuxGone, TmuxUnavailable.
    """
    check_pane_id(pane_id)
    listening = trust.listener(socket, timeout)
    said = run(socket, "display-message", "-p", "-t", pane_id, FORMAT, timeout=timeout)
    pane = parse(socket, said, pane_id)
    trust.check_listener(socket, listening, pane.server_pid)
    return pane


def parse(socket: str, said: str, wanted: str | None = None) -> Pane:
    """Return the pane that the server at `socket` describes in FORMAT; `wanted` is the id that it must have.

    Raises NoPane, TmuxUnavailable.
    """
    shown, _, rest = said.rstrip("\n").partition("|")
    pane_id = shown if wanted is None else wanted
    # For a missing pane some versions print empty fields and do not fail.
    if shown != pane_id:
        raise NoPane(f"can't find pane: {pane_id}")
    fields = rest.split("|")
    if len(fields) != 4:
        raise TmuxUnavailable(f"xats does not understand what tmux says of pane {pane_id}: {said[:80]!r}")
    if not fields[2]:  # a development release (3.8) names no process once the program has ended
        raise NoPane(f"the program in pane {pane_id} has ended")
    server_pid, server_start, pane_pid = (
        number(field, f"{what} of pane {pane_id}")
        for field, what in zip(fields, ("server", "server's start", "process"), strict=False)
    )
    check_pane_id(pane_id)
    return Pane(socket, server_pid, server_start, pane_id, pane_pid, fields[3])


def here(environ: Mapping[str, str], timeout: float = TIMEOUT, pid: int | None = None) -> Pane | None:
    """Return the pane in which `pid` (default: this process) runs with `environ`, or None outside tmux.

    A process that leaves the pane (`nohup`, a service, another terminal's shell) inherits `TMUX` and `TMUX_PANE`. They
    count only if its terminal is the pane's, or the pane's process is one of its ancestors. Raises TmuxUnavailable.
    """
    claim = address(environ)
    if claim is None:
        return None
    socket, server_pid, pane_id = claim
    try:
        pane = find(socket, pane_id, timeout)
    except (NoPane, TmuxGone):
        return None
    return pane if pane.server_pid == server_pid and _inside(pane, pid) else None


def device(pane: Pane) -> int:
    """Return the device number of the pane's terminal, 0 if it is gone or its path is not a terminal of this user.

    A row of the store may name any path, so this only looks at terminals.
    """
    if not pane.tty.startswith("/dev/") or "/../" in pane.tty:
        return 0
    try:
        about = os.stat(pane.tty)
    except (OSError, ValueError):
        return 0
    return about.st_rdev if stat.S_ISCHR(about.st_mode) and about.st_uid == os.geteuid() else 0


def mark(pane: Pane, option: str, value: str) -> None:
    """Set the pane option `option` (like `@xats_agent`). Raises NoPane if another pane has its id by now."""
    act(pane, f"set-option -p -t {quote(pane.pane_id)} {option} {quote(value)}")


def unmark(pane: Pane, option: str) -> None:
    """Unset the pane option `option`; it need not be set. Raises NoPane if another pane has its id by now."""
    act(pane, f"set-option -p -u -q -t {quote(pane.pane_id)} {option}")


def act(pane: Pane, command: str) -> None:
    """Run the tmux `command` if `pane` still has the registered process. Raises NoPane otherwise."""
    ours = same(_IDENTITY, f"{pane.server_pid}|{pane.server_start}|{pane.pane_pid}")
    done = f"{command} ; display-message -p DONE"
    said = run(pane, "if-shell", "-F", "-t", pane.pane_id, ours, done, "display-message -p REFUSED")
    if "DONE" not in said.split():
        raise NoPane(f"pane {pane.pane_id} is gone or has another process in it")


def _inside(pane: Pane, pid: int | None) -> bool:
    me = process.read(os.getpid() if pid is None else pid)
    if me and me.tty and me.tty == device(pane):
        return True
    return any(process_.pid == pane.pane_pid for process_ in process.ancestors(pid))
