"""What a hook does within a session: it notes what the agent does, renews its claims, and has its mail handed over."""

from __future__ import annotations

import time

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.presence import Pending, Presence
    from xats.core.mail.inbox import Reader
    from xats.core.states import PresenceState
    from xats.hooks.call import Call
    from xats.hooks.changes import Change
    from xats.hooks.handover import Mail
    from xats.hooks.held import Thing
    from xats.store import Store, Tx

TICKS = 30  # ms by which a process may seem to have begun too early: Linux counts in steps of 10 ms
IN_A_ROW = 3  # turns that may go on because of mail, before a person's prompt or a wake must begin one
REMIND = 60 * 60_000  # ms between two reminders in one session

STATES: dict[str, PresenceState] = {
    "session start": "idle",
    "prompt": "busy",
    "before a change": "busy",
    "after a change": "busy",
    "failed change": "busy",
    "after a tool": "busy",
    "waiting": "waiting",
    "turn end": "idle",
    "broken off": "idle",
    "session end": "ended",
}


CHANGES = ("before a change", "after a change", "failed change")  # the hooks around one edit
ENDS = ("prompt", "turn end", "broken off", "session end")  # where the automatic locks of an agent end


@record
class _Seen:
    """What one look into the store shows a hook."""

    me: Agent
    session: Session | None
    known: Presence | None
    mail: bool  #: whether there may be unread mail
    change: Change | None  #: what is to be done about an edit, or about files that were read
    lets_go: bool  #: whether this hook ends automatic locks of the agent
    proves: bool  #: whether this hook proves that the model saw mail that was shown
    reminds: bool  #: whether to remind the agent of requests that it has not answered
    renews: bool  #: whether its claims must be renewed
    holds: bool  #: whether its turn ends, and it may hold something that others wait for


def run(call: Call, store: Store) -> None:
    """Do at the hook `call` what its agent needs. Raises what the store raises."""
    from xats.core.agents import agents

    seen = store.read(lambda tx: _look(tx, call))
    if seen is None:
        if call.point in CHANGES or call.payload.get("tool_name") in call.hooks.edits:
            from xats.hooks import changes

            changes.run(call, store)
        return
    if _is_over(call, seen.known):
        return
    me, known, change = seen.me, seen.known, seen.change
    lost = _taken_back(call, known)
    wanted = (seen.mail or lost) and _may_hand_over(call, known)
    notes = wanted or lost or seen.proves or seen.reminds or seen.holds or seen.lets_go or _changes(call, known)

    def write(tx: Tx) -> tuple[Mail | None, str]:
        if change:
            change.note(tx, me)
        if not notes:
            agents.touch(tx, me)
            return None, ""
        held = _held(tx, me) if seen.holds and _may_hand_over(call, known) else []
        found = _note(tx, call, wanted=wanted, lost=lost, goes_on=bool(held))
        if held:
            from xats.hooks.held import remind

            return found, remind(tx, me, held)
        return found, _reminder(tx, me) if seen.reminds else ""

    mail, more = None, ""
    if notes or seen.renews or (change and change.writes):
        store.patience = call.patience
        try:
            mail, more = store.write(write)
        except Exception:
            if change:
                change.answer()  # a refusal stands, although the store did not note it
            raise
    if change:
        change.answer()
        more = "\n\n".join(filter(None, (more, change.late_remark)))
    if mail or more:
        from xats.hooks import handover

        handover.hand_over(call, store, me, mail, more)
    if seen.session:
        _follow(call, store, me, seen.session)


def _follow(call: Call, store: Store, me: Agent, session: Session) -> None:
    """Record another program or another host of the `session` of `me`, if this hook shows one."""
    from xats.base import host
    from xats.hooks.routine import runs

    seat, programs = session.seat, session.programs
    if seat.pid is not None and seat.host == call.host and not runs(seat.pid, programs[:2] if programs else None):
        from xats.hooks.session import record_programs

        record_programs(call, store, session)
    if seat.host_name != host.name():
        from xats.hooks.session import record_host

        record_host(call, store, me, session)


# -- looking -----------------------------------------------------------------------------------------------------------


