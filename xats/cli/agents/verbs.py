"""The verbs of agents: register, unregister, agents, whoami."""

from __future__ import annotations

import os

from xats.base import durations, host, occupancy, process
from xats.base.errors import NameTaken, Refused, Usage
from xats.base.record import replace
from xats.cli.agents import states
from xats.cli.kit import render, views
from xats.cli.kit.context import known_team
from xats.core.address import check_name
from xats.core.agents import agents as core
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from xats.cli.agents.states import State
    from xats.cli.kit import params
    from xats.cli.kit.context import Here, Me
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Agent, Details, Registered, Session
    from xats.store import Tx


def register(
    here: Here,
    name: params.NameArg,
    *,
    role: params.OwnRoleOption = None,
    client: params.ClientOption = None,
    force_client: params.ForceClientOption = False,
    tag: params.TagOption = None,
    cap: params.CapOption = None,
    model: params.ModelOption = None,
    pane: params.PaneOption = None,
    no_pane: params.NoPaneOption = False,
    wake: params.WakeByOption = None,
    takeover: params.TakeoverOption = False,
    expect: params.ExpectOption = None,
    ttl: params.ExpectTtlOption = None,
    yes: params.YesOption = False,
) -> int:
    """Register as an agent of this team, in this pane.

    Registering again keeps the agent and its mail, and changes only what is given. In tmux the agent is bound to its
    pane, and woken there when mail comes; the pane option @xats_agent then holds its name, for a status line.

    By default (--wake auto) xats wakes the agent without keystrokes if it can: by its hooks, a waiter, or the inbox of
    its program. Otherwise, or if nothing is read in time, xats types a line into its pane. With --wake tmux xats uses
    only the line.

    If a person types this in their own shell, xats asks whether to give the shell another name than theirs.

    With --wake notice tmux shows a notice, with --wake command a program of yours runs; then nothing is ever typed.

    With --expect the program is bound once it appears in the pane. Mail for the agent is kept meanwhile.

    Example: xats register alice --role backend --tag gpu

    Example: xats register bob --pane %3 --expect codex
    """
    from xats.cli.agents import own_shell, seat
    from xats.cli.teams import membership

    check(name, role, client, tag, cap, wake)
    _check_together(pane=pane, no_pane=no_pane, client=client, expect=expect, ttl=ttl)
    asked = core.Changes(
        role=role,
        model=model,
        tags=tuple(tag) if tag else None,
        capabilities=tuple(cap) if cap else None,
        wake_by=core.chosen_wake_by(wake),
    )
    if expect:
        from xats.cli.agents import expect as expecting

        what = expecting.wanted(here, expect, ttl, pane)
        if not expecting.is_there(what):
            changes = replace(asked, client=what.profile.name)
            return expecting.expect(here, name, changes, what, takeover=takeover)
        pane, client = what.pane.pane_id, what.profile.name
    meant = _client(here, client)
    place, found, runs = seat.find(here, pane, no_pane=no_pane, wanted=meant)
    if meant and not force_client:
        _check_client(meant, place, found)
    client = meant.name if meant else None
    shell = own_shell.find(here) if not (place.pane or place.process or pane or seat.hidden(None)) else None
    is_persons = client is None and own_shell.is_persons(here, name, found)
    if is_persons:
        own_shell.agree(here, name, yes=yes)
        place = own_shell.seat(place, shell)
    hidden = seat.hidden(place.pane)
    path = seat.xats_path(here, place, pane)
    agreed = membership.agree(here)

    def work(tx: Tx) -> tuple[Registered, str | None, tuple[str, ...]]:
        team, called = here.address(tx, name)
        membership.join(here, tx, team, agreed=agreed)
        known = core.find(tx, team, called)
        # Whoever registers a known name again by hand keeps its client, unless another program sits there now.
        had = known is not None and known.epoch > 0 and not known.expected and known.client != "human"
        kept = client or (None if had and found in ("generic", "human") else found)
        changes = replace(asked, client=kept)
        kept_outside = _session_outside(here, tx, known, place) if hidden and known and not takeover else None
        own_shell.check(here, tx, known, place, shell, takeover=takeover)
        done = core.register(
            tx,
            team,
            name=called,
            changes=changes,
            seat=kept_outside.seat if kept_outside else place,
            living=lambda session: occupancy.holds(session.seat),
            programs=kept_outside.programs if kept_outside else runs,
            xats_path=path,
            takeover=takeover,
            leave_pane=no_pane,
        )
        still = own_shell.settle(here, tx, done, shell, is_persons=is_persons)
        return done, still, teams.notices(tx, team)

    done, still, pending = here.store.write(work)
    typed = warn_unreachable(here, done.details)
    mark_pane(done)
    here.rouse_daemon()
    if here.json:
        said = {"agent": views.agent_json(done.details), "created": done.created, "displaced": done.unseated}
        render.document({**said, "expected": views.expected_json(None), "replaced": []})
    elif here.quiet:
        render.put(done.details.agent.name)
    else:
        _tell(here, done, typed=typed)
        tell_name(name, done.details.agent)
        if still:
            command = here.command("unregister", still)
            render.say(f"  {still} stays in the team, for your other shells; to take {still} out: {command}")
        membership.tell(here, done.details.agent.team, pending)
    return 0


