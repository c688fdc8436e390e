"""The ladder: when a refused wake is tried again. A pure function of how often it was tried."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RUNGS = (30_000, 180_000, 600_000)  # ms, each from the attempt before
SOONEST = 1_000  # ms
JITTER = 0.1  # of a rung, either way: wakes refused together are not tried together


def next_attempt(attempts: int, now: int, chance: float, rungs: Sequence[int] = RUNGS) -> int | None:
    """Return when to try again (ms UTC) after the `attempts`-th attempt was refused at `now`; None: never.

    `chance` is a number from 0 to 1 that picks the jitter.
    """
    if attempts > len(rungs):
        return None
    rung = rungs[attempts - 1]
    return now + round(rung * (1 + JITTER * (2 * chance - 1)))


def soon(opened_at: int, now: int) -> int:
    """Return when to try again (ms UTC) what nothing but a slow machine was in the way of at `now`.

    It costs no rung, so the wait grows with the age of the wake, which was opened at `opened_at` (ms UTC): a tenth of
    it, at least SOONEST and at most RUNGS[0].
    """
    return now + max(SOONEST, min(RUNGS[0], (now - opened_at) // 10))


def longest(rungs: Sequence[int] = RUNGS) -> int:
    """Return the longest wait (ms) that the ladder can ask for."""
    return round(max(rungs, default=0) * (1 + JITTER))
