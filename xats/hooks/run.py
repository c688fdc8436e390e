"""`xats hook run CLIENT`: what an agent program calls at its hooks, with an event as JSON on stdin.

It runs at every prompt and every tool call, so it has a path of its own, which imports only what this one call needs.
It never breaks its host: whatever goes wrong is exit 0, no answer, and a line in a log beside the store.
"""

from __future__ import annotations

import os
import time

from xats.base.errors import OK, XatsError
from xats.base.record import record
from xats.hooks import call as calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.presence import Presence
    from xats.core.mail.inbox import Page
    from xats.core.states import PresenceState
    from xats.hooks.call import Call
    from xats.hooks.guards import Refusal
    from xats.store import Store, Tx

FINISH = 2.0  # seconds for what must not be left undone: noting that mail was handed over, or that it was not
LATE = 7.0  # seconds after which a program may have dropped the answer: SECONDS in clients/model.py, with time to spare
TICKS = 30  # ms by which a process may seem to have begun too early: Linux counts in steps of 10 ms
PAGE = 20  # letters that are looked at for one answer
IN_A_ROW = 3  # turns that mail may go on with before a person or a wake has to
REMIND = 60 * 60_000  # ms between two reminders in one session

STATES: dict[str, PresenceState] = {
    "session start": "idle",
    "prompt": "busy",
    "before a change": "busy",
    "after a tool": "busy",
    "waiting": "waiting",
    "turn end": "idle",
    "broken off": "idle",
    "session end": "ended",
}


def main(words: Sequence[str]) -> int:
    """Answer the event on stdin as the client `words[0]` understands it; return 0, always."""
    client, event, path = None, "", ""
    try:
        from xats.store.sqlite.paths import default_path

        path = default_path(os.environ)
        client = calls.of_words(words)
        document = calls.read_event()
        if client is None:
            msg = "there are no hooks for such a client"
            raise XatsError(msg)
        call = calls.parse(client, document, path)
        if call:
            event = call.event
            _run(call)
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client.name if client else "?", event, problem)
    return OK


def _run(call: Call) -> None:
    if call.event == "Notification" and "permission" not in str(call.payload.get("notification_type", "")).lower():
        return
    binds = (
        call.point == "session start"
        and not call.subagent
        and (call.environ.get("XATS_AGENT") or calls.names_new(call))
    )
    if not binds and not os.path.exists(call.path):
        return
    from xats.store import Store

    store = Store(call.path, patience=call.patience)
    store.patience = call.patience  # what is left of it
    if store.repaired:
        from xats.hooks import log

        log.note(call.path, call.client.name, call.event, XatsError(store.repaired))
    try:
        if call.subagent:
            _renew(call, store)
        elif call.point == "session start":
            from xats.hooks.start import start

            start(call, store)
        else:
            _go(call, store)
    finally:
        store.close()


def _renew(call: Call, store: Store) -> None:
    """Renew what the agent has claimed for which a subagent works."""
    from xats.core.agents import agents
    from xats.identity.resolve import resolve_or_none

    def look(tx: Tx) -> Agent | None:
        me = resolve_or_none(tx, call)
        return me if me and agents.renewal_due(tx, me) else None

    if me := store.read(look):
        store.patience = call.patience
        store.write(lambda tx: agents.touch(tx, me))


@record
class _Seen:
    """What one look into the store tells a hook."""

    me: Agent
    session: Session | None
    known: Presence | None
    mail: bool  #: whether there may be unread mail
    refused: Refusal | None  #: why the agent may not make the change that it is about to make
    proves: bool  #: whether this hook proves that mail which was shown was seen
    reminds: bool  #: whether the agent is to be told of requests that it has not answered
    renews: bool  #: whether its claims have to be renewed