def _check_together(
    *, pane: str | None, no_pane: bool, client: str | None, expect: str | None, ttl: str | None
) -> None:
    """Check the options of a registration that exclude or need each other. Raises Usage."""
    if pane and no_pane:
        msg = "--pane and --no-pane exclude each other."
        raise Usage(msg, "give one of them")
    if expect and (no_pane or client):
        msg = f"--expect and {'--no-pane' if no_pane else '--client'} exclude each other."
        raise Usage(msg, "--expect needs a pane" if no_pane else "--expect says which client it is")
    if ttl and not expect:
        msg = "--ttl says how long --expect waits, and --expect is missing."
        raise Usage(msg, "xats register NAME --pane %N --expect codex --ttl 2m")


def _session_outside(here: Here, tx: Tx, known: Agent, place: core.Seat) -> Session | None:
    """Return the session whose seat `known` keeps when it registers from inside a sandbox; None if it has no seat.

    From in here its process and pane cannot be seen, and must not be replaced by what can. Raises NameTaken when
    nothing shows that we are that agent.
    """
    holder = core.current_session(tx, known)
    if holder is None or (holder.seat.process is None and holder.seat.pane is None):
        return None
    same = place.client_session is not None and place.client_session == holder.seat.client_session
    named = (here.environ.get("XATS_AGENT") or "").partition("@")[0].lower() == known.name.lower()
    if same or named:
        return holder
    msg = f"{known.name} is registered outside this sandbox, and nothing here shows that you are {known.name}."
    raise NameTaken(msg, f"take another name, or: xats register {known.name} --takeover", name=known.name)


def warn_unreachable(here: Here, details: Details) -> bool:
    """Tell whether a line can be typed for an agent in its pane; where it cannot, say why and what can be done.

    So it is behind a sandbox or another terminal, and in a tmux that is too old for the paste.
    """
    from xats.base import sandbox
    from xats.cli.agents import seat
    from xats.clients import registry

    agent, session = details.agent, details.session
    if session is None or agent.wake_by not in ("auto", "tmux") or agent.client == "human":
        return True
    place, name = session.seat, agent.name
    if place.pane is None and place.pid is None and seat.hidden(None):
        inside = sandbox.around(here.environ)
        where = inside.name if inside else "a sandbox"
        why = f"{name} is in {where}, from which xats sees neither its pane nor its process"
        fix = f"outside the sandbox: xats register {name} --team {agent.team} --pane %N"
    elif place.host != host.id():  # outside of our sandbox, where nothing is to be seen from here
        return True
    elif place.pane and (old := seat.too_old(place.pane)):
        why = f"the tmux {old} of pane {place.pane.pane_id} is too old for the paste (xats needs tmux 3.2 or newer)"
        fix = "a newer tmux, or let it run xats wait"
    elif place.pane and (found := seat.other_terminal(place)):
        why = f"{name}'s program ({found.name}, pid {found.pid}) has another terminal than pane {place.pane.pane_id}"
        fix = f"let it run xats wait, or: xats hook install {agent.client}"
    elif place.pane and registry.find_or_generic(agent.client, here.environ).blind:
        why = f"xats does not know yet how the composer of {agent.client} looks"
        fix = "let it run xats wait, or describe it: xats client test PANE --profile"
    elif place.pane and seat.behind(place.pane) and not _has_looks(here, agent.client):
        why = f"{name} runs this on another terminal than pane {place.pane.pane_id}, as behind a sandbox or script"
        render.warn(f"{why}. While a program runs there, no line is typed for it. Let it run xats wait")
        return False
    else:
        return True
    ways = [one for one in woken_by(here, details, ()) if one != "tmux"]
    means = f"it is woken by {', '.join(ways)} alone" if ways else "nothing wakes it"
    render.warn(f"{why}, so no line can be typed for it; {means}. Try {fix}")
    return False


