"""What is started for the agents of a crew file, and which of them run already."""

from __future__ import annotations

import os

from xats.base import host, occupancy
from xats.base.errors import NotFound, Usage, XatsError
from xats.base.record import record, replace
from xats.cli.agents import program
from xats.cli.crews import options
from xats.cli.crews.together import Wanted
from xats.core.agents import agents, registration
from xats.core.crews import starts
from xats.crews import git, starting, watching

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.base.pane import Pane
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Session
    from xats.core.states import StartPlace
    from xats.crews.entry import CrewFile, Entry
    from xats.crews.watching import Seen
    from xats.store import Tx

    Kind = Literal["missing", "running", "waiting", "stopping", "unknown"]


@record
class Standing:
    """What is there of an agent of a crew file."""

    entry: Entry
    kind: Kind  #: `waiting`: it is being started, or needs a person
    seen: Seen | None = None  #: its open start
    session: Session | None = None  #: of the program that has registered itself as this agent
    problem: XatsError | None = None  #: why nothing can be started under its name


def standing(here: Context, tx: Tx, entry: Entry) -> Standing:
    """Return what is there of the agent of `entry`."""
    try:
        team, name = program.whom(here, tx, entry.name, profile(here, entry), None)
    except XatsError as problem:
        return Standing(entry, "unknown", problem=problem)
    known = agents.find(tx, team, name)
    if known is None:
        return Standing(entry, "missing")
    start, session = starts.of_agent(tx, known.id), agents.current_session(tx, known)
    open_ = start is not None and start.open and not starting.is_over(start, tx.now - start.created_at)
    if start and open_ and (start.process is None or session is None or session.seat.process == start.process):
        states: dict[str, Kind] = {"running": "running", "stopping": "stopping"}
        return Standing(entry, states.get(start.state, "waiting"), watching.find(tx, start))
    if session and occupancy.holds(session.seat):
        return Standing(entry, "running", session=session)
    return Standing(entry, "missing")


def profile(here: Context, entry: Entry) -> Profile:
    """Return the profile of the program of `entry`. Raises NotFound, Usage."""
    if entry.program is not None:
        return program.profile(entry.program, here.environ)
    return program.profile_of(entry.command[0], here.environ)


def runs(here: Context, entry: Entry, folder: str) -> str:
    """Return the path of the program of `entry`, which runs in `folder`. Raises ProgramMissing, NotFound, Usage."""
    found = profile(here, entry)
    if entry.program is not None:
        return program.find_program(found, here.environ)
    return program.find_command(entry.command[0], found, folder, here.environ)


def wanted(here: Context, crew: CrewFile, entry: Entry, around: Pane | None) -> Wanted:
    """Return what is started for `entry`, and make its worktree. `around` is the pane of this command.

    Raises ProgramMissing, NotFound, Usage, InvalidBody, and what `worktrees.prepare` raises.
    """
    base = entry.cwd or os.path.dirname(crew.path)
    if not os.path.isdir(base):
        msg = f"There is no folder {base}."
        raise NotFound(msg, "make it, or change cwd in xats.toml")
    if not (entry.command and os.sep in entry.command[0]):
        runs(here, entry, base)  # before there is a worktree for nothing
    folder, tree = _worktree(here, entry, base) if entry.worktree else (base, {})
    runs(here, entry, folder)
    found = profile(here, entry)
    words, typed = options.arguments(found, (*entry.command[1:], *entry.args), None, entry.prompt)
    return Wanted(
        profile=found,
        arguments=tuple(words),
        changes=registration.Changes(role=entry.role, client=found.name, tags=entry.tags or None),
        name=entry.name,
        where=place(here, entry, around),
        folder=folder,
        writable=entry.writable,
        variables=dict(entry.env),
        prompt=typed,
        tree=tree,
        command=entry.command[0] if entry.command else None,
        crew_file=crew.path,
        digest=crew.digest,
        entry=entry,
        policy=entry.restart,
    )


def launch(here: Context, crew: CrewFile, entry: Entry, place: StartPlace, session: str | None) -> int:
    """Start the agent of `entry` for another agent, as the trusted file says, in the place of the command."""
    from xats.cli.crews import start

    where = start.where(here, place, session)
    return start.start(here, replace(wanted(here, crew, entry, where.around), where=where, by_agent=True))


def place(here: Context, entry: Entry, around: Pane | None) -> starting.Where:
    """Return where the pane of `entry` is made.

    Outside tmux, windows and splits become windows of a session that has the name of the team.
    """
    from xats.cli.agents import seat
    from xats.tmux import places

    if entry.place == "session" and entry.session:
        session = places.check_session(entry.session)
    elif around is None:
        session = own_session(here)
    else:
        return starting.Where("split" if entry.place == "split" else "window", around.socket, around)
    return starting.Where("session", seat.socket_around(here.environ), session=session)


def own_session(here: Context) -> str:
    """Return the name of the tmux session that is named after the team; such a name has no dot."""
    return here.team.replace(".", "-")


def _worktree(here: Context, entry: Entry, base: str) -> tuple[str, dict[str, str | None]]:
    """Make the worktree of `entry`, or use its own again; return the folder in it that corresponds to `base`."""
    path, tree = options.prepared(here, base, entry.name, profile(here, entry), entry.branch)
    inside = git.run(base, "rev-parse", "--show-prefix") if entry.cwd else ""
    folder = os.path.join(path, inside.rstrip("/")) if inside else path
    if not os.path.isdir(folder):
        msg = f"There is no folder {inside.rstrip('/')} in the worktree {path}."
        raise Usage(msg, "commit it, or change cwd in xats.toml")
    return folder, tree


def registered(session: Session) -> str:
    """Return in words which program has registered itself."""
    seat = session.seat
    pid = f"pid {seat.pid}" if seat.pid else "its pid is not known"
    pane = f", pane {seat.pane.pane_id}" if seat.pane else ""
    return f"{pid}{pane}" if seat.host == host.id() else f"on {seat.host_name}"
