"""`xats hook wait CLIENT`: the waiter of one session. It sleeps until a line comes for it, prints the line, and ends.

Claude Code runs it beside a session (`asyncRewake`). A line on standard error with exit 2 wakes the program, or reaches
its model after the present step. The plugins keep it as a child and read its standard output.

There is one for each session (clients/waiters.py). A sleeping waiter only costs memory: every few seconds it checks
that the program still lives, and it reads the store only after a commit. It ends with the program, with its parent,
and when another session replaces its own. It ends at once where the session has no agent, or where the agent is woken
in another manner. Like `hook run` it never breaks its host.
"""

from __future__ import annotations

import os
import time

from xats.base import programs
from xats.base.errors import OK
from xats.hooks import call as calls
from xats.hooks import event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from xats.clients.waiters import Post
    from xats.core.agents.agents import Agent, Session
    from xats.hooks.call import Call
    from xats.store import Tx

    T = TypeVar("T")

LOOK = 3.0  # seconds between two checks that the line is still wanted
BINDING = 5.0  # seconds to wait for the hook that binds a new session to its agent at the same time
WOKEN = 2  # the exit code after which Claude Code gives the line to its model


def main(words: Sequence[str]) -> int:
    """Wait for a line for the session of the client `words[0]`; return the exit code: 0, or WOKEN after a line."""
    path, parent = "", os.getppid()
    client = words[0] if len(words) == 1 and words[0] in programs.HOOKED else "?"
    try:
        from xats.store.sqlite.paths import default_path, exists

        path = default_path(os.environ)
        call = calls.parse(calls.client_of(words), event.read(), path)
        return _wait(call, parent) if call and not call.subagent and exists(path) else OK
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client, "wait", problem)
    return OK


def _wait(call: Call, parent: int) -> int:
    found = _bound(call)
    if found is None or found[0].wake_by != "auto":
        return OK
    from xats.clients import waiters

    me, session = found
    # Where a program was killed and resumed at once, the old waiter must notice that first.
    patience = 2 * LOOK if call.point == "session start" else 0.05
    _end_on_signals()
    line = post = None
    try:
        post = waiters.take(call.path, session.id, session.started_at, session.seat.client_session, patience)
        if post:
            _hasten(call, me)
            line = _sleep(call, post, me, session, parent)
    finally:
        if post:
            post.leave()  # before the line is printed, so that no process gives this waiter another one
    if line is None:
        return OK
    from xats.base import faults, output

    faults.point("waiter.told")
    output.write(2 if call.hooks.rewakes else 1, f"{line}\n".encode())
    return WOKEN if call.hooks.rewakes else OK


def _end_on_signals() -> None:
    """End in an orderly manner when the program ends this process with itself."""
    import signal

    ends = (signal.SIGTERM, signal.SIGHUP)

    def end(*_: object) -> None:
        for number in ends:  # a terminal that closes sends it twice
            signal.signal(number, signal.SIG_IGN)
        raise SystemExit(OK)

    for number in ends:
        signal.signal(number, end)


# -- the session -------------------------------------------------------------------------------------------------------


def _bound(call: Call) -> tuple[Agent, Session] | None:
    """Return the agent of this session and the session, or None. At the start another hook may be binding it."""
    from xats.core.agents import agents
    from xats.identity.resolve import resolve_or_none

    def look(tx: Tx) -> tuple[Agent, Session] | None:
        me = resolve_or_none(tx, call)
        session = agents.current_session(tx, me) if me else None
        return (me, session) if me and session and session.seat.host == call.host else None

    until = time.monotonic() + BINDING
    while True:
        found = _read(call, look)
        if found and found[1].seat.client_session == call.session:
            return found
        named = call.environ.get("XATS_AGENT") or call.names_new()
        if call.point != "session start" or not (found or named) or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _still(call: Call, me: Agent, session: Session) -> bool:
    """Tell whether `session` is still the current one of `me`, and `me` is still woken in the same manner."""
    from xats.core.agents import agents

    def look(tx: Tx) -> bool:
        now = agents.current_session(tx, me)
        mine = now is not None and _which(now) == _which(session)
        return mine and agents.by_id(tx, me.id).wake_by == me.wake_by

    return _read(call, look)


def _which(session: Session) -> tuple[object, ...]:
    """Return what identifies `session`, also where another store has replaced this one."""
    return session.id, session.started_at, session.seat.client_session


def _hasten(call: Call, me: Agent) -> None:
    """Make an open wake of `me` due now, because there is a waiter. The daemon sees the commit."""
    from xats.core.waking import wakes
    from xats.store.open import open_store

    store = open_store(call.path)
    try:
        if store.read(lambda tx: wakes.is_open(tx, me.id)):
            store.write(lambda tx: wakes.retry_now(tx, me.id, "not_handed"))
    finally:
        store.close()


def _read(call: Call, look: Callable[[Tx], T]) -> T:
    """Return what `look` finds in the store. It is open for that moment alone."""
    from xats.store.open import open_store

    store = open_store(call.path)
    try:
        return store.read(look)
    finally:
        store.close()


# -- the sleep ---------------------------------------------------------------------------------------------------------


def _sleep(call: Call, post: Post, me: Agent, session: Session, parent: int) -> str | None:
    """Return the line that comes, None once it is not wanted. `parent` is the process that started this one."""
    from xats.base import process

    seen = _stamp(call.path)
    plugin = call.payload.get("parent_pid")  # a plugin that has ended is not the parent of this process any more
    holders = [one for one in (session.seat.pid, plugin) if isinstance(one, int)]
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
    """Tell whether the process `pid` that `started` then still lives; None: it had ended before."""
    from xats.base import process

    if started is None or process.LINUX:
        return started is not None and not process.ended(pid, started)
    try:
        os.kill(pid, 0)  # elsewhere xats reads the start time by another process
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _stamp(path: str) -> tuple[tuple[int, int], ...]:
    """Return what changes with every commit to the store at `path`; () where there is no store."""
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
