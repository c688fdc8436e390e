"""Which pane: an id like `%5` means something only with the server's pid and start time and the pane's own pid.

tmux never reuses a pane id while a server lives, starts at %0 again in the next one, and keeps the id of a pane that is
respawned with another program.
"""

from __future__ import annotations

import os

from xats import process
from xats.errors import NoPane, TmuxGone
from xats.pane import Pane
from xats.tmux.address import address, is_pane_id
from xats.tmux.server import TIMEOUT, quote, run, same

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_FORMAT = "#{pane_id}|#{pid}|#{start_time}|#{pane_pid}|#{pane_tty}"
_IDENTITY = "#{pid}|#{start_time}|#{pane_pid}"


def find(socket: str, pane_id: str, timeout: float = TIMEOUT) -> Pane:
    """Return the pane `pane_id` of the server at `socket`, asked within `timeout` seconds.

    Raises NoPane, TmuxGone, TmuxUnavailable.
    """
    if not is_pane_id(pane_id):
        raise NoPane(f"{pane_id!r} is not a pane id like %5")
    said = run(socket, "display-message", "-p", "-t", pane_id, _FORMAT, timeout=timeout)
    shown, _, rest = said.rstrip("\n").partition("|")
    # Some versions print a missing pane as empty fields instead of failing.
    if shown != pane_id:
        raise NoPane(f"can't find pane: {pane_id}")
    server_pid, server_start, pane_pid, tty = rest.split("|", 3)
    return Pane(socket, int(server_pid), int(server_start), pane_id, int(pane_pid), tty)


def here(environ: Mapping[str, str], timeout: float = TIMEOUT) -> Pane | None:
    """Return the pane that this process lives in, or None outside tmux.

    `TMUX` and `TMUX_PANE` are inherited by what leaves the pane (`nohup`, a service, another terminal's shell), so they
    count only if our terminal is the pane's, or the pane's process is one of our ancestors. Raises TmuxUnavailable.
    """
    claim = address(environ)
    if claim is None:
        return None
    socket, server_pid, pane_id = claim
    try:
        pane = find(socket, pane_id, timeout)
    except (NoPane, TmuxGone):
        return None
    return pane if pane.server_pid == server_pid and _inside(pane) else None


def device(pane: Pane) -> int:
    """Return the device number of the pane's terminal, 0 if it is gone."""
    try:
        return os.stat(pane.tty).st_rdev
    except OSError:
        return 0


def unread(pane: Pane) -> int | None:
    """Return how many bytes of what was typed the pane's program has not read yet; None if nobody can tell.

    FIONREAD counts them (tty_ioctl(4)). While the terminal collects lines (canonical mode), it counts only those that
    have been ended (inq_canon in Linux's n_tty.c, ttnread in XNU): what was typed since is on the screen, because the
    terminal itself echoes it. Without that echo nobody can tell. It never waits.
    """
    import fcntl
    import struct
    import termios

    try:
        terminal = os.open(pane.tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        modes = termios.tcgetattr(terminal)[3]
        answer = fcntl.ioctl(terminal, termios.FIONREAD, bytes(4))
    except (OSError, termios.error):
        return None
    finally:
        os.close(terminal)
    if modes & termios.ICANON and not modes & termios.ECHO:
        return None
    return int(struct.unpack("i", answer)[0])


def mark(pane: Pane, option: str, value: str) -> None:
    """Set the pane option `option` (like `@xats_agent`). Raises NoPane if the pane is another one by now."""
    _set(pane, f"set-option -p -t {quote(pane.pane_id)} {option} {quote(value)}")


def unmark(pane: Pane, option: str) -> None:
    """Unset the pane option `option`; it need not be set. Raises NoPane if the pane is another one by now."""
    _set(pane, f"set-option -p -u -q -t {quote(pane.pane_id)} {option}")


def _set(pane: Pane, command: str) -> None:
    ours = same(_IDENTITY, f"{pane.server_pid}|{pane.server_start}|{pane.pane_pid}")
    done = f"{command} ; display-message -p SET"
    said = run(pane.socket, "if-shell", "-F", "-t", pane.pane_id, ours, done, "display-message -p REFUSED")
    if "SET" not in said.split():
        raise NoPane(f"pane {pane.pane_id} is gone or has another process in it")


def _inside(pane: Pane) -> bool:
    me = process.read(os.getpid())
    if me and me.tty and me.tty == device(pane):
        return True
    return any(process_.pid == pane.pane_pid for process_ in process.ancestors())
