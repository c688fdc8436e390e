"""The log: the mail of a team in the order in which it was sent, for a reader. Looking changes no state of mail.

A person sees the mail of the whole team. An agent sees only mail that it sent or got, and of mail that it got only the
state of its own copy.
"""

from __future__ import annotations

from xats.base.record import record, replace
from xats.core.mail.messages import MESSAGE, Message, message_of
from xats.core.mail.threads import Copy
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.store import Tx


@record
class Query:
    """Which mail to list. None is no limit."""

    viewer: Agent | None = None  #: only mail that this agent sent or got; None: a person, who sees everything
    team: str | None = None  #: only mail that agents of this team sent or got
    sender: Agent | None = None
    recipient: Agent | None = None
    kind: str | None = None
    since: int | None = None  #: only messages with a larger id
    since_at: int | None = None  #: only messages that were sent at this time (ms UTC) or later

    def behind(self, message_id: int) -> Query:
        """Return the same query for the messages after that id."""
        return replace(self, since=message_id)

    def of_team(self, team: str) -> Query:
        """Return the same query for `team`."""
        return replace(self, team=team)


@record
class Entry:
    """A message of the log, and the copies whose state the viewer may see."""

    message: Message
    copies: tuple[Copy, ...]


GOT = "exists (select 1 from deliveries v where v.message_id = m.id and v.agent_id = {agent})"
# By condition: its SQL. `m` is the message, `f` its sender.
CONDITIONS = {
    "viewer": f"(m.sender_id = :viewer or {GOT.format(agent=':viewer')})",
    "team": """(f.team = :team or exists (
        select 1 from deliveries v join agents r on r.id = v.agent_id where v.message_id = m.id and r.team = :team
    ))""",
    "sender": "m.sender_id = :sender",
    "recipient": GOT.format(agent=":recipient"),
    "kind": "m.kind = :kind",
    "since": "m.id > :since",
    "since_at": "m.sent_at >= :since_at",
}
FROM = "from messages m join agents f on f.id = m.sender_id"
LATEST = f"select {MESSAGE} {FROM} where {{only}} order by m.id desc limit :limit"
NEWER = f"select {MESSAGE} {FROM} where {{only}} order by m.id limit :limit"
NEWEST = "select max(id) as id from messages"
COPIES = f"""
select a.name, a.team, {wakes.STATE} as state, d.acked_at,
    coalesce(d.replied_at, d.acked_at, d.read_at, d.shown_at) as at
from deliveries d join agents a on a.id = d.agent_id
where d.message_id = :id and (:viewer is null or d.agent_id = :viewer) order by a.id
"""


def latest(tx: Tx, query: Query, limit: int) -> tuple[list[Entry], bool]:
    """Return the newest `limit` messages that match `query`, oldest first, and whether there are earlier ones."""
    only, values = conditions(query)
    rows = tx.all(LATEST.format(only=only), limit=limit + 1, **values)
    found = [message_of(row) for row in reversed(rows[:limit])]
    return [Entry(one, _copies(tx, one, query.viewer)) for one in found], len(rows) > limit


def newer(tx: Tx, query: Query, limit: int) -> tuple[list[Entry], bool]:
    """Return the oldest `limit` messages that match `query`, oldest first, and whether there are more."""
    only, values = conditions(query)
    rows = tx.all(NEWER.format(only=only), limit=limit + 1, **values)
    found = [message_of(row) for row in rows[:limit]]
    return [Entry(one, _copies(tx, one, query.viewer)) for one in found], len(rows) > limit


def newest(tx: Tx) -> int:
    """Return the id of the newest message, 0 if there is none."""
    row = tx.one(NEWEST)
    return (row["id"] if row else None) or 0


def conditions(query: Query) -> tuple[str, dict[str, Any]]:
    """Return `query` as SQL over FROM, and its values."""
    given = {
        "viewer": query.viewer and query.viewer.id,
        "team": query.team if query.viewer is None else None,
        "sender": query.sender and query.sender.id,
        "recipient": query.recipient and query.recipient.id,
        "kind": query.kind,
        "since": query.since,
        "since_at": query.since_at,
    }
    values = {name: value for name, value in given.items() if value is not None}
    return " and ".join(CONDITIONS[name] for name in values) or "1 = 1", values


def _copies(tx: Tx, message: Message, viewer: Agent | None) -> tuple[Copy, ...]:
    """Return the copies of `message` whose state `viewer` may see."""
    own = None if viewer is None or message.sender == viewer.address else viewer.id
    return tuple(
        Copy(
            agent=f"{row['name']}@{row['team']}",
            state="acked" if row["acked_at"] and row["state"] == "read" else row["state"],
            at=row["at"],
        )
        for row in tx.all(COPIES, id=message.id, viewer=own, **wakes.fresh(tx))
    )
