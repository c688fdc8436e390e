"""Waiters: a program that takes no line from outside keeps a process that waits for one, and is told it by that.

The process waits at a FIFO beside the store. Its name is made of a session's number and the time of its beginning, and
of what its client calls that session: another session in the same seat is another FIFO, and so is one to which a store
that was made anew, or put back from a backup, has given the same number. A lock keeps it to one process for each. Both
files go with it; those that a killed one has left are taken away by the next.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from binascii import crc32
from contextlib import suppress

from xats.base import fifo, sidefile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = ".lock"
LONGEST = 4096  # bytes of a line with its end: less is written as a whole, or not at all (PIPE_BUF)


def path_for(store: str, session_id: int, started_at: int, client_session: str | None) -> str:
    """Return the FIFO of the waiter of a session of the store at path `store`.

    The session has its number there, the time of its beginning (ms UTC), and the name that its client gave to it.
    """
    which = f"{started_at} {client_session or ''}"
    return f"{_stem(store)}{session_id}-{crc32(which.encode()):08x}"


def _stem(store: str) -> str:
    return sidefile.path_for(store, "waiter-")


# -- who writes --------------------------------------------------------------------------------------------------------


def listens(path: str) -> bool:
    """Tell whether somebody waits at the FIFO `path`."""
    pipe = fifo.reach(path)
    if pipe is None:
        return False
    os.close(pipe)
    return True


def tell(pipe: int, line: str) -> bool:
    """Write `line` into the open FIFO; False if nobody takes it."""
    data = f"{line}\n".encode()
    try:
        return len(data) <= LONGEST and os.write(pipe, data) == len(data)
    except OSError:  # full: nobody has read for long; or whoever waited has ended just now
        return False


# -- who waits ---------------------------------------------------------------------------------------------------------


class Post:
    """The place of the one process that waits for a line. Raises OSError where there can be no FIFO."""

    def __init__(self, path: str, lock: int) -> None:
        """Wait at `path`, whose lock is held by the open file `lock`."""
        self.path, self._lock = path, lock
        with suppress(FileNotFoundError):
            os.unlink(path)  # what stood in one that was left is of another time
        self._pipe = fifo.make(path)

    def wait(self, seconds: float) -> str | None:
        """Return the line that was written, None if there is none within `seconds`."""
        import select

        if not select.select([self._pipe], [], [], seconds)[0]:
            return None
        return os.read(self._pipe, LONGEST).decode(errors="replace").partition("\n")[0]

    def leave(self) -> None:
        """Wait no longer, and take the files away."""
        _remove(self.path)
        os.close(self._pipe)
        os.close(self._lock)


def take(
    store: str, session_id: int, started_at: int, client_session: str | None, patience: float = 0.05
) -> Post | None:
    """Return the post of a session, None when another process has it and does not leave it for `patience` seconds.

    Who only clears away what others left holds it for a moment. Raises OSError.
    """
    path = path_for(store, session_id, started_at, client_session)
    _clear(store)
    until = time.monotonic() + patience
    while (lock := _lock(path, make=True)) is None:
        if time.monotonic() > until:
            return None
        time.sleep(0.01)
    try:
        return Post(path, lock)
    except BaseException:  # also a signal by which its program ends us just now
        _remove(path)
        os.close(lock)
        raise


def _lock(path: str, *, make: bool) -> int | None:
    """Return the open lock of the FIFO `path`, held by this process, None when another one holds it."""
    while True:
        try:
            flags = os.O_RDWR | (os.O_CREAT if make else 0)
            file = sidefile.opened(path + LOCK, flags, stat.S_ISREG, repair=make)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(file), os.lstat(path + LOCK)):
                return file
        except BlockingIOError:
            os.close(file)
            return None
        except FileNotFoundError:
            pass
        os.close(file)  # whoever held it has just taken it away, so this is the lock of nothing


def _clear(store: str) -> None:
    """Take away what waiters have left that were killed."""
    for path in _left(store):
        with suppress(OSError):  # another user's
            lock = _lock(path, make=False)
            if lock is not None:
                _remove(path)
                os.close(lock)


def _left(store: str) -> Iterator[str]:
    stem = _stem(store)
    folder, start = os.path.split(stem)
    for name in os.listdir(folder):
        if name.startswith(start) and name.endswith(LOCK):
            yield os.path.join(folder, name.removesuffix(LOCK))


def _remove(path: str) -> None:
    """Take the files away; the lock, which is held, comes last."""
    for name in (path, path + LOCK):
        with suppress(FileNotFoundError):
            os.unlink(name)
