"""Looking at tasks: lists, one with all that is known of it, and how they hang together."""

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
CHILDREN = 100  # tasks below another one that are named


@record
class Query:
    """Which tasks to list. What is not given does not matter."""

    limit: int = 50
    state: TaskState | None = None
    mine: Agent | None = None  #: claimed by this agent, or for it
    role: str | None = None
    ready: bool = False
    ended: bool = False  #: those that have ended as well


@record
class Listed:
    """A task, and what a list says of it besides."""

    task: Task
    blockers: tuple[Need, ...]  #: what it needs and is not done
    children: tuple[int, int]  #: how many of those below it are done, and how many there are
    review: tuple[str, ...]  #: the roles that have to approve


@record
class Note:
    """Something that happened to a task."""

    at: int
    agent: str | None  #: name@team of who did it, or whose claim it was
    kind: NoteKind
    text: str | None


@record
class TaskDetails:
    """A task with everything that is known of it."""

    listed: Listed
    description: str
    result: str | None
    needs: tuple[Need, ...]
    needed_by: tuple[Need, ...]
    children: tuple[Need, ...]  #: the first CHILDREN
    approvals: tuple[Approval, ...]
    notes: tuple[Note, ...]
    offered_to: str | None  #: of a claimable message: who was asked last


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
    """Return the tasks of `team` that `query` means, and whether more follow.

    What has not ended comes by its priority, of equals the oldest first; with what has ended the newest comes first.
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
        order = "+t.priority, +t.id"  # what is mine is few: found first, and sorted then
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


def whole(tx: Tx, team: str, task_id: int) -> TaskDetails:
    """Return task `task_id` of `team` with everything that is known of it. Raises UnknownTask."""
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


# -- how they hang together --------------------------------------------------------------------------------------------


@record
class Graph:
    """Tasks by their ids, and for each what it needs and what is below it. `roots` are where drawing begins."""

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
    """Return what hangs together with task `task_id`, or with any task of `team` that has not ended.

    Raises UnknownTask. What was left out because there was too much of it is told by `has_more`.
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
    """Return from where all of `found` is reached: what is below nothing, and the first of what goes round.

    A task cannot wait for itself, but a part may need what it is a part of.
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
    """Return `edges` without those that lead out of `found`."""
    return {one: tuple(other for other in edges[one] if other in found) for one in found}
