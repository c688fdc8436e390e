"""One attempt at one wake: find the target, go down its ways, act, record what came of it.

The wake is leased before and its outcome is recorded after, each in a transaction of its own; nothing of tmux happens
inside one. An attempt that dies between them leaves a lease that lapses.
"""

from __future__ import annotations

import random
import time
from functools import partial

from xats import faults, host, process, program
from xats.core import agents, alerts, clock, presence, wakes
from xats.delivery import envelope, ladder, order
from xats.delivery.transports import Result, command, native, notice, tmux, waiter
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from xats.core.agents import Agent, Session
    from xats.core.presence import Presence
    from xats.core.wakes import Pending, Wake
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx
    from xats.tmux.screen import Look

AT_ONCE = 100  # attempts side by side; most of an attempt is waiting
SETTLE = 500  # ms after the end of a turn in which a waiter may come
LONGEST = 120  # characters that are kept of what was seen
NOTHING = wakes.Pending(0, 0, (), 0)
FRESH = 3000  # ms after the beginning of a turn in which its program may not have drawn it yet


@record
class Target:
    """Whom a wake is for, where he sits, and what he would be woken for."""

    agent: Agent
    session: Session | None
    pending: Pending
    told: Presence | None = None  #: what his program says that it is doing

    @property
    def xats_path(self) -> str | None:
        """How the agent's shell calls xats (xats/calling.py), None where that is not known."""
        return self.session.xats_path if self.session else None


@record
class Tried:
    """What came of an attempt, by which transport, and which ways there were."""

    result: Result
    by: str | None
    ways: tuple[str, ...] = ()


def lease_due(store: Store, owner: str, settings: Settings, limit: int, under_way: Collection[int] = ()) -> list[Wake]:
    """Lease up to `limit` due wakes of this host to `owner`, and return them.

    Those with an id in `under_way` are left out: `owner` is at work on them, whatever the clock says of their leases.
    """

    def look(tx: Tx) -> list[Wake]:
        found = wakes.due(tx, limit + len(under_way), settings.longest, host.id())
        return [wake for wake in found if wake.id not in under_way][:limit]

    def work(tx: Tx) -> list[Wake]:
        return wakes.lease(tx, look(tx), owner)

    if not store.read(look):
        return []
    leased = store.write(work)
    faults.point("wake.leased")
    return leased


def target_of(tx: Tx, wake: Wake) -> Target:
    """Return whom `wake` is for."""
    agent = agents.by_id(tx, wake.agent_id)
    told = presence.get(tx, agent.id)
    return Target(agent, agents.current_session(tx, agent), _pending(tx, agent.id), told)


def _pending(tx: Tx, agent_id: int) -> Pending:
    """Return all that is unread, or nothing where the agent is to be woken for none of it."""
    return wakes.pending(tx, agent_id) if wakes.wanted(tx, agent_id) else NOTHING


def make(
    store: Store,
    wake: Wake,
    owner: str,
    settings: Settings,
    stopping: Callable[[], bool] = bool,
    quiet_for: Callable[[Look], int] = lambda _: 0,
    echoed: Callable[[Look], bool] = lambda _: False,
    *,
    early: bool = False,
) -> Result:
    """Attempt `wake`, which is leased to `owner`, and record the outcome.

    `stopping` says whether to give up before anything was pasted; the wake is then as due as before. `quiet_for` says
    how long (ms) the pane was watched and looked the same, and `echoed` whether its program was then seen to show a
    person's last key. An `early` attempt was made before its time: if it is
    refused for something that passes, the wake waits for its rung as before.
    """
    target = store.read(lambda tx: target_of(tx, wake))
    covered: int | None = None

    def news() -> Pending | None:
        """Return what is unread at this moment; None when there is no more need of this attempt."""

        def work(tx: Tx) -> Pending | None:
            return _pending(tx, wake.agent_id) if wakes.still_leased(tx, wake, owner) else None

        nonlocal covered
        pending = store.read(work)
        covered = pending.newest if pending else None
        return pending if pending and pending.unread else None

    def line() -> str | None:
        """Return what to say of it in one line."""
        pending = news()
        return envelope.wake_line(pending, target.xats_path) if pending else None

    by, seat = target.agent.wake_by, target.session.seat if target.session else None
    if not target.pending.unread:
        tried = Tried(Result("skipped", "already_read"), None)
    elif by == order.NONE:  # it was to be woken when the mail was sent
        tried = Tried(Result("skipped", "no_wake"), None)
    elif target.session is None or seat is None:
        tried = Tried(Result("refused", target.agent.absence or "no_pane"), None)
    elif seat.host != host.id():
        tried = Tried(Result("elsewhere", None), None)  # the daemon of that host sees to it
    elif by == order.COMMAND:
        tried = Tried(command.deliver(target, wake, news, store.path, settings, stopping), by)
    else:

        def act(session: Session, name: str) -> Result:
            """Act by the transport `name`."""
            if name == order.TMUX:
                if store.read(clock.was_just_set):
                    store.write(clock.observe)
                    return Result("postponed", "human_active", "the clock was set; it does not tell who typed just now")
                if session.programs is None:
                    pid = session.seat.pid
                    if pid is not None and program.is_launching(pid):
                        return Result("refused", "busy", "xats launch has not started the program yet")
                    session = _with_programs(store, session)
                assert wake.nonce  # it is leased
                how = (token_of(wake, session), settings, stopping, quiet_for, echoed, partial(is_ours, store, session))
                return tmux.deliver(session, target.agent.client, line, *how)
            if name == order.NOTICE:
                assert session.seat.pane
                return notice.deliver(session.seat.pane, line)
            if name == order.WAITER:
                return waiter.deliver(session, store.path, line)
            inbox = native.of(target.agent.client)
            assert inbox
            return inbox.deliver(session, line)

        tried = go_down(wake, target, settings, store, act)
    faults.point("wake.before_record")
    store.write(lambda tx: _record(tx, wake, owner, settings, store.path, tried, covered, target, early))
    return tried.result


