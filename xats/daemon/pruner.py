"""Pruning by the daemon: a regular walk through the store, with a few short transactions at each sweep."""

from __future__ import annotations

import logging
import time

from xats.base import occupancy
from xats.core import clock, keeping, prune
from xats.core.agents.prune import Unused
from xats.core.prune import NAMES, Counts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.store import Store

EVERY = keeping.EVERY / 1000  # seconds between the beginnings of two walks
BATCHES = 10  # transactions at each sweep; wakes wait meanwhile
PAUSE = 0.01  # seconds between two transactions: longer than a waiting writer sleeps

log = logging.getLogger("xats.daemon")


class Pruner:
    """Removes what is older than `age` (ms); None: nothing. The loop calls it at every sweep."""

    def __init__(self, age: int | None) -> None:
        self._age = age
        self._next = 0.0  # when the next walk begins (monotonic seconds)
        self._walk: Iterator[Counts] | None = None
        self._removed = Counts()

    def set_age(self, age: int | None) -> None:
        """Use `age` (ms) from now on. A walk with another age is given up."""
        if age != self._age:
            self._age, self._walk = age, None

    def __call__(self, store: Store) -> None:
        """Continue the current walk, or begin the next one if it is due. Raises the StoreErrors.

        While the clock may be wrong, nothing is removed, and the current walk is given up (core/clock.py).
        """
        if self._age is None or (self._walk is None and time.monotonic() < self._next):
            return
        if self._walk is None:
            self._walk, self._removed = begin(store, self._age), Counts()
            self._next = time.monotonic() + EVERY if self._walk else self._next
        elif store.read(clock.trusted_time) is None:
            self._walk = None
        if self._walk is None:
            return
        for number in range(BATCHES):
            if number:
                time.sleep(PAUSE)
            removed = next(self._walk, None)  # a walk that raised an error is over
            if removed is None:
                self._walk = None
                log_removed(self._removed)
                return
            self._removed += removed


def once(store: Store, age: int) -> None:
    """Remove what is older than `age` (ms) now, in one whole walk. Raises the StoreErrors."""
    walk, removed = begin(store, age), Counts()
    for more in walk or ():
        removed += more
        time.sleep(PAUSE)
    log_removed(removed)


def begin(store: Store, age: int) -> Iterator[Counts] | None:
    """Begin a walk that removes what is older than `age` (ms); None: the clock may be wrong (core/clock.py)."""
    now, away = store.read(lambda tx: (clock.trusted_time(tx), clock.was_away(tx)))
    if now is None:
        return None
    unused = None if away else Unused(now - age, occupancy.occupied)
    return prune.walk(store.write, now - age, time.monotonic, unused)


def log_removed(removed: Counts) -> None:
    """Log the counts of what was removed, if any."""
    if not removed.total:
        return
    said = ", ".join(f"{count} {name}" for count, name in zip(removed.parts, NAMES, strict=True))
    log.info("pruned: %s", said)
    for name in removed.agent_names:
        log.info("pruned the agent %s, which was not used for long", name)
