"""Tasks on their way out of a team and into another one: plain values, with the ids they had."""

from __future__ import annotations

from xats.base.errors import DependencyCycle, InvalidTask, at
from xats.base.record import record
from xats.core.tasks import dependencies, planning, readiness, tasks, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.states import TaskEnd
    from xats.core.tasks.planning import New
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.views import TaskDetails
    from xats.store import Tx

LIVE = f"select t.id from tasks t where t.team = :team and {views.LIVE} order by t.id"
EVERY = "select t.id from tasks t where t.team = :team order by t.id"


def export(tx: Tx, team: str, *, ended: bool) -> list[TaskDetails]:
    """Return the tasks of `team` that have not ended, with what they need and that has failed; `ended`: all of them.

    What others need, and what is above them, comes first where it can.
    """
    ids = [row["id"] for row in tx.all(EVERY if ended else LIVE, team=team)]
    found: dict[int, TaskDetails] = {}
    waiting = ids[::-1]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = views.whole(tx, team, one)
            waiting += [need.id for need in found[one].needs if need.state != "done"]
    return [found[one] for one in sorted(found)]


@record
class Item:
    """A task of a file. `id` is what the others in the file call it; `needs` and `parent` are such ids."""

    new: New
    id: int | None = None
    needs: tuple[int, ...] = ()
    parent: int | None = None
    ended: TaskEnd | None = None  #: the state, when it had ended
    outcome: str | None = None  #: then its result or its reason


END = """
update tasks set state = :state, ended_at = :now, result = :result, reason = :reason where id = :id and state = 'open'
"""


def add_all(tx: Tx, me: Agent, items: Sequence[Item]) -> list[tuple[Task, bool]]:
    """Add every one of `items` with new ids, or none; return each task, and whether it was not there before.

    A task that `me` had added before under its key is left as it is. Who can start gets one mail for all of his. What
    is raised carries the item's `index`.
    """
    made: list[tuple[Task, bool]] = []
    numbers: dict[int, int] = {}  # the ids that they get, by those that they had
    for index, item in enumerate(items):
        with at(index):
            if item.id in numbers:
                msg = f"There is a task {item.id} before it."
                raise InvalidTask(msg, "every id stands for one task")
            made.append(planning.store(tx, me, item.new))
            if item.id is not None:
                numbers[item.id] = made[-1][0].id
    for index, (item, (task, created)) in enumerate(zip(items, made, strict=True)):
        with at(index):
            if created:
                _connect(tx, me, item, task, numbers)
    for index, (item, (task, created)) in enumerate(zip(items, made, strict=True)):
        if created and item.ended:
            what, check = ("result", tasks.check_long) if item.ended == "done" else ("reason", tasks.check_note)
            with at(index):
                text = check(item.outcome, what) if item.outcome else None
            tx.run(END, id=task.id, state=item.ended, now=tx.now, **{"result": None, "reason": None, what: text})
            tasks.log(tx, task, item.ended, me, text, imported=True)
    done = [(dependencies.recount(tx, task), created) for task, created in made]
    readiness.ready_all(tx, [task for task, created in done if created and task.ready], but=me.id)
    return done


def _connect(tx: Tx, me: Agent, item: Item, task: Task, numbers: dict[int, int]) -> None:
    """Let `task` need what it did, and be a part of what it was."""
    for one in (*item.needs, *([item.parent] if item.parent is not None else [])):
        if one not in numbers:
            msg = f"It speaks of task {one}, which is not in the file."
            raise InvalidTask(msg, "add that one too, or leave it out")
    if item.parent is not None:
        try:
            planning.edit(tx, me, task.id, planning.Edit(parent_id=numbers[item.parent]))
        except InvalidTask as problem:
            msg = f"Task {item.parent} is task {item.id} itself or below it, and cannot be its parent."
            raise InvalidTask(msg, id=item.id) from problem
    try:
        dependencies.link(tx, task, [numbers[one] for one in item.needs])
    except DependencyCycle as problem:  # of tasks of the file; nobody knows the ids that they would have got
        names = {new: old for old, new in numbers.items()}
        path = [names[one] for one in problem.data["path"]]
        msg = f"Task {item.id} would wait for itself: {' -> '.join(f'#{one}' for one in path)}."
        raise DependencyCycle(msg, id=item.id, path=path) from problem


def values(found: TaskDetails) -> dict[str, Any]:
    """Return what a line of a file says of a task; times are ms UTC."""
    task = found.listed.task
    return {
        "id": task.id,
        "title": task.title,
        "description": found.description,
        "state": task.state,
        "to": task.assignee.rpartition("@")[0] if task.assignee else None,
        "role": task.role,
        "needs": [one.id for one in found.needs],
        "parent": task.parent_id,
        "priority": task.priority,
        "key": task.key,
        "review": list(found.listed.review),
        "due_at": task.due_at,
        "notify": task.notify,
        "outcome": found.result or task.reason,
    }
