"""What is proven before a line is handed over to an agent program: that it is the registered session's own inbox.

A row of the store says which process sits there, by pid and start time, and no more is believed of it: where the
program's folders are, which socket it listens on and what its token is come from that living process and from files of
this user. So whoever can write a row chooses neither what runs nor where we connect.
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

PATH = 103  # bytes that a Unix socket's path may have everywhere


def living(session: Session) -> int | None:
    """Return the pid of `session` if that very process still lives here and is this user's, else None."""
    seat = session.seat
    if seat.process is None or seat.host != host.id() or not occupancy.living(seat):
        return None
    pid, _ = seat.process
    if pid <= 1 or process.owner(pid) != os.geteuid():
        return None
    return pid


def family(pid: int, names: tuple[str, ...]) -> Iterator[Process]:
    """Yield `pid` and its descendants as far as their names are among `names`, parents first.

    A wrapper, such as the node of an npm package, stands above the program itself.
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
    """Return a connection to the Unix socket `path` on which the process `pid` listens; it may wait for `seconds`.

    Raises OSError when nobody takes it, Unproven when somebody else does.
    """
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.settimeout(seconds)
        line.connect(path)
        if peer.of(line).pid != pid:
            msg = "somebody else listens there"
            raise Unproven(msg)
    except BaseException:
        line.close()
        raise
    return line


def plain(text: str, limit: int = 200) -> str:
    """Return the beginning of `text` on one line, with nothing in it that a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))[:limit]
