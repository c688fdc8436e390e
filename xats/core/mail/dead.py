"""Dead letters: deliveries that failed. A person or an agent can look at them, retry them, or drop them.

A delivery is a dead letter if it expired unread, or while it is unread and its wake has failed. No mail is lost: unread
mail stays in its recipient's inbox, and dropping a dead letter only removes it from this list.
"""

from __future__ import annotations

from xats.base.errors import NotFound, Refused
from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.mail import sending
from xats.core.mail.messages import MESSAGE, Message, message_of
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx


ENDED = ("expired", "forgotten")  # the reasons of copies that are in no inbox any more


@record
class DeadLetter:
    """A delivery that failed: why, and since when (ms UTC)."""

    message: Message
    agent_id: int
    agent: str  #: name@team of the recipient
    reason: Reason
    last_refusal: Reason | None
    attempts: int
    since: int


# Unread mail with a failed wake or past its time, and mail that a sweep marked as expired. Each has an index, by agent.
# SQLite keeps the order of a cross join; otherwise it would scan all mail that had a wake.
DEAD = (f"d.state = 'unread' and (w.state = 'failed' or not {wakes.FRESH_COPY})", "d.state = 'expired'")
FOUND = f"""
select {MESSAGE}, d.agent_id, a.name as agent_name, a.team as agent_team, {wakes.STATE} as delivery_state,
    d.expires_at as ended, d.no_wake_reason, w.reason, w.last_refusal, coalesce(w.attempts, 0) as attempts, w.closed_at
from agents a cross join deliveries d join messages m on m.id = d.message_id
join agents f on f.id = m.sender_id left join wakes w on w.id = d.wake_id
where d.agent_id = a.id and d.dropped_at is null and (a.team = :team or f.team = :team)
    and (:id is null or m.id = :id) and {{dead}}
order by m.id, a.id limit :limit
"""
COUNT = """
select count(*) as n from agents a cross join deliveries d left join wakes w on w.id = d.wake_id
where d.agent_id = a.id and d.dropped_at is null and (:team is null or a.team = :team) and {dead}
"""
DROP = "update deliveries set dropped_at = :now where agent_id = :agent and message_id = :message"


def listing(tx: Tx, team: str, limit: int, message_id: int | None = None) -> tuple[list[DeadLetter], bool]:
    """Return the dead letters to or from `team`, oldest first, and whether more follow."""
    values = {"team": team, "id": message_id, "limit": limit + 1, **wakes.fresh(tx)}
    rows = [row for dead in DEAD for row in tx.all(FOUND.format(dead=dead), **values)]
    found = sorted((_letter(row) for row in rows), key=lambda one: (one.message.id, one.agent_id))
    return found[:limit], len(found) > limit


def count(tx: Tx, team: str | None = None) -> int:
    """Return the number of dead letters to `team`, or of all."""
    when = wakes.fresh(tx)
    rows = [row for dead in DEAD for row in tx.all(COUNT.format(dead=dead), team=team, **when)]
    return sum(row["n"] for row in rows)


def find(tx: Tx, team: str, message_id: int, whose: Agent | None = None) -> list[DeadLetter]:
    """Return the dead copies of message `message_id`, or only that of `whose`. Raises NotFound."""
    found, _ = listing(tx, team, 1000, message_id)
    found = [one for one in found if whose is None or one.agent_id == whose.id]
    if not found:
        to = f" to {whose.name}" if whose else ""
        msg = f"Message {message_id}{to} is not a dead letter of team {team}."
        raise NotFound(msg, "xats dead list", id=message_id)
    return found


def retry(tx: Tx, by: Agent, letters: Sequence[DeadLetter]) -> list[int]:
    """Wake the recipients of `letters` again, and send expired mail again; return the ids of the messages.

    Raises Refused, and does nothing, if a recipient is not registered any more.
    """
    done = []
    for letter in letters:
        recipient = agents.by_id(tx, letter.agent_id)
        if not recipient.registered:
            msg = f"{recipient.name} is not registered any more, so xats cannot retry message {letter.message.id}."
            hint = f"xats dead retry {letter.message.id} --to AGENT"
            raise Refused(msg, hint, id=letter.message.id, agent=recipient.address)
        if letter.reason in ENDED:
            done.append(_send_again(tx, by, letter, recipient))
        else:
            wakes.join(tx, recipient.id)
            done.append(letter.message.id)
            _say(tx, "dead_retried", by, letter, to=recipient.address)
    return done


def redirect(tx: Tx, by: Agent, letter: DeadLetter, to: Agent) -> int:
    """Send the message of `letter` to another agent, from its sender, in its thread; return the new id."""
    return _send_again(tx, by, letter, to)


def drop(tx: Tx, by: Agent, letter: DeadLetter) -> None:
    """Remove `letter` from the list; unread mail stays in its recipient's inbox."""
    tx.run(DROP, agent=letter.agent_id, message=letter.message.id, now=tx.now)
    _say(tx, "dead_dropped", by, letter)


def _send_again(tx: Tx, by: Agent, letter: DeadLetter, to: Agent) -> int:
    again = sending.repeat(tx, letter.message.id, to)
    tx.run(DROP, agent=letter.agent_id, message=letter.message.id, now=tx.now)
    _say(tx, "dead_retried", by, letter, to=to.address, new_id=again)
    return again


def _letter(row: Row) -> DeadLetter:
    expired = row["delivery_state"] == "expired"
    return from_row(
        DeadLetter,
        row,
        message=message_of(row),
        agent=f"{row['agent_name']}@{row['agent_team']}",
        reason=_ending(row) if expired else row["reason"],
        since=row["ended"] if expired else row["closed_at"],
    )


def _ending(row: Row) -> Reason:
    """Return why mail expired unread: its time passed, or its recipient was removed."""
    return "forgotten" if row["no_wake_reason"] == "forgotten" else "expired"


def _say(tx: Tx, what: str, by: Agent, letter: DeadLetter, **data: object) -> None:
    team = letter.agent.rpartition("@")[2]
    tx.event(what, team, by.name, f"message:{letter.message.id}", agent=letter.agent, reason=letter.reason, **data)
