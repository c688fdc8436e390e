"""One attempt at one wake: find the target, choose a transport, act, record what came of it.

The wake is leased before and its outcome is recorded after, each in a transaction of its own; nothing of tmux happens
inside one. An attempt that dies between them leaves a lease that lapses.
"""

from __future__ import annotations

import os
import random
import zlib

from xats import faults
from xats.core import agents, alerts, wakes
from xats.delivery import envelope, ladder
from xats.delivery.transports import Result, command, notice, tmux
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from xats.core.agents import Agent, Session
    from xats.core.wakes import Pending, Wake
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx
    from xats.tmux.screen import Look

AT_ONCE = 100  # attempts side by side; most of an attempt is waiting


@record
class Target:
    """Whom a wake is for, where he sits, and what he would be woken for."""

    agent: Agent
    session: Session | None
    pending: Pending


def host() -> str:
    """Return what sessions of this host are marked with."""
    return os.uname().nodename


def lease_due(store: Store, owner: str, settings: Settings, limit: int, under_way: Collection[int] = ()) -> list[Wake]:
    """Lease up to `limit` due wakes of this host to `owner`, and return them.

    Those with an id in `under_way` are left out: `owner` is at work on them, whatever the clock says of their leases.
    """

    def look(tx: Tx) -> list[Wake]:
        found = wakes.due(tx, limit + len(under_way), ladder.longest(settings.rungs), host())
        return [wake for wake in found if wake.id not in under_way][:limit]

    def work(tx: Tx) -> list[Wake]:
        found = look(tx)
        wakes.lease(tx, found, owner)
        return found

    if not store.read(look):
        return []
    leased = store.write(work)
    faults.point("wake.leased")
    return leased


def target_of(tx: Tx, wake: Wake) -> Target:
    """Return whom `wake` is for."""
    agent = agents.by_id(tx, wake.agent_id)
    return Target(agent, agents.current_session(tx, agent), wakes.pending(tx, agent.id))


def make(
    store: Store,
    wake: Wake,
    owner: str,
    settings: Settings,
    stopping: Callable[[], bool] = bool,
    quiet_for: Callable[[Look], int] = lambda _: 0,
    early: bool = False,
) -> Result:
    """Attempt `wake`, which is leased to `owner`, and record the outcome.

    `stopping` says whether to give up before anything was pasted; the wake is then as due as before. `quiet_for` says
    how long (ms) the pane was watched and looked the same. An `early` attempt was made before its time: if it is
    refused for something that passes, the wake waits for its rung as before.
    """
    target = store.read(lambda tx: target_of(tx, wake))
    covered: int | None = None

    def news() -> Pending | None:
        """Return what is unread at this moment; None when there is no more need of this attempt."""

        def work(tx: Tx) -> Pending | None:
            return wakes.pending(tx, wake.agent_id) if wakes.still_leased(tx, wake, owner) else None

        nonlocal covered
        pending = store.read(work)
        covered = pending.newest if pending else None
        return pending if pending and pending.unread else None

    def line() -> str | None:
        """Return what to say of it in one line."""
        pending = news()
        return envelope.wake_line(pending) if pending else None

    by, seat = target.agent.wake_by, target.session.seat if target.session else None
    if not target.pending.unread:
        result = Result("skipped", "already_read")
    elif by == "none":  # it was to be woken when the mail was sent
        result = Result("skipped", "no_wake")
    elif target.session is None or seat is None or (seat.pane is None and by != command.NAME):
        result = Result("refused", "no_pane")
    elif seat.host != host():
        result = Result("elsewhere", None)  # the daemon of that host sees to it
    elif by == command.NAME:
        result = command.deliver(target, wake, news, store.path, settings, stopping)
    elif by == notice.NAME:
        assert seat.pane
        result = notice.deliver(seat.pane, line)
    else:
        token = token_of(store, wake, target.session)
        result = tmux.deliver(target.session, target.agent.client, line, token, settings, stopping, quiet_for)
    faults.point("wake.before_record")
    store.write(lambda tx: _record(tx, wake, owner, settings, result, covered, target, early))
    return result


def _record(
    tx: Tx, wake: Wake, owner: str, settings: Settings, result: Result, covered: int | None, target: Target, early: bool
) -> None:
    def climb(attempts: int, now: int) -> int | None:
        return ladder.next_attempt(attempts, now, random.random(), settings.rungs)

    seated = agents.current_session(tx, target.agent)
    by = target.agent.wake_by  # the names of the transports
    moved = seated is not None and (seated != target.session or agents.by_id(tx, wake.agent_id).wake_by != by)
    if result.state == "delivered":
        wakes.delivered(tx, wake, owner, by, covered, result.exit)
    elif result.state == "skipped" and not (moved and by == "none"):
        wakes.skipped(tx, wake, owner, result.reason or "already_read")
    elif result.state == "refused" and early and not moved and result.reason in wakes.PASSING:
        wakes.put_off(tx, wake, owner, result.reason, by)
    elif result.state == "refused" and (not moved or result.reason in wakes.FINAL):
        assert result.reason
        wakes.refused(tx, wake, owner, result.reason, by if result.reason != "no_pane" else None, climb, result.exit)
        if not wakes.is_open(tx, wake.agent_id):
            alerts.given_up(tx, wake.agent_id)
    else:  # not made, or refused where the agent does not sit any more
        wakes.give_back(tx, wake, owner)
    if moved:  # whoever took the seat meanwhile could not have a leased wake tried again
        wakes.resume(tx, wake.agent_id)


def token_of(store: Store, wake: Wake, session: Session) -> str:
    """Return what marks the pane as woken by this wake of this store: the same in every attempt on one session.

    The mark outlives the program, and whoever is started there next has got nothing of this wake yet.
    """
    return f"{zlib.crc32(os.path.realpath(store.path).encode()):08x}-{wake.id}-{session.id}"
