"""The process at the other end of a Unix socket, as the kernel knows it."""

from __future__ import annotations

import struct
import sys

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket

# sys/un.h of macOS and FreeBSD.
SOL_LOCAL, LOCAL_PEERCRED, LOCAL_PEERPID = 0, 1, 2


@record
class Peer:
    """The process at the other end of a socket. None is unknown; a `pid` of 0 is a process that xats cannot see."""

    uid: int | None
    pid: int | None


def of(connection: socket.socket) -> Peer:
    """Return the peer of the connected Unix socket `connection` (unix(7): SO_PEERCRED; macOS: LOCAL_PEERCRED).

    For the end that has connected, it is the process that called listen(2). Raises OSError.
    """
    try:  # CPython has it; `socket` imports selectors and enum, 5 ms at each hook that asks the daemon
        import _socket as sockets
    except ImportError:  # pragma: no cover - not on this Python
        import socket as sockets  # type: ignore[no-redef]

    if hasattr(sockets, "SO_PEERCRED") and sys.platform.startswith("linux"):
        said = connection.getsockopt(sockets.SOL_SOCKET, sockets.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", said)
        return Peer(uid, pid)
    if sys.platform == "darwin":
        # struct xucred begins with a version and the user id.
        _, uid = struct.unpack_from("2I", connection.getsockopt(SOL_LOCAL, LOCAL_PEERCRED, 128))
        return Peer(uid, connection.getsockopt(SOL_LOCAL, LOCAL_PEERPID))
    return Peer(None, None)