def _has_looks(here: Here, client: str) -> bool:
    """Tell whether a profile knows how the composer of `client` looks."""
    from xats.clients import registry

    known = registry.find_or_generic(client, here.environ)
    return bool(known.glyphs or known.frame)


def woken_by(here: Here, details: Details, off: Collection[str]) -> list[str]:
    """Return the transports by which an agent can be woken now, in their order, without those that are `off`."""
    from xats.daemon.owner import pane_gone
    from xats.delivery import routing

    session = details.session
    gone = {routing.TMUX} if session and pane_gone(session) else ()
    found = routing.routes(details.agent, session, details.presence, here.path, off)
    return [one.name for one in found if one.name not in gone]


def _client(here: Here, word: str | None) -> Profile | None:
    """Return the profile that `--client word` means, None where nothing was said. Raises NotFound, Usage."""
    from xats.clients import registry

    return None if word is None else registry.called(word, here.environ)


def _check_client(meant: Profile, place: core.Seat, found: str) -> None:
    """Check that the process at `place`, which is the agent program `found` or none, may be one of the client `meant`.

    A profile that names no program, such as generic, fits each program; a person is none. Raises Refused.
    """
    from xats.clients import processes, registry

    runs = process.read(place.pid) if place.pid else None
    fits = meant.name != "human" and not registry.spoken(meant)
    if runs is None or found in ("generic", "human", meant.name) or fits or processes.runs(meant, runs):
        return
    where = f"runs in pane {place.pane.pane_id}" if place.pane else "runs here"
    msg = f"--client says {meant.name}, but {found} (pid {runs.pid}) {where}."
    hint = f"leave --client out; to register it as {meant.name} anyway: --force-client"
    raise Refused(msg, hint, detected=found, pid=runs.pid, client=meant.name)


def check(
    name: str | None,
    role: str | None,
    client: str | None,
    tag: Sequence[str] | None,
    cap: Sequence[str] | None,
    wake: str | None,
) -> None:
    """Check what a registration says. Raises InvalidName, Usage."""
    for value, what in ((name, "name"), (role, "role"), (client, "client"), *((one, "tag") for one in tag or ())):
        if value is not None:
            check_name(value, what)
    for one in cap or ():
        check_name(one, "capability")
    if wake not in (None, *core.WAKE_BY):
        msg = f"{wake!r} is no way to wake an agent."
        raise Usage(msg, f"one of: {', '.join(core.WAKE_BY)}")


def mark_pane(done: Registered) -> None:
    """Note the agent's name in its pane, for a status line."""
    from xats.base.errors import XatsError
    from xats.tmux import pane as panes

    session = done.details.session
    if session and session.seat.pane:
        try:
            panes.mark(session.seat.pane, "@xats_agent", done.details.agent.name)
        except XatsError as problem:
            render.warn(f"the pane could not be marked: {problem}")


def tell_name(name: str, agent: Agent) -> None:
    """Say so where `name`, by which `agent` was asked for, is a former name of it."""
    if name.lower() != agent.name.lower():
        render.say(f"  {name} is called {agent.name} now")


