"""Waiters: an agent program without an inbox keeps a process that waits for a line, and passes it on to the program.

The process waits at a FIFO beside the store. The name of the FIFO contains the id of the session, its start time, and
the id that the client gave to it. So another session in the same seat has another FIFO, even if a new or restored store
gives it the same id. A lock allows one process for each FIFO. The process removes both files at its end; the next
waiter removes those of a killed process.
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
LONGEST = 4096  # bytes of a line with its end: a write of at most PIPE_BUF bytes is whole, or fails (pipe(7))


def path_for(store: str, session_id: int, started_at: int, client_session: str | None) -> str:
    """Return the FIFO of the waiter of a session of the store at path `store`.

    `started_at` is its start (ms UTC), and `client_session` the id that its client gave it.
    """
    which = f"{started_at} {client_session or ''}"
    return f"{_stem(store)}{session_id}-{crc32(which.encode()):08x}"


def _stem(store: str) -> str:
    return sidefile.path_for(store, "waiter-")


# -- who writes --------------------------------------------------------------------------------------------------------


def listens(path: str) -> bool:
    """Tell whether a process waits at the FIFO `path`."""
    pipe = fifo.reach(path)
    if pipe is None:
        return False
    os.close(pipe)
    return True


def tell(pipe: int, line: str) -> bool:
    """Write `line` into the open FIFO; return False if no process takes it."""
    data = f"{line}\n".encode()
    try:
        return len(data) <= LONGEST and os.write(pipe, data) == len(data)
    except OSError:  # full: the waiter has not read for long; or it has just ended
        return False


# -- who waits ---------------------------------------------------------------------------------------------------------


class Post:
    """The place of the one process that waits for a line. Raises OSError where there can be no FIFO."""

    def __init__(self, path: str, lock: int) -> None:
        """Wait at `path`; the open file `lock` holds its lock."""
        self.path, self._lock = path, lock
        with suppress(FileNotFoundError):
            os.unlink(path)  # lines in a FIFO that is left over are old
        self._pipe = fifo.make(path)

    def wait(self, seconds: float) -> str | None:
        """Return the next line, None if there is none within `seconds`."""
        import select

        if not select.select([self._pipe], [], [], seconds)[0]:
            return None
        return os.read(self._pipe, LONGEST).decode(errors="replace").partition("\n")[0]

    def leave(self) -> None:
        """Stop waiting, and remove the files."""
        _remove(self.path)
        os.close(self._pipe)
        os.close(self._lock)


def take(
    store: str, session_id: int, started_at: int, client_session: str | None, patience: float = 0.05
) -> Post | None:
    """Return the post of a session, None if another process keeps it for `patience` seconds.

    A process that only removes left-over files holds it for a moment. Raises OSError.
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
        os.close(file)  # the holder has just removed it, so this lock means nothing


def _clear(store: str) -> None:
    """Remove the files of waiters that were killed."""
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
    """Remove the files; the lock, which this process holds, comes last."""
    for name in (path, path + LOCK):
        with suppress(FileNotFoundError):
            os.unlink(name)
