"""The history of one message: every attempt to wake its recipients for it."""

from __future__ import annotations

from xats.base.jsontext import from_json
from xats.base.record import record
from xats.core.waking.attempts import LEASE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.mail.messages import Message
    from xats.core.states import WakeState
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx


@record
class Attempt:
    """How one attempt to wake a recipient ended. Times are ms UTC."""

    at: int
    wake: int  #: the id of the wake
    state: WakeState  #: of the wake after the attempt
    transport: str | None
    reason: Reason | None
    attempts: int  #: how many attempts the wake had used up
    next_attempt_at: int | None
    exit: int | None  #: the exit code of the user's own program that wakes


@record
class Joined:
    """An older wake that a message joined: it was open when the message was sent."""

    wake: int  #: the id of the wake
    opened_at: int  #: ms UTC
    attempts: int | None  #: how many attempts it had used up before the message was sent; None: not known any more


SEEN = "coalesce(d.shown_at, d.read_at, d.replied_at, d.acked_at, case when d.state = 'expired' then d.expires_at end)"
# The wakes that were open while the copies of a message were unread.
WAKES = f"""
select w.id, d.agent_id, {SEEN} as seen from deliveries d join wakes w on w.agent_id = d.agent_id
where d.message_id = :id and (w.closed_at is null or w.closed_at >= :sent)
    and ({SEEN} is null or w.opened_at <= {SEEN})
order by w.id
"""
SENT = "select min(id) as id from events where type = 'message_sent' and subject = :subject"
ATTEMPTS = """
select id, at, type, subject, data from events
where id > :since and type in ('wake_queued', 'wake_retrying', 'wake_delivered', 'wake_skipped', 'wake_failed')
    and subject in ({subjects}) order by id
"""
OLDER = """
select max(w.id) as id, d.agent_id from deliveries d join wakes w on w.agent_id = d.agent_id
where d.message_id = :id and d.wake_id is not null and w.opened_at < :sent
    and (w.closed_at is null or w.closed_at > :sent)
group by d.agent_id
"""
OPENED = "select opened_at from wakes where id = :id"
BEFORE = """
select data from events
where id < :since and type in ('wake_queued', 'wake_retrying', 'wake_delivered') and subject = :subject
order by id desc limit 1
"""
MOST = 500  # wakes that one statement looks for


def attempts(tx: Tx, message: Message) -> dict[int, list[Attempt]]:
    """Return {id of the recipient: the attempts for `message`}, each list in the order of time.

    An attempt covers all unread mail of an agent. It belongs to a message if it ended while the copy was unread, or if
    it was the next one to end: it had begun before. Attempts whose events `xats db prune` has removed are missing.
    """
    wakes = {f"wake:{row['id']}": row for row in tx.all(WAKES, id=message.id, sent=message.sent_at)}
    sent = tx.one(SENT, subject=f"message:{message.id}") if wakes else None
    since = (sent["id"] if sent else None) or 0  # 0: `xats db prune` has removed that event
    subjects = list(wakes)
    found: dict[int, list[Attempt]] = {}
    late: set[int] = set()
    for start in range(0, len(subjects), MOST):
        names = {f"wake{number}": subject for number, subject in enumerate(subjects[start : start + MOST])}
        for row in tx.all(ATTEMPTS.format(subjects=", ".join(f":{name}" for name in names)), since=since, **names):
            wake = wakes[row["subject"]]
            agent, seen = wake["agent_id"], wake["seen"]
            if row["at"] < message.sent_at:
                continue
            if seen is not None and row["at"] > seen:
                if agent in late or row["at"] > seen + LEASE:
                    continue
                late.add(agent)
            found.setdefault(agent, []).append(_attempt(row, wake["id"]))
    return found


def joined(tx: Tx, message: Message) -> dict[int, Joined]:
    """Return {id of the recipient: the older wake that `message` joined}, without those that joined none."""
    found = {}
    sent = tx.one(SENT, subject=f"message:{message.id}")
    for row in tx.all(OLDER, id=message.id, sent=message.sent_at):
        opened = tx.one(OPENED, id=row["id"])
        assert opened
        used: int | None = None
        if sent and sent["id"]:
            before = tx.one(BEFORE, since=sent["id"], subject=f"wake:{row['id']}")
            data: Any = from_json(before["data"]) if before else {}
            used = data.get("attempts") or 0
        found[row["agent_id"]] = Joined(row["id"], opened["opened_at"], used)
    return found


def _attempt(row: Row, wake: int) -> Attempt:
    data: Any = from_json(row["data"])
    return Attempt(
        at=row["at"],
        wake=wake,
        state=row["type"].removeprefix("wake_"),
        transport=data.get("transport"),
        reason=data.get("reason"),
        attempts=data.get("attempts") or 0,
        next_attempt_at=data.get("next_attempt_at"),
        exit=data.get("exit"),
    )
