"""`xats hook run CLIENT`: what an agent program calls at its hooks, with an event as JSON on stdin.

It runs at every prompt and every tool call, so it has a path of its own, which imports only what this one call needs.
It never breaks its host: whatever goes wrong is exit 0, no answer, and a line in a log beside the store.
"""

from __future__ import annotations

import os
import time

from xats.errors import OK, InvalidJson, XatsError
from xats.identity.circumstances import Circumstances
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xats.core.agents import Agent, Session
    from xats.core.inbox import Page
    from xats.core.presence import Presence
    from xats.core.states import PresenceState
    from xats.store import Store, Tx

READ = 2.0  # seconds that the event on stdin is waited for, all in all; no hook has a timeout below 3
LARGEST = 1 << 20  # bytes of an event; a larger one tells of a tool's output, which is nothing to us
PATIENCE = 0.15  # seconds that a busy store is waited for, all in all, until there is something to hand over
FINISH = 2.0  # seconds for what must not be left undone: noting that mail was handed over, or that it was not
LATE = 7.0  # seconds after which a program may have dropped the answer: `clients.SECONDS`, with time to spare
TICKS = 30  # ms by which a process may seem to have begun too early: Linux counts in steps of 10 ms
PAGE = 20  # letters that are looked at for one answer
IN_A_ROW = 3  # turns that mail may go on with before a person or a wake has to
PATCHED = ("*** Add File", "*** Update File", "*** Delete File", "*** Move to")  # before the name of a file in a patch
# The programs that do not say when they shortened their memory. Gemini's own hook for that runs at every turn, and what
# its session start adds after /clear does not reach the model; Amp has no hook. So a prompt reminds of open requests.
FORGETS = ("gemini", "amp")
REMIND = 60 * 60_000  # ms between two reminders in one session
LOG_SIZE = 64 << 10  # bytes; what was before is kept once

# What happens when: the moments of `clients.CLIENTS` by the names that the programs give them.
POINTS = {
    "SessionStart": "session start",
    "sessionStart": "session start",
    "UserPromptSubmit": "prompt",
    "BeforeAgent": "prompt",
    "beforeSubmitPrompt": "prompt",
    "PreToolUse": "before a change",
    "BeforeTool": "before a change",
    "preToolUse": "before a change",
    "PostToolUse": "after a tool",
    "AfterTool": "after a tool",
    "postToolUse": "after a tool",
    "PermissionRequest": "waiting",
    "Notification": "waiting",
    "Stop": "turn end",
    "AfterAgent": "turn end",
    "stop": "turn end",
    "Interrupt": "broken off",
    "SessionEnd": "session end",
    "sessionEnd": "session end",
}
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
# Where it shows that a turn was broken off and what was told with it taken back; a session may end right after that.
TAKES_BACK = (
    ("claude-code", "prompt"),
    ("claude-code", "session end"),
    ("qwen", "prompt"),
    ("qwen", "session end"),
    ("gemini", "turn end"),
    ("gemini", "session end"),
)
NAMES = ("claude-code", "codex", "gemini", "qwen", "cursor", "copilot", "opencode", "amp")


class Call(Circumstances):
    """One call of a hook: what it tells, and what is known of where it runs."""

    def __init__(self, client: str, event: str, told: Mapping[str, Any], path: str) -> None:
        super().__init__(os.environ)
        self.client, self.event, self.told, self.path = client, event, told, path
        self.point = POINTS[event]
        self.subagent = bool(told.get("agent_id"))  #: a helper of the session tells this, which has no seat
        if client == "qwen" and self.point == "prompt" and told.get("prompt") == "":
            self.point = "after a tool"  # so it tells that what its tools said goes to the model
        named = (self._text(name) for name in ("thread_id", "session_id", "conversation_id", "sessionId"))
        self.session = next(filter(None, named), None)
        self._shared: bool | None = None  # not known yet
        self._until = time.monotonic() + PATIENCE

    def settings(self) -> Mapping[str, str]:
        """Return the environment with what the files of this project and of this user add to it."""
        from xats import settings

        files = (settings.project_path(self.project.here),) if self.project else ()
        return settings.of(self.environ, files)

    def _text(self, name: str) -> str | None:
        value = self.told.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= 200:
            return None
        if not value.isprintable():  # as no id of a client is
            from xats.text import check

            check(value, name, left="Nothing was done.")
        return value

    @property
    def patience(self) -> float:
        """How many seconds the store may still be waited for."""
        return max(0.0, self._until - time.monotonic())

    @property
    def folder(self) -> str | None:
        """Where the program works, None when it does not say."""
        cwd = self.told.get("cwd")
        return cwd if isinstance(cwd, str) and os.path.isabs(cwd) else None

    def shared(self) -> bool:
        """Tell whether one process serves several sessions here, whose environment is that of the first of them."""
        if self.client == "codex" and self._shared is None:
            from xats import process
            from xats.identity.circumstances import shared_codex

            self._shared = bool(shared_codex(process.ancestors()))
        return bool(self._shared)


