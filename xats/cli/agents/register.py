"""The verb with which a program or a person becomes an agent: register."""

from __future__ import annotations

import os

from xats.base import occupancy, process
from xats.base.errors import NameTaken, Refused, Usage
from xats.base.record import replace
from xats.cli.agents import pane_mark, reach
from xats.cli.kit import documents, render
from xats.core.address import check_name
from xats.core.agents import agents as core
from xats.core.agents import registration
from xats.core.mail import inbox
from xats.core.teams import teams

TOLD = 200  # bytes that the lines about a registration may have before the briefing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.registration import Registered
    from xats.store import Tx


def register(
    here: Context,
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

    Registering again keeps the agent and its mail, and changes only what is given. In tmux xats binds the agent to its
    pane and wakes it there when mail comes. The pane option @xats_agent then has its name, for a status line.

    By default (--wake auto) xats wakes the agent without keystrokes if it can: by its hooks, a waiter, or the inbox of
    its program. Otherwise, or if nothing is read in time, xats types a line into its pane. With --wake tmux xats uses
    only the line.

    If a person types this in their own shell, xats asks whether to give the shell another name than theirs.

    With --wake notice tmux shows a notice. With --wake command xats runs your own program. Both type nothing.

    xats types nothing at a person. In tmux it shows them a line when mail comes; --wake none turns that off.

    With --expect xats binds the program when it appears in the pane, and keeps the mail for the agent until then.

    xats tells an agent that registers itself how to use xats, and prints a short recap: see xats recap.

    Example: xats register alice --role backend --tag gpu

    Example: xats register bob --pane %3 --expect codex
    """
    from xats.cli.agents import own_shell, seat
    from xats.cli.teams import membership
    from xats.core.waking import people

    check(name=name, role=role, client=client, tag=tag, cap=cap, wake=wake)
    _check_together(pane=pane, no_pane=no_pane, client=client, expect=expect, ttl=ttl)
    asked = registration.Changes(
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

    def work(tx: Tx) -> tuple[Registered, str | None, tuple[str, ...], bool]:
        team, called = here.address(tx, name)
        membership.join(here, tx, team, agreed=agreed)
        known = core.find(tx, team, called)
        # A known agent that is registered again by hand keeps its client, unless another program runs there now.
        had = known is not None and known.epoch > 0 and not known.expected and known.client != "human"
        kept = client or (None if had and found in ("generic", "human") else found)
        changes = replace(asked, client=kept)
        kept_outside = _session_outside(here, tx, known, place) if hidden and known and not takeover else None
        own_shell.check(here, tx, known, place, shell, takeover=takeover)
        done = registration.register(
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
        return done, still, teams.notices(tx, team), people.is_told(tx, done.details.agent.id)

    done, still, pending, told = here.store.write(work)
    typed = reach.warn_unreachable(here, done.details)
    pane_mark.put_or_warn(here.path, done.details.session, done.details.agent.name)
    here.rouse_daemon()
    if here.json:
        said = {"agent": documents.agent_json(done.details), "created": done.created, "displaced": done.unseated}
        render.document({**said, "expected": documents.expected_json(None), "replaced": []})
    elif here.quiet:
        render.put(done.details.agent.name)
    else:
        _tell(here, done, typed=typed, told=told)
        tell_name(name, done.details.agent)
        if still:
            command = here.command("unregister", still)
            render.say(f"  {still} stays in the team, for your other shells; to take {still} out: {command}")
        membership.tell(here, done.details.agent.team, pending)
        if done.details.agent.client != "human" and here.person() is None:
            _brief(here, done, elsewhere=pane is not None)
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
        msg = "--ttl needs --expect: it says how long --expect waits."
        raise Usage(msg, "xats register NAME --pane %N --expect codex --ttl 2m")


def _session_outside(here: Context, tx: Tx, known: Agent, place: core.Seat) -> Session | None:
    """Return the session of `known`, which keeps its seat when it registers inside a sandbox; None if it has no seat.

    A command in the sandbox sees neither the process nor the pane of that seat, and must not replace them. Raises
    NameTaken if nothing shows that we are that agent.
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


def _client(here: Context, word: str | None) -> Profile | None:
    """Return the profile that `--client word` means, None without the option. Raises NotFound, Usage."""
    from xats.clients import registry

    return None if word is None else registry.called(word, here.environ)


def _check_client(meant: Profile, place: core.Seat, found: str) -> None:
    """Check that the process at `place` may belong to the client `meant`; `found` is the client that was detected.

    A profile that names no program, such as generic, fits each program, but not a person. Raises Refused.
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
    *,
    name: str | None = None,
    role: str | None = None,
    client: str | None = None,
    tag: Sequence[str] | None = None,
    cap: Sequence[str] | None = None,
    wake: str | None = None,
) -> None:
    """Check the values of a registration. Raises InvalidName, Usage."""
    for value, what in ((name, "name"), (role, "role"), (client, "client"), *((one, "tag") for one in tag or ())):
        if value is not None:
            check_name(value, what)
    for one in cap or ():
        check_name(one, "capability")
    if wake not in (None, *core.WAKE_BY):
        msg = f"--wake does not take {wake!r}."
        raise Usage(msg, f"one of: {', '.join(core.WAKE_BY)}")


def tell_name(name: str, agent: Agent) -> None:
    """Say the present name of `agent` if `name`, by which it was named, is a former one."""
    if name.lower() != agent.name.lower():
        render.say(f"  {name} is called {agent.name} now")


def _tell(here: Context, done: Registered, *, typed: bool, told: bool) -> None:
    """Print the result of a registration; `typed`: a line can be typed in the pane; `told`: tmux tells a person."""
    from xats.clients import sessions

    agent, session = done.details.agent, done.details.session
    pane = session.seat.pane if session else None
    what = "registered" if done.created else "registered again"
    render.put(f"{agent.name} {what} in team {agent.team} ({agent.client}, session {agent.epoch})")
    if done.unseated:
        what = "pane" if pane else "shell" if session and _is_in_shell(session) else "program"
        render.say(f"  this {what} was {done.unseated}'s until now; the mail of {done.unseated} is kept")
    if agent.wake_by == "none" and agent.client == "human":
        where = "; tmux shows a line when mail comes" if pane and told else ""
        render.say(f"  a person: nothing is ever typed into your shell{where}; read with: xats inbox")
    elif agent.wake_by == "none":
        render.say("  nothing wakes it; let it run xats inbox")
    elif agent.wake_by == "command":
        render.say("  for each wake xats runs your own program, with JSON on its standard input")
    elif agent.wake_by == "notice" and pane:
        render.say(f"  pane {pane.pane_id}: tmux shows a notice there when mail comes; nothing is typed")
    elif pane and session and _is_in_shell(session):
        render.say(f"  pane {pane.pane_id}: a shell, so nothing is typed there; read with: {here.command('inbox')}")
    elif pane:
        render.say(f"  pane {pane.pane_id}: {'woken there when mail comes' if typed else 'nothing is typed there'}")
    elif ways := reach.woken_by(here, done.details, ()):
        render.say(f"  no tmux pane; woken by {', '.join(ways)}")
    elif sharer := sessions.sharer(here.environ):
        name = f"{agent.name} --team {agent.team}"
        what = f"{sharer.title} does not say in which pane it is"
        render.say(f"  {what}; to have it woken: xats register {name} --pane %N")
    else:
        render.say("  no tmux pane, so nothing can wake it: let it run xats wait, or register inside tmux")
    if session and agent.client != "human":
        tell_path(agent, session.xats_path)


def _brief(here: Context, done: Registered, *, elsewhere: bool) -> None:
    """Print what a hook tells a session at its start, if the agent has registered itself.

    If nothing shows who runs this, that is so unless it was registered `elsewhere`, in a pane that was named.
    """
    from xats.base import calling
    from xats.cli.kit.scope import me_or_none
    from xats.hooks import briefing, letters

    agent, session = done.details.agent, done.details.session
    xats = calling.spelled(session.xats_path if session else None)

    def look(tx: Tx) -> str | None:
        me = me_or_none(here, tx)
        if me.agent.id != agent.id if me else elsewhere:
            return None
        before = inbox.shown(tx, agent, inbox.MOST_SHOWN)
        return briefing.briefing(tx, agent, before, xats, briefing.ROOM - TOLD, letters.BY_HAND)

    if text := here.store.read(look):
        render.put(f"\n{text}")


def _is_in_shell(session: Session) -> bool:
    """Tell whether the process of `session` is a shell."""
    runs = process.read(session.seat.pid) if session.seat.pid else None
    return runs is not None and process.is_shell(runs.name)


def tell_path(agent: Agent, path: str | None) -> None:
    """Warn if `path` (xats/base/calling.py) shows that the shell of `agent` does not find xats by its name."""
    from xats.base import calling
    from xats.delivery import envelope

    if path in (None, calling.NAME):
        return
    render.say(f"  xats is not in the PATH of {agent.name}, so wakes and hooks name its path: {calling.spelled(path)}")
    if not envelope.can_name(path):
        render.warn(
            f"that path is too long or too unusual to be pasted. Try: export PATH={os.path.dirname(path)}:$PATH"
        )
