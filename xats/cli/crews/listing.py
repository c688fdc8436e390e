"""The long list of agents: what became of the programs that xats has started, and what they work on."""

from __future__ import annotations

import os

from xats.base import durations, host
from xats.base.errors import XatsError
from xats.base.record import record
from xats.cli.kit import documents, render, views
from xats.core.crews import views as crews
from xats.crews import watching, worktrees

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.agents.states import State
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details
    from xats.core.crews.starts import Start
    from xats.core.crews.views import Work

    Rows = Sequence[tuple[Details, State]]

WORK = ("TASK", "TURN", "LOCKS", "DETAIL")
HEADERS = ("AGENT", "CLIENT", "STATE", "SINCE", "RESTARTS", "WORKTREE", "BRANCH", "DIRTY", "UNREAD", *WORK)
OPTIONAL = ("WORKTREE", "BRANCH", "DIRTY", *WORK)
STRETCH = ("AGENT", "WORKTREE", "DETAIL")
FOLDED = 20  # columns that one of these has at least, if it needs them
LESS = ("RESTARTS", "LOCKS", "BRANCH", "DIRTY", "WORKTREE", "TURN", "SINCE", "TASK", "UNREAD")
NARROW = 100  # columns of a terminal below which the table has no DETAIL


@record
class Member:
    """An agent of a crew."""

    details: Details
    start: Start | None
    state: str
    shown: str  #: why it has that state, with the last lines of its screen
    dirty: bool | None
    work: Work

    @property
    def restarts(self) -> int:
        """How often xats has started it again."""
        return self.start.restarts if self.start else 0

    @property
    def detail(self) -> str:
        """Why it has its state, in a line."""
        said = self.shown.split("\n")[0]
        if self.work.again_in is None:
            return said
        when = f"in {durations.rough(self.work.again_in)}" if self.work.again_in >= 1000 else "soon"
        return f"{said}; again {when}"

    @property
    def screen(self) -> list[str]:
        """The last lines of the screen of a program that has failed."""
        return self.shown.split("\n")[1:] if self.state in ("failed", "flapping") else []


def _members(here: Context, rows: Rows) -> list[Member]:
    found = here.store.read(lambda tx: crews.of_agents(tx, [one.agent.id for one, _ in rows]))
    made = []
    for details, state in rows:
        work = found[details.agent.id]
        start = work.start
        local = start is not None and start.host == host.id()
        dirty = worktrees.is_dirty(start.worktree) if start and local and start.worktree else None
        made.append(Member(details, start, *_state(here, details, state, start), dirty=dirty, work=work))
    return made


def _state(here: Context, details: Details, state: State, start: Start | None) -> tuple[str, str]:
    """Return what became of the start, and why; or the state of the agent if another program is the agent now."""
    session = details.session
    another = session is not None and start is not None and start.process not in (None, session.seat.process)
    if start is None or another:
        return state.name, ""
    if start.open:  # no daemon may have looked since
        try:
            found = watching.look(here.path, watching.Seen(start, session, details.presence, here.store.clock()))
        except XatsError:  # tmux does not answer now
            found = None
        if found:
            return found.state, found.detail
    return start.state, start.detail or ""


def documents_of(here: Context, rows: Rows) -> list[dict[str, Any]]:
    """Return the JSON form of the part that --long adds to each agent."""
    return [
        {
            "start": documents.start_json(one.start),
            "state": one.state,
            "restarts": one.restarts,
            "screen": one.screen,
            "again_in_ms": one.work.again_in,
            "dirty": one.dirty,
            "tasks": one.work.tasks,
            "turns": one.work.turns,
        }
        for one in _members(here, rows)
    ]


def show(here: Context, rows: Rows) -> None:
    """Print the long list: a table on a terminal, else lines with tabs."""
    now, width, table = here.store.clock(), render.width(), []
    members = _members(here, rows)
    for one in members:
        start = one.start
        table.append(
            {
                "AGENT": views.near(one.details.agent.address, here.team),
                "CLIENT": one.details.agent.client,
                "STATE": one.state,
                "SINCE": durations.rough(max(0, now - start.state_at)) if start else "",
                "RESTARTS": str(one.restarts) if start else "",
                "WORKTREE": _short(start.worktree) if start and start.worktree else "",
                "BRANCH": (start.branch or "") if start else "",
                "DIRTY": {True: "dirty", False: "clean", None: ""}[one.dirty],
                "UNREAD": str(one.details.unread),
                "TASK": ", ".join(f"#{task}" for task in one.work.tasks),
                "TURN": ", ".join(one.work.turns),
                "LOCKS": str(one.details.locks) if one.details.locks else "",
                "DETAIL": render.one_line(one.detail),
            }
        )
    headers: tuple[str, ...] = HEADERS
    if width:
        headers = tuple(one for one in headers if one not in OPTIONAL or any(row[one] for row in table))
        if width < NARROW:
            headers = tuple(one for one in headers if one not in ("CLIENT", "DETAIL"))
        headers = _fitting(headers, table, width)
    render.table(headers, [[row[one] for one in headers] for row in table], stretch=STRETCH)
    if width:
        for one in members:
            if one.state in ("failed", "flapping") or one.work.again_in is not None:
                _show_ended(here, one)


def _show_ended(here: Context, one: Member) -> None:
    """Print how a program has ended, when it starts again, and what its screen showed if it has failed."""
    name = views.near(one.details.agent.address, here.team)
    render.put(f"{name} {one.state}: {render.one_line(one.detail)}")
    for line in one.screen:
        render.put(f"  | {render.one_line(line)}")


def _fitting(headers: tuple[str, ...], table: Sequence[dict[str, str]], width: int) -> tuple[str, ...]:
    """Return the columns that have room in a terminal of that `width`; the least important ones go first."""
    for gone in LESS:
        needed = [max(len(one), *(len(row[one]) for row in table)) if table else len(one) for one in headers]
        least = [min(size, FOLDED) if one in STRETCH else size for one, size in zip(headers, needed, strict=True)]
        if sum(least) + 2 * (len(least) - 1) <= width:
            break
        headers = tuple(one for one in headers if one != gone)
    return headers


def _short(path: str) -> str:
    """Return `path` as it is seen from the working directory, if that is shorter."""
    try:
        near = os.path.relpath(path)
    except OSError:  # the working directory was removed
        return path
    return near if len(near) < len(path) else path
