"""The outcome of an attempt, and how it changes the wake. The steps are target.py, attempt.py, outcome.py."""

from __future__ import annotations

import random

from xats.base.record import record
from xats.core.agents import agents, presence
from xats.core.mail import alerts
from xats.core.waking import attempts, reasons, wakes
from xats.delivery import ladder, routing
from xats.delivery.transports import Delivered, Elsewhere, Postponed, Refused, Skipped, Stopped, waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.core.agents.agents import Session
    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.delivery.transports import Result
    from xats.store import Tx

    # Why an attempt is made now: the wake is due, or its pane was watched and became clear before that.
    Cause = Literal["due", "watched"]

LONGEST = 120  # characters of a detail that are stored


@record
class Attempted:
    """An attempt at `wake`, which is leased to `owner`; `store` is the path of the store."""

    wake: Wake
    owner: str
    settings: Settings
    target: Target
    cause: Cause
    store: str


@record
class Outcome:
    """The outcome of an attempt."""

    result: Result
    by: str | None = None  #: the transport
    routes: tuple[str, ...] = ()  #: the names of the routes that the agent had
    covered: int | None = None  #: the newest message (id) that the line counted


def write(tx: Tx, attempted: Attempted, outcome: Outcome) -> None:
    """Record `outcome`. A session that began during the attempt makes the wake due at once."""
    wake, target = attempted.wake, attempted.target
    moved = _has_moved(tx, target)
    _end(tx, attempted, outcome, moved=moved)
    if moved:  # while the wake was leased, the new session could not make it due
        wakes.retry_now(tx, wake.agent_id, "new_session")
    elif isinstance(outcome.result, Refused) and outcome.by != routing.HOOK and _has_waiter(attempted, outcome):
        wakes.retry_now(tx, wake.agent_id, "not_handed")


def _end(tx: Tx, attempted: Attempted, outcome: Outcome, *, moved: bool) -> None:
    """End the lease with the outcome of the attempt. A lease that was lost meanwhile leaves the wake unchanged.

    If the agent has `moved`, a refusal does not count unless it is final.
    """
    wake, owner, result, by = attempted.wake, attempted.owner, outcome.result, outcome.by
    if isinstance(result, Delivered):
        _delivered(tx, attempted, outcome, result)
    elif isinstance(result, (Stopped, Elsewhere)):
        attempts.give_back(tx, wake, owner)
    elif isinstance(result, Skipped):
        if moved and attempted.target.agent.wake_by == routing.NONE:
            attempts.give_back(tx, wake, owner)
        else:
            attempts.skipped(tx, wake, owner, result.reason)
    elif moved and result.reason not in reasons.FINAL:
        attempts.give_back(tx, wake, owner)
    elif result.reason == "recipient_active":
        _wait_for_hook(tx, attempted)
    elif attempted.cause == "watched" and result.reason in reasons.PASSING:
        attempts.postpone(tx, wake, owner, result.reason, by, detail=_shown(result.detail))
    elif isinstance(result, Postponed):
        again = ladder.soon(wake.opened_at, tx.now)
        attempts.postpone(tx, wake, owner, result.reason, by, again, _shown(result.detail))
    else:
        _refused(tx, attempted, result, by)


def _delivered(tx: Tx, attempted: Attempted, outcome: Outcome, result: Delivered) -> None:
    """Record that the transport took the line. After an inbox took it, only reading proves that the agent saw it."""
    wake, owner, by = attempted.wake, attempted.owner, str(outcome.by)
    if by in routing.CONFIRMED:
        attempts.delivered(tx, wake, owner, by, outcome.covered, result.exit)
        return
    again = by in wake.taken_by
    later = _next_attempt(attempted.settings, wake.attempts + 1, tx.now) if again else None
    until = later or tx.now + attempted.settings.read_within
    attempts.handed_over(tx, wake, owner, by, until, rung=again)


def _refused(tx: Tx, attempted: Attempted, result: Refused, by: str | None) -> None:
    """Record the refusal. After the last attempt, alert the senders."""
    wake = attempted.wake
    attempts.refused(
        tx,
        wake,
        attempted.owner,
        result.reason,
        by if result.reason != "no_pane" else None,
        lambda attempts, now: _next_attempt(attempted.settings, attempts, now),
        result.exit,
        _shown(result.detail),
    )
    if not wakes.is_open(tx, wake.agent_id):
        alerts.given_up(tx, wake.agent_id)


def _wait_for_hook(tx: Tx, attempted: Attempted) -> None:
    """Let the wake wait for a hook of its agent. If the turn has ended meanwhile, no hook may come: make it due."""
    wake, owner, session = attempted.wake, attempted.owner, attempted.target.session
    assert session
    if not routing.in_turn(session, presence.get(tx, wake.agent_id)):
        attempts.give_back(tx, wake, owner)
        wakes.retry_now(tx, wake.agent_id, "for_hook")
    elif attempted.cause == "watched":
        attempts.postpone(tx, wake, owner, "recipient_active", routing.HOOK)
    else:
        attempts.wait_for_hook(tx, wake, owner, min(wake.opened_at, tx.now) + attempted.settings.read_within)


def _next_attempt(settings: Settings, attempts: int, now: int) -> int | None:
    return ladder.next_attempt(attempts, now, random.random(), settings.rungs)


def _has_moved(tx: Tx, target: Target) -> bool:
    """Tell whether the agent has another session or pane than when the attempt began, or another chosen transport."""
    current = agents.current_session(tx, target.agent)
    if current is None:
        return False
    chosen = agents.by_id(tx, target.agent.id).wake_by
    return _place(current) != _place(target.session) or chosen != target.agent.wake_by


def _place(session: Session | None) -> object:
    """Return the session's id and place, without the name of its host, which can change."""
    return session and (session.id, session.seat.place)


def _has_waiter(attempted: Attempted, outcome: Outcome) -> bool:
    """Tell whether the agent has a waiter that came during the attempt. It could not make a leased wake due."""
    target, off = attempted.target, attempted.settings.off
    if target.agent.wake_by != routing.AUTO or routing.WAITER in off or routing.WAITER in outcome.routes:
        return False
    return target.session is not None and waiter.reach(target.session, attempted.store) is not None


def _shown(detail: str) -> str:
    """Return `detail` as one short line, to store it. It may quote a screen, which can contain any character."""
    line = " ".join("".join(char if char.isprintable() else " " for char in detail).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
