"""Requests to the daemon of this host, by a Unix socket beside the store.

The driver of a PostgreSQL database takes 100 ms to import. The daemon has it, so hooks and the badge ask the daemon.
Each message is one line of JSON:

- The caller sends `{"xats": VERSION, "store": LOCATION, "ask": NAME, "environ": {...}, "cwd": FOLDER, ...}`.
- The daemon may answer `{"working": true}`: it has reached the store, so the caller may wait longer.
- The daemon may answer `{"write": TEXT}`. The caller writes the text to its standard output, and confirms that by
  `{"written": true}`. Only then does the daemon note that the text was shown.
- The daemon ends by `{"done": VALUE}`, or by `{"refused": WHY}` before it has done anything.

Both ends check the user of the other one. The daemon also learns the process of the caller from the kernel. The answer
of the daemon is made from the environment, the folder and the parents of that process, not from those of the daemon.
"""

from __future__ import annotations

import os
import stat
import time

from xats import __version__
from xats.base import host, peer, programs, sidefile
from xats.base.errors import XatsError
from xats.base.jsontext import from_json, to_json
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from socket import socket
    from typing import Any, TypeVar

    T = TypeVar("T")

LARGEST = 2 << 20  # bytes of a line; the event of a hook has at most half of that
LONGEST = 6.0  # seconds for an answer once the store is reached; LATE in hooks/handover.py is 7
FINISH = 3.0  # seconds in which the daemon notes that a text was written
ROOM = 100  # bytes for the path of a socket: unix(7) has 108, macOS 104
PREFIXES = ("XATS_", "XDG_")
#: the variables that a caller sends besides those with PREFIXES, if it has them
VARIABLES = (
    "HOME",
    "LOGNAME",
    "PATH",
    "TMUX",
    "TMUX_PANE",
    "USER",
    "CLAUDE_CONFIG_DIR",
    "CLAUDE_PID",
    "CODEX_HOME",
    *programs.SESSIONS,
    *programs.MARKS,
)


class Unreachable(XatsError):
    """No daemon answers here."""

    code = "daemon_unreachable"


class Silent(XatsError):
    """The daemon does not answer in time."""

    code = "daemon_silent"


@record
class Request:
    """A request as the daemon answers it: who asks, and what for."""

    pid: int
    mark: str  #: of the process, as `xats.base.process.mark` writes it
    began: float  #: when the process started, in seconds since 1970
    environ: Mapping[str, str]
    cwd: str | None
    said: Mapping[str, Any]  #: the whole request
    patience: float  #: seconds to wait for a busy store
    reached: Callable[[], None]  #: says that the store was reached: the process waits up to LONGEST now
    write: Callable[[bytes], None]  #: writes to the standard output of the process; raises OSError if it may not have


def path_for(store: str) -> str:
    """Return the socket of this host's daemon for the store at `store`."""
    return sidefile.path_for(store, f"daemon-{host.id()}.socket")


def ask(
    store: str,
    name: str,
    environ: Mapping[str, str],
    patience: float,
    write: Callable[[bytes], None] | None = None,
    **more: Any,
) -> Any:
    """Ask the daemon of the store at `store` for `name`; return its answer, which comes within `patience` seconds.

    Once the daemon says that it has reached the store, the answer may take LONGEST: many round trips to a server far
    away can take longer than `patience`.

    `write` writes what the daemon wants written. Raises Unreachable where no daemon of this version answers, Silent
    where one is late or ends, and what `write` raises.
    """
    began = time.monotonic()
    until = began + patience
    line = _connected(path_for(store), patience)
    try:
        request = {"xats": __version__, "store": store, "ask": name, "environ": carried(environ), "cwd": _cwd(), **more}
        left = b""
        try:
            send(line, request)
            while True:
                line.settimeout(max(0.001, until - time.monotonic()))
                answer, left = receive(line, left)
                if answer is None:
                    raise Silent("the daemon ended before it answered")
                if "refused" in answer:
                    raise Unreachable(str(answer["refused"]))
                if "working" in answer:
                    until = began + LONGEST
                    continue
                if "write" not in answer:
                    return answer.get("done")
                if write:
                    write(str(answer["write"]).encode("utf-8", "surrogateescape"))
                send(line, {"written": True})
                until = time.monotonic() + FINISH
        except TimeoutError:
            raise Silent(f"the daemon did not answer within {until - began:.3g} s") from None
        except (BrokenPipeError, ConnectionResetError, ValueError) as problem:
            raise Silent(f"the daemon ended before it answered ({type(problem).__name__})") from None
    finally:
        line.close()


