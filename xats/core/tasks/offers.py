"""Offers: the members of a role are asked to take a claimable message, one after another (core/tasks/pools.py).

Who has least to do and was not asked for longest comes first, the next one after a minute without a claim. Those that
are gone come last. All get a copy of the same message; once it is claimed the other copies are taken back.
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

EVERY = 60_000  # ms that one member has before the next one is asked
BATCH = 100  # offers that one transaction makes

# Not who sent it, nor whoever has been asked already or is paused; who let go of it last comes last.
UNASKED = """
a.team = t.team and a.role = t.role and a.unregistered_at is null and a.id <> t.created_by
    and not exists (select 1 from deliveries d where d.agent_id = a.id and d.message_id = t.message_id)
"""
PAUSED = wakes.paused("a.id", "a.team")
# Who waits for a program, whose program said that its session is over, whose process has ended, or whose wake is
# suspended because its target is gone. An agent of which no process is known may well be there.
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
    """Return when the next member of a pool is to be asked (ms UTC); it may be past. None: nobody is."""
    row = tx.one(NEXT_DUE)
    return row["at"] if row else None


def is_due(at: int | None, now: int) -> bool:
    """Tell whether what `next_due` returned has come. A time too far ahead is from before the clock was set back."""
    return at is not None and (at <= now or at > now + EVERY)


def offer_due(tx: Tx) -> int:
    """Ask the next member of every pool whose time has come; return how many were asked.

    The one who was asked last gets the whole time anew where the clock was wrong, or the host suspended, meanwhile.
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
    """Let those be asked who have come, or come back, since all the others were; return for how many tasks."""
    return tx.run(LOOK_AGAIN, now=tx.now)


def offer(tx: Tx, task: Task) -> Agent | None:
    """Ask the next member of the pool of `task`, and note when the one after that is to be asked."""
    row = tx.one(WHOM, id=task.id)
    if row is None or row["paused"]:
        tx.run(SET_OFFER, id=task.id, at=tx.now + EVERY if row else None)
        if row is None:
            _tell_nobody_left(tx, task)
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


def _tell_nobody_left(tx: Tx, task: Task) -> None:
    row = tx.one(ASKED, id=task.message_id)
    if row and row["n"]:
        notify.tell(
            tx,
            notify.agent_of(tx, task.creator_id),
            f"nobody has taken #{task.id}: {task.title}",
            f"All {row['n']} of role {task.role} were asked, and nobody has claimed task #{task.id}: {task.title}",
            f"It stays open, and whoever joins is asked. To end it: xats task cancel {task.id}",
        )


def begin(tx: Tx, task: Task) -> None:
    """Ask the members once more, from the first, with a new copy of the message: `task` is open again."""
    row = tx.one(sending.REPEAT, id=task.message_id, address=f"pool:{task.role}", now=tx.now)
    assert row
    now = tasks.update(tx, task, message_id=row["id"], offer_at=tx.now)
    offer(tx, now)


def taken(tx: Tx, task: Task, by: Agent) -> None:
    """Take the message back from everybody but `by`, who has claimed it and has read it.

    The end of the task is the answer to its sender, so `by` does not have to reply either.
    """
    assert task.message_id
    inbox.withdraw(tx, task.message_id, by.id)
    inbox.mark_read(tx, by, [task.message_id])
    tx.run(HAS, agent=by.id, message=task.message_id, now=tx.now)
    tx.run(inbox.NO_REPLY, id=task.message_id, keep=0)


def withdrawn(tx: Tx, task: Task) -> None:
    """Take the message back from everybody: `task` was cancelled."""
    if task.message_id is not None:
        inbox.withdraw(tx, task.message_id)
