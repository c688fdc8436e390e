"""`xats hook wait CLIENT`: the waiter of one session. It sleeps until a line comes for it, says the line, and ends.

Claude Code runs it beside a session (`asyncRewake`): what it says on standard error with exit 2 wakes the program, or
is told to it after what it does just now. The plugins keep it as a child and read its standard output.

There is one for each session (clients/waiters.py). Asleep it costs its memory: every few seconds it looks whether the
program still lives, and into the store only when something was committed. It ends with the program, with its parent,
and when somebody else has the seat; without a seat, or when the agent is woken otherwise, at once. Like `hook run` it
never breaks its host.
"""

from __future__ import annotations

import os
import time

from xats.base.errors import OK
from xats.hooks import call as calls

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from xats.clients.waiters import Post
    from xats.core.agents.agents import Agent, Session
    from xats.hooks.call import Call
    from xats.store import Tx

    T = TypeVar("T")

LOOK = 3.0  # seconds between two looks whether anybody still wants the line
SEATED = 5.0  # seconds that the hook beside us, which seats a new session in its agent, is waited for
WOKEN = 2  # the exit code by which Claude Code knows that there is something to tell its model


def main(words: Sequence[str]) -> int:
    """Wait as the client `words[0]` wants it; return the exit code: 0, or WOKEN when a line came."""
    client, path, parent = None, "", os.getppid()
    try:
        from xats.store.sqlite.paths import default_path

        path = default_path(os.environ)
        client = calls.of_words(words)
        event = calls.read_event()
        call = calls.parse(client, event, path) if client else None
        return _wait(call, parent) if call and not call.subagent and os.path.exists(path) else OK
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client.name if client else "?", "wait", problem)
    return OK


def _wait(call: Call, parent: int) -> int:
    found = _seat(call)
    if found is None or found[0].wake_by != "auto":
        return OK
    from xats.clients import waiters

    me, session = found
    # That of a program that was killed and is resumed at once has yet to see that.
    patience = 2 * LOOK if call.point == "session start" else 0.05
    _end_on_signals()
    line = post = None
    try:
        post = waiters.take(call.path, session.id, session.started_at, session.seat.client_session, patience)
        if post:
            _say_armed(call, me)
            line = _sleep(call, post, me, session, parent)
    finally:
        if post:
            post.leave()  # before the line is said: whoever has another one must not leave it with us
    if line is None:
        return OK
    from xats.base import faults, output

    faults.point("waiter.told")
    output.write(2 if call.hooks.rewakes else 1, f"{line}\n".encode())
    return WOKEN if call.hooks.rewakes else OK


def _end_on_signals() -> None:
    """End in an orderly way when the program ends us with itself."""
    import signal

    ends = (signal.SIGTERM, signal.SIGHUP)

    def end(*_: object) -> None:
        for number in ends:  # a terminal that goes says so twice
            signal.signal(number, signal.SIG_IGN)
        raise SystemExit(OK)

    for number in ends:
        signal.signal(number, end)


# -- the seat ----------------------------------------------------------------------------------------------------------


def _seat(call: Call) -> tuple[Agent, Session] | None:
    """Return the agent of this session and its seat, or None. At its start another hook is seating it just now."""
    from xats.core.agents import agents
    from xats.identity.resolve import resolve_or_none

    def look(tx: Tx) -> tuple[Agent, Session] | None:
        me = resolve_or_none(tx, call)
        session = agents.current_session(tx, me) if me else None
        return (me, session) if me and session and session.seat.host == call.host else None

    until = time.monotonic() + SEATED
    while True:
        found = _read(call, look)
        if found and found[1].seat.client_session == call.session:
            return found
        named = call.environ.get("XATS_AGENT") or calls.names_new(call)
        if call.point != "session start" or not (found or named) or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _still(call: Call, me: Agent, session: Session) -> bool:
    """Tell whether that session still has its seat, and a waiter is what its agent is woken by."""
    from xats.core.agents import agents

    def look(tx: Tx) -> bool:
        now = agents.current_session(tx, me)
        mine = now is not None and _which(now) == _which(session)
        return mine and agents.by_id(tx, me.id).wake_by == me.wake_by

    return _read(call, look)


def _which(session: Session) -> tuple[object, ...]:
    """Return what tells `session` from all others, those of a store that has taken the place of ours included."""
    return session.id, session.started_at, session.seat.client_session


def _say_armed(call: Call, me: Agent) -> None:
    """Have a wake that waits tried now; the daemon sees the commit."""
    from xats.core.waking import wakes
    from xats.store import Store

    store = Store(call.path)
    try:
        if store.read(lambda tx: wakes.is_open(tx, me.id)):
            store.write(lambda tx: wakes.retry_now(tx, me.id, "not_handed"))
    finally:
        store.close()


def _read(call: Call, look: Callable[[Tx], T]) -> T:
    """Return what `look` finds in the store. It is open for that moment alone."""
    from xats.store import Store

    store = Store(call.path)
    try:
        return store.read(look)
    finally:
        store.close()


# -- the sleep ---------------------------------------------------------------------------------------------------------


def _sleep(call: Call, post: Post, me: Agent, session: Session, parent: int) -> str | None:
    """Return the line that comes, None when nobody wants it any more. `parent` is the process that has started us."""
    from xats.base import process

    seen = _stamp(call.path)
    told = call.payload.get("parent_pid")  # a plugin's; one that has ended by now is not our parent any more
    holders = [one for one in (session.seat.pid, told) if isinstance(one, int)]
    begun = [process.started(one) for one in holders]
    if session.seat.process and begun[0] != session.seat.pid_started:
        return None
    while True:
        if os.getppid() != parent or not all(map(_lives, holders, begun)):
            return None
        line = post.wait(LOOK)
        if line is not None:
            return line
        now = _stamp(call.path)
        if not now:
            return None
        if now != seen and not _still(call, me, session):
            return None
        seen = now


def _lives(pid: int, started: int | None) -> bool:
    """Tell whether the process that had `pid` a while ago still lives; `started` is None if it had ended by then."""
    from xats.base import process

    if started is None or process.LINUX:
        return started is not None and not process.ended(pid, started)
    try:
        os.kill(pid, 0)  # elsewhere a look at the start time is another process each time
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _stamp(path: str) -> tuple[tuple[int, int], ...]:
    """Return what changes with every commit to the store at `path`; () when it is not there any more."""
    found = []
    for name in (path, f"{path}-wal"):
        try:
            about = os.stat(name)
        except OSError:
            if name == path:
                return ()
        else:
            found.append((about.st_size, about.st_mtime_ns))
    return tuple(found)