def _look(tx: Tx, call: Call) -> _Seen | None:
    """Return what the store has for the agent of `call`, None where there is no such agent."""
    from xats.core.agents import agents, presence
    from xats.identity.resolve import resolve_or_none

    call.reached()
    me = resolve_or_none(tx, call)
    if me is None:
        return None
    known = presence.get(tx, me.id)
    pending = presence.pending(tx, me.id)
    change = None
    if call.point in CHANGES or (call.point == "after a tool" and _is_of_edits(call, pending)):
        from xats.hooks.changes import Change

        change = Change(call)
        change.look(tx, me)
    return _Seen(
        me,
        agents.current_session(tx, me),
        known,
        pending.unread,
        change,
        lets_go=pending.edited and _ends_edits(call),
        proves=pending.shown and _proves(tx, call, me),
        reminds=_may_forget(call, known, tx.now) and presence.may_owe(tx, me.id),
        renews=agents.renewal_due(tx, me),
        holds=call.point == "turn end" and presence.holds(tx, me.id),
    )


def _is_of_edits(call: Call, pending: Pending) -> bool:
    """Tell whether this hook after a tool may be about an edit, or about a file that must be read after one."""
    from xats.hooks import event

    return pending.refused or call.payload.get("tool_name") in call.hooks.edits or event.failed(call.payload)


def _ends_edits(call: Call) -> bool:
    """Tell whether the automatic locks of the agent end here. At a turn's end a subagent may still be at work."""
    if call.point == "turn end":
        tasks = call.payload.get("background_tasks")
        running = [one for one in tasks if isinstance(one, dict)] if isinstance(tasks, list) else []
        return not any("agent_type" in one and one.get("status") == "running" for one in running)
    return call.point in ENDS


def _proves(tx: Tx, call: Call, me: Agent) -> bool:
    """Tell whether this hook proves that the program took what an earlier hook showed to `me`; see `_proof`."""
    from xats.core.mail import inbox

    if call.point == "session end":
        return False
    reader, began = _proof(tx, call)
    return inbox.has_proven(tx, me, reader, began, prompt=call.point == "prompt")


def _mark_proven(tx: Tx, call: Call, me: Agent) -> None:
    """Mark as read the mail of which this hook proves that the program took it."""
    from xats.core.mail import inbox

    if call.point != "session end":
        reader, began = _proof(tx, call)
        inbox.mark_proven(tx, me, reader, began, prompt=call.point == "prompt")


def _proof(tx: Tx, call: Call) -> tuple[Reader, int]:
    """Return the reader that showed the mail, and the time (ms UTC, by the store's clock) before which it did so.

    A hook proves nothing of what another hook shows beside it, as for two tools at once. The end of a session proves
    nothing at all, because the program may have ended before its model saw the mail.
    """
    from xats.core.mail import inbox

    age = time.time() - call.began()
    return inbox.hook_reader(call.session), tx.clock() - int(age * 1000) + TICKS


def _may_forget(call: Call, known: Presence | None, now: int) -> bool:
    """Tell whether the model may have lost a reminder of requests that it has not answered. `now` is in ms UTC."""
    if not call.hooks.forgets or call.point != "prompt":
        return False
    at = known.reminded_at if known else None
    return at is None or not 0 <= now - at < REMIND


def _is_over(call: Call, known: Presence | None) -> bool:
    """Tell whether this is the end of a session after which another has begun, as after /clear."""
    follower = known.client_session if known and call.point == "session end" else None
    return follower is not None and follower != call.session


def _changes(call: Call, known: Presence | None) -> bool:
    """Tell whether this hook changes what is `known` of the agent."""
    if call.hooks.foreign_edits and call.point in CHANGES:
        return False
    if known is None or known.state != STATES[call.point] or known.client_session != call.session:
        return True
    return known.broken_off_at is not None or _continued(call, known) != known.continued


def _continued(call: Call, known: Presence | None) -> int:
    """Return how many turns in a row have gone on because of mail. A prompt of somebody else ends the row."""
    if known is None or known.client_session != call.session:
        return 0
    if call.point == "prompt":
        from xats.hooks import letters

        if not letters.is_ours(str(call.payload.get("prompt", ""))):  # some programs send what xats itself added
            return 0
    return known.continued