def main(words: Sequence[str]) -> int:
    """Answer the event on stdin as the client `words[0]` understands it; return 0, always."""
    client = words[0] if len(words) == 1 and words[0] in NAMES else "?"
    event = path = ""
    try:
        from xats.store.place import default_path

        path = default_path(os.environ)
        about = told()
        if client == "?":
            msg = "there are no hooks for such a client"
            raise XatsError(msg)
        call = called(client, about, path)
        if call:
            event = call.event
            _run(call)
    except (Exception, KeyboardInterrupt) as problem:
        note(path, client, event, problem)
    return OK


def called(client: str, about: object, path: str) -> Call | None:
    """Return the call of which a program tells `about`; None when it is nothing to us."""
    if not isinstance(about, dict):
        return None
    event = about.get("hook_event_name")
    if not isinstance(event, str) or event not in POINTS:
        return None
    if client == "qwen" and event == "PostToolUse":  # as an earlier xats installed it; see clients.CLIENTS
        return None
    return Call(client, event, about, path)


class _Late(Exception):
    """The time for reading the event is over."""


def _too_late(*_: object) -> None:
    raise _Late


def told() -> object:
    """Return the JSON document that stdin begins with, as soon as it is complete; None when it is too large.

    The program may leave its end of the pipe open, and may write late or never: reading ends after READ seconds. What
    is too large is read on for that long, so that its writer does not fail. Raises InvalidJson.
    """
    try:  # CPython has loaded it; `signal` imports enum, and `select` is another library: 2 ms and 0.3 ms at each hook
        import _signal as signal  # type: ignore[import-not-found]
    except ImportError:  # pragma: no cover - not on this Python
        import signal

    from xats.jsontext import first_json

    text, found, late = bytearray(), None, False
    before = signal.signal(signal.SIGALRM, _too_late)
    # The program may have blocked it, and a child inherits that.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGALRM,))
    try:
        signal.setitimer(signal.ITIMER_REAL, READ)
        try:
            found = _document(text)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except _Late:
        late = True
    finally:
        signal.signal(signal.SIGALRM, before)
    if found is not None or len(text) > LARGEST:
        return found
    try:
        return first_json(text.decode())
    except (ValueError, RecursionError) as problem:
        what = f"did not finish its event within {READ:g} s" if late else "told its event in broken JSON"
        msg = f"the program {what}"
        raise InvalidJson(msg) from problem


def _document(text: bytearray) -> object:
    """Read stdin into `text` until it holds a JSON object, and return that; None at the end of stdin.

    Only a part that ends with a brace can complete it, so that a long event is not parsed again for each of its parts.
    """
    from xats.jsontext import first_json

    while part := os.read(0, 1 << 16):
        if len(text) > LARGEST:
            continue
        text += part
        if part.rstrip().endswith(b"}") and len(text) <= LARGEST:
            try:
                return first_json(text.decode())
            except (ValueError, RecursionError):
                pass
    return None


def _run(call: Call) -> None:
    if call.event == "Notification" and "permission" not in str(call.told.get("notification_type", "")).lower():
        return
    binds = call.point == "session start" and not call.subagent and (call.environ.get("XATS_AGENT") or names_new(call))
    if not binds and not os.path.exists(call.path):
        return
    from xats.store import Store

    store = Store(call.path, patience=call.patience)
    store.patience = call.patience  # what is left of it
    if store.repaired:
        note(call.path, call.client, call.event, XatsError(store.repaired))
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


def names_new(call: Call) -> bool:
    """Tell whether a session that belongs to nobody is to get a name of its own."""
    return call.environ.get("XATS_NAME_NEW") == "1" and not call.borrowed()


# -- what is done ------------------------------------------------------------------------------------------------------


def before_change(tx: Tx, agent: Agent, paths: Sequence[str]) -> str | None:
    """Return why `agent` may not change the files `paths` now, or None: nothing stands against it."""
    del tx, agent, paths
    return None