def _go(call: Call, store: Store) -> None:
    """Note what the agent does, renew what it has claimed, and hand its mail over where that is possible now."""
    from xats.base import host
    from xats.core.agents import agents, presence
    from xats.identity.resolve import resolve_or_none

    def look(tx: Tx) -> _Seen | None:
        me = resolve_or_none(tx, call)
        if me is None:
            return None
        refused = None
        if call.point == "before a change":
            from xats.hooks import guards

            refused = guards.refusal(tx, me, call)
        known = presence.get(tx, me.id)
        mail, shown = presence.mail(tx, me.id)
        return _Seen(
            me,
            agents.current_session(tx, me),
            known,
            mail,
            refused,
            shown and _proves(tx, call, me),
            _is_forgotten(call, known, tx.now) and presence.may_owe(tx, me.id),
            agents.renewal_due(tx, me),
        )

    seen = store.read(look)
    if seen is None or _is_over(call, seen.known):
        return
    me, session, known = seen.me, seen.session, seen.known
    if session and _runs_another(call, session):
        from xats.hooks import seat

        seat.record_programs(call, store, session)
    if seen.refused:
        calls.answer(call.hooks.refuse(call.event, seen.refused.text))
    lost = _taken_back(call, known)
    wanted = (seen.mail or lost) and _may_hand_over(call, known)
    if wanted or lost or seen.proves or seen.reminds or _changes(call, known):
        store.patience = call.patience
        (text, ids, page), more = store.write(
            lambda tx: (_turn(tx, call, wanted, lost), _reminder(tx, me) if seen.reminds else "")
        )
        if text or more:
            _hand_over(call, store, me, "\n\n".join(filter(None, (text, more))), ids, page)
    elif seen.renews:
        store.patience = call.patience
        store.write(lambda tx: agents.touch(tx, me))
    if session and session.seat.host_name != host.name():
        from xats.hooks import seat

        seat.follow_host(call, store, me, session)


def _is_forgotten(call: Call, known: Presence | None, now: int) -> bool:
    """Tell whether the model may have lost what it was told of requests that it did not answer. `now` is in ms UTC."""
    if not call.hooks.forgets or call.point != "prompt":
        return False
    at = known.reminded_at if known else None
    return at is None or not 0 <= now - at < REMIND


def _reminder(tx: Tx, me: Agent) -> str:
    """Return which requests `me` read and did not answer, and note that it was told."""
    from xats.base import calling
    from xats.core.agents import agents, presence
    from xats.core.mail import owed
    from xats.hooks import letters

    presence.remind(tx, me.id, tx.now)
    session = agents.current_session(tx, me)
    xats = calling.spelled(session.xats_path if session else None)
    return letters.owed(*owed.requests(tx, me, letters.REQUESTS), me.team, tx.now, xats)


def _runs_another(call: Call, session: Session) -> bool:
    """Tell whether the process of `session` runs another program than was recorded, or none was.

    Only the executable is looked at: the hooks of another script begin with the start of a session.
    """
    seat, recorded = session.seat, session.programs
    if seat.pid is None or seat.host != call.host:
        return False
    try:
        found = os.stat(f"/proc/{seat.pid}/exe")
    except OSError:  # there is no /proc, or it is not for us to see
        return False
    return recorded is None or (found.st_dev, found.st_ino) != recorded[:2]


def _is_over(call: Call, known: Presence | None) -> bool:
    """Tell whether this is the end of a session that another one has followed, as after /clear: it is known to be."""
    follower = known.client_session if known and call.point == "session end" else None
    return follower is not None and follower != call.session


def _changes(call: Call, known: Presence | None) -> bool:
    if call.hooks.foreign_edits and call.point == "before a change":
        return False
    if known is None or known.state != STATES[call.point] or known.client_session != call.session:
        return True
    return known.broken_off_at is not None or _continued(call, known) != known.continued


def _continued(call: Call, known: Presence | None) -> int:
    """Return how many turns in a row mail has gone on with, now that this happens: a prompt of others ends the row."""
    if known is None or known.client_session != call.session:
        return 0
    if call.point == "prompt":
        from xats.hooks.letters import FIRST

        if FIRST not in str(call.payload.get("prompt", ""))[:400]:  # some programs ask us about what we ourselves said
            return 0
    return known.continued


def _is_a_persons(prompt: str) -> bool:
    """Tell whether a person wrote `prompt`: it is neither of xats nor a notification of the program (`<...>`)."""
    from xats.base import calling
    from xats.hooks.letters import FIRST

    head = prompt.lstrip()[:400]
    return bool(head) and not head.startswith("<") and FIRST not in head and not calling.is_wake(head)


def _taken_back(call: Call, known: Presence | None) -> bool:
    """Tell whether a person broke the turn off and the program took back what the model was told with it."""
    if known is None or known.state != "busy" or known.client_session != call.session:
        return False
    if call.point not in call.hooks.takes_back:
        return False
    from xats.hooks.transcript import answered

    return answered(call) is False


