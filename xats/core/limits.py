"""Limits: what keeps programs from waking each other for ever. Mail over a limit is stored and shown; it wakes nobody.

A pair of agents may wake each other 20 times in 10 minutes. A chain of answers may be 20 long without a person in it.
Neither limit holds for mail from or to a person.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

PAIR_MOST = 20  # waking messages that two agents may exchange ...
PAIR_SPAN = 10 * 60_000  # ... in so many ms
HOPS = 20  # answers of programs in a row

EXCHANGED = """
select m.id from messages m join deliveries d on d.message_id = m.id and d.agent_id = :other
where m.sender_id = :one and m.sent_at > :since and m.sent_at <= :now and d.wake_id is not null
union all
select m.id from messages m join deliveries d on d.message_id = m.id and d.agent_id = :one
where m.sender_id = :other and m.sent_at > :since and m.sent_at <= :now and d.wake_id is not null
limit :most
"""


def exchanged(tx: Tx, one: int, other: int) -> int:
    """Return how many waking messages the agents `one` and `other` (ids) have exchanged of late, PAIR_MOST at most."""
    since = tx.now - PAIR_SPAN
    return len(tx.all(EXCHANGED, one=one, other=other, since=since, now=tx.now, most=PAIR_MOST))
