"""Start an agent program in a place of its own, and wait until it is ready or needs a person."""

from __future__ import annotations

import os
import time
from functools import partial

from xats.base import durations, faults, host, occupancy
from xats.base.errors import NameTaken, Refused, Usage
from xats.base.record import record
from xats.cli.crews import options
from xats.cli.kit import documents, render, views
from xats.cli.kit.scope import me_or_none
from xats.cli.teams import membership
from xats.core.agents import agents, changes
from xats.core.crews import starts
from xats.core.crews.errors import StartFailed, StartSuperseded
from xats.crews import keep, starting, watching
from xats.tmux import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Changes
    from xats.core.crews.starts import Start
    from xats.core.states import StartPlace
    from xats.crews.watching import Seen
    from xats.store import Tx

AGAIN = 0.1  # seconds between two looks
SLOW = 3.0  # seconds after which the command says that it waits
TYPING = 30.0  # seconds for which the command tries to type the first prompt; the daemon goes on


@record
class Wanted:
    """What is to be started, and where."""

    profile: Profile
    arguments: tuple[str, ...]
    changes: Changes
    name: str | None
    place: StartPlace
    session: str | None
    writable: bool
    environ: dict[str, str]
    prompt: str | None  #: to be typed
    tree: dict[str, str | None]  #: the worktree, its branch and the branch before, if it has one


def start(here: Context, wanted: Wanted) -> int:
    """Start the program, and wait until it is ready; return the exit code.

    Raises PeopleOnly, AlreadyStarted, NameTaken, TmuxUnavailable, StartFailed.
    """
    options.person(here)
    where = _where(here, wanted)
    new = starting.new(
        wanted.profile.name,
        wanted.place,
        os.getcwd(),
        pending=bool(wanted.prompt),
        socket=where.socket,
        **wanted.tree,
    )
    begun, created, before = _begin(here, wanted, new)
    if begun.token == new.token:
        faults.point("start.written")
        try:
            pane = starting.open_pane(begun, _program(here, wanted), where)
        except BaseException as problem:
            _undo(here, begun, str(problem) or "it was interrupted", created=created)
            raise
        faults.point("start.made")
        here.store.write(lambda tx: starts.placed(tx, begun.token, pane))
        if before and before.place != "pane" and before.pane:
            places.close_dead(before.pane)
        keep.only(here.environ, begun.agent.id, here.path, begun.token)
    here.rouse_daemon()
    try:
        seen = _watch(here, begun.token)
    except StartFailed:
        if created:
            here.store.write(lambda tx: _remove_unused(tx, begun))
        raise
    return _report(here, seen)


def _where(here: Context, wanted: Wanted) -> starting.Where:
    """Return where the new pane is made. Raises Usage."""
    from xats.cli.agents import seat
    from xats.tmux import pane as panes

    if wanted.place == "session":
        return starting.Where("session", seat.socket_around(here.environ), session=wanted.session)
    around = panes.here(here.environ)
    if around is None:
        msg = f"--{wanted.place} needs a tmux pane around this command. {options.LEFT}"
        raise Usage(msg, "name a session, which may be new: --session crew")
    return starting.Where(wanted.place, around.socket, around)


def _begin(here: Context, wanted: Wanted, new: starts.New) -> tuple[Start, bool, Start | None]:
    """Write the start of the agent; return it, whether the agent is new, and the start before it.

    If a start before it never used its token and its pane is there, this returns that one: its command has stopped.
    """
    agreed = membership.agree(here)
    waiting = here.store.read(lambda tx: _unused(here, tx, wanted))
    if waiting and waiting.host == host.id() and starting.pane_of(waiting):
        render.say(f"{waiting.agent.name} is already being started")
        return waiting, False, None

    def work(tx: Tx) -> tuple[Start, bool, Start | None]:
        team, name = _whom(here, tx, wanted)
        membership.join(here, tx, team, agreed=agreed)
        known = agents.find(tx, team, name)
        before = starts.of_agent(tx, known.id) if known else None
        if before and before.open and not starting.is_over(before, tx.now - before.created_at):
            raise starts.already_started(before, host.id())
        found, created = changes.expect(
            tx, team, name, wanted.changes, about=None, living=lambda one: occupancy.holds(one.seat)
        )
        me = me_or_none(here, tx)
        asked = me.agent.id if me and me.agent.client == "human" else None
        values = {**new.__dict__, "started_by": asked}
        return starts.begin(tx, found.agent, starts.New(**values), starting.is_over), created, before

    try:
        return here.store.write(work)
    except NameTaken as problem:
        raise NameTaken(str(problem), "take another --name, or end that program first", **problem.data) from problem


def _whom(here: Context, tx: Tx, wanted: Wanted) -> tuple[str, str]:
    from xats.cli.agents import program

    return program.whom(here, tx, wanted.name, wanted.profile, None)


