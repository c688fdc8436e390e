"""Claims: which agent works on a task, and until when. A claim is a lease, and only one agent can hold it."""

from __future__ import annotations

from xats.base.durations import iso, rough
from xats.base.errors import Refused
from xats.core import clock
from xats.core.leases import holders, tables
from xats.core.leases.leases import ENDED, LAPSED
from xats.core.tasks import dependencies, endings, leaving, notify, offers, owners, readiness, tasks
from xats.core.tasks.errors import (
    InvalidTask,
    LeaseLost,
    NeedsReview,
    NotOwner,
    TaskBlocked,
    TaskForOthers,
    TaskHeld,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from xats.core.agents.agents import Agent
    from xats.core.leases.holders import Gone
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

LEASE = 30 * 60_000  # ms
SHORTEST, LONGEST = 1000, 30 * 86_400_000  # ms that a lease may last

TAKE = """
update tasks set state = 'claimed', owner_id = :me, claimed_at = :now, lease_ms = :lease, lease_until = :until,
    claims = claims + 1, updated_at = :now, progress = null, offer_at = null
"""
MINE = "(assignee_id = :me or (assignee_id is null and (role is null or role = :role)))"
CLAIM = f"{TAKE} where id = :id and team = :team and state = 'open' and waits_for = 0 and {MINE} returning id"
# Each of the three parts finds its first task by an index.
FIRST = "select id, priority from tasks where team = :team and state = 'open' and waits_for = 0"
NEXT = f"""
select id from (
    select id, priority from (
        {FIRST} and assignee_id = :me and role is null order by priority, id limit 1
    ) as for_me
    union all
    select id, priority from (
        {FIRST} and assignee_id is null and role = :role order by priority, id limit 1
    ) as for_my_role
    union all
    select id, priority from (
        {FIRST} and assignee_id is null and role is null order by priority, id limit 1
    ) as for_anybody
) as found order by priority, id limit 1
"""
CLAIM_NEXT = f"{TAKE} where id = ({NEXT}) and state = 'open' and waits_for = 0 returning id"


# -- taking ------------------------------------------------------------------------------------------------------------


def claim(tx: Tx, me: Agent, task_id: int, lease: int = LEASE) -> Task:
    """Claim task `task_id` for `lease` ms, even from an owner whose process has ended.

    Raises UnknownTask, TaskEnded, TaskHeld, TaskForOthers, TaskBlocked, InvalidTask.
    """
    clock.observe(tx)  # so that the age of this lease will be right
    values = {"id": task_id, "team": me.team, **_taken(tx, me, lease)}
    if tx.one(CLAIM, **values) is None:
        task = tasks.find(tx, me.team, task_id)
        if task.owner_gone_at is None or task.owner_id == me.id:
            _refuse(tx, me, task)
        _lapse(tx, task, ENDED, taken_by=me)
        if tx.one(CLAIM, **values) is None:  # the error undoes all of this
            _refuse(tx, me, tasks.again(tx, task))
    return _claimed(tx, me, task_id)


def claim_next(tx: Tx, me: Agent, lease: int = LEASE) -> Task | None:
    """Claim the most urgent ready task that is for `me`, for the role of `me`, or for any agent; of equals the oldest.

    Returns None when there is none. Raises InvalidTask.
    """
    clock.observe(tx)
    values = {"team": me.team, **_taken(tx, me, lease)}
    while True:
        row = tx.one(CLAIM_NEXT, **values)
        if row:
            return _claimed(tx, me, row["id"])
        # In a database with parallel writers, another one may have taken that task. There may be a next one.
        if not any_next(tx, me):
            return None


def any_next(tx: Tx, me: Agent) -> bool:
    """Tell whether `claim_next` would find a task for `me`."""
    return tx.one(NEXT, team=me.team, me=me.id, role=me.role) is not None


def _taken(tx: Tx, me: Agent, lease: int) -> dict[str, int | str | None]:
    return {"me": me.id, "role": me.role, "now": tx.now, "lease": check_lease(lease), "until": tx.now + lease}


def check_lease(lease: int) -> int:
    """Return `lease` (ms) if it is allowed. Raises InvalidTask."""
    if not SHORTEST <= lease <= LONGEST:
        msg = "--lease must be from 1s to 30d. Nothing was changed."
        raise InvalidTask(msg, "xats task claim --next --lease 30m")
    return lease


def _claimed(tx: Tx, me: Agent, task_id: int) -> Task:
    task = tasks.find(tx, me.team, task_id)
    tasks.log(tx, task, "claimed", me, claim=task.claims, lease_until=iso(task.lease_until))
    if task.pool:
        offers.taken(tx, task, me)
    else:
        readiness.not_ready(tx, task, keep=me.id)
    return task


def _refuse(tx: Tx, me: Agent, task: Task) -> NoReturn:
    """Raise the error that says why `me` cannot claim `task`."""
    tasks.refuse_ended(task)
    number = task.id
    if task.state in ("claimed", "review"):
        assert task.owner
        who = "You have" if task.owner_id == me.id else f"{task.owner.partition('@')[0]} has"
        until = f", for {rough(task.lease_until - tx.now)} more" if task.lease_until else "; it is in review"
        msg = f"{who} claimed task {number}{until}."
        hint = f"xats task renew {number}" if task.owner_id == me.id else "xats task claim --next"
        if task.state == "review":
            hint = f"xats task show {number}"
        raise TaskHeld(msg, hint, id=number, owner=task.owner, lease_until=iso(task.lease_until))
    if task.assignee_id not in (None, me.id) or task.role not in (None, me.role):
        whom = task.assignee.partition("@")[0] if task.assignee else f"role {task.role}"
        msg = f"Task {number} is for {whom}, not for you."
        raise TaskForOthers(msg, "xats task claim --next", id=number, assignee=task.assignee, role=task.role)
    waits = dependencies.blockers(tx, task)
    shown = ", ".join(f"#{one.id} ({one.state})" for one in waits[:10]) + (" and more" if len(waits) > 10 else "")
    msg = f"Task {number} waits for {shown}."
    raise TaskBlocked(msg, f"xats task graph {number}", id=number, blocked_by=[one.id for one in waits])


# -- holding -----------------------------------------------------------------------------------------------------------

LAST_WORD = """
select kind from task_notes where task_id = :id and agent_id = :me and kind in ('claimed', 'released', 'lapsed')
order by id desc limit 1
"""


def own(tx: Tx, me: Agent, task_id: int, claim_number: int | None = None, *, states: tuple[str, ...]) -> Task:
    """Return task `task_id` if `me` holds its claim and its state is one of `states`.

    `claim_number` is the number of the claim that `me` means, if known. Raises UnknownTask, TaskEnded, LeaseLost,
    NotOwner or Refused.
    """
    task = tasks.find(tx, me.team, task_id)
    tasks.refuse_ended(task)
    if task.owner_id == me.id and claim_number in (None, task.claims):
        if task.state in states:
            return task
        msg = f"Task {task.id} is in review. Submit it again, or wait for the reviewers."
        raise Refused(msg, f"xats task show {task.id}", id=task.id, state=task.state)
    last = tx.one(LAST_WORD, id=task.id, me=me.id)
    holder = task.owner.partition("@")[0] if task.owner else None
    if (last and last["kind"] != "released") or task.owner_id == me.id:
        now = (
            f"{'you have' if task.owner_id == me.id else f'{holder} has'} claimed it since"
            if holder
            else "it is open again"
        )
        msg = f"Your claim of task {task.id} is over, and {now}. Nothing was changed."
        hint = f"xats task {'show' if holder else 'claim'} {task.id}"
        raise LeaseLost(msg, hint, id=task.id, owner=task.owner, claim=task.claims)
    if holder:
        msg = f"{holder}, not you, has claimed task {task.id}."
        raise NotOwner(msg, f"xats task show {task.id}", id=task.id, owner=task.owner)
    msg = f"No agent has claimed task {task.id}."
    raise NotOwner(msg, f"xats task claim {task.id}", id=task.id, owner=None)


def renew(tx: Tx, me: Agent, task_id: int, lease: int | None = None, claim_number: int | None = None) -> Task:
    """Renew the claim of task `task_id`, for `lease` ms or its old length. Raises as `own`, InvalidTask."""
    task = own(tx, me, task_id, claim_number, states=("claimed",))
    lease = check_lease(lease) if lease is not None else task.lease_ms
    assert lease
    now = tasks.update(tx, task, lease_ms=lease, lease_until=tx.now + lease)
    tasks.say(tx, now, "renewed", me, lease_until=iso(now.lease_until))
    return now


def progress(tx: Tx, me: Agent, task_id: int, text: str, claim_number: int | None = None) -> Task:
    """Record the progress `text` of task `task_id`, and renew its claim. Raises as `own`, InvalidTask."""
    text = tasks.check_note(text, "progress note")
    task = own(tx, me, task_id, claim_number, states=("claimed", "review"))
    until = {"lease_until": tx.now + task.lease_ms} if task.state == "claimed" and task.lease_ms else {}
    now = tasks.update(tx, task, progress=text, **until)
    tasks.log(tx, now, "progress", me, text, text=text[:200])
    return now


def done(
    tx: Tx, me: Agent, task_id: int, result: str | None, claim_number: int | None = None, *, force: bool = False
) -> Task:
    """Mark task `task_id` as done, with its `result`.

    Raises as `own`, NeedsReview if a role must approve it first, TaskBlocked if a task that it needs was reopened,
    unless `force`, and InvalidTask.
    """
    if result is not None:
        result = tasks.check_long(result, "result")
    task = own(tx, me, task_id, claim_number, states=("claimed", "review"))
    rows = tx.all("select role from task_reviewers where task_id = :id order by role", id=task.id)
    if rows:
        roles = [row["role"] for row in rows]
        msg = f"{', '.join(roles)} must approve task {task.id} before it is done."
        hint = f"xats task submit {task.id}" if task.state == "claimed" else f"xats task show {task.id}"
        raise NeedsReview(msg, hint, id=task.id, roles=roles)
    if not force:
        dependencies.refuse_reopened(tx, task, "done")
    return endings.end(tx, task, "done", me, result)


def fail(tx: Tx, me: Agent, task_id: int, reason: str, claim_number: int | None = None) -> Task:
    """Mark task `task_id` as failed for `reason`; tasks that need it stay blocked. Raises as `own`, InvalidTask."""
    reason = tasks.check_note(reason, "reason")
    return endings.end(tx, own(tx, me, task_id, claim_number, states=("claimed",)), "failed", me, reason)


# -- letting go --------------------------------------------------------------------------------------------------------


def release(tx: Tx, me: Agent, task_id: int, reason: str | None = None, claim_number: int | None = None) -> Task:
    """Release task `task_id`: it is open again. Its creator or a person may take it from its owner, who gets mail.

    Raises as `own`, or Refused.
    """
    if reason is not None:
        reason = tasks.check_note(reason, "reason")
    task = tasks.find(tx, me.team, task_id)
    held = task.state in ("claimed", "review")
    is_taken = held and task.owner_id != me.id and (me.client == "human" or me.id == task.creator_id)
    if not is_taken:
        task = own(tx, me, task_id, claim_number, states=("claimed", "review"))
    owner = notify.agent_of(tx, task.owner_id)
    now = _open(tx, task)
    tasks.log(tx, now, "released", me, reason, owner=task.owner)
    _offer(tx, now, but=task.owner_id)
    if is_taken:
        notify.tell(
            tx,
            owner,
            f"{me.name} released your task #{task.id}: {task.title}",
            f"{me.name} has released task #{task.id}, which you had claimed: {task.title}",
            *([f"Why: {reason}"] if reason else []),
        )
    return now


def _open(tx: Tx, task: Task) -> Task:
    """Open a claimed task again; return it."""
    if task.state == "review":
        notify.no_review(tx, task)
    empty = {"owner_id": None, "claimed_at": None, "lease_ms": None, "lease_until": None, "result": None}
    return tasks.update(tx, task, state="open", **empty)


def _offer(tx: Tx, task: Task, but: int | None, why: str = "") -> None:
    """Send mail to the agents that can claim `task`, which is open again because of `why`, except the agent `but`."""
    if task.ready:
        readiness.ready(tx, task, f"is open again{why and f' ({why})'}", but=but)


HELD = f"select {tasks.TASK} {tasks.FROM} where t.owner_id = :id and t.state in ('claimed', 'review') order by t.id"


def held_by(tx: Tx, agent: Agent) -> list[Task]:
    """Return the tasks that `agent` has claimed, also those in review."""
    return [tasks.task_of(row) for row in tx.all(HELD, id=agent.id)]


def leave(tx: Tx, agent: Agent, by: Agent | None = None) -> list[int]:
    """Release the tasks of `agent`, which is about to leave; return their ids.

    The agents that added these tasks get mail, except `by`, which unregisters `agent`.
    """
    opened = give_back(tx, agent, "has left")
    leaving.owner_left(tx, agent, opened, by)
    return [task.id for task in opened]


def stopped(tx: Tx, agent: Agent) -> list[int]:
    """Release the tasks of `agent`, whose program a person has ended; return their ids.

    The agents that added these tasks get mail.
    """
    opened = give_back(tx, agent, "was stopped", why="its program was ended")
    leaving.owner_left(tx, agent, opened, None, stopped=True)
    return [task.id for task in opened]


def give_back(tx: Tx, agent: Agent, what: str, why: str = "it was unregistered") -> list[Task]:
    """Open the tasks again that `agent` has claimed; return them.

    `what` happened to `agent`, for the mail, and `why` in the history of the tasks. The agents that can claim them get
    mail.
    """
    opened = []
    for task in held_by(tx, agent):
        now = _open(tx, task)
        tasks.log(tx, now, "released", agent, why, owner=task.owner)
        _offer(tx, now, agent.id, f"{agent.name} {what}")
        opened.append(now)
    return opened


# -- claims that are over ----------------------------------------------------------------------------------------------


def due(tx: Tx, gone: Gone) -> bool:
    """Tell whether `settle` may have work, whether or not ages are right."""
    return tables.any_over(tx, owners.CLAIMS) or holders.any_outdated(tx, owners.CLAIMS, gone)


def settle(tx: Tx, gone: Gone) -> list[int]:
    """Open the tasks again whose claims are over; return their ids. See core/leases/leases.py.

    Mark owners that are gone, and unmark those that are back, as `gone` tells. Extend leases whose owners were active.
    """
    for one in holders.holders(tx, owners.CLAIMS):
        owners.note(tx, one, gone)
    return [_lapse(tx, tasks.task_of(row), why) for row, why in tables.over(tx, owners.CLAIMS)]


def set_right(tx: Tx) -> None:
    """Restart claims that the clock has made wrong. Otherwise no agent could claim these tasks (leases/tables.py)."""
    tables.set_right(tx, owners.CLAIMS)


def _lapse(tx: Tx, task: Task, why: str, taken_by: Agent | None = None) -> int:
    """Open `task`, whose claim is over because of `why`, and send mail to its owner; return its id.

    The agents that can claim it get mail too, unless `taken_by` claims it now.
    """
    owner = notify.agent_of(tx, task.owner_id)
    now = _open(tx, task)
    tasks.note(tx, now, "lapsed", owner, why)
    tasks.say(tx, now, "lapsed", None, owner=task.owner, claim=task.claims, reason=why)
    if taken_by is None:
        _offer(tx, now, but=task.owner_id)
        then = f"It is open again; if you still work on it: xats task claim {task.id}"
    else:
        then = f"{taken_by.name} has claimed it: xats task show {task.id}"
    because = "its lease expired without activity of yours" if why == LAPSED else "your process had ended"
    notify.tell(
        tx,
        owner,
        f"your claim of task #{task.id} is over: {task.title}",
        f"Your claim of task #{task.id} is over, because {because}: {task.title}",
        then,
    )
    return task.id
