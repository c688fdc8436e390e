"""Pruning of agents: one that was not used for long leaves its team, with its sessions and whatever is only its own.

An agent is unused when all of this is true for as long as things are kept (XATS_KEEP):

- it gave no sign of life, and no process of its session may still live;
- it sent nothing, and got nothing that was for it alone or needs a reply; mail from xats itself does not count;
- no task that has not ended is claimed by it or is for it.

Then, in this order:

1. Its unread copies of mail to several agents, and of mail from xats itself, expire. Its other unread mail becomes a
   dead letter (`agent_unused`), and the senders who need a reply are told.
2. When all its dead letters are at least as old, the agent is pruned: it is not registered any more, and its sessions,
   labels, presence, pairs, pauses and subscriptions go. What it had not read expires.
3. Its row goes as soon as no message, task, note or contract refers to it. Until then the row stays, hidden.

After a day or more in which the host was off or suspended, no agent is judged for a day (core/clock.py).

The agent in whose name xats itself writes stays. So does an ended session whose process may still live: what that
process writes is refused (core/agents/agents.py).
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import agents
from xats.core.agents.agents import AGENT, SESSION, Seat
from xats.core.mail import alerts
from xats.core.waking import wakes
from xats.store.references import elsewhere

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent
    from xats.store import Row, Tx

# Of a delivery d of the message m from the agent f: whether it is for its recipient alone, or needs a reply.
TO_MANY = "m.address like '%,%' or m.address like '%:%' or lower(m.address) = 'all' or lower(m.address) like 'all@%'"
OWN = f"f.client <> 'system' and (d.need_reply = 1 or not ({TO_MANY}))"

AGENTS = f"""
select {AGENT}, a.pruned_at, case when a.client <> 'system' and a.seen_at <= :before
    and (a.unregistered_at is null or a.unregistered_at <= :before) then 1 else 0 end as silent
from agents a where a.id > :after order by a.id limit :limit
"""
IN_USE = f"""
select 1 from tasks t where t.owner_id = :id and t.state in ('claimed', 'review')
union all
select 1 from tasks t where t.assignee_id = :id and t.state = 'open'
union all
select 1 from messages m where m.sender_id = :id and m.sent_at > :before
union all
select 1 from deliveries d join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :id and m.sent_at > :before and {OWN}
limit 1
"""
EXPIRE = """
update deliveries set state = 'expired', claim = null, claim_until = null, expires_at = :now, dropped_at = :now
where agent_id = :id and state = 'unread' {which}
returning message_id
"""
EXPIRE_MANY = EXPIRE.format(
    which=f"""and message_id in (
    select d.message_id from deliveries d join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
    where d.agent_id = :id and d.state = 'unread' and not ({OWN})
)"""
)
EXPIRE_ALL = EXPIRE.format(which="")
# Mail that is not yet a dead letter; one that a person dropped from the list was seen there.
NOT_DEAD = """
select 1 from deliveries d left join wakes w on w.id = d.wake_id
where d.agent_id = :id and d.state = 'unread' and d.dropped_at is null and (w.id is null or w.state <> 'failed')
limit 1
"""
YOUNG = """
select 1 from deliveries d join wakes w on w.id = d.wake_id
where d.agent_id = :id and d.state = 'unread' and d.dropped_at is null and w.closed_at > :before
union all
select 1 from deliveries d
where d.agent_id = :id and d.state = 'expired' and d.dropped_at is null and d.expires_at > :before
limit 1
"""
# What is only the agent's own goes with it. Its wakes go when they are old (core/prune.py).
GOES = (
    "delete from sessions where agent_id = :id",
    "delete from labels where agent_id = :id",
    "delete from presence where agent_id = :id",
    "delete from pairs where low_id = :id",
    "delete from pairs where high_id = :id",
    "delete from pauses where agent_id = :id",
    "delete from contract_subscribers where agent_id = :id",
    "delete from former_names where agent_id = :id",
    "delete from former_addresses where agent_id = :id",
    "delete from expectations where agent_id = :id",
)
HIDE = """
update agents set unregistered_at = coalesce(unregistered_at, :now), pruned_at = :now, offered_at = null,
    expected_at = null