def _with_programs(store: Store, session: Session) -> Session:
    """Return `session` with what its process runs, which was never recorded, and is now."""
    of = session.seat.process
    seen = program.look(of[0]) if of and process.alive(*of) else None
    if seen is None:
        return session
    return store.write(lambda tx: agents.first_seen(tx, session, seen))


# -- the ways of an agent ----------------------------------------------------------------------------------------------


def go_down(
    wake: Wake, target: Target, settings: Settings, store: Store, act: Callable[[Session, str], Result]
) -> Tried:
    """Go down the ways of `target` that have not taken the line of `wake`, until one takes it or is refused.

    One that does not take it, or is not there any more, is followed by the next at once; in the end the first of those
    that have taken it gets it once more. `act` acts by the transport of a name.
    """
    session, now = target.session, store.clock()
    assert session
    ways = plan(wake, target, settings, store.path, now)
    if ways == (order.TMUX,) and (left := settling(target, now)):
        time.sleep(left / 1000)
        ways = plan(wake, target, settings, store.path, now)
    if ways[:1] == (order.HOOK,):
        return Tried(Result("refused", "recipient_active"), order.HOOK, ways)
    last = ladder.next_attempt(wake.attempts + 1, 0, 0.5, settings.rungs) is None
    result, by = Result("refused", "no_pane" if session.seat.pane is None else "turned_off"), None
    again = [name for name in ways if name in wake.taken_by]
    for name in [*(one for one in ways if one not in again), *again[:1]]:
        tried = Result("refused", "not_read") if name in again and last else act(session, name)
        if tried.reason not in wakes.GONE or result.reason != "inbox_failed":  # an inbox that fails is still there
            by, result = name, tried
        if tried.reason != "inbox_failed" and tried.reason not in wakes.GONE:
            break
    return Tried(result, by, ways)


def settling(target: Target, now: int) -> int:
    """Return how long (ms) to wait for a waiter at `now` (ms UTC).

    One is started at the end of a turn, beside the hook that has told of it.
    """
    session, told = target.session, target.told
    if target.agent.wake_by != order.AUTO or session is None or told is None or told.state != "idle":
        return 0
    if not order.hooked(session, told):
        return 0
    return max(0, min(SETTLE, told.at + SETTLE - now))


def plan(wake: Wake, target: Target, settings: Settings, store: str, now: int) -> tuple[str, ...]:
    """Return the names of the ways that an attempt at `wake` would go, first to last.

    The hook is the only one while it is waited for, which ends READ_WITHIN after the wake was opened: `now` is the time
    in ms UTC.
    """

    def names(told: Presence | None) -> tuple[str, ...]:
        return tuple(one.name for one in order.ways(target.agent, target.session, told, store, settings.off))

    found, told, session = names(target.told), target.told, target.session
    waits = 0 <= now - wake.opened_at < settings.read_within  # below 0: the clock was set back, who knows when it was
    if told and session and order.HOOK in found and order.in_turn(session, told):
        if not at_work(session, target.agent.client, told, now):
            found = names(told.over(now))
        elif waits:
            return (order.HOOK,)
    return tuple(name for name in found if name != order.HOOK)


def at_work(session: Session, client: str, told: Presence, now: int) -> bool:
    """Tell whether the turn of which `client` has `told` goes on, so that a hook of it is still to come.

    A program tells when a turn ends, but not always when its user breaks one off: then an idle composer is in its pane.
    """
    seat = session.seat
    if process.living(seat) is False:
        return False
    return 0 <= now - told.at < FRESH or not tmux.idle(session, client)


