"""The list of agents: their labels, sessions, unread mail, last wakes, pauses and presence."""

from __future__ import annotations

from xats.base.record import from_row
from xats.core.agents import expectations
from xats.core.agents.agents import AGENT, SESSION, Details, agent_of, session_of
from xats.core.agents.presence import Presence
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Row, Tx

# Closed wakes have no index by agent: the last one that matters is found by the mail that it was for.
LISTING = f"""
select {AGENT}, {SESSION}, {", ".join(f"w.{name} as last_{name}" for name in wakes.COLUMNS.split())},
    (select count(*) from deliveries d where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH_COPY}) as unread,
    (select min(m.sent_at) from deliveries d join messages m on m.id = d.message_id
     where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH}) as oldest,
    (select count(*) from deliveries d where d.agent_id = a.id and d.state = 'shown') as shown,
    (select d.no_wake_reason from deliveries d where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH_COPY}
     order by d.message_id desc limit 1) as no_wake_reason,
    {wakes.paused("a.id", "a.team")} as paused,
    (select count(*) from locks l where l.holder_id = a.id and l.kind = 'explicit'
     and (l.lease_until > :now or a.seen_at + l.lease_ms > :now or l.lease_until - l.lease_ms < :sure)) as locks,
    h.state, h.at, h.client_session as told_by, h.continued, h.broken_off_at
from agents a left join presence h on h.agent_id = a.id
left join sessions s on s.agent_id = a.id and s.ended_at is null
left join wakes w on w.id = coalesce(
    (select o.id from wakes o where o.agent_id = a.id and o.closed_at is null),
    (select d.wake_id from deliveries d where d.agent_id = a.id and d.state = 'unread' and d.wake_id is not null
     and {wakes.FRESH_COPY} order by d.message_id desc limit 1)
)
where a.unregistered_at is null and (:team is null or a.team = :team) and (:role is null or a.role = :role)
order by a.team, a.name_key
"""
RECIPIENTS = f"""
select {AGENT}, {SESSION}, h.state, h.at, h.client_session as told_by, h.continued, h.broken_off_at
from deliveries d join agents a on a.id = d.agent_id left join presence h on h.agent_id = a.id
left join sessions s on s.agent_id = a.id and s.ended_at is null
where d.message_id = :id
"""
LABELS = """
select l.agent_id, l.kind, l.label from labels l join agents a on a.id = l.agent_id
where (:team is null or a.team = :team) order by l.label
"""


def agents(tx: Tx, team: str | None, role: str | None = None) -> list[Details]:
    """Return the registered agents of `team` (None: of all teams), with `role` only those that have it."""
    expected = expectations.by_agent(tx, team)
    labels: dict[tuple[int, str], list[str]] = {}
    for row in tx.all(LABELS, team=team):
        labels.setdefault((row["agent_id"], row["kind"]), []).append(row["label"])
    rows = tx.all(LISTING, team=team, role=role.lower() if role else None, **wakes.fresh(tx))
    return [
        Details(
            agent_of(row),
            tags=tuple(labels.get((row["id"], "tag"), ())),
            capabilities=tuple(labels.get((row["id"], "cap"), ())),
            session=session_of(row) if row["session_id"] is not None else None,
            unread=row["unread"],
            oldest_unread_at=row["oldest"],
            wake=_last_wake(row),
            no_wake_reason=row["no_wake_reason"],
            paused=bool(row["paused"]),
            presence=_presence(row),
            shown=row["shown"],
            locks=row["locks"],
            expected=expected.get(row["id"]),
        )
        for row in rows
    ]


def recipients(tx: Tx, message_id: int) -> dict[int, Details]:
    """Return the agents that got a message, by their ids, also those that have left. They have no labels and no mail.

    That is enough to tell what each of them does now.
    """
    return {
        row["id"]: Details(
            agent_of(row),
            tags=(),
            capabilities=(),
            session=session_of(row) if row["session_id"] is not None else None,
            presence=_presence(row),
            expected=expectations.of_agent(tx, row["id"]) if row["expected_at"] is not None else None,
        )
        for row in tx.all(RECIPIENTS, id=message_id)
    }


def _presence(row: Row) -> Presence | None:
    return from_row(Presence, row, client_session=row["told_by"], reminded_at=None) if row["state"] else None


def _last_wake(row: Row) -> wakes.Wake | None:
    if row["last_id"] is None:
        return None
    return wakes.Wake(**{name: row[f"last_{name}"] for name in wakes.COLUMNS.split()})
