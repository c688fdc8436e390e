"""Views of tasks: lists, one task with its details, and the graph of tasks."""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.tasks import dependencies, reviews, tasks
from xats.core.tasks.dependencies import Need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import NoteKind, TaskState
    from xats.core.tasks.reviews import Approval
    from xats.core.tasks.tasks import Task
    from xats.store import Row, Tx

MOST = 1000  # tasks of a graph
CHILDREN = 100  # tasks below another one that are shown


@record
class Query:
    """Which tasks to list. None means any."""

    limit: int = 50
    state: TaskState | None = None
    mine: Agent | None = None  #: claimed by this agent, or for it
    role: str | None = None
    ready: bool = False
    ended: bool = False  #: also ended tasks


@record
class Listed:
    """A task in a list."""

    task: Task
    blockers: tuple[Need, ...]  #: the tasks that it still waits for
    children: tuple[int, int]  #: of the tasks below it, how many are done, and how many exist
    review: tuple[str, ...]  #: the roles that must approve


@record
class Note:
    """An entry of the history of a task."""

    at: int
    agent: str | None  #: name@team of the agent that did it or had the claim
    kind: NoteKind
    text: str | None


@record
class TaskDetails:
    """A task with all its details."""

    listed: Listed
    description: str
    result: str | None
    needs: tuple[Need, ...]
    needed_by: tuple[Need, ...]
    children: tuple[Need, ...]  #: the first CHILDREN
    approvals: tuple[Approval, ...]
    notes: tuple[Note, ...]
    offered_to: str | None  #: of a claimable message: the agent that got the last offer


LIVE = "t.state in ('open', 'claimed', 'review')"
LISTING = f"select {tasks.TASK} {tasks.FROM} where t.team = :team and {{only}} order by {{order}} limit :limit"
MINE = """
(t.id in (
    select h.id from tasks h where h.owner_id = :me and h.state in ('claimed', 'review')
    union all
    select w.id from tasks w where w.team = :team and w.assignee_id = :me and w.state = 'open'
){ended})
"""
COUNTS = "select count(*) as n, coalesce(sum(case when state = 'done' then 1 else 0 end), 0) as done from tasks"
BELOW = f"{COUNTS} where parent_id = :id"


def listing(tx: Tx, team: str, query: Query) -> tuple[list[Listed], bool]:
    """Return the tasks of `team` that match `query`, and whether more follow.

    Live tasks come by priority, then the oldest first. If ended tasks are included, the newest come first.
    """
    live = query.state in tasks.LIVE or (query.state is None and not query.ended)
    only = [LIVE] if live and query.mine is None else []
    values: dict[str, str | int] = {"team": team, "limit": query.limit + 1}
    if query.ready:
        only.append("t.state = 'open' and t.waits_for = 0")
    if query.state is not None:
        only.append("t.state = :state")
        values["state"] = query.state
    if query.mine is not None:
        ended = " or (t.owner_id = :me and t.ended_at is not null)" if not live else ""
        only.append(MINE.format(ended=ended))
        values["me"] = query.mine.id
    if query.role is not None:
        only.append("t.role = :role")
        values["role"] = query.role.lower()
    order = "t.priority, t.id" if live else "t.id desc"
    if query.mine is not None and live:
        order = "+t.priority, +t.id"  # without the index: the tasks of one agent are few
    rows = tx.all(LISTING.format(only=" and ".join(only) or "1 = 1", order=order), **values)
    return [listed(tx, tasks.task_of(row)) for row in rows[: query.limit]], len(rows) > query.limit


def listed(tx: Tx, task: Task) -> Listed:
    """Return `task` as a list shows it."""
    below = tx.one(BELOW, id=task.id)
    assert below
    blockers = dependencies.blockers(tx, task)
    return Listed(task, blockers, (below["done"], below["n"]), tuple(reviews.roles(tx, task.id)))


LONG = "select description, result from tasks where id = :id"
CHILD = "select id, state, title from tasks where parent_id = :id order by id limit :limit"
NOTES = """
select n.at, n.kind, n.text, a.name, a.team from task_notes n left join agents a on a.id = n.agent_id
where n.task_id = :id order by n.id
"""


