"""What an attempt would do just now, found out by looking only."""

from __future__ import annotations

import os

from xats.clients import registry
from xats.delivery import envelope
from xats.delivery.transports import tmux
from xats.errors import NoPane, TmuxGone, TmuxUnavailable
from xats.tmux import guards, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.delivery.attempt import Target


def line(target: Target) -> str | None:
    """Return the line that would be pasted."""
    return envelope.wake_line(target.pending) if target.pending.unread else None


def objection(target: Target) -> str | None:
    """Return why an attempt would be refused at once, or None. Whether the pane stays quiet is left open."""
    if not target.pending.unread:
        return "already_read"
    seat = target.session.seat if target.session else None
    if seat is None or seat.pane is None or seat.host != os.uname().nodename:
        return "no_pane"
    try:
        look = screen.look(seat.pane)
    except (NoPane, TmuxGone):
        return "no_pane"
    except TmuxUnavailable:
        return "tmux_unavailable"
    known = registry.find_or_generic(target.agent.client, os.environ)
    return (
        guards.identity(seat.pane, look)
        or guards.state(look)
        or guards.foreground(seat.pane, seat.process)
        or tmux.objection(known, look, "")
    )
