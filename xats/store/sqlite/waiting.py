"""Retry while other processes keep the store locked: for how long, how often, and with which notice to a person."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import suppress

from xats.store.sqlite import codes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.store.sqlite.holder import Holder
    from xats.store.sqlite.queue import Queue

    T = TypeVar("T")

PATIENCE = 10.0  # seconds without a commit before a command gives up on a busy store
LONGEST = 0.05  # seconds between two attempts to lock a busy store, on average
FIRST = 0.002  # the same, for the first in the queue: all others wait for it
SHORTEST = 0.001  # seconds between two attempts, on average
LOOK = 0.5  # seconds after which a waiting command looks which process has the lock; the next look is after twice that
MOVING = 3  # the most times the patience that a command waits while others commit
SLICE = 0.5  # seconds in the queue, then a command asks SQLite itself: the first in the queue may be stopped


def patiently(
    path: str,
    attempt: Callable[[], T],
    patience: float | None = None,
    longest: float = LONGEST,
    *,
    queued: bool = False,
    stopping: Callable[[], bool] = bool,
    notice: Callable[[str], None] | None = None,
) -> T:
    """Return what `attempt` returns; retry while other processes keep the store at `path` locked.

    The pause between two attempts grows with the time already waited, up to `longest` seconds, because every attempt
    takes time from the process that has the lock. It shrinks again towards the end of `patience` (seconds). None is
    `PATIENCE`, and up to three times that while others commit. `queued`: of all that wait, only the first in the
    `Queue` retries. `stopping` ends the wait early. `notice` gets one line that names the process with the lock.

    Raises sqlite3.OperationalError or StoreBusy when the patience is over, and StoreBusy after a second when the
    process that has the lock is stopped.
    """
    wait = None
    try:
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if not codes.is_busy(error):
                    raise
                if wait is None:
                    wait = Wait(path, patience, longest, notice, queued=queued)
                if stopping():
                    raise
                if wait.is_over():
                    wait.give_up()
                    raise
            wait.pause()
    finally:
        if wait:
            wait.end()


class Wait:
    """The wait for one lock. It begins when the object is made."""

    def __init__(
        self, path: str, patience: float | None, longest: float, notice: Callable[[str], None] | None, *, queued: bool
    ) -> None:
        """`path` is that of the store; `patience` and `longest` are in seconds. See `patiently`.

        `patience` is exactly the time that a caller has; None is `PATIENCE` after the last commit of another process.
        """
        self._path, self._longest, self._notice, self._queued = os.path.realpath(path), longest, notice, queued
        self._patience = PATIENCE if patience is None else patience
        self._began = time.monotonic()
        self._deadline = self._began + self._patience
        self._most = self._began + (MOVING * PATIENCE if patience is None else 0)
        self._changed = self._last_commit()
        self._next_look = self._began + LOOK
        self._queue: Queue | None = None
        self._seen: Holder | None = None  # the process that had the lock at the last look
        self._since = self._began  # when that process was first seen to have it

    def is_over(self) -> bool:
        """Tell whether the patience is over. While others commit, the queue moves, and the wait continues."""
        now = time.monotonic()
        if self._most > self._deadline and (changed := self._last_commit()) != self._changed:
            self._changed = changed
            self._deadline = min(now + self._patience, self._most)
        return now >= self._deadline

    def _last_commit(self) -> tuple[int, ...]:
        """Return the modification times of the database and of its WAL, which every commit changes."""
        found = []
        for name in (self._path, f"{self._path}-wal"):
            with suppress(OSError):
                found.append(os.stat(name).st_mtime_ns)
        return tuple(found)

    def pause(self) -> None:
        """Sleep until the next attempt.

        Raises StoreBusy when two looks in a row found that the same stopped process has the lock.
        """
        now = time.monotonic()
        if now >= self._next_look:
            self._look()
            self._next_look = self._began + 2 * (now - self._began)
        left = self._deadline - now
        if self._queued and not self._is_first() and self._enter(min(SLICE, self._next_look - now, left)):
            return
        longest = FIRST if self._is_first() else self._longest
        pause = min(max(SHORTEST, min(now - self._began, left) / 8), longest)
        time.sleep(pause * (0.5 + time.perf_counter_ns() % 1000 / 1000))  # spread, or all would ask at the same moment

    def give_up(self) -> None:
        """Raise StoreBusy if one process was seen to keep the lock. The error says for how long."""
        from xats.store.sqlite import holder

        found = holder.find(self._path) if self._seen else None
        if found and found.is_same(self._seen):
            raise holder.busy(found, time.monotonic() - self._since)

    def end(self) -> None:
        """Leave the queue."""
        if self._queue:
            self._queue.leave()

    def _is_first(self) -> bool:
        return self._queue is not None and self._queue.first

    def _enter(self, seconds: float) -> bool:
        """Wait in the queue; return whether this waited, or became the first."""
        if self._queue is None:
            from xats.store.sqlite.queue import Queue

            self._queue = Queue(self._path)
        return self._queue.wait(seconds)

    def _look(self) -> None:
        """Find the process that has the lock. If two looks in a row find the same process, it keeps the lock."""
        from xats.store.sqlite import holder

        before, self._seen = self._seen, holder.find(self._path)
        if self._seen is None or not self._seen.is_same(before):
            self._since = time.monotonic()
            return
        if before and before.is_halted and self._seen.is_halted:
            raise holder.busy(self._seen)
        if self._notice:
            self._notice(f"waiting for the store: {self._seen}")
            self._notice = None  # only one notice