def _may_hand_over(call: Call, known: Presence | None) -> bool:
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


def _turn(tx: Tx, call: Call, wanted: bool, lost: bool) -> tuple[str, list[int], Page | None]:
    """Note what the agent does and claim its mail if that is `wanted`; return the text, its mail and the claim.

    What was shown or read in the turn that was `lost` is unread again. What was shown before that is read now.
    """
    from xats.core.agents import agents, presence
    from xats.identity.resolve import resolve_or_none

    me = resolve_or_none(tx, call)
    if me is None:
        return "", [], None
    known = presence.get(tx, me.id)
    if lost and known:
        from xats.core.mail import inbox

        inbox.take_back(tx, me, known.at)
    if presence.mail(tx, me.id)[1]:
        _proves(tx, call, me, mark=True)
    text, ids, page = _claim(tx, call, me) if wanted and _may_hand_over(call, known) else ("", [], None)
    state, continued = STATES[call.point], _continued(call, known)
    if text and call.point == "turn end":
        state, continued = "busy", continued + 1
    begins, stopped = call.point == "prompt", call.point == "broken off"
    presence.put(tx, me.id, state, call.session, continued, begins=begins, stopped=stopped)
    if begins and _is_a_persons(str(call.payload.get("prompt", ""))):
        from xats.core.waking import stops

        stops.restart(tx, me.id)
    if state == "idle" and presence.has_mail(tx, me.id):
        from xats.core.waking import wakes

        wakes.retry_now(tx, me.id, "for_hook")  # what has waited for a hook to hand it over
    agents.touch(tx, me)
    return text, ids, page


def _proves(tx: Tx, call: Call, me: Agent, *, mark: bool = False) -> bool:
    """Tell whether this hook proves that the program took what was shown to `me` before; `mark` that as read.

    The end of a session proves nothing: the program may have ended before its model saw it. Nor does a hook that runs
    beside the one that showed the mail, as for two tools at once.
    """
    if call.point == "session end":
        return False
    from xats.base import process
    from xats.core.mail import inbox

    began = int(process.began() * 1000) + TICKS
    reader, prompt = inbox.hook_reader(call.session), call.point == "prompt"
    if mark:
        return bool(inbox.mark_proven(tx, me, reader, began, prompt=prompt))
    return inbox.has_proven(tx, me, reader, began, prompt=prompt)


def _claim(tx: Tx, call: Call, me: Agent) -> tuple[str, list[int], Page | None]:
    """Claim what fits into one answer and let go of the rest."""
    from xats.base import calling, process
    from xats.core.agents import agents
    from xats.core.mail import inbox
    from xats.hooks import letters

    session = agents.current_session(tx, me)
    xats = calling.spelled(session.xats_path if session else None)
    token = process.mark()
    query = inbox.Query(PAGE, needing_reply=call.point == "turn end")
    page = inbox.claim(tx, me, query, token, process.gone)
    taken, texts, long = letters.pick(page.letters, letters.budget(call.settings()), xats)
    ids = [one.message.id for one in taken]
    inbox.release(tx, me, inbox.Page(tuple(one for one in page.letters if one not in taken), False, 0, token))
    if not taken and (not long or call.point == "after a tool"):  # that was said at the prompt already
        return "", [], None
    return letters.page(me, texts, long, page.unread, xats), ids, inbox.Page(tuple(taken), False, 0, token)


def _hand_over(call: Call, store: Store, me: Agent, text: str, ids: list[int], page: Page | None) -> None:
    """Write `text` out and mark what it holds as shown; give it back unread when it may not have arrived.

    A program that has waited too long for its hook drops what the hook writes.
    """
    from xats.base import faults, process
    from xats.core.mail import inbox

    answer = call.hooks.go_on(text) if call.point == "turn end" else call.hooks.add(call.event, text)
    try:
        calls.answer(answer)
    except BaseException:
        if page:
            store.patience = FINISH
            store.write(lambda tx: inbox.release(tx, me, page))
        raise
    faults.point("hook.after_write")
    store.patience = FINISH  # otherwise the same mail would be handed over once more
    if page and time.time() - process.began() > LATE:
        store.write(lambda tx: inbox.release(tx, me, page))
    elif ids:
        store.write(lambda tx: inbox.mark_shown(tx, me, ids, inbox.hook_reader(call.session)))
