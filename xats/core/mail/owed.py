"""Owed replies: requests that their recipient has read and not answered, and those that a sender waits for.

xats reminds the recipient at the start of each session, and after its program compacted its context. xats tells the
sender once, when

- the recipient read the request an hour ago (`AFTER`) and is not in a turn,
- or the recipient read it four hours ago (`LATEST`), whatever it does now,
- or xats showed it four hours ago, and nothing proves yet that the recipient saw it (core/mail/inbox.py).

A request ends when it is replied to, acknowledged, withdrawn or expired. It does not count while its pair of agents is
stopped, because then neither may wake the other (core/waking/stops.py). The delivery keeps the time of the report to
the sender, so a restart repeats nothing. xats reports nothing while the clock is not trusted (core/clock.py).
"""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.record import from_row, record
from xats.core import clock
from xats.core.mail import alerts
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import DeliveryState
    from xats.store import Row, Tx

AFTER = 60 * 60_000  # ms since a request was read
LATEST = 4 * AFTER
WORDS = 200  # characters of a body that a line about it shows

# Of a delivery d of the message m.
WANTED = f"""
m.sender_id <> d.agent_id and {wakes.FRESH}
and not exists (
    select 1 from pairs p where p.stopped_at is not null
    and p.low_id = case when m.sender_id < d.agent_id then m.sender_id else d.agent_id end
    and p.high_id = case when m.sender_id < d.agent_id then d.agent_id else m.sender_id end
)
"""
READ = "d.need_reply = 1 and d.state = 'read' and d.acked_at is null"  # the condition of the index deliveries_owed
OWED = f"{READ} and {WANTED}"
OF_AGENT = f"""
select m.id, f.name, f.team, m.subject, substr(m.body, 1, {WORDS}) as body, m.sent_at, count(*) over () as n
from deliveries d join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :me and {OWED}
order by m.id desc limit :most
"""
OPEN = ("unread", "shown", "read")  # the states of a copy whose recipient may still answer
# Of what was sent to other agents. Each part reads one small index, because a sender may have sent a million messages.
AWAITED_PART = f"""
select m.id, m.subject, m.body, m.sent_at, d.agent_id, d.state
from deliveries d cross join messages m
where m.id = d.message_id and m.sender_id = :me and d.need_reply = 1 and d.acked_at is null and d.state = '{{}}'
    and {WANTED}
"""
AWAITED = f"""
select o.id, a.name, a.team, o.subject, substr(o.body, 1, {WORDS}) as body, o.sent_at, o.state, count(*) over () as n
from ({" union all ".join(map(AWAITED_PART.format, OPEN))}) o join agents a on a.id = o.agent_id
order by o.id desc, a.name_key limit :most
"""
COPIES = """
from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
join agents f on f.id = m.sender_id left join presence h on h.agent_id = d.agent_id
where d.unanswered_at is null and f.unregistered_at is null
"""
COPY = "d.agent_id, d.message_id, m.sender_id, m.subject, d.state, a.name, a.team"
OVERDUE = f"""
select {COPY}, d.read_at as at {COPIES} and {OWED} and d.read_at <= :cut and d.read_at >= :since
    and (d.read_at <= :latest or h.agent_id is null or h.broken_off_at is not null
        or h.state not in ('busy', 'waiting'))
union all
select {COPY}, d.shown_at as at {COPIES} and d.state = 'shown' and d.need_reply = 1 and {WANTED}
    and d.shown_at <= :latest and d.shown_at >= :since
"""
MARK = "update deliveries set unanswered_at = :now where agent_id = :agent and message_id = :message"


@record
class Request:
    """A request that its recipient has read and not answered."""

    id: int
    sender: str  #: name@team
    about: str  #: its subject, else the first words of its body; text of its sender
    sent_at: int  #: ms UTC


@record
class Awaited:
    """A request of mine to one agent, who has not answered it."""

    id: int
    recipient: str  #: name@team
    about: str  #: its subject, else the first words of its body
    sent_at: int  #: ms UTC
    state: DeliveryState


def requests(tx: Tx, me: Agent, most: int) -> tuple[list[Request], int]:
    """Return the `most` newest requests that `me` has read and not answered, and how many there are."""
    rows = tx.all(OF_AGENT, me=me.id, most=most, **wakes.fresh(tx))
    found = [
        from_row(Request, row, sender=f"{row['name']}@{row['team']}", about=row["subject"] or row["body"])
        for row in rows
    ]
    return found, rows[0]["n"] if rows else 0


def awaited(tx: Tx, me: Agent, most: int) -> tuple[list[Awaited], int]:
    """Return the `most` newest requests of `me` that an agent has not answered, one for each agent, and their number.

    A request counts until it is answered, acknowledged, withdrawn or expired, whether or not the agent has read it.
    """
    rows = tx.all(AWAITED, me=me.id, most=most, **wakes.fresh(tx))
    found = [
        from_row(Awaited, row, recipient=f"{row['name']}@{row['team']}", about=row["subject"] or row["body"])
        for row in rows
    ]
    return found, rows[0]["n"] if rows else 0


def overdue(tx: Tx) -> int:
    """Report requests that were read and not answered to their senders; return how many requests."""
    ages = {"cut": tx.now - AFTER, "latest": tx.now - LATEST, "since": clock.since(tx)}
    rows = sorted(tx.all(OVERDUE, **ages, **wakes.fresh(tx)), key=lambda row: (row["message_id"], row["agent_id"]))
    alerts.report(tx, rows, alerts.Notice("reply_overdue", "Read, but not answered:", "not answered", _line, MARK))
    return len(rows)


def _line(tx: Tx, row: Row, team: str) -> str:
    """Return the line about a request without an answer, and since when it is read or shown."""
    seen = ", perhaps not seen" if row["state"] == "shown" else ""
    return f"{alerts.copy(row, team)}, {row['state']} {rough(tx.now - row['at'])} ago{seen}"