where id = :id
"""
ROW = "delete from agents where id = :id and not (1 = 0 {elsewhere})"
SESSIONS = f"""
select {SESSION}, case when s.ended_at <= :before and not (1 = 0 {{elsewhere}}) then 1 else 0 end as old
from sessions s where s.id > :after order by s.id limit :limit
"""


@record
class Unused:
    """Which agents are unused, and which ended sessions are old."""

    since: int  #: ms UTC; nothing was seen of them since then
    occupied: Callable[[Seat], bool]  #: tells whether a process of a seat may still live


def prune(tx: Tx, unused: Unused, after: int, limit: int) -> tuple[int | None, list[str], int]:
    """Look at `limit` agents behind the id `after`, and prune those that are `unused`.

    Return where to go on (None: there are no more), the names of the pruned agents (`name@team`), and how many sessions
    they had.
    """
    rows = tx.all(AGENTS, after=after, before=unused.since, limit=limit)
    names, sessions = [], 0
    for row in rows:
        if not row["silent"]:
            continue
        agent = agents.agent_of(row)
        if row["pruned_at"] is None:
            if not _is_unused(tx, agent, unused) or not _mail_is_over(tx, agent, unused.since):
                continue
            sessions += _leave(tx, agent)
            names.append(agent.address)
        tx.run(ROW.format(elsewhere=elsewhere(tx, "agents", "agents", set())), id=agent.id)
    return (rows[-1]["id"] if rows else None), names, sessions


def prune_sessions(tx: Tx, unused: Unused, after: int, limit: int) -> tuple[int | None, int]:
    """Look at `limit` sessions behind the id `after`, and remove those that ended long ago.

    Return where to go on (None: there are no more), and how many were removed.
    """
    sql = SESSIONS.format(elsewhere=elsewhere(tx, "sessions", "s", set()))
    rows = tx.all(sql, after=after, before=unused.since, limit=limit)
    old = [row["session_id"] for row in rows if row["old"] and not unused.occupied(_process_of(row))]
    tx.many("delete from sessions where id = :id", [{"id": one} for one in old])
    return (rows[-1]["session_id"] if rows else None), len(old)


def _process_of(row: Row) -> Seat:
    """Return where the process of an ended session sits, without its pane: another session may have that by now."""
    return Seat(host=row["host"], pid=row["pid"], pid_started=row["pid_started"])


def _is_unused(tx: Tx, agent: Agent, unused: Unused) -> bool:
    """Tell whether `agent`, which gave no sign of life for long, was not used in any other way either."""
    session = agents.current_session(tx, agent)
    if session and unused.occupied(session.seat):
        return False
    return tx.one(IN_USE, id=agent.id, before=unused.since) is None


def _mail_is_over(tx: Tx, agent: Agent, before: int) -> bool:
    """Have the unread mail of an unused agent expire or become dead letters; tell whether all of it is old enough."""
    _say_expired(tx, agent, [row["message_id"] for row in tx.all(EXPIRE_MANY, id=agent.id, now=tx.now)])
    if tx.one(NOT_DEAD, id=agent.id):
        wakes.give_up(tx, agent.id, "agent_unused")
        alerts.given_up(tx, agent.id)
    return tx.one(YOUNG, id=agent.id, before=before) is None


def _leave(tx: Tx, agent: Agent) -> int:
    """Take `agent` out of its team; return how many sessions it had."""
    _say_expired(tx, agent, [row["message_id"] for row in tx.all(EXPIRE_ALL, id=agent.id, now=tx.now)])
    sessions, *_ = [tx.run(sql, id=agent.id) for sql in GOES]
    tx.run(HIDE, id=agent.id, now=tx.now)
    tx.event("agent_pruned", agent.team, None, f"agent:{agent.name}", seen_at=agent.seen_at)
    return sessions


def _say_expired(tx: Tx, agent: Agent, ids: Sequence[int]) -> None:
    if ids:
        tx.event("mail_expired", agent.team, None, f"agent:{agent.name}", messages=sorted(ids))
        wakes.close_if_read(tx, agent.id, "expired")
