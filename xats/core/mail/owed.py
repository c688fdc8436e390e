"""Requests that were read and still need a reply.

Their recipient is reminded at the start of each session, and after its program shortened its memory. Their sender is
told once, when

- the request was read an hour ago (`AFTER`) and the recipient is not in a turn,
- or it was read four hours ago (`LATEST`), whatever the recipient does,
- or it was shown four hours ago, and nothing proves yet that it was seen (core/mail/inbox.py).

A request ends when it is replied to, acknowledged, withdrawn or expired. It does not count while its pair of agents is
stopped: then neither is to wake the other (core/waking/stops.py). That its sender was told is on the delivery, so a
restart repeats nothing, and no sender is told while the clock of this host is not trusted (core/clock.py).
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
    from xats.store import Row, Tx

AFTER = 60 * 60_000  # ms since a request was read
LATEST = 4 * AFTER
WORDS = 200  # characters of a body of which a line about it is made

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
    """A request that its recipient read and did not answer."""

    id: int
    sender: str  #: name@team
    about: str  #: its subject, else the first words of its body; text of its sender
    sent_at: int  #: ms UTC


def requests(tx: Tx, me: Agent, most: int) -> tuple[list[Request], int]:
    """Return the `most` newest requests that `me` read and did not answer, and how many there are."""
    rows = tx.all(OF_AGENT, me=me.id, most=most, **wakes.fresh(tx))
    found = [
        from_row(Request, row, sender=f"{row['name']}@{row['team']}", about=row["subject"] or row["body"])
        for row in rows
    ]
    return found, rows[0]["n"] if rows else 0


def overdue(tx: Tx) -> int:
    """Tell the senders of requests that were read and not answered; return how many requests that is."""
    ages = {"cut": tx.now - AFTER, "latest": tx.now - LATEST, "since": clock.since(tx)}
    rows = sorted(tx.all(OVERDUE, **ages, **wakes.fresh(tx)), key=lambda row: (row["message_id"], row["agent_id"]))
    alerts.report(tx, rows, alerts.Notice("reply_overdue", "Read, but not answered:", "not answered", _line, MARK))
    return len(rows)


def _line(tx: Tx, row: Row, team: str) -> str:
    """Return which copy was not answered, and since when it is read or shown."""
    seen = ", perhaps not seen" if row["state"] == "shown" else ""
    return f"{alerts.copy(row, team)}, {row['state']} {rough(tx.now - row['at'])} ago{seen}"