def _is_a_persons(prompt: str) -> bool:
    """Tell whether a person wrote `prompt`: it is neither of xats nor a notification of the program (`<...>`)."""
    from xats.base import calling
    from xats.hooks import letters

    head = prompt.lstrip()[:400]
    return bool(head) and not head.startswith("<") and not letters.is_ours(head) and not calling.is_wake(head)


def _taken_back(call: Call, known: Presence | None) -> bool:
    """Tell whether a person broke the turn off and the program took back the mail that the turn began with."""
    if known is None or known.state != "busy" or known.client_session != call.session:
        return False
    if call.point not in call.hooks.takes_back:
        return False
    from xats.hooks.transcript import answered

    return answered(call) is False


def _may_hand_over(call: Call, known: Presence | None) -> bool:
    """Tell whether mail that is handed over now reaches the model, and whether a turn may go on because of it."""
    ends = call.point == "turn end"
    if not ends and call.point not in call.hooks.adds_at:
        return False
    if ends and (call.payload.get("stop_hook_active") or call.payload.get("status") in ("aborted", "error")):
        return False
    if ends and _continued(call, known) >= IN_A_ROW:
        return False
    if call.hooks.calls_when_stopped and call.point != "prompt":
        from xats.hooks.transcript import answered

        seen = answered(call)
        return seen is True or (seen is None and not ends)
    return True


# -- writing -----------------------------------------------------------------------------------------------------------


def _note(tx: Tx, call: Call, *, wanted: bool, lost: bool, goes_on: bool) -> Mail | None:
    """Note what the agent does; return its mail, claimed, if that is `wanted` and there is any.

    At the end of a turn, the turn goes on because of mail, or if it `goes_on` for another reason.

    What was shown or read in the turn that was `lost` is unread again. What was shown before that is read now.
    """
    from xats.core.agents import agents, presence
    from xats.identity.resolve import resolve_or_none

    me = resolve_or_none(tx, call)
    if me is None:
        return None
    known = presence.get(tx, me.id)
    if lost and known:
        from xats.core.mail import inbox

        inbox.take_back(tx, me, known.at)
    pending = presence.pending(tx, me.id)
    if pending.shown:
        _mark_proven(tx, call, me)
    if pending.edited and _ends_edits(call):
        from xats.core.locks import automatic

        automatic.end(tx, me)
    mail = None
    if wanted and _may_hand_over(call, known):
        from xats.hooks import handover

        mail = handover.claim(tx, call, me)
    state, continued = STATES[call.point], _continued(call, known)
    if (mail or goes_on) and call.point == "turn end":
        state, continued = "busy", continued + 1
    if call.point == "prompt":
        presence.begin_turn(tx, me.id, call.session, continued)
    elif call.point == "broken off":
        presence.interrupt(tx, me.id, call.session, continued)
    else:
        presence.put(tx, me.id, state, call.session, continued)
    if call.point == "prompt" and _is_a_persons(str(call.payload.get("prompt", ""))):
        from xats.core.waking import stops

        stops.restart(tx, me.id)
    if state == "idle" and presence.has_mail(tx, me.id):
        from xats.core.waking import wakes

        wakes.retry_now(tx, me.id, "for_hook")  # a wake that waited for a hook of this turn
    agents.touch(tx, me)
    return mail


def _held(tx: Tx, me: Agent) -> list[Thing]:
    """Return what `me` holds, [] if xats reminded it of all of it before."""
    from xats.base import calling
    from xats.core.agents import agents
    from xats.hooks import held

    session = agents.current_session(tx, me)
    return held.unreminded(tx, me, calling.spelled(session.xats_path if session else None))


def _reminder(tx: Tx, me: Agent) -> str:
    """Return which requests `me` has read and not answered, and note that this reminds it of them."""
    from xats.base import calling
    from xats.core.agents import agents, presence
    from xats.core.mail import owed
    from xats.hooks import letters

    presence.remind(tx, me.id, tx.now)
    session = agents.current_session(tx, me)
    xats = calling.spelled(session.xats_path if session else None)
    return letters.owed(*owed.requests(tx, me, letters.REQUESTS), me.team, tx.now, xats)
