"""Verify that an inbox belongs to the registered session, before xats gives it a line.

From a row of the store xats takes only the process: its pid and start time. The program's folders, its socket and its
token come from that living process and from files of this user. A process that can write a row therefore chooses
neither what xats runs nor where it connects.
"""

from __future__ import annotations

import os
import socket
import stat

from xats.base import host, occupancy, peer, process
from xats.clients.records import Unproven, is_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.base.process import Process
    from xats.core.agents.agents import Session

PATH = 103  # bytes that the path of a Unix socket may have on every system


def living(session: Session) -> int | None:
    """Return the pid of `session` if that process still runs here and is this user's, else None."""
    seat = session.seat
    if seat.process is None or seat.host != host.id() or not occupancy.living(seat):
        return None
    pid, _ = seat.process
    if pid <= 1 or process.owner(pid) != os.geteuid():
        return None
    return pid


def family(pid: int, names: tuple[str, ...]) -> Iterator[Process]:
    """Yield those of `pid` and its descendants that have one of `names`, parents first.

    A wrapper, such as the node of an npm package, is the parent of the program itself.
    """
    here = process.read(pid)
    if here and here.name in names:
        yield here
    yield from (one for one in process.descendants(pid) if one.name in names)


def is_inbox(path: object) -> bool:
    """Tell whether `path` is the absolute path of a Unix socket of this user, in a private folder."""
    if not isinstance(path, str) or not os.path.isabs(path):
        return False
    try:
        about = os.lstat(path)
        short = len(os.fsencode(path)) <= PATH
    except (OSError, ValueError):
        return False
    mine = stat.S_ISSOCK(about.st_mode) and about.st_uid == os.geteuid()
    return mine and short and is_private(os.path.dirname(path))


def dial(path: str, pid: int, seconds: float) -> socket.socket:
    """Connect to the Unix socket `path`, on which the process `pid` must listen. Every step may take `seconds`.

    Raises OSError when no process accepts, and Unproven when another process does.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(seconds)
        line.connect(path)
        if peer.of(line).pid != pid:
            msg = "another process listens there"
            raise Unproven(msg)
    except BaseException:
        line.close()
        raise
    return line


def plain(text: str, limit: int = 200) -> str:
    """Return the beginning of `text` on one line, without control characters."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))[:limit]
