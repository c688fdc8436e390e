"""The daemon's part in pruning: a walk through the store now and then, a few short transactions at each sweep."""

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

EVERY = keeping.EVERY / 1000  # seconds from the beginning of one walk to that of the next
BATCHES = 10  # transactions at each sweep; the wakes wait meanwhile
PAUSE = 0.01  # seconds between two of them, longer than a writer sleeps that waits for its turn

log = logging.getLogger("xats.daemon")


class Pruner:
    """Remove what is older than `age` (ms); None: nothing ever. It is called at every sweep."""

    def __init__(self, age: int | None) -> None:
        self._age = age
        self._next = 0.0  # when the next walk begins
        self._walk: Iterator[Counts] | None = None
        self._removed = Counts()

    def set_age(self, age: int | None) -> None:
        """Go by this age from now on; a walk that goes by another one is given up."""
        if age != self._age:
            self._age, self._walk = age, None

    def __call__(self, store: Store) -> None:
        """Go on with the walk that is under way, or begin the next one if it is time. Raises the StoreErrors.

        While the clock may be wrong nothing is removed, and a walk that is under way is given up (core/clock.py).
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
            removed = next(self._walk, None)  # one that has raised is over
            if removed is None:
                self._walk = None
                log_removed(self._removed)
                return
            self._removed += removed


def once(store: Store, age: int) -> None:
    """Remove now what is older than `age` (ms), in one whole walk. Raises the StoreErrors."""
    walk, removed = begin(store, age), Counts()
    for more in walk or ():
        removed += more
        time.sleep(PAUSE)
    log_removed(removed)


def begin(store: Store, age: int) -> Iterator[Counts] | None:
    """Begin a walk that removes what is older than `age` (ms); None while the clock may be wrong (core/clock.py)."""
    now, away = store.read(lambda tx: (clock.trusted_time(tx), clock.was_away(tx)))
    if now is None:
        return None
    unused = None if away else Unused(now - age, occupancy.occupied)
    return prune.walk(store.write, now - age, time.monotonic, unused)


def log_removed(removed: Counts) -> None:
    """Log what was removed, if anything was."""
    if not removed.total:
        return
    said = ", ".join(f"{count} {name}" for count, name in zip(removed.parts, NAMES, strict=True))
    log.info("pruned: %s", said)
    for name in removed.agent_names:
        log.info("pruned the agent %s, which was not used for long", name)
