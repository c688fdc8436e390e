"""Which tmux servers xats connects to: this user's own, unconfined, at a socket that no other user can replace.

A tmux client obeys its server: MSG_EXEC and MSG_SHELL (tmux-protocol.h) make it run any program that the server names.
A socket's path comes from a row of the store or from `TMUX`, which prove nothing. Before each connection xats checks:

- Every folder on the way to the socket belongs to this user or to root, and only they can write to it, unless it is
  sticky as /tmp is. Another user can therefore replace neither the socket nor a folder or a link above it.
- The socket belongs to this user, and so does the process that listens at it. Where the system tells, that process is
  the registered server, and it is not confined more than this process is. Otherwise a program in a sandbox could run
  commands outside of it through our client.

On Linux the client then gets the checked socket itself: its inode, held open with O_PATH, through /proc/self/fd. A
socket's inode always belongs to the same listening process, so a later change of the path has no effect. On other
systems the client opens the path again. Other users cannot replace it, and a process of this user that is not confined
has no need to.

This module does not tell a server from a later process with the same pid. Each command that sends a key compares the
server's start time in the same tmux invocation (guards.identity, screen.unchanged).
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from xats.base import confinement, peer, process
from xats.base.ownership import user
from xats.base.record import record
from xats.tmux import socket_path
from xats.tmux.errors import NotPermitted, TmuxGone, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@record
class Entrance:
    """A checked socket: a client gets `path` and the open `files`.

    `pid` is the process that listens there, None where the system does not tell.
    """

    path: str
    files: tuple[int, ...]
    pid: int | None


def listener(socket: str, timeout: float) -> int | None:
    """Return the pid of the server at the path `socket`, None where the system does not tell. See `entrance`."""
    with entrance(socket, None, timeout) as checked:
        return checked.pid


@contextmanager
def entrance(socket: str, pid: int | None, timeout: float) -> Iterator[Entrance]:
    """Check the tmux server at the path `socket`; inside the `with`, a client can be started that connects to it.

    `pid` is that of the registered server, None where none is known yet. `timeout` is in seconds. Raises
    ServerUntrusted, TmuxGone (nobody listens, or another server by now), NotPermitted, TmuxUnavailable.
    """
    try:
        real = socket_path.resolve(socket)
        file = os.open(real, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC) if process.LINUX else -1
    except (FileNotFoundError, NotADirectoryError):
        raise TmuxGone(f"no server running on {socket}") from None
    except PermissionError as error:
        raise NotPermitted(f"xats may not look at {socket}: {error.strerror}") from None
    except OSError as error:
        raise TmuxUnavailable(f"{socket}: {error.strerror}") from None
    except ValueError as error:  # an invalid path, as with a NUL in it
        raise TmuxUnavailable(f"tmux cannot be run: {error}") from None
    try:
        socket_path.check_owner(socket, os.lstat(real) if file < 0 else os.fstat(file))
        path = real if file < 0 else f"/proc/self/fd/{file}"
        found = _peer(socket, path, timeout)
        _examine(socket, found, pid)
        yield Entrance(path, () if file < 0 else (file,), found.pid)
    finally:
        if file >= 0:
            os.close(file)


# -- the process -------------------------------------------------------------------------------------------------------


def _peer(socket: str, path: str, timeout: float) -> peer.Peer:
    """Return the process that listens at `path`, by a connection on which xats sends nothing."""
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as line:
        line.settimeout(timeout)
        try:
            line.connect(path)
            return peer.of(line)
        except (ConnectionRefusedError, FileNotFoundError):
            raise TmuxGone(f"no server running on {socket}") from None
        except PermissionError as error:
            raise NotPermitted(f"xats may not connect to {socket}: {error.strerror}") from None
        except (TimeoutError, BlockingIOError):
            raise TmuxUnavailable(f"tmux did not answer within {timeout:g} s") from None
        except OSError as error:
            raise TmuxUnavailable(f"error connecting to {socket} ({error.strerror or error})") from None


def _examine(socket: str, found: peer.Peer, pid: int | None) -> None:
    """Refuse a server that is not this user's own, not the one with `pid`, or confined."""
    if found.uid is not None and found.uid != os.geteuid():
        raise socket_path.untrusted(
            socket, f"the process that listens there belongs to {user(found.uid)}", socket_path.OWN
        )
    if found.pid is None:
        return
    if found.pid == 0:
        raise socket_path.untrusted(
            socket, "the process that listens there runs in another pid namespace", socket_path.OWN
        )
    if why := confinement.stricter(found.pid):
        hint = "start tmux outside of the sandbox or container, or xats inside of it"
        raise socket_path.untrusted(socket, f"the process that listens there (pid {found.pid}) {why}", hint)
    if pid is None or _serves(found.pid, pid):
        return
    if (old := process.read(pid)) and old.name.startswith("tmux"):
        msg = f"another tmux server (pid {found.pid}) listens at {socket}; the registered one (pid {pid}) still runs"
        raise TmuxUnavailable(msg, f"have it make its socket anew: kill -USR1 {pid}")
    raise TmuxGone(f"the tmux server with pid {pid} has ended; {socket} is another server now, pid {found.pid}")


def check_listener(socket: str, listening: int | None, pid: int) -> None:
    """Refuse a server that reports another `pid` than that of the process `listening`. Raises ServerUntrusted."""
    if listening is not None and not _serves(listening, pid):
        why = f"the process that listens there has pid {listening}, and the server says that it has pid {pid}"
        raise socket_path.untrusted(socket, why, socket_path.OWN)


def _serves(listening: int, pid: int) -> bool:
    """Say whether the process `listening` is the server `pid`, or has started it.

    systemd can listen for a service and pass the socket on, systemd.socket(5).
    """
    if listening == pid:
        return True
    server = process.read(pid)
    return server is not None and server.ppid == listening and confinement.stricter(pid) is None