def _renew(call: Call, store: Store) -> None:
    """Renew what the agent has claimed for which a subagent works."""
    from xats.core import agents
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
    refused: str | None  #: why the agent may not make the change that it is about to make
    proves: bool  #: whether this hook proves that mail which was shown was seen
    reminds: bool  #: whether the agent is to be told of requests that it has not answered
    renews: bool  #: whether its claims have to be renewed


def _go(call: Call, store: Store) -> None:
    """Note what the agent does, renew what it has claimed, and hand its mail over where that is possible now."""
    from xats import host
    from xats.core import agents, presence
    from xats.identity.resolve import resolve_or_none

    def look(tx: Tx) -> _Seen | None:
        me = resolve_or_none(tx, call)
        if me is None:
            return None
        refused = before_change(tx, me, _paths(call)) if call.point == "before a change" else None
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
        _record_programs(call, store, session)
    if seen.refused:
        from xats.hooks import answers

        put(answers.refuse(call.client, call.event, seen.refused))
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
        follow(call, store, me, session)


def _is_forgotten(call: Call, known: Presence | None, now: int) -> bool:
    """Tell whether the model may have lost what it was told of requests that it did not answer. `now` is in ms UTC."""
    if call.client not in FORGETS or call.point != "prompt":
        return False
    at = known.reminded_at if known else None
    return at is None or not 0 <= now - at < REMIND


def _reminder(tx: Tx, me: Agent) -> str:
    """Return which requests `me` read and did not answer, and note that it was told."""
    from xats import calling
    from xats.core import agents, owed, presence
    from xats.hooks import letters

    presence.remind(tx, me.id, tx.now)
    session = agents.current_session(tx, me)
    xats = calling.spelled(session.xats_path if session else None)
    return letters.owed(*owed.requests(tx, me, letters.REQUESTS), me.team, tx.now, xats)


def follow(call: Call, store: Store, me: Agent, session: Session) -> None:
    """Note on which host the `session` of `me` is, and what that is called now."""
    from xats import host, process
    from xats.core import hosts

    if host.is_id(session.seat.host) and session.seat.host != call.host:  # we are in a sandbox
        return

    def here(session: Session) -> bool:
        seen = process.sits_here(session.seat)
        return bool(seen) or (seen is None and not host.nested())

    store.patience = call.patience
    store.write(lambda tx: hosts.follow(tx, me, call.host, host.name(), here))


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


def _record_programs(call: Call, store: Store, session: Session) -> None:
    """Record what the process of `session` runs, if that is above us: it is the program whose hook this is."""
    from xats import program
    from xats.clients import processes
    from xats.core import agents

    above = call.ancestors()
    outer = next((one for one in above if (one.pid, one.started) == session.seat.process), None)
    seen = program.look(outer.pid, processes.inner(above, outer)) if outer else None
    if seen:
        store.patience = call.patience
        store.write(lambda tx: agents.seen_anew(tx, session, seen))


def _is_over(call: Call, known: Presence | None) -> bool:
    """Tell whether this is the end of a session that another one has followed, as after /clear: it is known to be."""
    follower = known.client_session if known and call.point == "session end" else None
    return follower is not None and follower != call.session


def _changes(call: Call, known: Presence | None) -> bool:
    if call.client == "qwen" and call.point == "before a change":  # perhaps of the agent that keeps its memory
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

        if FIRST not in str(call.told.get("prompt", ""))[:400]:  # some programs ask us about what we ourselves said
            return 0
    return known.continued


def _is_a_persons(prompt: str) -> bool:
    """Tell whether a person wrote `prompt`: it is neither of xats nor a notification of the program (`<...>`)."""
    from xats import calling
    from xats.hooks.letters import FIRST

    head = prompt.lstrip()[:400]
    return bool(head) and not head.startswith("<") and FIRST not in head and not calling.is_wake(head)


def _taken_back(call: Call, known: Presence | None) -> bool:
    """Tell whether a person broke the turn off and the program took back what the model was told with it."""
    if known is None or known.state != "busy" or known.client_session != call.session:
        return False
    if (call.client, call.point) not in TAKES_BACK:
        return False
    from xats.hooks.transcript import answered

    return answered(call) is False


def _may_hand_over(call: Call, known: Presence | None) -> bool:
    from xats.hooks import answers

    ends = call.point == "turn end"
    if not ends and not answers.hears(call.client, call.point):
        return False
    if ends and (call.told.get("stop_hook_active") or call.told.get("status") in ("aborted", "error")):
        return False
    if ends and _continued(call, known) >= IN_A_ROW:
        return False
    if call.client == "gemini" and call.point != "prompt":
        from xats.hooks.transcript import answered

        seen = answered(call)  # it calls us also when its user has broken off, and would tell nobody what we say
        return seen is True or (seen is None and not ends)
    return True


