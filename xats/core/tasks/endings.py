"""The end of tasks, and their reopening."""

from __future__ import annotations

from xats.core.tasks import dependencies, notify, readiness, tasks
from xats.core.tasks.errors import TaskLive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import TaskEnd
    from xats.core.tasks.tasks import Task
    from xats.store import Tx


def end(tx: Tx, task: Task, state: TaskEnd, by: Agent, text: str | None) -> Task:
    """End the live `task` as `state`; return it. `text` is its result if it is done, else the reason."""
    if task.state == "open":
        readiness.not_ready(tx, task)
    elif task.state == "review":
        notify.no_review(tx, task)
    outcome = {"result": text} if state == "done" else {"result": None, "reason": text}
    now = tasks.update(tx, task, state=state, ended_at=tx.now, lease_until=None, offer_at=None, **outcome)
    short = text if text is None or len(text) <= 200 else f"{text[:199]}…"
    open_needs = [one.id for one in dependencies.blockers(tx, now)] if state == "done" else []
    more = {"open_needs": open_needs} if open_needs else {}
    tasks.log(tx, now, state, by, text, **{"result" if state == "done" else "reason": short}, **more)
    knowing: list[int] = []
    if state == "done":
        dependencies.done(tx, now)
    else:
        knowing = dependencies.blocked_forever(tx, now, by)
    notify.ended(tx, now, by, text, knowing)
    return now


def cancel(tx: Tx, me: Agent, task_id: int, reason: str | None) -> Task:
    """Cancel task `task_id`; its owner gets mail. Raises UnknownTask, TaskEnded or Refused."""
    task = tasks.find(tx, me.team, task_id)
    tasks.refuse_ended(task)
    tasks.may_manage(me, task, "cancel")
    if reason is not None:
        reason = tasks.check_note(reason, "reason")
    now = end(tx, task, "cancelled", me, reason)
    owner = notify.agent_of(tx, task.owner_id)
    if owner and owner.id != me.id and not notify.is_notified(tx, now, owner):
        notify.tell(
            tx,
            owner,
            f"task #{task.id} was cancelled: {task.title}",
            f"{me.name} has cancelled task #{task.id}, which you have claimed: {task.title}",
            *([f"Why: {reason}"] if reason else []),
        )
    return now


def reopen(tx: Tx, me: Agent, task_id: int, reason: str | None = None) -> Task:
    """Reopen a task that has ended; it keeps its history. Tasks that need it wait again.

    Raises UnknownTask, TaskLive or Refused.
    """
    task = tasks.find(tx, me.team, task_id)
    if task.live:
        msg = f"Task {task.id} has not ended: it is {task.state}."
        raise TaskLive(msg, f"xats task show {task.id}", id=task.id, state=task.state)
    tasks.may_manage(me, task, "reopen")
    if reason is not None:
        reason = tasks.check_note(reason, "reason")
    empty = {"ended_at": None, "owner_id": None, "claimed_at": None, "lease_ms": None, "result": None, "reason": None}
    now = tasks.update(tx, task, state="open", progress=None, **empty)
    tasks.log(tx, now, "reopened", me, reason, old_state=task.state)
    if task.state == "done":
        dependencies.not_done(tx, now, me, reason)
    if now.ready:
        readiness.ready(tx, now, "is open again", but=me.id)
    return now
