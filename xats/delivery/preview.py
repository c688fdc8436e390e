"""A preview of an attempt: what it would do now. This only looks."""

from __future__ import annotations

import os
from functools import partial

from xats.base import host, seats
from xats.base.record import record
from xats.clients import registry
from xats.delivery import envelope, routing, screens
from xats.delivery.transports import command, notice
from xats.tmux import gone, guards, screen
from xats.tmux.errors import NoPane, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Session
    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.tmux.guards import Guard
    from xats.tmux.screen import Look


@record
class Preview:
    """The likely outcome of an attempt: its transport, and the reason if it would be refused at once."""

    transport: str
    reason: Reason | None
    detail: str = ""  #: the obstacle, in words


def preview(wake: Wake, target: Target, settings: Settings, store: str, now: int) -> Preview:
    """Return the likely outcome of an attempt at `wake` at `now` (ms UTC).

    The preview covers only the first route that the attempt would try, and does not wait for a quiet pane.
    """
    by, session = target.agent.wake_by, target.session
    if not target.pending.unread:
        return Preview(by, "already_read")
    if by == routing.NONE:
        return Preview(by, "no_wake")
    if session is None or session.seat.host != host.id():
        return Preview(by, target.agent.absence or "no_pane")
    if not seats.ours(store, target.agent, session):
        return Preview(by, "not_ours")
    if by == routing.COMMAND:
        return Preview(by, command.objection())
    routes = routing.plan(wake, target, settings, store, now)
    if not routes:
        return Preview(by, "no_pane" if session.seat.pane is None else "turned_off")
    first = next((name for name in routes if name not in wake.taken_by), routes[0])
    if first == routing.HOOK:
        return Preview(first, "recipient_active")
    if first == routing.NOTICE:
        assert session.seat.pane
        return Preview(first, notice.objection(session.seat.pane))
    if first == routing.TMUX:
        return Preview(first, *_paste_objection(session, target.agent.client))
    return Preview(first, None)


def line(target: Target) -> str | None:
    """Return the line that an attempt would deliver; None when nothing is unread."""
    return envelope.wake_line(target.pending, target.xats_path) if target.pending.unread else None


def describe(target: Target, transport: str) -> str:
    """Return in words what an attempt by `transport` would do if it is not refused."""
    if transport == routing.COMMAND:
        return f"would run {command.program(os.environ)}"
    if transport == routing.TMUX:
        return f"would paste: {line(target)}"
    if transport == routing.NOTICE:
        return f"would show: {line(target)}"
    return f"would hand to {transport}: {line(target)}"


def _paste_objection(session: Session, client: str) -> tuple[Reason | None, str]:
    """Return why a paste of the line into the pane of `session` would be refused, and the obstacle."""
    known = registry.find_or_generic(client, os.environ)
    pane = session.seat.pane
    assert pane

    def on_screen(look: Look) -> Reason | None:
        unlike = screens.unlike_a_prompt(known, pane, look)
        return screens.objection(known, look, "") or ("screen_unknown" if unlike else None)

    return pane_objection(session, known, on_screen)


def pane_objection(session: Session, known: Profile, on_screen: Guard) -> tuple[Reason | None, str]:
    """Return why a paste into the pane of `session`, which runs `known`, would be refused, and the obstacle.

    `on_screen` is the guard that reads the screen.
    """
    seat = session.seat
    assert seat.pane
    try:
        look = screen.look(seat.pane)
    except (NoPane, TmuxUnavailable) as problem:
        return gone.reason(seat.pane, problem), ""
    reason = guards.identity(seat.pane, look) or guards.release(look) or guards.state(look)
    if reason:
        return reason, ""
    expected = screens.expected(known, session)
    found = guards.settled(guards.foreground(seat.pane, seat.process, expected), expected, look)
    reason = (
        found.reason
        or on_screen(look)
        or guards.person(look)
        or guards.typed_ahead(seat.pane, look, partial(screens.certain, known))
    )
    return reason, found.detail
