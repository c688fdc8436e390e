"""The verbs that look at tasks: list, show, graph, wait."""

from __future__ import annotations

import time
from functools import partial

from xats.base import durations
from xats.base.errors import FAILURE, TimedOut, Usage
from xats.cli.kit import colours, render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.tasks import text
from xats.core.tasks import tasks
from xats.core.tasks import views as task_views
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.views import Graph, Listed
    from xats.store import Tx


def list_(
    here: Context,
    *,
    state: params.StateOption = None,
    mine: params.MineOption = False,
    role: params.ForRoleOption = None,
    ready: params.ReadyOption = False,
    every: params.EndedOption = False,
    limit: params.LimitOption = 50,
) -> int:
    """List the tasks that have not ended, the most urgent first.

    It shows the state of each task, its owner or assignee, and the tasks that it waits for. An owner whose process has
    ended is marked as gone.

    Example: xats task list --ready

    Example: xats task list --mine
    """
    check_limit(limit, "xats task list -n 10")
    wanted = {"ready": "open", "blocked": "open"}.get(state or "", state)
    if wanted not in (None, *tasks.STATES):
        msg = f"--state must be one of {', '.join(tasks.STATES)}, not {state!r}."
        raise Usage(msg, "xats task list --state open; for tasks to claim: xats task list --ready")
    if state == "blocked":
        msg = "There is no state 'blocked': a blocked task is open and waits for others."
        raise Usage(msg, "xats task list --state open  (shows what each waits for)")

    def look(tx: Tx, team: str, me: Me | None) -> tuple[list[Listed], bool]:
        only = me.agent if me else None
        return task_views.listing(
            tx,
            team,
            task_views.Query(
                limit=limit, state=wanted, mine=only, role=role, ready=ready or state == "ready", ended=every
            ),
        )

    text.settle(here)
    if mine:
        found, has_more = here.read(lambda tx, me: look(tx, me.agent.team, me))
    else:
        team = team_of(here)
        found, has_more = here.store.read(lambda tx: look(tx, team, None))
    if here.json:
        render.document({"tasks": [text.task_json(one) for one in found], "has_more": has_more})
        return 0
    now = here.store.clock()
    rows = [_row(one, now) for one in found]
    if rows:
        render.table(("ID", "STATE", "P", "TITLE", "WHO", "AGE", "BLOCKED BY"), rows, stretch=("TITLE", "BLOCKED BY"))
    elif not here.quiet:
        render.say("no task matches" if state or mine or role or ready else "no tasks")
    if has_more and not here.quiet:
        flags = [word for word, said in (("--mine", mine), ("--ready", ready), ("--all", every)) if said]
        for option, value in (("--state", state), ("--role", role)):
            flags += [option, value] if value else []
        render.say(f"more: {here.command('task', 'list', *flags, '-n', limit * 2)}")
    return 0


def _row(found: Listed, now: int) -> tuple[object, ...]:
    task = found.task
    title = task.title
    if found.children[1]:
        title += f" ({found.children[0]}/{found.children[1]} done)"
    state = text.state_word(task) + (", overdue" if text.overdue(task, now) else "")
    age = durations.rough(now - task.created_at)
    waits = text.blocked(found) if task.live else ""
    state = colours.cell(state, text.state_word(task), colours.TASKS)
    return task.id, state, task.priority, title, text.who(task, task.team), age, waits


def show(here: Context, task_id: params.TaskIdArg) -> int:
    """Show everything about one task, with its history.

    Example: xats task show 7
    """
    text.settle(here)
    team = team_of(here)
    found = here.store.read(lambda tx: task_views.details(tx, team, task_id))
    if here.json:
        render.document({"task": text.details_json(found)})
    else:
        render.put(text.details_text(found, team, here.store.clock()))
    return 0


def wait(here: Context, task_id: params.TaskIdArg, *, timeout: params.TimeoutOption = None) -> int:
    """Wait until a task has ended: exit 0 when it is done, else 1.

    After the timeout it exits 124.

    Example: xats task wait 7 --timeout 1h
    """
    from xats.cli.kit.waiting import await_change

    deadline = time.monotonic() + durations.parse(timeout) / 1000 if timeout is not None else None
    warned = False
    while True:
        generation = here.store.generation()
        text.settle(here)
        asked = team_of(here)  # each time: it renews my claims, also during a long wait
        team = here.store.read(partial(teams.current, name=asked))  # it may have been renamed or merged
        task = here.store.read(partial(tasks.find, team=team, task_id=task_id))
        if not task.live:
            break
        if task.owner and task.owner_gone_at and not warned:
            warned = True
            render.say(f"{views.near(task.owner, team)} has claimed task {task_id} and is gone; still waiting")
        if not await_change(here, generation, deadline):
            msg = f"Task {task_id} has not ended: it is {text.state_word(task)}."
            raise TimedOut(msg, f"xats task show {task_id}", id=task_id, state=task.state)
    found = here.store.read(lambda tx: task_views.details(tx, team, task_id))
    if here.json:
        render.document({"task": text.details_json(found)})
    elif not here.quiet:
        render.put(text.head(found.listed, team, here.store.clock()))
        for line in text.quoted(found.result or task.reason or ""):
            render.put(line)
    return 0 if found.listed.task.state == "done" else FAILURE


