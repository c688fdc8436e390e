"""The ladder: the time of the next attempt after a refusal. It depends only on the number of attempts."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

RUNGS = (30_000, 180_000, 600_000)  # ms, each from the attempt before
SOONEST = 1_000  # ms
JITTER = 0.1  # part of a rung, added or taken away: wakes refused together are not retried together


def next_attempt(attempts: int, now: int, chance: float, rungs: Sequence[int] = RUNGS) -> int | None:
    """Return the time (ms UTC) of the next attempt after number `attempts` was refused at `now`; None: never.

    `chance` is a random number from 0 to 1, for the jitter.
    """
    if attempts > len(rungs):
        return None
    rung = rungs[attempts - 1]
    return now + round(rung * (1 + JITTER * (2 * chance - 1)))


def soon(opened_at: int, now: int) -> int:
    """Return the time (ms UTC) of the next attempt after only a slow machine stopped one at `now`.

    It costs no rung. The wait is a tenth of the age of the wake, opened at `opened_at` (ms UTC): at least SOONEST and
    at most RUNGS[0].
    """
    return now + max(SOONEST, min(RUNGS[0], (now - opened_at) // 10))


def longest(rungs: Sequence[int] = RUNGS) -> int:
    """Return the longest wait (ms) that the ladder can ask for."""
    return round(max(rungs, default=0) * (1 + JITTER))
