"""Export and import of tasks: plain values, with the ids that the tasks had."""

from __future__ import annotations

from xats.base.errors import at
from xats.base.record import record
from xats.core.tasks import dependencies, planning, readiness, tasks, views
from xats.core.tasks.errors import DependencyCycle, InvalidTask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any, TypeAlias

    from xats.core.agents.agents import Agent
    from xats.core.states import TaskEnd
    from xats.core.tasks.planning import New
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.views import TaskDetails
    from xats.store import Tx

    Watched: TypeAlias = Callable[[Iterable[Any]], Iterator[Any]]

LIVE = f"select t.id from tasks t where t.team = :team and {views.LIVE} order by t.id"
EVERY = "select t.id from tasks t where t.team = :team order by t.id"


def export(tx: Tx, team: str, *, ended: bool) -> list[TaskDetails]:
    """Return the live tasks of `team`, and the ended tasks that they still wait for; with `ended`, all tasks.

    The order is by id, so a task mostly follows its parent and the tasks that it needs.
    """
    ids = [row["id"] for row in tx.all(EVERY if ended else LIVE, team=team)]
    found: dict[int, TaskDetails] = {}
    waiting = ids[::-1]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found[one] = views.details(tx, team, one)
            waiting += [need.id for need in found[one].needs if need.state != "done"]
    return [found[one] for one in sorted(found)]


@record
class Item:
    """A task of a file. `id` is its id in the file; `needs` and `parent` are ids in the file too."""

    new: New
    id: int | None = None
    needs: tuple[int, ...] = ()
    parent: int | None = None
    ended: TaskEnd | None = None  #: its state, if it had ended
    outcome: str | None = None  #: its result or its reason, if it had ended


END = """
update tasks set state = :state, ended_at = :now, result = :result, reason = :reason where id = :id and state = 'open'
"""


def add_all(tx: Tx, me: Agent, items: Sequence[Item], watched: Watched = iter) -> list[tuple[Task, bool]]:
    """Add all of `items` with new ids, or none; return each task, and whether it is new.

    A task that `me` added before under its key does not change. Each agent that can start some of them gets one
    message. An error carries the `index` of its item. The items pass through `watched` twice, which may count them.
    """
    made: list[tuple[Task, bool]] = []
    numbers: dict[int, int] = {}  # the new ids by the old ones
    for index, item in enumerate(watched(items)):
        with at(index):
            if item.id in numbers:
                msg = f"An earlier task of the file has the id {item.id} too."
                raise InvalidTask(msg, "give each task an id of its own")
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
    done = [(dependencies.recount(tx, task), created) for task, created in watched(made)]
    readiness.ready_all(tx, [task for task, created in done if created and task.ready], but=me.id)
    return done


def _connect(tx: Tx, me: Agent, item: Item, task: Task, numbers: dict[int, int]) -> None:
    """Give `task` the needs and the parent of `item`."""
    for one in (*item.needs, *([item.parent] if item.parent is not None else [])):
        if one not in numbers:
            msg = f"It refers to task {one}, which is not in the file."
            raise InvalidTask(msg, "add that task to the file, or remove the reference")
    if item.parent is not None:
        try:
            planning.edit(tx, me, task.id, planning.Edit(parent_id=numbers[item.parent]))
        except InvalidTask as problem:
            msg = f"Task {item.parent} is task {item.id} itself or below it, and cannot be its parent."
            raise InvalidTask(msg, id=item.id) from problem
    try:
        dependencies.link(tx, task, [numbers[one] for one in item.needs])
    except DependencyCycle as problem:  # name the ids of the file, not the new ones
        names = {new: old for old, new in numbers.items()}
        path = [names[one] for one in problem.data["path"]]
        msg = f"Task {item.id} would wait for itself: {' -> '.join(f'#{one}' for one in path)}."
        raise DependencyCycle(msg, id=item.id, path=path) from problem


def values(found: TaskDetails) -> dict[str, Any]:
    """Return the values of a task for a line of a file; times are ms UTC."""
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