def _tell(here: Here, done: Registered, *, typed: bool) -> None:
    """Say what a registration came to; `typed`: a line can be typed in its pane."""
    from xats.clients import sessions

    agent, session = done.details.agent, done.details.session
    pane = session.seat.pane if session else None
    what = "registered" if done.created else "registered again"
    render.put(f"{agent.name} {what} in team {agent.team} ({agent.client}, session {agent.epoch})")
    if done.unseated:
        what = "pane" if pane else "shell" if session and _is_in_shell(session) else "program"
        render.say(f"  this {what} was {done.unseated}'s until now; the mail of {done.unseated} is kept")
    if agent.wake_by == "none" and agent.client == "human":
        render.say("  a person: nothing is ever typed into your shell; read with: xats inbox")
    elif agent.wake_by == "none":
        render.say("  woken by nothing: let it look with xats inbox")
    elif agent.wake_by == "command":
        render.say("  woken by your own program, which gets each wake as JSON")
    elif agent.wake_by == "notice" and pane:
        render.say(f"  pane {pane.pane_id}: a notice is shown there when mail comes; nothing is typed")
    elif pane and session and _is_in_shell(session):
        render.say(f"  pane {pane.pane_id}: a shell, so nothing is typed there; read with: {here.command('inbox')}")
    elif pane:
        render.say(f"  pane {pane.pane_id}: {'woken there when mail comes' if typed else 'nothing is typed there'}")
    elif ways := woken_by(here, done.details, ()):
        render.say(f"  no tmux pane; woken by {', '.join(ways)}")
    elif sharer := sessions.sharer(here.environ):
        name = f"{agent.name} --team {agent.team}"
        what = f"{sharer.title} does not say in which pane it is"
        render.say(f"  {what}; so that it can be woken: xats register {name} --pane %N")
    else:
        render.say("  no tmux pane, so nothing can wake it: let it run xats wait, or register inside tmux")
    if session and agent.client != "human":
        tell_path(agent, session.xats_path)


def _is_in_shell(session: Session) -> bool:
    """Tell whether the process of `session` is a shell."""
    runs = process.read(session.seat.pid) if session.seat.pid else None
    return runs is not None and process.is_shell(runs.name)


def tell_path(agent: Agent, path: str | None) -> None:
    """Say so where `path` (xats/base/calling.py) shows that the shell of `agent` does not find xats by its name."""
    from xats.base import calling
    from xats.delivery import envelope

    if path in (None, calling.NAME):
        return
    render.say(f"  xats is not in the PATH of {agent.name}, so wakes and hooks name its path: {calling.spelled(path)}")
    if not envelope.can_name(path):
        render.warn(
            f"that path is too long or too unusual to be pasted. Try: export PATH={os.path.dirname(path)}:$PATH"
        )


def unregister(here: Here, name: params.OptionalNameArg = None, *, force: params.ForceOption = False) -> int:
    """Unregister an agent; its mail is kept under its name.

    Without --force, xats refuses to take out an agent that has claimed tasks. It also refuses to take out another agent
    than yourself, unless the process of that agent is known to have ended. With --force, the claimed tasks are open
    again, and the agents that added them get mail.

    Example: xats unregister
    """
    from xats.core.tasks import claims

    def work(tx: Tx) -> tuple[Agent, Session | None, int, list[int]]:
        agent = here.me(tx).agent if name is None else here.named(tx, name)
        session = core.current_session(tx, agent)
        me = me_or_none(here, tx)
        mine = me is not None and me.agent.id == agent.id
        if name is not None and not force and not mine and session:
            _refuse_if_there(tx, agent, session)
        released = claims.leave(tx, agent, force=force, by=me.agent if me else None)
        return agent, session, core.unregister(tx, agent, me.agent if me else None), released

    agent, session, unread, released = here.store.write(work)
    if released:
        here.rouse_daemon()
    if session and session.seat.pane:
        unmark_pane(session)
    if here.json:
        render.document({"agent": {"name": agent.name, "team": agent.team}, "unread": unread, "released": released})
    elif not here.quiet:
        kept = f"; {unread} unread kept until the name returns" if unread else ""
        kept += f"; open again: {', '.join(f'#{one}' for one in released)}" if released else ""
        render.put(f"{agent.name} unregistered from team {agent.team}{kept}")
    return 0


def _refuse_if_there(tx: Tx, agent: Agent, session: Session) -> None:
    """Raise Refused unless `agent` is known to have ended: one of which no process is known may well be there."""
    from xats.core.agents import presence
    from xats.daemon.owner import process_gone

    fix = f"xats unregister {agent.name} --force"
    if occupancy.holds(session.seat):
        msg = f"{agent.name} is at work (pid {session.seat.pid}), and you are not {agent.name}."
        raise Refused(msg, fix, agent=agent.address)
    told = presence.get(tx, agent.id)
    if process_gone(session) or core.gone_since(agent, session) or (told and told.state == "ended"):
        return
    seen = durations.ago(agent.seen_at, tx.now)
    msg = f"{agent.name} may still be at work: its process is not known here, and it was seen {seen}."
    raise Refused(msg, fix, agent=agent.address)


