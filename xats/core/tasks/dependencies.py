"""Dependencies: the tasks that a task needs, in one team, without a cycle. `waits_for` counts those not done."""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.tasks import notify, readiness, tasks
from xats.core.tasks.errors import DependencyCycle, InvalidTask, TaskBlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.core.agents.agents import Agent
    from xats.core.states import TaskState
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

NEEDS = """
select n.needs_id as id, t.state, t.title from task_needs n join tasks t on t.id = n.needs_id
where n.task_id = :id order by n.needs_id
"""
NEEDED_BY = f"""
select {tasks.TASK} from task_needs n join tasks t on t.id = n.task_id join agents c on c.id = t.created_by
left join agents s on s.id = t.assignee_id left join agents o on o.id = t.owner_id
where n.needs_id = :id order by n.task_id
"""
COUNT = """
update tasks set waits_for = (
    select count(*) from task_needs n join tasks t on t.id = n.needs_id where n.task_id = :id and t.state <> 'done'
) where id = :id
"""


@record
class Need:
    """A task that another one needs."""

    id: int
    state: TaskState
    title: str


def needs(tx: Tx, task_id: int) -> list[Need]:
    """Return the tasks that task `task_id` needs."""
    return [from_row(Need, row) for row in tx.all(NEEDS, id=task_id)]


def blockers(tx: Tx, task: Task) -> tuple[Need, ...]:
    """Return the tasks that `task` still waits for."""
    return tuple(one for one in needs(tx, task.id) if one.state != "done") if task.waits_for else ()


def refuse_reopened(tx: Tx, task: Task, verb: str) -> None:
    """Raise TaskBlocked if a task that the claimed `task` needs was reopened. `verb` --force goes on anyway."""
    waits = blockers(tx, task)
    if not waits:
        return
    said = ", ".join(f"#{one.id} ({one.state})" for one in waits[:10]) + (" and more" if len(waits) > 10 else "")
    msg = f"Task {task.id} needs {said}, which was reopened after task {task.id} was claimed. "
    msg += "The work may depend on a result that will change. Nothing was changed."
    hint = f"xats task wait {waits[0].id}; or, if the work is right as it is: xats task {verb} {task.id} --force"
    raise TaskBlocked(msg, hint, id=task.id, blocked_by=[one.id for one in waits])


def needed_by(tx: Tx, task_id: int) -> list[Task]:
    """Return the tasks that need task `task_id`."""
    return [tasks.task_of(row) for row in tx.all(NEEDED_BY, id=task_id)]


def link(tx: Tx, task: Task, wanted: Iterable[int]) -> Task:
    """Make `task` need the tasks `wanted` as well; return the changed task.

    Raises UnknownTask, InvalidTask, or DependencyCycle, which has the path.
    """
    more = dict.fromkeys(wanted)
    known = {one.id for one in needs(tx, task.id)}
    if len(known) + len(more) > tasks.MOST_NEEDS:
        msg = f"A task can need at most {tasks.MOST_NEEDS:,} other tasks. Nothing was changed."
        raise InvalidTask(msg, "group them under another task", id=task.id)
    for one in more:
        tasks.find(tx, task.team, one)
        path = path_between(tx, one, task.id)
        if path:
            said = " -> ".join(f"#{step}" for step in (task.id, *path))
            msg = f"Task {task.id} would wait for itself: {said}."
            hint = f"xats task graph {one}  (shows what it needs)"
            raise DependencyCycle(msg, hint, id=task.id, path=[task.id, *path])
        if one not in known:
            tx.run("insert into task_needs (task_id, needs_id) values (:task, :need)", task=task.id, need=one)
    return recount(tx, task)


