"""The end of the mail of removed agents, whether one by one or with their team.

Their unread direct mail becomes dead letters with the reason `forgotten`. Their copies of mail to groups expire. xats
tells senders who wait for a reply once.
"""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.errors import XatsError
from xats.base.record import record
from xats.core.address import parse_list
from xats.core.mail import recipients
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from xats.store import Row, Tx

# The mail that an agent has not read, and the requests that it has read and not answered.
OPEN = """
select d.agent_id, d.message_id, d.state, d.need_reply, m.sender_id, m.subject, m.address, m.sent_at, a.name, a.team,
    f.client as sender_client, f.unregistered_at as sender_left
from deliveries d join messages m on m.id = d.message_id join agents a on a.id = d.agent_id
join agents f on f.id = m.sender_id
where d.agent_id = :id and (
    d.state in ('unread', 'shown') or (d.state = 'read' and d.need_reply = 1 and d.acked_at is null)
)
order by d.message_id
"""
# `expires_at` is the time since when it is a dead letter.
BURY = """
update deliveries set state = 'expired', no_wake_reason = 'forgotten', expires_at = :now, claim = null,
    claim_until = null, dropped_at = case when :direct = 1 then dropped_at else :now end
where agent_id = :agent and message_id = :message
"""
ANSWERED = """
update deliveries set need_reply = 0, alerted_at = coalesce(alerted_at, :now), unanswered_at = :now
where agent_id = :agent and message_id = :message
"""


@record
class Ended:
    """How much mail ends, or would end, with removed agents."""

    letters: int  #: unread direct mail, which becomes dead letters
    copies: int  #: other unread mail
    requests: int  #: mail that waits for their reply, read or not


def loss(tx: Tx, agent_id: int) -> Ended:
    """Return how much mail would end with the agent `agent_id`."""
    return _counted(tx.all(OPEN, id=agent_id))


def end(tx: Tx, whom: Sequence[int], head: str, knowing: Collection[int]) -> Ended:
    """End the mail of the agents with the ids `whom`; return how much that was.

    The senders of requests get mail that begins with the line `head`, except those with the ids `knowing` and those
    that have left. An attempt under way to wake one of `whom` loses its lease.
    """
    from xats.core.mail import alerts

    rows = sorted((row for one in whom for row in tx.all(OPEN, id=one)), key=lambda row: int(row["message_id"]))
    owed = [row for row in rows if _is_owed(row) and row["sender_left"] is None and row["sender_id"] not in knowing]
    alerts.report(tx, owed, alerts.Notice("reply_overdue", head, "not answered", _line, ANSWERED))
    for row in rows:
        if row["state"] != "read":
            direct = int(_is_direct(row))
            tx.run(BURY, agent=row["agent_id"], message=row["message_id"], direct=direct, now=tx.now)
        tx.run(ANSWERED, agent=row["agent_id"], message=row["message_id"], now=tx.now)
    for one in whom:
        wakes.suspend(tx, one, "not_registered")
        wakes.close_if_read(tx, one, "forgotten")
    return _counted(rows)


def _counted(rows: Sequence[Row]) -> Ended:
    unread = [_is_direct(row) for row in rows if row["state"] != "read"]
    return Ended(sum(unread), len(unread) - sum(unread), sum(map(_is_owed, rows)))


def _is_direct(row: Row) -> bool:
    """Tell whether an agent or a person wrote the mail to agents by name."""
    if row["sender_client"] == "system":
        return False
    try:
        return recipients.is_direct(parse_list(row["address"]))
    except XatsError:  # an address that an older xats accepted
        return True


def _is_owed(row: Row) -> bool:
    return bool(row["need_reply"]) and row["sender_client"] != "system" and row["sender_id"] != row["agent_id"]


def _line(tx: Tx, row: Row, team: str) -> str:
    """Return the line about a delivery without an answer, and whether it was read."""
    from xats.core.mail import alerts

    said = {"unread": "not read", "shown": "shown, perhaps not seen"}.get(row["state"], "read, not answered")
    return f"{alerts.copy(row, team)}, sent {rough(tx.now - row['sent_at'])} ago: {said}"
