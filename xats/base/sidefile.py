"""Files beside the store (locks, logs, FIFOs, reports, drafts), opened without trust in what has that name.

Their names are known, and a store may be in a folder that other users can write to, as /tmp or a team's share. So this
module opens each of these files:

- No link is followed (O_NOFOLLOW), and the open never waits (O_NONBLOCK; a FIFO would wait for its other end).
- The open file is checked, not its path. It has the expected type, it belongs to this user, and it has one name only:
  a second name (a hard link) could be that of any other file of this user.
- If other users may read or write it, xats sets its mode to 0600 and logs one warning. A caller that only looks changes
  nothing.

It refuses everything else with Unsafe, which is also an OSError: a caller that needs the file only sometimes goes on.
"""

from __future__ import annotations

import os
import stat

from xats.base.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
PRIVATE = 0o600
KINDS = (
    (stat.S_ISLNK, "a link"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISREG, "a regular file"),
)


class Unsafe(Refused, OSError):
    """Another user could have chosen the file behind this name."""

    code = "file_unsafe"

    def __init__(self, path: str, why: str, hint: str) -> None:
        super().__init__(f"{path} {why}.", hint)
        self.filename, self.strerror = path, why

    def __str__(self) -> str:
        return str(self.args[0])


def path_for(store: str, kind: str) -> str:
    """Return the path of the file of that `kind` beside the store at `store`, such as `daemon.log`.

    Links in a path are resolved, so every process has the same name for the file, however the store was addressed. For
    the URL of a database the file is in the folder of xats: see `xats.base.location`.
    """
    if "://" in store:
        from xats.base import location

        return location.beside(store, kind)
    return f"{os.path.realpath(store)}-{kind}"


def key(store: str) -> str:
    """Return the name that all processes on this host have for the store at `store`, a path or a URL."""
    if "://" not in store:
        return os.path.realpath(store)
    from xats.base import location

    return location.key(store, os.environ)


def own(path: str, flags: int = os.O_RDWR) -> int:
    """Return the regular file at `path` open by `flags`; it is created with mode 0600 if there is none.

    Raises Unsafe, and OSError if it cannot be opened.
    """
    return opened(path, flags | os.O_CREAT, stat.S_ISREG, repair=True)


def look(path: str) -> int:
    """Return the regular file at `path` open to be read. Raises Unsafe, and OSError if it cannot be opened."""
    return opened(path, os.O_RDONLY, stat.S_ISREG, repair=False)


def create(path: str) -> int:
    """Create the file `path` with mode 0600 and return it open to be read and written. Raises OSError if it exists."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | SAFE, PRIVATE)
    os.fchmod(file, PRIVATE)  # the umask may have taken away more
    return file


def replace(path: str, data: bytes) -> None:
    """Write `data` to the file `path`, whole or not at all. A file or link of that name is replaced.

    Raises OSError; nothing is left behind then.
    """
    draft = f"{path}.{os.getpid()}-{os.urandom(4).hex()}"
    file = create(draft)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
        finally:
            os.close(file)
        os.replace(draft, path)
    except BaseException:
        os.unlink(draft)
        raise


def append(path: str, data: bytes, limit: int) -> None:
    """Write `data` to the end of the log at `path`. A log of more than `limit` bytes becomes LOG.1 first.

    Raises Unsafe, and OSError.
    """
    flags = os.O_WRONLY | os.O_APPEND
    file = own(path, flags)
    if os.fstat(file).st_size > limit:
        os.close(file)
        os.replace(path, f"{path}.1")
        file = own(path, flags)
    try:
        os.write(file, data)
    finally:
        os.close(file)


def folder(path: str) -> None:
    """Make the folder `path` private to this user; create it if there is none. Raises Unsafe, OSError."""
    from xats.base import folders

    if not os.path.lexists(path):
        folders.make(path)
    os.close(opened(path, os.O_RDONLY | os.O_DIRECTORY, stat.S_ISDIR, repair=True))


def read(path: str, limit: int, start: int = 0) -> bytes:
    """Return the last `limit` bytes of the file at `path`, without its first `start` bytes.

    A `start` beyond its end counts as 0. Raises Unsafe, and OSError if it cannot be read.
    """
    with open(look(path), "rb") as file:
        end = os.fstat(file.fileno()).st_size
        file.seek(max(start if start <= end else 0, end - limit))
        return file.read(limit)


def opened(path: str, flags: int, is_kind: Callable[[int], bool], *, repair: bool) -> int:
    """Return the file at `path` open by `flags`, if it is this user's own file and `is_kind` is true of its mode.

    With `repair` its mode becomes 0600, that of a folder 0700. Raises Unsafe, and OSError if it cannot be opened.
    """
    try:
        file = os.open(path, flags | SAFE, PRIVATE)
    except OSError as error:
        raise _explained(path, error, is_kind) from None
    try:
        about = os.fstat(file)
        if why := _trouble(about, is_kind):
            raise Unsafe(path, why, _fix(path))
        if repair:
            _repair(file, path, about.st_mode & 0o777, 0o700 if stat.S_ISDIR(about.st_mode) else PRIVATE)
    except BaseException:
        os.close(file)
        raise
    return file


def trouble(path: str) -> str:
    """Return why `opened` would refuse the file at `path`, in words that follow its name; "" if it would not.

    Raises OSError if there is none.
    """
    about = os.lstat(path)
    if path.endswith(".socket"):
        return _trouble(about, stat.S_ISSOCK)
    return _trouble(about, stat.S_ISFIFO if stat.S_ISFIFO(about.st_mode) else stat.S_ISREG)


def loose(path: str) -> int:
    """Return the mode of the file at `path` if it gives other users any right, else 0. Raises OSError."""
    mode = os.lstat(path).st_mode & 0o777
    return mode if mode & 0o077 else 0


def _repair(file: int, path: str, mode: int, right: int) -> None:
    if mode == right:
        return
    os.fchmod(file, right)
    if mode & 0o077:
        import logging

        text = "Other users could use %s (mode %04o). xats has set its mode to %04o."
        logging.getLogger("xats.base.sidefile").warning(text, path, mode, right)


def _explained(path: str, error: OSError, is_kind: Callable[[int], bool]) -> OSError:
    """Return Unsafe if the file at `path` is the cause of `error`, else `error` itself."""
    try:
        about = os.lstat(path)
    except OSError:
        return error
    why = _trouble(about, is_kind)
    return Unsafe(path, why, _fix(path)) if why else error


def _trouble(about: os.stat_result, is_kind: Callable[[int], bool]) -> str:
    whose = ""
    if about.st_uid != os.geteuid():
        from xats.base.ownership import user

        whose = f"belongs to {user(about.st_uid)}"
    if not is_kind(about.st_mode):
        what = next((name for is_one, name in KINDS if is_one(about.st_mode)), "a device")
        return f"is {what}" + (f" and {whose}" if whose else "") + "; xats does not use it"
    if whose:
        return f"{whose}; xats does not use it"
    if about.st_nlink > 1 and not stat.S_ISDIR(about.st_mode):
        return "has a second name (a hard link); xats does not use it"
    return ""


def _fix(path: str) -> str:
    from shlex import quote

    return f"rm {quote(path)}  (or a store in a folder of your own: export XATS_HOME=FOLDER)"
