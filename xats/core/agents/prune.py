"""Pruning of agents: xats takes an agent out of its team when the agent has been unused for the time of XATS_KEEP.

An agent is unused when all of this is true for that long:

- It gave no sign of life, and no process of its session can still live.
- It sent no message, and got none that was for it alone or needs a reply. Mail from xats itself does not count.
- No open task is for it, and it has claimed none. It has no turn, and none is offered to it.

Then these steps follow, in this order:

1. Its unread copies of mail to several agents, and of mail from xats itself, expire. Its other unread mail becomes dead
   letters (`agent_unused`), and xats tells the senders who need a reply.
2. When all its dead letters have been dead for the time of XATS_KEEP, xats unregisters the agent. Its sessions, labels,
   presence, pairs, pauses and subscriptions are deleted. Its unread mail expires.
3. When no message, task, note or contract refers to its row any more, the row is deleted. Until then it is hidden.

After the host was off or suspended for a day or more, xats prunes no agent for a day (core/clock.py).

xats never prunes the agent as which it writes itself. An ended session whose process can still live stays too, because
xats must refuse what that process writes (core/agents/agents.py).
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import agents, cascade
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
select 1 from turns t where t.holder_id = :id
union all
select 1 from turns t where t.offered_id = :id
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
# Mail that is not yet a dead letter. A person has seen the dead letters that were dropped.
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
    """How to tell which agents are unused, and which ended sessions are old."""

    since: int  #: ms UTC; an unused agent did nothing since then
    occupied: Callable[[Seat], bool]  #: tells whether the process of a seat can still live


def prune(tx: Tx, unused: Unused, after: int, limit: int) -> tuple[int | None, list[str], int]:
    """Look at `limit` agents after the id `after`, and prune those that are `unused`.

    Return the id to continue after (None: there are no more), the addresses of the pruned agents, and how many sessions
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
    """Look at `limit` sessions after the id `after`, and delete those that ended long ago.

    Return the id to continue after (None: there are no more), and how many were deleted.
    """
    sql = SESSIONS.format(elsewhere=elsewhere(tx, "sessions", "s", set()))
    rows = tx.all(sql, after=after, before=unused.since, limit=limit)
    old = [row["session_id"] for row in rows if row["old"] and not unused.occupied(_process_of(row))]
    tx.many("delete from sessions where id = :id", [{"id": one} for one in old])
    return (rows[-1]["session_id"] if rows else None), len(old)


def _process_of(row: Row) -> Seat:
    """Return the seat of an ended session without its pane, which another session may have by now."""
    return Seat(host=row["host"], pid=row["pid"], pid_started=row["pid_started"])


def _is_unused(tx: Tx, agent: Agent, unused: Unused) -> bool:
    """Tell whether a silent `agent` has no living process, no open task and no recent mail."""
    session = agents.current_session(tx, agent)
    if session and unused.occupied(session.seat):
        return False
    return tx.one(IN_USE, id=agent.id, before=unused.since) is None


def _mail_is_over(tx: Tx, agent: Agent, before: int) -> bool:
    """Let the unread mail of an unused agent expire or become dead letters; tell whether all of it is old enough."""
    _say_expired(tx, agent, [row["message_id"] for row in tx.all(EXPIRE_MANY, id=agent.id, now=tx.now)])
    if tx.one(NOT_DEAD, id=agent.id):
        wakes.give_up(tx, agent.id, "agent_unused")
        alerts.given_up(tx, agent.id)
    return tx.one(YOUNG, id=agent.id, before=before) is None


def _leave(tx: Tx, agent: Agent) -> int:
    """Take `agent` out of its team; return how many sessions it had."""
    _say_expired(tx, agent, [row["message_id"] for row in tx.all(EXPIRE_ALL, id=agent.id, now=tx.now)])
    sessions = tx.run("delete from sessions where agent_id = :id", id=agent.id)
    cascade.delete(tx, agent.id)
    tx.run(HIDE, id=agent.id, now=tx.now)
    tx.event("agent_pruned", agent.team, None, f"agent:{agent.name}", seen_at=agent.seen_at)
    return sessions


def _say_expired(tx: Tx, agent: Agent, ids: Sequence[int]) -> None:
    if ids:
        tx.event("mail_expired", agent.team, None, f"agent:{agent.name}", messages=sorted(ids))
        wakes.close_if_read(tx, agent.id, "expired")