def carried(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of `environ` that xats reads to answer a request, without a password in XATS_DB."""
    found = {name: value for name, value in environ.items() if name.startswith(PREFIXES)}
    found.update((name, environ[name]) for name in VARIABLES if name in environ)
    if "://" in found.get("XATS_DB", ""):
        from xats.base import location

        found["XATS_DB"] = location.split(found["XATS_DB"])[0]
    return found


# -- the line ----------------------------------------------------------------------------------------------------------


def send(line: socket, document: Mapping[str, Any]) -> None:
    """Send `document` as one line. Raises OSError."""
    line.sendall(f"{to_json(document)}\n".encode("utf-8", "surrogatepass"))


def receive(line: socket, left: bytes = b"") -> tuple[dict[str, Any] | None, bytes]:
    """Return the next document, and what came after it; None at the end of the connection.

    `left` is what came after the last document. Raises ValueError for a line that is none, OSError.
    """
    data = bytearray(left)
    while b"\n" not in data:
        if len(data) > LARGEST:
            msg = "the line is too long"
            raise ValueError(msg)
        part = line.recv(1 << 16)
        if not part:
            return None, b""
        data += part
    text, _, rest = bytes(data).partition(b"\n")
    found = from_json(text.decode("utf-8", "surrogatepass"))
    if not isinstance(found, dict):
        msg = "it is not an object"
        raise ValueError(msg)
    return found, rest


def shortly(path: str, use: Callable[[str], T]) -> T:
    """Return what `use` returns for a name of the socket at `path` that is short enough for a socket.

    On Linux a long path is replaced by that of its open folder in /proc. Elsewhere this process works in the folder
    meanwhile, so it must have no other thread that needs the working directory. Raises OSError, and what `use` raises.
    """
    if len(os.fsencode(path)) <= ROOM:
        return use(path)
    folder, name = os.path.split(path)
    there = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if os.path.exists("/proc/self/fd"):
            return use(f"/proc/self/fd/{there}/{name}")
        before = os.open(".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fchdir(there)
            return use(name)
        finally:
            os.fchdir(before)
            os.close(before)
    finally:
        os.close(there)


def unconnected() -> socket:
    """Return a new Unix socket. The module `socket` imports selectors and enum, which takes longer than an answer."""
    try:
        import _socket as sockets
    except ImportError:  # pragma: no cover - not on this Python
        import socket as sockets  # type: ignore[no-redef]

    made: Any = sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM)
    return made  # type: ignore[no-any-return]


def _connected(path: str, patience: float) -> socket:
    """Return a connection to the daemon at `path`, which runs as this user. Raises Unreachable, Silent."""
    try:
        about = os.lstat(path)
    except OSError:
        raise Unreachable("no daemon runs") from None
    if not stat.S_ISSOCK(about.st_mode) or about.st_uid != os.geteuid():
        msg = f"{path} is not a socket of this user"
        raise Unreachable(msg)
    line = unconnected()
    try:
        line.settimeout(patience)
        try:
            shortly(path, line.connect)
        except (TimeoutError, BlockingIOError):  # a daemon that is stopped does not take connections off the queue
            raise Silent("the daemon accepts no connection") from None
        except OSError:
            raise Unreachable("no daemon runs") from None
        if peer.of(line).uid not in (None, os.geteuid()):
            msg = f"another user listens at {path}"
            raise Unreachable(msg)
    except BaseException:
        line.close()
        raise
    return line


def _cwd() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # the folder was removed
        return None
