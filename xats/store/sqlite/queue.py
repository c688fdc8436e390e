"""The queue of the processes that wait to write to a store.

A process that finds the store busy waits for a lock on the store's folder (flock(2)). Only the process that has this
lock keeps asking SQLite. The others sleep in the kernel, which wakes them in the order in which they came. A wait is
cut into slices, because the first process may be stopped, so a process that waits for long may lose its place.

Only speed and fairness depend on the queue. The kernel removes a process that dies. A process that cannot wait here
asks SQLite itself, and so does a process when its slice is over.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


AGAIN = 0.1  # seconds until the next alarm, if one did not end the wait


class _Over(Exception):
    """The time in the queue is over."""


class Queue:
    """One place in the queue of a store."""

    def __init__(self, path: str) -> None:
        """`path` is that of the store. If its folder cannot be opened there is no queue, and `wait` returns False."""
        self.first = False  #: whether this process is the one that may ask often
        self._in_flock = False
        try:
            folder = os.path.dirname(os.path.realpath(path))
            self._file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def wait(self, seconds: float) -> bool:
        """Wait up to `seconds` to become the first. Return False, without a wait, where this thread cannot wait.

        The alarm that ends the wait runs its handler in the main thread, so no other thread waits. On Linux the alarm
        interrupts the main thread (signal(7), kernel/signal.c: complete_signal); elsewhere it may interrupt any.
        """
        if self._file < 0 or self._take(fcntl.LOCK_EX | fcntl.LOCK_NB):
            return self.first
        threads = sys.modules.get("threading")
        if sys.platform != "linux" and threads and threads.active_count() > 1:
            return False
        try:
            before = signal.signal(signal.SIGALRM, self._alarm)
        except ValueError:  # not the main thread
            return False
        # The parent process may have blocked the signal.
        mask = signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
        self._in_flock = True
        try:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), AGAIN)
            self._take(fcntl.LOCK_EX)
        except _Over:
            pass
        finally:
            self._in_flock = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return True

    def leave(self) -> None:
        """Leave the queue; the next process becomes the first."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self.first = False

    def _take(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how)
        except OSError:  # another process has it, or this file system has no such locks
            return False
        self.first = True
        return True

    def _alarm(self, _number: int, _frame: FrameType | None) -> None:
        # flock(2) goes on after a signal, unless its handler raises: https://peps.python.org/pep-0475/
        if self._in_flock:
            self._in_flock = False
            raise _Over
