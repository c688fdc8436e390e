"""One attempt at one wake: find the target, choose a transport, act, record what came of it.

The wake is leased before and its outcome is recorded after, each in a transaction of its own; nothing of tmux happens
inside one. An attempt that dies between them leaves a lease that lapses.
"""

from __future__ import annotations

import os
import random
import zlib

from xats import faults
from xats.core import agents, wakes
from xats.delivery import envelope, ladder
from xats.delivery.transports import tmux
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from xats.core.agents import Agent, Session
    from xats.core.wakes import Pending, Wake
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx


@record
class Target:
    """Whom a wake is for, where he sits, and what he would be woken for."""

    agent: Agent
    session: Session | None
    pending: Pending


@record
class Result:
    """What an attempt came to, in the words of the wake machine."""

    state: str
    reason: str | None
    detail: str = ""


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


def make(store: Store, wake: Wake, owner: str, settings: Settings, stopping: Callable[[], bool] = bool) -> Result:
    """Attempt `wake`, which is leased to `owner`, and record the outcome.

    `stopping` says whether to give up before anything was pasted; the wake is then as due as before.
    """
    target = store.read(lambda tx: target_of(tx, wake))
    covered: int | None = None

    def line() -> str | None:
        """Return the line to paste, as it is true at this moment; None when there is no more need of it."""

        def work(tx: Tx) -> Pending | None:
            return wakes.pending(tx, wake.agent_id) if wakes.still_leased(tx, wake, owner) else None

        nonlocal covered
        pending = store.read(work)
        covered = pending.newest if pending else None
        return envelope.wake_line(pending) if pending and pending.unread else None

    if not target.pending.unread:
        result = Result("skipped", "already_read")
    elif target.session is None or target.session.seat.pane is None:
        result = Result("refused", "no_pane")
    elif target.session.seat.host != host():
        result = Result("elsewhere", None)  # the daemon of that host sees to it
    else:
        result = tmux.deliver(target.session, target.agent.client, line, token_of(store, wake), settings, stopping)
    faults.point("wake.before_record")
    store.write(lambda tx: _record(tx, wake, owner, settings, result, covered, target))
    return result


def _record(
    tx: Tx, wake: Wake, owner: str, settings: Settings, result: Result, covered: int | None, target: Target
) -> None:
    def climb(attempts: int, now: int) -> int | None:
        return ladder.next_attempt(attempts, now, random.random(), settings.rungs)

    seated = agents.current_session(tx, target.agent)
    moved = seated is not None and seated != target.session
    if result.state == "delivered":
        wakes.delivered(tx, wake, owner, tmux.NAME, covered)
    elif result.state == "skipped":
        wakes.skipped(tx, wake, owner, result.reason or "already_read")
    elif result.state == "refused" and (not moved or result.reason in wakes.FINAL):
        assert result.reason
        wakes.refused(tx, wake, owner, result.reason, tmux.NAME if result.reason != "no_pane" else None, climb)
    else:  # not made, or refused where the agent does not sit any more
        wakes.give_back(tx, wake, owner)
    if moved:  # whoever took the seat meanwhile could not have a leased wake tried again
        wakes.resume(tx, wake.agent_id)


def token_of(store: Store, wake: Wake) -> str:
    """Return what marks the pane as woken by this wake of this store, the same in every attempt."""
    return f"{zlib.crc32(os.path.realpath(store.path).encode()):08x}-{wake.id}"
