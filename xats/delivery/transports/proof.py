"""What is proven before a line is handed over to an agent program: that it is the registered session's own inbox.

A row of the store says which process sits there, by pid and start time, and no more is believed of it: where the
program's folders are, which socket it listens on and what its token is come from that living process and from files of
this user. So whoever can write a row chooses neither what runs nor where we connect.
"""

from __future__ import annotations

import os
import socket
import stat

from xats import peer, process
from xats.jsontext import from_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from xats.core.agents import Session
    from xats.process import Process

RECORD = 64 << 10  # bytes of a program's record about itself; they are below 1000
SETTINGS = 1 << 20  # bytes of a person's settings
PATH = 103  # bytes that a Unix socket's path may have everywhere


class Unproven(Exception):
    """A file or a socket is not what it ought to be; nothing is handed over. Its text never quotes what was read."""


def living(session: Session) -> int | None:
    """Return the pid of `session` if that very process still lives here and is this user's, else None."""
    seat = session.seat
    if seat.process is None or seat.host != os.uname().nodename:
        return None
    pid, started = seat.process
    if pid <= 1 or not process.alive(pid, started) or process.owner(pid) != os.geteuid():
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


def folder(environ: Mapping[str, str], variable: str, default: str) -> str | None:
    """Return the folder that `environ` names by `variable`, else `default` below its HOME; None if neither is there."""
    named = environ.get(variable)
    if not named:
        home = environ.get("HOME")
        named = os.path.join(home, default) if home else None
    return named if named and os.path.isabs(named) else None


def read(path: str, limit: int, follow: bool = False) -> str | None:
    """Return the text of the file `path`, of `limit` bytes at the most, None if there is none.

    It is a plain file of this user or of root that not everybody may write to, and no link unless `follow`. Raises
    Unproven.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as problem:  # a link, no right to it; a path that is none
        raise Unproven("it cannot be opened") from problem
    try:
        about = os.fstat(file)
        if not stat.S_ISREG(about.st_mode) or _foreign(about):
            msg = "it is no file of this user's own"
            raise Unproven(msg)
        data = os.read(file, limit + 1)
    except OSError as problem:
        raise Unproven("it cannot be read") from problem
    finally:
        os.close(file)
    if len(data) > limit:
        msg = "it is too long"
        raise Unproven(msg)
    try:
        return data.decode()
    except UnicodeDecodeError as problem:
        raise Unproven("it is no text") from problem


def _foreign(about: os.stat_result) -> bool:
    return about.st_uid not in (os.geteuid(), 0) or bool(about.st_mode & stat.S_IWOTH)


def mapping(path: str, limit: int, follow: bool = False) -> dict[str, object] | None:
    """Return the JSON object in the file `path`, None if there is no file. See `read`. Raises Unproven."""
    text = read(path, limit, follow)
    return None if text is None else parsed(text)


def parsed(text: str) -> dict[str, object]:
    """Return the JSON object that `text` is. Raises Unproven."""
    try:
        value = from_json(text)
    except (ValueError, RecursionError) as problem:
        raise Unproven("it is no JSON") from problem
    if not isinstance(value, dict):
        msg = "it is no JSON object"
        raise Unproven(msg)
    return value


def is_private(path: str) -> bool:
    """Tell whether the folder `path` is this user's and nobody else may put anything there."""
    try:
        about = os.stat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid() and not about.st_mode & stat.S_IWOTH


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