def details(tx: Tx, team: str, task_id: int) -> TaskDetails:
    """Return task `task_id` of `team` with all its details. Raises UnknownTask."""
    task = tasks.find(tx, team, task_id)
    long = tx.one(LONG, id=task.id)
    assert long
    notes = tuple(_note(row) for row in tx.all(NOTES, id=task.id))
    offered = [note.agent for note in notes if note.kind == "offered"] if task.pool and task.ready else []
    return TaskDetails(
        listed(tx, task),
        long["description"],
        long["result"],
        tuple(dependencies.needs(tx, task.id)),
        tuple(Need(one.id, one.state, one.title) for one in dependencies.needed_by(tx, task.id)),
        tuple(from_row(Need, row) for row in tx.all(CHILD, id=task.id, limit=CHILDREN)),
        tuple(reviews.approvals(tx, task)),
        notes,
        offered[-1] if offered else None,
    )


def _note(row: Row) -> Note:
    return from_row(Note, row, agent=f"{row['name']}@{row['team']}" if row["name"] else None)


# -- the graph ---------------------------------------------------------------------------------------------------------


@record
class Graph:
    """Tasks by id, and for each the tasks that it needs and the tasks below it. A drawing begins at `roots`."""

    tasks: dict[int, Task]
    needs: dict[int, tuple[int, ...]]
    children: dict[int, tuple[int, ...]]
    roots: tuple[int, ...]
    has_more: bool


EDGES = {
    "needs": "select needs_id as id from task_needs where task_id = :id order by needs_id",
    "children": "select id from tasks where parent_id = :id order by id limit :limit",
}
START = f"select t.id from tasks t where t.team = :team and {LIVE} order by t.priority, t.id limit :limit"


def graph(tx: Tx, team: str, task_id: int | None, limit: int = MOST) -> Graph:
    """Return the tasks connected with task `task_id`, or with any live task of `team`, at most `limit` tasks.

    `has_more` tells whether tasks were left out. Raises UnknownTask.
    """
    if task_id is None:
        start = [row["id"] for row in tx.all(START, team=team, limit=limit + 1)]
    else:
        start = [tasks.find(tx, team, task_id).id]
    has_more = len(start) > limit
    found: dict[int, Task] = {}
    needs: dict[int, tuple[int, ...]] = {}
    children: dict[int, tuple[int, ...]] = {}
    waiting = start[:limit]
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        if len(found) >= limit:
            has_more = True
            break
        found[one] = tasks.find(tx, team, one)
        needs[one] = tuple(row["id"] for row in tx.all(EDGES["needs"], id=one))
        children[one] = tuple(row["id"] for row in tx.all(EDGES["children"], id=one, limit=limit))
        waiting += [other for other in (*needs[one], *children[one]) if other not in found]
    needs, children = _within(found, needs), _within(found, children)
    roots = (task_id,) if task_id is not None else _roots(found, needs, children)
    return Graph(found, needs, children, roots, has_more)


def _roots(
    found: dict[int, Task], needs: dict[int, tuple[int, ...]], children: dict[int, tuple[int, ...]]
) -> tuple[int, ...]:
    """Return roots from which all of `found` is reachable: tasks below no other, and one task of each cycle.

    Needs alone have no cycle, but a child may need its parent.
    """
    below = {other for edges in (needs, children) for one in found for other in edges[one]}
    roots: list[int] = []
    reached: set[int] = set()
    for root in (*(one for one in found if one not in below), *found):
        if root not in reached:
            roots.append(root)
        waiting = [root]
        while waiting:
            one = waiting.pop()
            if one not in reached:
                reached.add(one)
                waiting += (*needs[one], *children[one])
    return tuple(roots)


def _within(found: dict[int, Task], edges: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, ...]]:
    """Return only the `edges` within `found`."""
    return {one: tuple(other for other in edges[one] if other in found) for one in found}