def me_or_none(here: Here, tx: Tx) -> Me | None:
    """Return who I am, or None where that is not known. This registers no person."""
    from xats.base.errors import XatsError
    from xats.cli.kit.context import FirstUse

    try:
        return here.me(tx, register=False)
    except (XatsError, FirstUse):
        return None


def unmark_pane(session: Session) -> None:
    """Take the mark of xats off the pane of a session that has ended; a pane that is gone has none."""
    from contextlib import suppress

    from xats.base.errors import XatsError
    from xats.tmux import pane as panes

    assert session.seat.pane
    with suppress(XatsError):  # the pane may be gone, and its mark with it
        panes.unmark(session.seat.pane, "@xats_agent")


def agents(
    here: Here,
    *,
    online: params.OnlineOption = False,
    role: params.RoleOption = None,
    all_teams: params.AllTeamsOption = False,
) -> int:
    """List the agents of this team.

    Whether each is online and why, what it has not read, how it is woken, and what its wake is doing. --json lists as
    transports the ways by which it could be woken now, first to last.

    Example: xats agents --role reviewer
    """
    from xats.delivery.settings import turned_off

    team, off = None if all_teams else known_team(here), turned_off(here.settings)
    found = here.store.read(lambda tx: core.listing(tx, team, role))
    now = here.store.clock()
    rows = [(one, states.of(one, now)) for one in found]
    rows = [row for row in rows if row[1].online or not online]
    if here.json:
        render.document({"agents": [listed_json(*row, woken_by(here, row[0], off)) for row in rows], "has_more": False})
        return 0
    if not rows:
        render.say(f"no {'such ' if role or online else ''}agents in team {team}" if team else "no agents yet")
        if not (role or online or here.quiet):
            render.say(f"  in a pane of its own: {here.command('launch', 'claude', '--name', 'bob')}")
        return 0
    width = render.width()
    headers: tuple[str, ...] = next(columns for room, columns in LAID_OUT if width >= room) if width else ALL
    table = []
    for one, state in rows:
        cells = _cells(one, state, woken_by(here, one, off), now, words=width >= PLENTY)
        cells["AGENT"] = views.near(one.agent.address, here.team)
        if width and width < ROOM:
            _squeeze(cells, state)
        table.append(cells)
    if width:  # a column that is empty for everybody tells nothing
        headers = tuple(one for one in headers if one not in OPTIONAL or any(cells[one] for cells in table))
    render.table(
        headers, [[cells[one] for one in headers] for cells in table], stretch=("AGENT", "ABOUT", "STATE", "WAKE")
    )
    return 0


ROOM, PLENTY = 140, 180  # columns of a terminal: for all of the table, and for reasons in words
ALL = ("AGENT", "ROLE", "CLIENT", "STATE", "UNREAD", "OLDEST", "PANE", "WAKE BY", "PAUSED", "WAKE")  # in a pipe
OPTIONAL = ("ROLE", "ABOUT", "OLDEST")
LAID_OUT = (  # from how many columns of a terminal, which columns of the table
    (PLENTY, ("AGENT", "ROLE", "ABOUT", "CLIENT", "STATE", "UNREAD", "OLDEST", "BY", "WAKE")),
    (ROOM, ("AGENT", "ROLE", "CLIENT", "STATE", "UNREAD", "OLDEST", "BY", "WAKE")),
    (76, ("AGENT", "ROLE", "CLIENT", "STATE", "UNREAD", "WAKE")),
    (0, ("AGENT", "STATE", "UNREAD", "WAKE")),
)


