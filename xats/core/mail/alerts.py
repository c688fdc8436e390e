"""Alerts: mail from xats to a sender whose request has not been read.

xats reports a delivery of mail that needs a reply once: when it is unread after 15 minutes, or as soon as xats gave up
on waking its recipient. The delivery keeps the time of that report, so a restart repeats nothing.
"""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.record import record
from xats.core import clock
from xats.core.agents import agents
from xats.core.mail import sending
from xats.core.mail.recipients import recipient_of
from xats.core.mail.sending import Draft
from xats.core.waking import reasons, wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.store import Row, Tx

AFTER = 15 * 60_000  # ms
LINES = 20  # deliveries that one alert names
STEP = 10_000  # messages that one call of `overdue` looks at

OWED = f"""
select d.agent_id, d.message_id, m.sender_id, m.subject, m.sent_at, a.name, a.team, coalesce(w.reason, d.no_wake_reason)
    as reason, w.last_refusal, w.state as wake
from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
join agents f on f.id = m.sender_id left join wakes w on w.id = d.wake_id
where d.state = 'unread' and d.alerted_at is null and d.dropped_at is null and m.need_reply = 1
    and {wakes.FRESH} and f.unregistered_at is null and m.sender_id <> d.agent_id
    and {{which}}
order by d.message_id, d.agent_id
"""
OVERDUE = OWED.format(which="d.message_id > :after and m.sent_at <= :cut")
GIVEN_UP = OWED.format(which="d.agent_id = :agent and w.state = 'failed'")
OLDEST = "select min(message_id) as id from deliveries where state = 'unread'"
# Up to the first message that may yet be overdue: after the clock was set back, later messages may look older.
SEEN = """
select coalesce(min(case when n.sent_at > :cut then n.id - 1 end), max(n.id)) as id
from (select id, sent_at from messages where id > :after order by id limit :limit) as n
"""
STANDING = f"""
select count(*) as n from deliveries d
where d.state = 'unread' and d.alerted_at is not null and d.dropped_at is null and {wakes.FRESH_COPY}
"""
MARK = "update deliveries set alerted_at = :now where agent_id = :agent and message_id = :message"


def overdue(tx: Tx, after: int) -> int:
    """Report requests above the id `after` that are unread for too long; return the `after` of the next call.

    0 begins with the oldest unread message. While the clock is not trusted, no message counts as unread for too long.
    """
    if clock.since(tx):
        return after
    if after == 0:
        row = tx.one(OLDEST)
        after = row["id"] - 1 if row and row["id"] else 0
    cut = tx.now - AFTER
    report(tx, tx.all(OVERDUE, after=after, cut=cut, **wakes.fresh(tx)), UNREAD)
    row = tx.one(SEEN, after=after, cut=cut, limit=STEP)
    return row["id"] if row and row["id"] else after


def given_up(tx: Tx, agent_id: int) -> None:
    """Report the requests that the agent has not read and that xats has given up waking it for."""
    report(tx, tx.all(GIVEN_UP, agent=agent_id, **wakes.fresh(tx)), UNREAD)


def standing(tx: Tx) -> int:
    """Return how many requests are still unread after an alert."""
    row = tx.one(STANDING, **wakes.fresh(tx))
    return row["n"] if row else 0


@record
class Notice:
    """The words of an alert."""

    event: str  #: the type of its event
    head: str  #: the first line of the mail
    subject: str  #: the beginning of its subject
    line: Callable[[Tx, Row, str], str]  #: returns the line about one delivery for a sender of a team
    mark: str  #: the SQL that marks a delivery as reported


def report(tx: Tx, rows: Sequence[Row], notice: Notice) -> None:
    """Send one alert to each sender of the deliveries in `rows`."""
    by_sender: dict[int, list[Row]] = {}
    for row in rows:
        by_sender.setdefault(row["sender_id"], []).append(row)
    for sender_id, found in by_sender.items():
        sender = agents.by_id(tx, sender_id)
        lines = [notice.head]
        lines += [f"  {notice.line(tx, row, sender.team)}" for row in found[:LINES]]
        if len(found) > LINES:
            lines.append(f"  and {len(found) - LINES} more")
        lines.append(f"More: xats status {found[0]['message_id']}")
        numbers = list(dict.fromkeys(row["message_id"] for row in found))
        subject = f"{notice.subject}: #{numbers[0]}" + (f" and {len(numbers) - 1} more" if len(numbers) > 1 else "")
        draft = Draft(sender.address, "\n".join(lines), subject, "alert", need_reply=False)
        sending.post_from_xats(tx, sender.team, draft, [recipient_of(sender)])
        for row in found:
            tx.run(notice.mark, agent=row["agent_id"], message=row["message_id"], now=tx.now)
        tx.event(notice.event, sender.team, None, f"agent:{sender.name}", messages=numbers)


def copy(row: Row, team: str) -> str:
    """Return the message and the recipient of a row, as an agent of `team` writes them."""
    whom = row["name"] if row["team"] == team else f"{row['name']}@{row['team']}"
    about = f"#{row['message_id']}" + (f" {row['subject']!r}" if row["subject"] else "")
    return f"{about} to {whom}"


def _line(tx: Tx, row: Row, team: str) -> str:
    """Return the line about an unread delivery: since when, and why."""
    return f"{copy(row, team)}, sent {rough(tx.now - row['sent_at'])} ago: {_why(row)}"


def _why(row: Row) -> str:
    last = reasons.words(
        row["last_refusal"] or (row["reason"] if row["reason"] in ("throttled", "team_limit") else None)
    )
    if row["wake"] == "failed":
        return f"not woken, and xats has given up: {last or reasons.words(row['reason'])}"
    if row["wake"] == "delivered":
        return "woken, but it has not read the message"
    if row["wake"] == "held":
        return f"not woken: {reasons.words('paused')}"
    if row["wake"] in ("queued", "retrying"):
        return f"not woken yet: {last}" if last else "not woken yet"
    return f"not woken: {reasons.words(row['reason'] or 'no_wake')}"


UNREAD = Notice("read_overdue", "These messages need a reply and are still unread:", "not read", _line, MARK)
