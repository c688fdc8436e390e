"""`xats hook wait CLIENT`: the waiter of one session. It sleeps until a line comes for it, prints the line, and ends.

Claude Code runs it beside a session (`asyncRewake`). A line on standard error with exit 2 wakes the program, or reaches
its model after the present step. The plugins keep it as a child and read its standard output.

There is one for each session (clients/waiters.py). A sleeping waiter only costs memory: every few seconds it checks
that the program still lives, and it reads the store only after a commit. Of a store in a database it asks the daemon
instead. It ends with the program, with its parent, and when another session replaces its own. It ends at once where the
session has no agent, or where the agent is woken in another manner. Like `hook run` it never breaks its host.
"""

from __future__ import annotations

import os
import time

from xats.base import programs
from xats.base.errors import OK
from xats.base.record import record
from xats.hooks import call as calls
from xats.hooks import event as events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.base.request import Request
    from xats.clients.waiters import Post
    from xats.core.agents.agents import Agent, Session
    from xats.hooks.call import Call
    from xats.store import Store, Tx

LOOK = 3.0  # seconds between two checks that the line is still wanted
ASKING = 2.0  # seconds to wait for an answer of the daemon
BINDING = 5.0  # seconds to wait for the hook that binds a new session to its agent at the same time
WOKEN = 2  # the exit code after which Claude Code gives the line to its model


def main(words: Sequence[str]) -> int:
    """Wait for a line for the session of the client `words[0]`; return the exit code: 0, or WOKEN after a line."""
    path, parent = "", os.getppid()
    client = words[0] if len(words) == 1 and words[0] in programs.HOOKED else "?"
    try:
        from xats.store.sqlite.paths import default_path, exists

        path = default_path(os.environ)
        call = calls.parse(calls.client_of(words), events.read(), path)
        return _wait(call, parent) if call and not call.subagent and exists(path) else OK
    except (Exception, KeyboardInterrupt) as problem:
        from xats.hooks import log

        log.note(path, client, "wait", problem)
    return OK


def _wait(call: Call, parent: int) -> int:
    bound = _bound(call)
    if bound is None or bound.wake_by != "auto":
        return OK
    from xats.clients import waiters

    # Where a program was killed and resumed at once, the old waiter must notice that first.
    patience = 2 * LOOK if call.point == "session start" else 0.05
    _end_on_signals()
    line = post = None
    try:
        post = waiters.take(call.path, bound.session, bound.started_at, bound.client_session, patience)
        if post:
            _ask(call, "hasten", bound)
            line = _sleep(call, post, bound, parent)
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


@record
class Bound:
    """The agent and the session beside which a waiter sleeps."""

    agent: int  #: its id
    wake_by: str
    session: int  #: its id
    started_at: int  #: ms UTC
    client_session: str | None
    host: str
    pid: int | None
    pid_started: int | None

    @property
    def fields(self) -> list[object]:
        """All of it, in the order of the fields."""
        return [getattr(self, name) for name in self.__annotations__]


def _bound(call: Call) -> Bound | None:
    """Return the agent of this session and the session, or None. At the start another hook may be binding it."""
    until = time.monotonic() + BINDING
    while True:
        said = _ask(call, "bound")
        found = Bound(*said) if isinstance(said, list) else None
        if found and found.client_session == call.session:
            return found
        named = call.environ.get("XATS_AGENT") or call.names_new()
        if call.point != "session start" or not (found or named) or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _ask(call: Call, what: str, bound: Bound | None = None) -> object:
    """Return what `answer` does. The store is open for that moment alone; a database is asked by the daemon.

    None also where no daemon answers.
    """
    if "://" in call.path:
        from xats.base import request

        event = events.carried(call.payload)
        said: dict[str, Any] = {"client": call.client.name, "event": event, "bound": bound and bound.fields}
        try:
            return request.ask(call.path, "waiter", call.given, ASKING, what=what, **said)
        except (request.Unreachable, request.Silent):
            return None
    from xats.store.open import open_store

    store = open_store(call.path)
    try:
        return _find(call, store, what, bound)
    finally:
        store.close()


def answer(asked: Request, store: Store) -> object:
    """Do for the waiter that has `asked` what it would do in its own process; the daemon calls this.

    `what` it asks: "bound" returns the fields of Bound or None. "still" tells whether the waiter is still wanted.
    "hasten" makes an open wake of the agent due now, because there is a waiter.
    """
    said = asked.said
    call = calls.parse(calls.client_of((str(said.get("client")),)), said.get("event"), store.path, asked)
    bound = said.get("bound")
    return _find(call, store, str(said.get("what")), Bound(*bound) if bound else None) if call else None


def _find(call: Call, store: Store, what: str, bound: Bound | None) -> object:
    if what == "bound":
        found = store.read(lambda tx: _look(tx, call))
        return found.fields if found else None
    if what == "still" and bound:
        return store.read(lambda tx: _is_same(tx, bound))
    if what == "hasten" and bound and store.read(lambda tx: _has_open_wake(tx, bound)):
        store.write(lambda tx: _hasten(tx, bound))
    return None


def _look(tx: Tx, call: Call) -> Bound | None:
    from xats.core.agents import agents
    from xats.identity.resolve import resolve_or_none

    me = resolve_or_none(tx, call)
    session = agents.current_session(tx, me) if me else None
    return _of(me, session) if me and session and session.seat.host == call.host else None


def _of(me: Agent, session: Session) -> Bound:
    seat = session.seat
    here = seat.client_session, seat.host, seat.pid, seat.pid_started
    return Bound(me.id, me.wake_by, session.id, session.started_at, *here)


def _is_same(tx: Tx, bound: Bound) -> bool:
    """Tell whether the session is still the current one of its agent, and that is still woken in the same manner.

    The start tells sessions apart also where another store has replaced this one.
    """
    from xats.core.agents import agents

    me = agents.by_id(tx, bound.agent)
    session = agents.current_session(tx, me)
    now = _of(me, session) if session else None
    return now is not None and (now.wake_by, now.session, now.started_at, now.client_session) == (
        bound.wake_by,
        bound.session,
        bound.started_at,
        bound.client_session,
    )


def _has_open_wake(tx: Tx, bound: Bound) -> bool:
    from xats.core.waking import wakes

    return wakes.is_open(tx, bound.agent)


def _hasten(tx: Tx, bound: Bound) -> None:
    """Make an open wake of the agent due now. The daemon sees the commit."""
    from xats.core.waking import wakes

    wakes.retry_now(tx, bound.agent, "not_handed")


# -- the sleep ---------------------------------------------------------------------------------------------------------


def _sleep(call: Call, post: Post, bound: Bound, parent: int) -> str | None:
    """Return the line that comes, None once it is not wanted. `parent` is the process that started this one."""
    from xats.base import process

    seen = _stamp(call.path)
    plugin = call.payload.get("parent_pid")  # a plugin that has ended is not the parent of this process any more
    holders = [one for one in (bound.pid, plugin) if isinstance(one, int)]
    begun = [process.started(one) for one in holders]
    if bound.pid is not None and bound.pid_started is not None and begun[0] != bound.pid_started:
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
        if (now != seen or "://" in call.path) and _ask(call, "still", bound) is False:
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
    """Return what changes with every commit to the file at `path`; () where there is no store."""
    if "://" in path:
        return ((0, 0),)
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