def _cells(details: Details, state: State, ways: list[str], now: int, *, words: bool) -> dict[str, str]:
    """Return what the columns of an agent hold, by their headers."""
    agent, session = details.agent, details.session
    pane = session.seat.pane.pane_id if session and session.seat.pane else ""
    by: str = agent.wake_by
    if by == "auto":
        by = ", ".join(f"{name} {pane}" if name == "tmux" else name for name in ways) or "no pane"
    elif by in ("tmux", "notice"):
        by = f"{by} {pane}" if pane else f"{by} (no pane)"
    elif by == "none":
        by = "not woken"
    return {
        "ROLE": agent.role or "",
        "ABOUT": agent.about or "",
        "CLIENT": agent.client,
        "STATE": state.words,
        "UNREAD": str(details.unread),
        "OLDEST": durations.ago(details.oldest_unread_at, now) if details.unread else "",
        "PANE": pane,
        "BY": by,
        "WAKE BY": agent.wake_by,
        "PAUSED": "paused" if details.paused else "",
        "WAKE": views.wake_brief(details, now, words=words),
    }


def _squeeze(cells: dict[str, str], state: State) -> None:
    """Leave in `cells` what a narrow terminal has room for."""
    role = cells["ROLE"]
    cells["ROLE"] = role if len(role) <= 12 else f"{role[:11]}…"
    cells["STATE"] = state.brief
    if cells["OLDEST"]:
        age = cells["OLDEST"].removesuffix(" ago")
        cells["UNREAD"] += " (new)" if age == "just now" else f" ({age})"
    cells["WAKE"] = cells["WAKE"] or cells["BY"]


def listed_json(details: Details, state: State, ways: list[str]) -> dict[str, Any]:
    """Return the JSON form of an agent in a list; `ways` are the transports by which it can be woken."""
    return {
        **views.agent_json(details),
        "state": state.name,
        "online": state.online,
        "detail": state.words,
        "gone_at": durations.iso(state.gone_at),
        "busy_since": durations.iso(state.busy_since),
        "silent_since": durations.iso(state.silent_since),
        "unread": details.unread,
        "oldest_unread_at": durations.iso(details.oldest_unread_at),
        "shown": details.shown,
        "last_seen_at": durations.iso(details.agent.seen_at),
        "wake": views.last_wake_json(details),
        "wake_by": details.agent.wake_by,
        "transports": ways,
        "paused": details.paused,
        "expected": views.expected_json(details.expected),
        "presence": views.presence_json(details),
    }


EVIDENCE = {
    "flag": "--as says so",
    "env": "XATS_AGENT says so",
    "session": "this client session is bound to it",
    "pane": "this tmux pane is bound to it",
    "process": "a process above this one is bound to it",
    "user": "you type on a terminal, and no agent is bound to it",
}


def _warn_of_socket(here: Here) -> None:
    """Say so if the tmux socket that TMUX names cannot be trusted: no command uses it."""
    if not here.environ.get("TMUX"):
        return
    from xats.base.errors import ServerUntrusted
    from xats.tmux import address, trust

    around = address.server(here.environ)
    try:
        if around:
            trust.check_path(around[0])
    except ServerUntrusted as problem:
        render.warn(f"{problem} To fix it: {problem.hint}")


def whoami(here: Here) -> int:
    """Show who I am here, and how xats knows.

    Example: xats whoami
    """
    from xats.cli.teams import membership

    _warn_of_socket(here)
    details, me, own, pending = here.read(
        lambda tx, me: (core.details(tx, me.agent), me, here.project_team(tx), teams.notices(tx, me.agent.team))
    )
    project = here.find_project()
    if here.json:
        found = membership.project_json(project, own) if project else None
        notices = list(pending)
        render.document(
            {"agent": views.agent_json(details), "evidence": me.evidence, "project": found, "notices": notices}
        )
    elif here.quiet:
        render.put(me.agent.name)
    else:
        role = f", role {me.agent.role}" if me.agent.role else ""
        render.put(f"{me.agent.name} in team {me.agent.team} ({me.agent.client}{role}): {EVIDENCE[me.evidence]}")
        if project and own != me.agent.team:
            render.note(f"the team of this project ({render.one_line(teams.stored(project.top))}) is {own}")
            pending = pending or membership.look(here, me.agent.team)
        if project and project.problem:
            fix = f"; to have it followed: {project.fix}" if project.fix else ""
            why = render.one_line(teams.stored(f"{project.problem}{fix}"))
            render.note(f"this folder is a project of its own, because {why}")
        if pending:
            membership.tell(here, me.agent.team, pending)
    return 0
