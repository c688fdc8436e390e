"""Mail that is not read, in numbers: how much an agent has, how old it is, and from whom."""

from __future__ import annotations

from xats.base.record import record
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx

BY_SENDER = f"""
select f.name, f.team, count(*) as n, min(m.sent_at) as oldest from deliveries d
join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me and d.state = 'unread' and {wakes.FRESH}
group by f.id, f.name, f.team, f.name_key order by count(*) desc, f.name_key
"""


SHOWN = "select count(*) as n from deliveries where agent_id = :me and state = 'shown'"


@record
class FromSender:
    """The unread mail of one sender."""

    sender: str  #: name@team
    count: int
    oldest_at: int  #: ms UTC


def by_sender(tx: Tx, me: Agent) -> list[FromSender]:
    """Return the unread mail of `me` by sender, the sender with the most first."""
    rows = tx.all(BY_SENDER, me=me.id, **wakes.fresh(tx))
    return [FromSender(f"{row['name']}@{row['team']}", row["n"], row["oldest"]) for row in rows]


def shown(tx: Tx, me: Agent) -> int:
    """Return how many messages were shown to `me`, and perhaps not seen: nothing has proved that they were read."""
    row = tx.one(SHOWN, me=me.id)
    return int(row["n"]) if row else 0
