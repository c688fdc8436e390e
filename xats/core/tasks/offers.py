"""Offers: xats asks the members of a role to claim a message, one after another (core/tasks/pools.py).

The member with the fewest tasks, not asked for the longest time, comes first. xats asks the next one after a minute
without a claim, and members that are gone last. Each gets a copy of the same message. After a claim, xats withdraws
the other copies.
"""

from __future__ import annotations

from xats.core import clock
from xats.core.agents import agents
from xats.core.mail import inbox, sending
from xats.core.tasks import notify, tasks
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

EVERY = 60_000  # ms from one offer to the next
BATCH = 100  # offers that one transaction makes

# Not the sender, nor a member that already has a copy.
UNASKED = """
a.team = t.team and a.role = t.role and a.unregistered_at is null and a.id <> t.created_by
    and not exists (select 1 from deliveries d where d.agent_id = a.id and d.message_id = t.message_id)
"""
PAUSED = wakes.paused("a.id", "a.team")
# An agent is gone if it waits for its program, its program reported the end of its session, its process has ended, or
# its wake is suspended because the target is gone. An agent without a known process may still be there.
GONE = f"""
(a.expected_at is not null
or exists (select 1 from presence h where h.agent_id = a.id and h.state = 'ended')
or exists (
    select 1 from sessions s where s.agent_id = a.id and s.ended_at is null
        and s.gone_at >= a.seen_at - {agents.LAST_HOOKS}
)
or exists (
    select 1 from wakes w where w.agent_id = a.id and w.closed_at is null and w.state <> 'held'
        and w.next_attempt_at is null and w.lease_token is null
))
"""
# Paused members come last. Before them come members that are gone, and before those the last owner of the task.
WHOM = f"""
select {agents.AGENT}, case when {PAUSED} then 1 else 0 end as paused from tasks t join agents a on {UNASKED}
where t.id = :id
order by case when {PAUSED} then 1 else 0 end, case when {GONE} then 1 else 0 end,
    case when a.id = (
        select n.agent_id from task_notes n where n.task_id = t.id and n.kind = 'claimed' order by n.id desc limit 1
    ) then 1 else 0 end,
    (select count(*) from tasks h where h.owner_id = a.id and h.state in ('claimed', 'review')),
    coalesce(a.offered_at, 0), a.id
limit 1
"""
WAITING = "t.pool = 1 and t.state = 'open'"
DUE = f"""
select t.id, t.team, t.offer_at from tasks t where {WAITING} and t.offer_at is not null
    and (t.offer_at <= :now or t.offer_at > :far)
order by t.offer_at limit :limit
"""
NEXT_DUE = (
    f"select t.offer_at as at from tasks t where {WAITING} and t.offer_at is not null order by t.offer_at limit 1"
)
LOOK_AGAIN = f"""
update tasks set offer_at = :now where id in (
    select t.id from tasks t where {WAITING} and t.offer_at is null
        and exists (select 1 from agents a where {UNASKED} and not {PAUSED})
)
"""
SET_OFFER = "update tasks set offer_at = :at where id = :id and state = 'open'"
ASKED = "select count(*) as n from deliveries where message_id = :id"
HAS = """
insert into deliveries (agent_id, message_id, state, read_at, no_wake_reason)
values (:agent, :message, 'read', :now, 'no_wake')
on conflict (agent_id, message_id) do nothing
"""


def next_due(tx: Tx) -> int | None:
    """Return when the next offer is due (ms UTC, perhaps past); None if none is."""
    row = tx.one(NEXT_DUE)
    return row["at"] if row else None


def is_due(at: int | None, now: int) -> bool:
    """Tell whether the time `at` of `next_due` has come. A time too far ahead is from before the clock was set back."""
    return at is not None and (at <= now or at > now + EVERY)


def offer_due(tx: Tx) -> int:
    """Make all due offers; return how many.

    If the clock was wrong or the host was suspended meanwhile, the member asked last gets the whole time again.
    """
    rows = tx.all(DUE, now=tx.now, far=tx.now + EVERY, limit=BATCH)
    since, asked = clock.observe(tx).upset_at if rows else 0, 0
    for row in rows:
        if since and not since <= row["offer_at"] - EVERY <= tx.now:
            tx.run(SET_OFFER, id=row["id"], at=tx.now + EVERY)
        else:
            asked += offer(tx, tasks.find(tx, row["team"], row["id"])) is not None
    return asked


def look_again(tx: Tx) -> int:
    """Make offers due again for tasks that all members were asked for, if new members came; return how many."""
    return tx.run(LOOK_AGAIN, now=tx.now)


def offer(tx: Tx, task: Task) -> Agent | None:
    """Offer `task` to the next member of its pool, and set the time of the next offer; return the member, if any."""
    row = tx.one(WHOM, id=task.id)
    if row is None or row["paused"]:
        tx.run(SET_OFFER, id=task.id, at=tx.now + EVERY if row else None)
        if row is None:
            _tell_all_asked(tx, task)
        return None
    member = agents.agent_of(row)
    assert task.message_id
    sender = agents.by_id(tx, task.creator_id)
    sending.also_to(tx, task.message_id, sender, member)
    tx.run("update agents set offered_at = :now where id = :id", id=member.id, now=tx.now)
    tx.run(SET_OFFER, id=task.id, at=tx.now + EVERY)
    tasks.note(tx, task, "offered", member, None)
    tasks.say(tx, task, "offered", None, to=member.address, message=task.message_id)
    return member


def _tell_all_asked(tx: Tx, task: Task) -> None:
    row = tx.one(ASKED, id=task.message_id)
    if row and row["n"]:
        notify.tell(
            tx,
            notify.agent_of(tx, task.creator_id),
            f"no agent has claimed #{task.id}: {task.title}",
            f"xats asked all {row['n']} agents of role {task.role}; none has claimed task #{task.id}: {task.title}",
            f"It stays open, and xats asks agents that join. To end it: xats task cancel {task.id}",
        )


def begin(tx: Tx, task: Task) -> None:
    """Offer `task`, which is open again, to all members anew, with a new message."""
    row = tx.one(sending.REPEAT, id=task.message_id, address=f"pool:{task.role}", now=tx.now)
    assert row
    now = tasks.update(tx, task, message_id=row["id"], offer_at=tx.now)
    offer(tx, now)


def taken(tx: Tx, task: Task, by: Agent) -> None:
    """Withdraw the message of `task` from all members but `by`, which has claimed it.

    The end of the task is the answer to the sender, so `by` does not have to reply.
    """
    assert task.message_id
    inbox.withdraw(tx, task.message_id, by.id)
    inbox.mark_read(tx, by, [task.message_id])
    tx.run(HAS, agent=by.id, message=task.message_id, now=tx.now)
    tx.run(inbox.NO_REPLY, id=task.message_id, keep=0)


def withdrawn(tx: Tx, task: Task) -> None:
    """Withdraw the message of the cancelled `task` from all members."""
    if task.message_id is not None:
        inbox.withdraw(tx, task.message_id)
