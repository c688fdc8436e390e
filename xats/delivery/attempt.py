"""One attempt at one wake: find its target, try its routes in their order, and record the outcome.

target.py leases the wake before, and outcome.py records the outcome after, each in a transaction of its own. No
transaction is open while tmux is called. An attempt that dies in between leaves a lease, which ends by itself.
"""

from __future__ import annotations

import time
from functools import partial

from xats.base import faults, host, process, program, seats
from xats.core import clock
from xats.core.agents import registration
from xats.core.crews import starts
from xats.core.waking import attempts, reasons
from xats.delivery import envelope, ladder, outcome, routing
from xats.delivery import target as targets
from xats.delivery.outcome import Attempted, Outcome
from xats.delivery.transports import (
    Elsewhere,
    Postponed,
    Refused,
    Request,
    Skipped,
    command,
    native,
    notice,
    tmux,
    waiter,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Session
    from xats.core.waking.wakes import Pending, Wake
    from xats.delivery.outcome import Cause
    from xats.delivery.settings import Settings
    from xats.delivery.transports import Result, Transport
    from xats.store import Store, Tx
    from xats.tmux.screen import Look

FIRST = 30_000  # ms for which a wake waits for the first prompt of a program


def make(
    store: Store,
    wake: Wake,
    owner: str,
    settings: Settings,
    stopping: Callable[[], bool] = bool,
    quiet_for: Callable[[Look], int] = lambda _: 0,
    echoed: Callable[[Look], bool] = lambda _: False,
    *,
    cause: Cause = "due",
) -> Result:
    """Attempt `wake`, which is leased to `owner`, and record the outcome.

    `stopping` tells whether to give up before anything is pasted; the wake then stays due. `quiet_for` returns for how
    long (ms) the watched pane has looked the same, and `echoed` tells whether its program showed a person's last key.
    `cause` is why the attempt is made now: the wake is due, or its watched pane became clear before that.
    """
    target = store.read(lambda tx: targets.find(tx, wake))
    attempted = Attempted(wake=wake, owner=owner, settings=settings, target=target, cause=cause, store=store.path)
    ended = Attempt(store, attempted, stopping, quiet_for, echoed).run()
    faults.point("wake.before_record")
    store.write(lambda tx: outcome.write(tx, attempted, ended))
    return ended.result


class Attempt:
    """One attempt. `run` tries; `make` records."""

    def __init__(
        self,
        store: Store,
        attempted: Attempted,
        stopping: Callable[[], bool],
        quiet_for: Callable[[Look], int],
        echoed: Callable[[Look], bool],
    ) -> None:
        self.store, self.wake, self.owner = store, attempted.wake, attempted.owner
        self.settings, self.target = attempted.settings, attempted.target
        self.stopping, self.quiet_for, self.echoed = stopping, quiet_for, echoed
        self.covered: int | None = None  # the newest message (id) that the line counted

    def run(self) -> Outcome:
        """Try to wake the agent, unless something forbids every route."""
        agent, session = self.target.agent, self.target.session
        if not self.target.pending.unread:
            return Outcome(Skipped("already_read"))
        if agent.wake_by == routing.NONE:  # it could be woken when the mail was sent
            return Outcome(Skipped("no_wake"))
        if session is None:
            return Outcome(Refused(agent.absence or "no_pane"))
        if session.seat.host != host.id():
            return Outcome(Elsewhere())
        if not seats.ours(self.store.path, agent, session):
            return Outcome(Refused("not_ours"))
        if agent.wake_by == routing.COMMAND:
            result = command.deliver(self.request(session))
            return Outcome(result, routing.COMMAND, covered=self.covered)
        return self.try_routes(session)

    # -- the request ---------------------------------------------------------------------------------------------------

    def request(self, session: Session) -> Request:
        """Return the request for the transport."""
        return Request(
            agent=self.target.agent,
            session=session,
            wake=self.wake,
            settings=self.settings,
            store=self.store.path,
            token=targets.token(self.wake, session),
            line=self.line,
            pending=self.pending,
            stopping=self.stopping,
            quiet_for=self.quiet_for,
            echoed=self.echoed,
            is_token=partial(targets.is_token, self.store, session),
        )

    def pending(self) -> Pending | None:
        """Return the mail that is unread now; None when this attempt is not needed any more."""

        def look(tx: Tx) -> Pending | None:
            leased = attempts.still_leased(tx, self.wake, self.owner)
            return targets.pending(tx, self.wake.agent_id) if leased else None

        found = self.store.read(look)
        self.covered = found.newest if found else None
        return found if found and found.unread else None

    def line(self) -> str | None:
        """Return the line about `pending`, or None."""
        pending = self.pending()
        return envelope.wake_line(pending, self.target.xats_path) if pending else None

    # -- the routes ----------------------------------------------------------------------------------------------------

    def try_routes(self, session: Session) -> Outcome:
        """Try the routes of the agent that have not taken the line yet, until one takes it or is refused.

        After a route that does not take the line, or is gone, the next one follows at once. After all of them, the
        first route that has taken the line gets it once more.
        """
        routes = self.routes()
        if routes[:1] == (routing.HOOK,):
            return Outcome(Refused("recipient_active"), routing.HOOK, routes)
        taken = [name for name in routes if name in self.wake.taken_by]
        last = ladder.next_attempt(self.wake.attempts + 1, 0, 0.5, self.settings.rungs) is None
        result: Result = Refused("no_pane" if session.seat.pane is None else "turned_off")
        by = None
        for name in [*(one for one in routes if one not in taken), *taken[:1]]:
            tried = Refused("not_read") if name in taken and last else self.deliver(session, name)
            if tried.reason not in reasons.GONE or result.reason != "inbox_failed":  # an inbox that failed still exists
                by, result = name, tried
            if tried.reason != "inbox_failed" and tried.reason not in reasons.GONE:
                break
        return Outcome(result, by, routes, self.covered)

    def routes(self) -> tuple[str, ...]:
        """Return the names of the routes to try. At the end of a turn, first wait a moment for a waiter."""
        now = self.store.clock()
        found = routing.plan(self.wake, self.target, self.settings, self.store.path, now)
        if found == (routing.TMUX,) and (left := routing.waiter_delay(self.target, now)):
            time.sleep(left / 1000)
            found = routing.plan(self.wake, self.target, self.settings, self.store.path, now)
        return found

    def deliver(self, session: Session, name: str) -> Result:
        """Deliver the line by the transport `name`."""
        if name == routing.TMUX:
            return self.paste(session)
        return _transport(name, self.target.agent.client).deliver(self.request(session))

    def paste(self, session: Session) -> Result:
        """Paste the line into the pane, if xats can notice a person who types there and knows the program."""
        if self.store.read(clock.was_just_set):
            self.store.write(clock.observe)
            return Postponed("human_active", "the clock was set, so xats cannot tell when a person typed last")
        if reason := self.store.read(lambda tx: _begins(tx, session)):
            return Refused("busy", reason)
        if session.programs is None:
            pid = session.seat.pid
            if pid is not None and program.is_launching(pid):
                return Refused("busy", "xats launch has not started the program yet")
            session = _with_programs(self.store, session)
            if not seats.ours(self.store.path, self.target.agent, session):  # the row was read once more
                return Refused("not_ours")
        return tmux.deliver(self.request(session))


def _begins(tx: Tx, session: Session) -> str:
    """Return why the program of `session`, which xats has started, is not yet to be woken; "" if it is.

    Before it is ready, its process may run a wrapper of it, which must not be recorded as its program. Mail does not
    come before its first prompt, unless that cannot be typed for FIRST ms.
    """
    start = starts.of_agent(tx, session.agent_id)
    if start is None or start.process is None or start.process != session.seat.process:
        return ""
    if start.state == "starting":
        return "the program that xats has started is not ready yet"
    pending = start.state == "running" and start.prompt == "pending" and tx.now - start.state_at < FIRST
    return "its first prompt comes first" if pending else ""


def _transport(name: str, client: str) -> Transport:
    """Return the transport `name` to an agent in `client`: any but the paste and the command."""
    found = {routing.NOTICE: notice, routing.WAITER: waiter}.get(name) or native.of(client)
    assert found
    return found


def _with_programs(store: Store, session: Session) -> Session:
    """Record which program the process of `session` runs, and return the session with it."""
    of = session.seat.process
    seen = program.look(of[0]) if of and process.alive(*of) else None
    if seen is None:
        return session
    return store.write(lambda tx: registration.record_programs(tx, session, seen))
