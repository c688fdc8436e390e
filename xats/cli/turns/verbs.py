"""The verbs of turns: join, take, pass, release, steal, status, log, leave, kick."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats.base import durations, process
from xats.base.errors import TimedOut, XatsError
from xats.cli.kit import hints, people, reading, render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.turns import lines, text
from xats.core.turns import handoffs, holding, membership, turns, waits
from xats.core.turns import views as turn_views
from xats.core.turns.errors import InvalidHandoff, TurnHeld, TurnTooSoon
from xats.daemon.probe import PROBE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.agents.agents import Agent
    from xats.core.turns.offers import Moved
    from xats.core.turns.turns import Turn
    from xats.core.turns.views import Details
    from xats.store import Tx

LEFT = "Nothing was passed."


def join(here: Context, *, name: params.TurnNameOption = turns.MAIN) -> int:
    """Take part in the turn of this project: one agent at a time works on it.

    The first member makes the turn. A member may take the turn when it is free, and gets an offer when it is the next
    in line. To join again changes nothing.

    Example: xats turn join

    Example: xats turn join --name docs
    """

    def work(tx: Tx, me: Me) -> tuple[Details, bool]:
        turn = turns.create(tx, me.agent.team, name)
        new = membership.join(tx, me.agent, turn)
        return turn_views.details(tx, turn, PROBE), new

    text.settle(here)
    found, new = here.write(work)
    if here.json:
        render.document({"turn": text.details_json(found), "joined": new})
    elif not here.quiet:
        turn, now = found.turn, here.store.clock()
        done = "you take part in" if new else "you already take part in"
        render.put(f"{done} {turn.called} of team {turn.team}: {lines.state(turn, now, turn.team)}")
        render.say(render.dim(f"  to work on the project: {text.command(here, turn, 'take', '--wait', '30m')}"))
    return 0


def take(here: Context, *, name: params.TurnNameOption = turns.MAIN, wait: params.WaitTurnOption = None) -> int:
    """Take the turn if it is free or offered to me; print the last handoff.

    The turn is a lease of 45 minutes. My commands and the hooks of my program renew it, and while my program works on a
    prompt, it does not end. With --wait, xats gives me the turn when I am the next in line. The last holder leaves a
    free turn to other members for a minute.

    Example: xats turn take --wait 30m
    """
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None
    mark = process.mark()
    asked: list[Turn] = []  # a merge of teams may rename the turn while this process waits

    def work(tx: Tx, me: Me) -> Details | None:
        turn = turns.again(tx, asked[0]) if asked else turns.find(tx, me.agent.team, name)
        try:
            turn = holding.take(tx, me.agent, turn, PROBE)
        except (TurnHeld, TurnTooSoon):
            if deadline is None:
                raise
            waits.begin(tx, me.agent, turn, mark)
            asked[:] = [turn]
            return None
        return turn_views.details(tx, turn, PROBE)

    text.settle(here)
    found = here.write(work)
    if found is None:
        assert deadline is not None
        try:
            while found is None:
                _await_turn(here, asked[0], deadline)
                found = here.write(work)
        finally:
            with suppress(XatsError):  # I may have been removed
                here.write(lambda tx, me: waits.end(tx, me.agent, asked[0], mark))
    here.rouse_daemon()
    if here.json:
        render.document({"turn": text.details_json(found)})
    elif here.quiet:
        render.put(str(found.turn.number))
    else:
        turn = found.turn
        text.show(here, found, f"you have {turn.called} of team {turn.team} (number {turn.number})")
        words = ("pass", "next", "--status", hints.TEXT, "--next", hints.TEXT)
        render.say(render.dim(f"  when you have finished: {text.command(here, turn, *words)}"))
    return 0


def _await_turn(here: Context, turn: Turn, deadline: float) -> None:
    """Wait until I can take `turn`. Raises TimedOut, and NotMember if I was removed."""
    from xats.cli.kit.waiting import await_change

    while True:
        generation = here.store.generation()
        text.settle(here)
        if here.read(lambda tx, me: holding.may_take(tx, me.agent, turns.again(tx, turn), PROBE)):
            return
        if not await_change(here, generation, deadline):
            msg = "You did not get the turn in that time."
            raise TimedOut(msg, here.store.read(lambda tx: turns.again(tx, turn)).call("status"))


def pass_(
    here: Context,
    to: params.NextAgentArg,
    *,
    status: params.StatusOption = None,
    following: params.NextStepOption = None,
    artifact: params.ArtifactOption = None,
    planned: params.PlannedOption = None,
    name: params.TurnNameOption = turns.MAIN,
    number: params.TurnNumberOption = None,
) -> int:
    """Pass my turn on, to the next in line or to a member, with a handoff: what was done, and what is next.

    The next one gets mail and is woken, and has 20 minutes to take the turn; then it goes to the next in line. With
    next, xats skips members that it cannot wake, and tells them. The next in line is a member that never had the turn,
    else the one that had it longest ago. The handoff has at most 16 KiB, with the paths of its files.

    Example: xats turn pass next --status 'the parser reads dates' --next 'add time zones' --artifact src/parser.py

    Example: xats turn pass bob --status 'the design is written' --next 'review it' --planned docs/review.md
    """
    draft = _draft(here, status, following, artifact, planned)

    def work(tx: Tx, me: Me) -> Moved:
        turn = turns.find(tx, me.agent.team, name)
        whom = None if to.lower() == "next" else here.named(tx, to, me.agent.team)
        return holding.pass_on(tx, me.agent, turn, whom, draft, PROBE, number)

    text.settle(here)
    moved = here.write(work)
    return _report_moved(here, moved, "passed on", named=to.lower() != "next")


def _draft(
    here: Context, status: str | None, following: str | None, artifact: list[str] | None, planned: list[str] | None
) -> handoffs.Draft:
    """Return the handoff that the options describe. Raises InvalidHandoff or Usage."""
    if status is None or following is None:
        missing = "--status" if status is None else "--next"
        msg = f"A handoff says what was done and what is next; {missing} is missing. {LEFT}"
        raise InvalidHandoff(msg, "xats turn pass next --status 'what is done' --next 'what is to do'")
    for path in artifact or ():
        if not os.path.exists(path):
            msg = f"The artifact does not exist: {path}. {LEFT}"
            raise InvalidHandoff(msg, f"if it is still to be made: --planned {path}", path=path)
    files = [(os.path.abspath(path), False) for path in artifact or ()]
    files += [(os.path.abspath(path), True) for path in planned or ()]
    done = reading.text(here, status, None, "text of --status", InvalidHandoff, LEFT)
    then = reading.text(here, following, None, "text of --next", InvalidHandoff, LEFT)
    return handoffs.Draft(done or "", then or "", files)


def release(here: Context, *, name: params.TurnNameOption = turns.MAIN, number: params.TurnNumberOption = None) -> int:
    """Give my turn back without a handoff; a member that waits for it gets it.

    If no member waits, the turn is free and xats wakes no agent. The last handoff stays for the next holder. If the
    turn is only offered to me, the offer goes to the next in line.

    Example: xats turn release
    """

    def work(tx: Tx, me: Me) -> Moved:
        turn = turns.find(tx, me.agent.team, name)
        return holding.release(tx, me.agent, turn, PROBE, number)

    text.settle(here)
    return _report_moved(here, here.write(work), "released")


def _report_moved(here: Context, moved: Moved, done: str, *, named: bool = False) -> int:
    """Rouse the daemon, print where the turn went, and return the exit code."""
    here.rouse_daemon()
    turn, now = moved.turn, here.store.clock()
    if here.json:
        skipped = [{"agent": agent.address, "reason": why} for agent, why in moved.skipped]
        render.document({"turn": lines.turn_json(turn), "skipped": skipped})
    elif not here.quiet:
        render.put(f"{done}; {lines.state(turn, now, turn.team)}")
        for agent, why in moved.skipped:
            said = f"xats cannot wake {agent.name} now" if named else f"skipped {agent.name}"
            render.say(f"  {said}: {render.one_line(why)}")
    return 0


def steal(here: Context, *, reason: params.StealReasonOption = None, name: params.TurnNameOption = turns.MAIN) -> int:
    """Take the turn from the agent that has it, and tell that agent why.

    A person may do so at any time. An agent may do so when the process of the holder has ended, when the holder was
    silent for longer than its lease, or when an offered turn was not taken in time.

    Example: xats turn steal --reason 'bob is on holiday'
    """
    if here.read(lambda _, me: me.agent.client == "human"):
        # An agent could name a person with --as, and then nothing would hold it back.
        people.person(here, "take a turn from an agent that is at work", "ask the holder: xats send NAME '...'")

    def work(tx: Tx, me: Me) -> tuple[Details, str]:
        turn = turns.find(tx, me.agent.team, name)
        now, kind = holding.steal(tx, me.agent, turn, reason or "", PROBE)
        return turn_views.details(tx, now, PROBE), kind

    found, kind = here.write(work)
    here.rouse_daemon()
    if here.json:
        render.document({"turn": text.details_json(found), "takeover": kind})
    elif here.quiet:
        render.put(str(found.turn.number))
    else:
        turn = found.turn
        text.show(here, found, f"you have {turn.called} of team {turn.team} now (number {turn.number})")
    return 0


def status(here: Context, *, name: params.TurnNameOption = turns.MAIN) -> int:
    """Show who has the turn, who waits for it, who comes next, and the last handoff.

    Example: xats turn status
    """
    team = team_of(here)
    text.settle(here)

    def look(tx: Tx) -> tuple[Details, list[str]]:
        turn = turns.find(tx, team, name)
        others = [one.name for one in turns.of_team(tx, team) if one.id != turn.id]
        return turn_views.details(tx, turn, PROBE), others

    found, others = here.store.read(look)
    if here.json:
        render.document({"turn": text.details_json(found), "others": others})
        return 0
    now, turn = here.store.clock(), found.turn
    text.show(here, found)
    if found.members:
        rows = []
        for one in found.members:
            place = f"{found.line.index(one.agent) + 1}" if one.agent in found.line else "-"
            waits_for = durations.rough(now - one.waits_since) if one.waits_since is not None else ""
            last = "" if one.last_number is None else str(one.last_number)
            rows.append((views.near(one.agent, turn.team), place, last, waits_for, one.unreachable or ""))
        render.table(("MEMBER", "LINE", "LAST TURN", "WAITS", "CANNOT BE WOKEN"), rows, stretch=("CANNOT BE WOKEN",))
    if others and not here.quiet:
        render.say(f"  other turns of this team: {', '.join(others)}")
    return 0


def log(here: Context, *, name: params.TurnNameOption = turns.MAIN, limit: params.LimitOption = 20) -> int:
    """Show what became of the turn, the newest last: who had it, how it was passed on, with every handoff.

    Example: xats turn log -n 50
    """
    check_limit(limit, "xats turn log -n 20")
    team = team_of(here)

    def look(tx: Tx) -> tuple[Turn, list[turn_views.Entry], bool]:
        turn = turns.find(tx, team, name)
        return (turn, *turn_views.log(tx, turn, limit))

    turn, found, has_more = here.store.read(look)
    if here.json:
        render.document({"entries": [text.entry_json(one) for one in found], "has_more": has_more})
        return 0
    if has_more and not here.quiet:
        render.say(f"earlier entries: {text.command(here, turn, 'log', '-n', limit * 2)}")
    now = here.store.clock()
    for one in found:
        render.put(f"{durations.ago(one.at, now)}: {text.entry(one, turn.team)}")
        if one.handoff:
            for shown in list(text.handoff_lines(one.handoff, now, turn.team))[1:]:
                render.put(shown)
    return 0


def leave(here: Context, *, name: params.TurnNameOption = turns.MAIN) -> int:
    """Leave the turn. If I have it, it goes to the next in line.

    Example: xats turn leave
    """

    def work(tx: Tx, me: Me) -> tuple[Turn, Agent]:
        turn = turns.find(tx, me.agent.team, name)
        return membership.leave(tx, me.agent, turn, PROBE), me.agent

    text.settle(here)
    turn, me = here.write(work)
    return _report_gone(here, turn, me, f"you have left {turn.called} of team {turn.team}")


def kick(
    here: Context,
    member: params.MemberArg,
    *,
    force: params.KickForceOption = False,
    name: params.TurnNameOption = turns.MAIN,
) -> int:
    """Remove a member whose program has ended, and tell it. If it has the turn, it goes to the next in line.

    With --force, xats removes a member that may still be at work. Only a person can do this to the holder, or to the
    agent that the turn is offered to.

    Example: xats turn kick bob
    """
    if force and here.read(lambda _, me: me.agent.client == "human"):
        people.person(here, "remove an agent that is at work", "ask it: xats send NAME '...'")

    def work(tx: Tx, me: Me) -> tuple[Turn, Agent]:
        turn = turns.find(tx, me.agent.team, name)
        whom = here.named(tx, member, me.agent.team)
        return membership.kick(tx, me.agent, turn, whom, PROBE, force=force), whom

    text.settle(here)
    turn, whom = here.write(work)
    return _report_gone(here, turn, whom, f"removed {whom.name} from {turn.called} of team {turn.team}")


def _report_gone(here: Context, turn: Turn, whom: Agent, done: str) -> int:
    """Rouse the daemon, print that `whom` has left the turn, and return the exit code."""
    here.rouse_daemon()
    if here.json:
        render.document({"turn": lines.turn_json(turn), "agent": {"name": whom.name, "team": whom.team}})
    elif not here.quiet:
        render.put(f"{done}; {lines.state(turn, here.store.clock(), turn.team)}")
    return 0