# -- the record --------------------------------------------------------------------------------------------------------


def _record(
    tx: Tx,
    wake: Wake,
    owner: str,
    settings: Settings,
    store: str,
    tried: Tried,
    covered: int | None,
    target: Target,
    early: bool,
) -> None:
    def climb(attempts: int, now: int) -> int | None:
        return ladder.next_attempt(attempts, now, random.random(), settings.rungs)

    result, by = tried.result, tried.by
    seated = agents.current_session(tx, target.agent)
    chosen = agents.by_id(tx, wake.agent_id).wake_by
    moved = seated is not None and (_place(seated) != _place(target.session) or chosen != target.agent.wake_by)
    if result.state == "delivered" and by not in order.SEEN:
        again = by in wake.taken_by
        later = climb(wake.attempts + 1, tx.now) if again else None
        wakes.handed_over(tx, wake, owner, str(by), later or tx.now + settings.read_within, rung=again)
    elif result.state == "delivered":
        wakes.delivered(tx, wake, owner, str(by), covered, result.exit)
    elif result.state == "skipped" and not (moved and target.agent.wake_by == order.NONE):
        wakes.skipped(tx, wake, owner, result.reason or "already_read")
    elif result.reason == "recipient_active" and not moved:
        _wait(tx, wake, owner, settings, target, early=early)
    elif result.state in ("refused", "postponed") and early and not moved and result.reason in wakes.PASSING:
        wakes.put_off(tx, wake, owner, result.reason, by, detail=_shown(result.detail))
    elif result.state == "postponed" and not moved:
        assert result.reason
        soon = ladder.soon(wake.opened_at, tx.now)
        wakes.put_off(tx, wake, owner, result.reason, by, soon, _shown(result.detail))
    elif result.state == "refused" and (not moved or result.reason in wakes.FINAL):
        assert result.reason
        way = by if result.reason != "no_pane" else None
        wakes.refused(tx, wake, owner, result.reason, way, climb, result.exit, _shown(result.detail))
        if not wakes.is_open(tx, wake.agent_id):
            alerts.given_up(tx, wake.agent_id)
    else:  # not made, or refused where the agent does not sit any more
        wakes.give_back(tx, wake, owner)
    if moved:  # whoever took the seat meanwhile could not have a leased wake tried again
        wakes.resume(tx, wake.agent_id)
    elif result.state == "refused" and by != order.HOOK and _has_come(target, tried, settings, store):
        wakes.retry_now(tx, wake.agent_id, "not_told")


def _shown(detail: str) -> str:
    """Return `detail` as it is kept: one short line. It may quote a screen, on which anything may stand."""
    line = " ".join("".join(char if char.isprintable() else " " for char in detail).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _place(session: Session | None) -> object:
    """Return which session it is and where it sits, whatever people call its host by now."""
    return session and (session.id, session.seat.place)


def _wait(tx: Tx, wake: Wake, owner: str, settings: Settings, target: Target, *, early: bool) -> None:
    """Have the wake wait for a hook of its agent, unless the turn has ended meanwhile: then it could not be told."""
    assert target.session
    if not order.in_turn(target.session, presence.get(tx, wake.agent_id)):
        wakes.give_back(tx, wake, owner)
        wakes.retry_now(tx, wake.agent_id, "for_hook")
    elif early:
        wakes.put_off(tx, wake, owner, "recipient_active", order.HOOK)
    else:
        wakes.waits(tx, wake, owner, min(wake.opened_at, tx.now) + settings.read_within)


def _has_come(target: Target, tried: Tried, settings: Settings, store: str) -> bool:
    """Tell whether the agent has got a waiter during the attempt, which could not have a leased wake tried again."""
    if target.agent.wake_by != order.AUTO or order.WAITER in settings.off or order.WAITER in tried.ways:
        return False
    return target.session is not None and waiter.reach(target.session, store) is not None


def token_of(wake: Wake, session: Session) -> str:
    """Return what marks the pane as woken by `wake`: the same in every attempt on one session.

    The mark outlives the program, and whoever is started there next has got nothing of this wake yet. It outlives the
    store as well: one that was made anew, or put back from a backup, counts from the same numbers again, but its rows
    have other nonces. A row that was put back with its nonce is that very wake, whose line was pasted.
    """
    return f"{wake.id}-{session.id}-{wake.nonce}"


def is_ours(store: Store, session: Session, token: str) -> bool:
    """Tell whether `token` is that of a wake of `session` in `store`, open or not; another one proves nothing."""
    number, _, rest = token.partition("-")
    if not (number.isascii() and number.isdigit()):
        return False
    nonce = store.read(lambda tx: wakes.nonce_of(tx, int(number), session.agent_id))
    return nonce is not None and rest == f"{session.id}-{nonce}"