# -- graph -------------------------------------------------------------------------------------------------------------


def graph(here: Context, task_id: params.OptionalTaskIdArg = None, *, dot: params.DotOption = False) -> int:
    """Draw the dependencies and subtasks of tasks as a tree.

    Under each task are its subtasks, and the tasks that it needs. A task is drawn only once with what is under it.

    Example: xats task graph 7

    Example: xats task graph --dot
    """
    if dot and here.json:
        msg = "--dot and --json exclude each other."
        raise Usage(msg, "give one of them")
    text.settle(here)
    team = team_of(here)
    found = here.store.read(lambda tx: task_views.graph(tx, team, task_id))
    if here.json:
        every = here.store.read(lambda tx: [task_views.listed(tx, task) for task in found.tasks.values()])
        edges = [{"from": one, "to": other, "kind": kind} for kind, one, other in _edges(found)]
        render.document({"tasks": [text.task_json(one) for one in every], "edges": edges, "has_more": found.has_more})
        return 0
    if not found.tasks:
        render.say("no tasks")
    else:
        render.stream(_dot(found) if dot else _drawn(found, team))
    if found.has_more and not here.quiet:
        render.say(f"shown are {len(found.tasks)} tasks; to see a part: xats task graph ID")
    return 0


def _edges(found: Graph) -> Iterator[tuple[str, int, int]]:
    for kind, edges in (("needs", found.needs), ("subtask", found.children)):
        for one, others in edges.items():
            for other in others:
                yield kind, one, other


MARKS = {"ready": "○", "blocked": "◌", "claimed": "●", "review": "◐", "done": "✓", "failed": "✗", "cancelled": "·"}


def _drawn(found: Graph, team: str) -> Iterator[str]:
    """Yield the lines of the tree. It does not recurse, because chains may be long."""
    drawn: set[int] = set()
    # (id, its relation to the task above, the lines at its left, whether it is the last in its branch)
    waiting = [(one, "", None, True) for one in reversed(found.roots)]
    while waiting:
        one, relation, left, last = waiting.pop()
        branch = "" if left is None else left + ("└─ " if last else "├─ ")
        again = one in drawn
        below = [] if again else [(two, "part ") for two in found.children[one]]
        below += [] if again else [(two, "needs ") for two in found.needs[one]]
        see = "  (see above)" if again and (found.children[one] or found.needs[one]) else ""
        yield f"{branch}{relation}{_one(found.tasks[one], team)}{see}"
        drawn.add(one)
        under = "" if left is None else left + ("   " if last else "│  ")
        for number, (two, what) in enumerate(reversed(below)):
            waiting.append((two, what, under, number == 0))  # type: ignore[arg-type]


def _one(task: Task, team: str) -> str:
    state = text.state_word(task)
    whom = text.who(task, team)
    standing = f"{state}, {whom}" if whom else state
    mark = render.painted(MARKS[state], colours.TASKS.get(state, ""))
    return f"{mark} #{task.id} {render.one_line(task.title)} {render.dim(f'- {standing}')}"


COLOURS = {"ready": "white", "blocked": "lightgrey", "claimed": "lightblue", "review": "khaki", "done": "palegreen"}


def _dot(found: Graph) -> Iterator[str]:
    """Yield the graph in the language of Graphviz. An arrow leads from a task to the task that waits for it."""
    yield "digraph tasks {"
    yield "  rankdir=LR;"
    yield '  node [shape=box, style="rounded,filled", fillcolor=white];'
    for task in found.tasks.values():
        state = text.state_word(task)
        label = "\\n".join(
            _escaped(line) for line in (f"#{task.id} {task.title}", state, text.who(task, task.team)) if line
        )
        yield f'  t{task.id} [label="{label}", fillcolor={COLOURS.get(state, "salmon")}];'
    for kind, one, other in _edges(found):
        yield f"  t{other} -> t{one}{'' if kind == 'needs' else ' [style=dashed, label=part]'};"
    yield "}"


def _escaped(label: str) -> str:
    return render.one_line(label).replace("\\", "\\\\").replace('"', '\\"')
