"""Limits: how often two agents may wake each other. No limit refuses or loses mail.

A wake counts once for each pair of agents whose mail it covers, however much mail that is. The first 20 wakes of a pair
in 10 minutes are due at once; after that its wakes are a minute apart (`throttled`). After HOPS wakes in a row without
a person in between, xats stops the pair (`hop_limit`, core/waking/stops.py). Mail from or to a person has no limit.

HOPS is 100: a review of a dozen rounds takes some 30 wakes. A loop without a person reaches 100 after an hour and a
half, because of the first limit.
"""

from __future__ import annotations

from xats.base.errors import Usage
from xats.base.record import from_row, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.store import Tx

PAIR_MOST = 20  # wakes of a pair within PAIR_SPAN that are not spaced out
PAIR_SPAN = 10 * 60_000  # ms
SPACE = 60_000  # ms between further wakes of the pair
HOPS = 100  # wakes in a row without a person

GET = "select wakes, recent, low_wake, high_wake, stopped_at from pairs where low_id = :low and high_id = :high"
PUT = """
insert into pairs (low_id, high_id, wakes, recent, low_wake, high_wake)
values (:low, :high, :wakes, :recent, :low_wake, :high_wake)
on conflict (low_id, high_id) do update
set wakes = :wakes, recent = :recent, low_wake = :low_wake, high_wake = :high_wake
"""


@record
class Pair:
    """Two agents (ids) and the wakes that they have caused each other."""

    low: int
    high: int
    wakes: int = 0  #: in a row, without a person in between
    recent: tuple[int, ...] = ()  #: the times for which the last PAIR_MOST of them were scheduled, ms UTC
    low_wake: int | None = None  #: the last counted wake of `low`
    high_wake: int | None = None
    stopped_at: int | None = None

    def has_counted(self, agent_id: int, wake_id: int) -> bool:
        """Tell whether the wake `wake_id` of `agent_id`, one of the two, is counted already."""
        return wake_id == (self.low_wake if agent_id == self.low else self.high_wake)

    def earliest(self, now: int) -> int:
        """Return the earliest time of the next wake (ms UTC); below the limit that is `now`.

        A time further ahead than SPACE was written before the clock was set back, and does not count.
        """
        recent = [at for at in self.recent if now - PAIR_SPAN < at <= now + SPACE]
        return now if len(recent) < PAIR_MOST else max(now, max(recent) + SPACE)


def pair(tx: Tx, one: int, other: int) -> Pair:
    """Return the pair of the agents `one` and `other` (ids)."""
    low, high = min(one, other), max(one, other)
    row = tx.one(GET, low=low, high=high)
    if row is None:
        return Pair(low, high)
    recent = tuple(int(at) for at in row["recent"].split(",") if at)
    return from_row(Pair, row, low=low, high=high, recent=recent)


def count(tx: Tx, pair: Pair, agent_id: int, wake_id: int, at: int) -> None:
    """Count the wake `wake_id` of `agent_id`, scheduled for `at` (ms UTC), in `pair`, unless it is counted already."""
    if pair.has_counted(agent_id, wake_id):
        return
    is_low = agent_id == pair.low
    tx.run(
        PUT,
        low=pair.low,
        high=pair.high,
        wakes=pair.wakes + 1,
        recent=",".join(str(one) for one in (*pair.recent, at)[-PAIR_MOST:]),
        low_wake=wake_id if is_low else pair.low_wake,
        high_wake=pair.high_wake if is_low else wake_id,
    )


def hop_limit(environ: Mapping[str, str]) -> int:
    """Return how many wakes two agents may cause each other without a person in between: XATS_HOPS. Raises Usage."""
    said = environ.get("XATS_HOPS")
    if not said:
        return HOPS
    if not (said.isascii() and said.isdigit() and len(said) < 7):
        msg = f"XATS_HOPS must be a whole number, not {said[:40]!r}."
        raise Usage(msg, f"export XATS_HOPS={HOPS}")
    return int(said)