def unlink(tx: Tx, task: Task, unwanted: Iterable[int]) -> Task:
    """Make `task` no longer need the tasks `unwanted`; return the changed task. Raises InvalidTask."""
    for one in dict.fromkeys(unwanted):
        if not tx.run("delete from task_needs where task_id = :task and needs_id = :need", task=task.id, need=one):
            msg = f"Task {task.id} does not need task {one}. Nothing was changed."
            raise InvalidTask(msg, f"xats task show {task.id}", id=task.id)
    return recount(tx, task)


def recount(tx: Tx, task: Task) -> Task:
    """Count the tasks that `task` waits for; return the changed task."""
    tx.run(COUNT, id=task.id)
    return tasks.again(tx, task)


def path_between(tx: Tx, start: int, end: int) -> list[int]:
    """Return a shortest path of needs from task `start` to task `end`, with both; [] if there is none."""
    if start != end and not tx.one("select 1 from task_needs where needs_id = :id limit 1", id=end):
        return []  # as for each new task: the walk is a statement for each task of a long chain
    came: dict[int, int] = {start: 0}
    layer = [start]
    while layer and end not in came:
        following = []
        for one in layer:
            for row in tx.all("select needs_id as id from task_needs where task_id = :id order by needs_id", id=one):
                if row["id"] not in came:
                    came[row["id"]] = one
                    following.append(row["id"])
        layer = following
    if end not in came:
        return []
    path = [end]
    while came[path[-1]]:
        path.append(came[path[-1]])
    return path[::-1]


# -- a task that others need changes -----------------------------------------------------------------------------------

ONE_LESS = "update tasks set waits_for = waits_for - 1 where id = :id"
ONE_MORE = "update tasks set waits_for = waits_for + 1 where id = :id"


def done(tx: Tx, task: Task) -> list[Task]:
    """Unblock the tasks that need `task`, which is done, and send mail about ready ones; return those."""
    freed = []
    for waiting in needed_by(tx, task.id):
        tx.run(ONE_LESS, id=waiting.id)
        now = tasks.again(tx, waiting)
        if now.ready:
            freed.append(now)
            tasks.log(tx, now, "ready", None, f"#{task.id} is done", after=task.id)
            readiness.ready(tx, now, f"can be started, since #{task.id} is done")
        elif now.live and not now.waits_for:
            notify.done_again(tx, now, task)
    return freed


def not_done(tx: Tx, task: Task, by: Agent, reason: str | None) -> None:
    """Block the tasks that need `task` again, since `by` reopened it for `reason`.

    The owners of those that are claimed or in review get mail.
    """
    for waiting in needed_by(tx, task.id):
        tx.run(ONE_MORE, id=waiting.id)
        if waiting.ready:
            readiness.not_ready(tx, waiting)
        elif waiting.live and waiting.owner_id not in (None, by.id):
            notify.not_done(tx, waiting, task, by, reason)


def blocked_forever(tx: Tx, task: Task, by: Agent) -> list[int]:
    """Tell the creators of tasks that need `task` that it failed or was cancelled by `by`; return their ids."""
    notified = []
    whose: dict[int, list[Task]] = {}
    for waiting in needed_by(tx, task.id):
        if waiting.live:
            whose.setdefault(waiting.creator_id, []).append(waiting)
    for creator_id, found in whose.items():
        if creator_id == by.id:
            continue
        creator = agents.by_id(tx, creator_id)
        notified.append(creator_id)
        numbers = ", ".join(f"#{one.id}" for one in found[:20]) + (" and more" if len(found) > 20 else "")
        what = "failed" if task.state == "failed" else "was cancelled"
        notify.tell(
            tx,
            creator,
            f"task #{task.id} {what}, and {numbers} {'waits' if len(found) == 1 else 'wait'} for it",
            f"Task #{task.id} {what} ({by.name}): {task.title}",
            *([f"Why: {task.reason}"] if task.reason else []),
            f"These tasks of yours wait for it: {numbers}",
            f"Try again: xats task reopen {task.id}",
            f"Or go on without it: xats task edit {found[0].id} --no-dep {task.id}",
        )
    return notified