def _turn(tx: Tx, call: Call, wanted: bool, lost: bool) -> tuple[str, list[int], Page | None]:
    """Note what the agent does and claim its mail if that is `wanted`; return the text, its mail and the claim.

    What was shown or read in the turn that was `lost` is unread again. What was shown before that is read now.
    """
    from xats.core import agents, presence
    from xats.identity.resolve import resolve_or_none

    me = resolve_or_none(tx, call)
    if me is None:
        return "", [], None
    known = presence.get(tx, me.id)
    if lost and known:
        from xats.core import inbox

        inbox.take_back(tx, me, known.at)
    if presence.mail(tx, me.id)[1]:
        _proves(tx, call, me, mark=True)
    text, ids, page = _claim(tx, call, me) if wanted and _may_hand_over(call, known) else ("", [], None)
    state, continued = STATES[call.point], _continued(call, known)
    if text and call.point == "turn end":
        state, continued = "busy", continued + 1
    begins, stopped = call.point == "prompt", call.point == "broken off"
    presence.put(tx, me.id, state, call.session, continued, begins=begins, stopped=stopped)
    if begins and _is_a_persons(str(call.told.get("prompt", ""))):
        from xats.core import stops

        stops.go_on(tx, me.id)
    if state == "idle" and presence.has_mail(tx, me.id):
        from xats.core import wakes

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
    from xats import process
    from xats.core import inbox

    began = int(process.began() * 1000) + TICKS
    reader, prompt = inbox.hook_reader(call.session), call.point == "prompt"
    if mark:
        return bool(inbox.gone_on(tx, me, reader, began, prompt=prompt))
    return inbox.goes_on(tx, me, reader, began, prompt=prompt)


def _claim(tx: Tx, call: Call, me: Agent) -> tuple[str, list[int], Page | None]:
    """Claim what fits into one answer and let go of the rest."""
    from xats import calling, process
    from xats.core import agents, inbox
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
    from xats import faults, process
    from xats.core import inbox
    from xats.hooks import answers

    if call.point == "turn end":
        answer = answers.go_on(call.client, text)
    else:
        answer = answers.context(call.client, call.event, text)
    try:
        put(answer)
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


def put(text: str) -> None:
    """Write `text` and a newline to stdout, whole."""
    from xats import output

    output.write(1, f"{text}\n".encode())


def _paths(call: Call) -> list[str]:
    """Return the files that a tool is about to change, as far as its input says; whole paths where that can be."""
    given = call.told.get("tool_input")
    if not isinstance(given, dict):
        return []
    named = [given.get(name) for name in ("file_path", "notebook_path", "path", "filePath")]
    found = [one for one in named if isinstance(one, str) and one]
    for name in ("command", "input", "patch", "patchText"):
        patch = given.get(name)
        if isinstance(patch, str) and "*** " in patch:  # the patches of Codex name their files in lines of their own
            for line in patch.splitlines():
                head, _, rest = line.partition(": ")
                if rest and head in PATCHED:
                    found.append(rest.strip())
    return [os.path.join(call.folder or "", one) for one in found]


def note(path: str, client: str, event: str, problem: BaseException) -> None:
    """Write one line on `problem` to the log: what kind it is and where, and never what somebody typed."""
    if isinstance(problem, XatsError):
        said = "store_busy" if problem.code == "store_busy" else f"{problem.code}: {problem}"
    else:
        said = type(problem).__name__
        if isinstance(problem, OSError) and problem.strerror:
            said += f" ({problem.strerror})"
        trace = problem.__traceback__
        while trace and trace.tb_next:
            trace = trace.tb_next
        if trace:
            said += f" in {trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
    try:
        log = f"{path}-hooks.log"
        if not path or not os.path.isdir(os.path.dirname(path)):
            return
        from xats import sidefile

        file = sidefile.own(log, os.O_WRONLY | os.O_APPEND)
        if os.fstat(file).st_size > LOG_SIZE:
            os.close(file)
            os.replace(log, f"{log}.1")
            file = sidefile.own(log, os.O_WRONLY | os.O_APPEND)
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        line = f"{at} {client} {event or '-'} {said}".replace("\n", " ")[:500]
        try:
            os.write(file, f"{line}\n".encode(errors="replace"))
        finally:
            os.close(file)
    except OSError:
        pass  # there is nobody left to tell
