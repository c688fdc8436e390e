"""The start of a session: bind it to its agent, and tell the model who it is and what it has received."""

from __future__ import annotations

import time

from xats.base import calling, host, occupancy, process, program
from xats.base.errors import Refused, XatsError
from xats.clients import background, helpers, processes
from xats.core.agents import agents, presence, registration
from xats.core.mail import inbox
from xats.hooks import log
from xats.hooks.briefing import briefing
from xats.identity import binding
from xats.identity.resolve import resolve_or_none

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.pane import Pane
    from xats.core.agents.agents import Agent, Seat, Session
    from xats.core.agents.presence import Presence
    from xats.core.mail.inbox import Shown
    from xats.hooks.call import Call
    from xats.store import Store, Tx

LIMIT = 1.0  # seconds to wait for tmux
MOVED = 0.5  # seconds to wait for the note of Claude Code's daemon about the session


def start(call: Call, store: Store) -> None:
    """Bind this session to its agent, if it has one, and answer who the agent is and what it has received.

    Raises NameTaken when another living session is that agent, and what the store raises.
    """
    if call.shared():
        call.find_terminal()
    borrowed = call.borrowed()
    claim = None if borrowed else call.pane()
    pane = _pane(call) if claim else None
    found = processes.nearest(call.ancestors())
    behind = background.session(call.ancestors())
    who, client = (found[0], found[1]) if found else (None, call.client.name)
    former = _former(call) if behind and who == behind else None
    pid, started = (who.pid, who.started) if who else (None, None)
    seat = agents.Seat(call.host, pid, started, call.session, pane, host.name())
    if pane and store.read(lambda tx: binding.starter(tx, seat)):
        pane, seat = None, agents.Seat(call.host, pid, started, call.session, None, host.name())
    login = call.client.login_shell
    # The environment of a shared process is that of another session.
    path = None if call.shared() else calling.path_for(call.given, login=login)
    runs = program.look(who.pid, processes.inner(call.ancestors(), who)) if who else None
    if call.shared() and call.terminal is None and call.given.get("XATS_AGENT"):
        title, name = call.client.title, call.client.name
        msg = f"XATS_AGENT belongs to another session: one daemon of {title} serves them all; use: xats launch {name}"
        log.note(call.path, call.client.name, call.event, Refused(msg))

    def work(tx: Tx) -> tuple[str, Agent | None, Sequence[Shown]]:
        named = _whom(tx, call, claim, seat.process, former)
        if named is None:
            return "", None, ()
        known = agents.find(tx, *named)
        holder = agents.current_session(tx, known) if known else None
        call.claim(tx, named[0])
        process_of = holder.seat.process if holder else None
        mine = process_of is not None and call.works_for(process_of)
        mine = mine or (former is not None and holder is not None and holder.seat.client_session == former)
        kept = None if known and known.absence is None and found is None else client
        place = _within(seat, claim, holder, presence.get(tx, known.id) if known else None)
        done = registration.register(
            tx,
            *named,
            registration.Changes(client=kept),
            place,
            lambda one: occupancy.holds(one.seat),
            programs=runs if place.process == seat.process or holder is None else holder.programs,
            xats_path=path,
            takeover=mine,
        )
        me = done.details.agent
        if not _goes_on(call, presence.get(tx, me.id)):
            presence.put(tx, me.id, "idle", call.session)
        if call.hooks.forgets:
            heard = call.payload.get("source") == "startup"  # else the model may not get this answer
            presence.remind(tx, me.id, tx.now if heard else None)
        before = inbox.shown(tx, me, inbox.MOST_SHOWN)
        session = done.details.session
        xats = calling.spelled(session.xats_path if session else None)
        return briefing(tx, me, before, xats), me, before

    if not call.names_new() and store.read(lambda tx: _whom(tx, call, claim, seat.process, former)) is None:
        if borrowed and not behind and call.given.get("XATS_AGENT"):
            msg = "XATS_AGENT was inherited from another program; this session belongs to no agent until it registers"
            log.note(call.path, call.client.name, call.event, Refused(msg))
        return  # no agent: nothing is written
    store.patience = call.room  # however long tmux took
    text, me, before = store.write(work)
    if text and call.point in call.hooks.adds_at:
        call.answer(call.hooks.add(call.event, text))
        if me and before:  # the next prompt proves that this session took it
            store.write(lambda tx: inbox.mark_shown(tx, me, [one.id for one in before], inbox.start_reader(me)))
    if pane:
        _mark(store, call, pane)


def _former(call: Call) -> str | None:
    """Return the id of the session that continues in the background as this one, None where this one is new.

    Claude Code's daemon notes that id while it starts the session, so this waits up to MOVED seconds.
    """
    until = time.monotonic() + MOVED
    while call.session:
        found = helpers.moved_from(call.session, call.environ)
        if found is not None or time.monotonic() > until:
            return found or None
        time.sleep(0.01)
    return None


def _whom(
    tx: Tx, call: Call, pane: tuple[str, int, str] | None, own: tuple[int, int] | None, former: str | None
) -> tuple[str, str] | None:
    """Return the agent that this session is for, as (team, name), or None."""
    new = call.names_new()
    found = binding.agent_for(tx, call, pane, own, former, call.client.name, only_free=new)
    if found or not new:
        return found
    team = call.asked(tx) or call.project_team(tx)
    return team, agents.new_name(tx, team, call.client.name)


def _goes_on(call: Call, known: Presence | None) -> bool:
    """Tell whether the presence that is `known` still holds: a session that was only compacted continues its turn."""
    return call.payload.get("source") == "compact" and known is not None and known.client_session == call.session


def _within(seat: Seat, claim: tuple[str, int, str] | None, holder: Session | None, known: Presence | None) -> Seat:
    """Return `seat`, without what means nothing outside where this process is in a sandbox, and its pane is not.

    The daemon cannot use pids of a sandbox. An agent that has that pane already keeps it and its process. It does not
    where one of its sessions continues there: then this is another one, such as a program in its sandbox.
    """
    if claim is None or process.serves_here(claim[1]):
        return seat
    held = holder.seat if holder else None
    if held and held.pane and (held.pane.socket, held.pane.server_pid, held.pane.pane_id) == claim:
        over = known is not None and known.doing[0] == "ended" and known.client_session == held.client_session
        if over or held.client_session in (None, seat.client_session):
            return agents.Seat(held.host, held.pid, held.pid_started, seat.client_session, held.pane, held.host_name)
    return agents.Seat(seat.host, seat.pid, seat.pid_started, seat.client_session, None, seat.host_name)


def _pane(call: Call) -> Pane | None:
    """Return the pane of this session; None where tmux does not show it, for a reason that goes into the log."""
    from xats.tmux import pane as panes

    try:
        if call.terminal:
            claim = call.pane()
            found = panes.find(claim[0], claim[2], LIMIT) if claim else None
            return found if found and claim and found.server_pid == claim[1] else None
        return panes.here(call.environ, LIMIT, call.pid)
    except XatsError as problem:  # the session is bound without its pane
        log.note(call.path, call.client.name, call.event, problem)
        return None


def _mark(store: Store, call: Call, pane: Pane) -> None:
    from xats.tmux import pane as panes

    me = store.read(lambda tx: resolve_or_none(tx, call))
    try:
        if me:
            panes.mark(pane, "@xats_agent", me.name)
    except XatsError:
        pass  # the mark only helps people