def _unused(here: Context, tx: Tx, wanted: Wanted) -> Start | None:
    """Return the open start of the agent whose token was not used, and whose command has stopped."""
    from xats.base import process

    if not wanted.name:
        return None
    known = agents.find(tx, *_whom(here, tx, wanted))
    before = starts.of_agent(tx, known.id) if known else None
    unused = before is not None and before.open and before.process is None
    return before if before and unused and process.ended(*before.starter) else None


def _program(here: Context, wanted: Wanted) -> starting.Program:
    """Return what the command in the new pane needs."""
    from xats.hooks.install import command

    return starting.Program(
        client=wanted.profile.name,
        arguments=wanted.arguments,
        variables=wanted.environ,
        environ=dict(here.environ),
        db=here.path,
        team=here.asked_team,
        xats=tuple(command.program()),
        writable=wanted.writable,
        prompt=wanted.prompt,
    )


def _undo(here: Context, begun: Start, why: str, *, created: bool) -> None:
    """Note that the start failed, and remove an agent that was made for it."""

    def work(tx: Tx) -> None:
        if starts.fail(tx, begun.token, why) and created:
            _remove_unused(tx, begun)

    here.store.write(work)


def _remove_unused(tx: Tx, begun: Start) -> None:
    """Remove an agent that was made for a start, if no program has used the token."""
    from xats.core.agents import unused

    start = starts.by_token(tx, begun.token)
    if start and start.process is None:
        unused.remove(tx, agents.by_id(tx, begun.agent.id))


def _watch(here: Context, token: str) -> Seen:
    """Wait until the program is ready, or needs a person; type its first prompt. Raises StartFailed."""
    from xats.delivery.settings import of_team

    began, said = time.monotonic(), here.quiet or here.json
    until = began + TYPING + starts.READY / 1000
    while True:
        seen = here.store.read(lambda tx: _find(tx, token))
        state = seen.start.state
        if state in ("failed", "stopped"):
            msg = f"{seen.start.agent.name} did not start: {_first(seen.start.detail)}."
            raise StartFailed(msg, _where_failed(seen.start), agent=seen.start.agent.address, detail=seen.start.detail)
        if state == "needs_you" or (state == "running" and not watching.due(seen.start)):
            return seen
        if state == "running":
            team = seen.start.agent.team
            settings = here.store.read(partial(of_team, team=team, environ=here.environ))
            if watching.type_prompt(here.store, seen, settings, here.environ):
                continue
        elif finding := watching.look(here.path, seen):
            here.store.write(partial(watching.note, seen=seen, finding=finding, tell=False))
            continue
        if time.monotonic() > until:
            return seen
        if not said and time.monotonic() - began > SLOW:
            said = True
            render.say(f"  waiting until {seen.start.agent.name} is ready; Ctrl-C leaves that to the daemon")
        time.sleep(AGAIN)


def _find(tx: Tx, token: str) -> Seen:
    found = starts.by_token(tx, token)
    if found is None:
        msg = "A newer start has replaced this one."
        raise StartSuperseded(msg, "xats agents --long")
    return watching.find(tx, found)


def _first(detail: str | None) -> str:
    return render.one_line((detail or "its program has ended").split("\n")[0].rstrip("."))


def _where_failed(start: Start) -> str:
    return f"its last screen is in pane {start.pane.pane_id}" if start.pane else "try again"


def _report(here: Context, seen: Seen) -> int:
    """Print what became of the start; return the exit code."""
    start = seen.start
    if start.state == "needs_you":
        here.store.write(lambda tx: starts.told(tx, start.token))
    if here.json:
        details = here.store.read(lambda tx: agents.details(tx, agents.by_id(tx, start.agent.id)))
        render.document({"agent": documents.agent_json(details), "start": documents.start_json(start)})
    elif here.quiet:
        render.put(start.agent.name)
    else:
        _tell(here, seen)
    return Refused.exit if start.state == "needs_you" else 0


def _tell(here: Context, seen: Seen) -> None:
    start = seen.start
    name, pane = views.near(start.agent.address, here.team), start.pane.pane_id if start.pane else "its pane"
    took = durations.rough(max(0, start.state_at - start.created_at))
    if start.state == "needs_you":
        render.put(f"{name} started in pane {pane} ({start.client}), and needs you:")
        for line in render.visible(start.detail or "").split("\n"):
            render.say(f"  | {line}")
        render.say(f"  to answer it: {here.command('attach', start.agent.name)}")
    else:
        render.put(f"{name} started in pane {pane} ({start.client}), ready after {took}")
        render.say(f"  to look at it: {here.command('attach', start.agent.name)}")
    if start.prompt == "pending":
        render.say("  its first prompt waits: xats types it once the program is ready and idle")
    elif start.prompt == "failed":
        render.warn("xats typed the first prompt, but did not see it submitted; look at the pane")
