"""What an attempt would do just now, found out by looking only."""

from __future__ import annotations

import os

from xats.clients import registry
from xats.delivery import envelope
from xats.delivery.transports import command, notice, tmux
from xats.errors import NoPane, TmuxGone, TmuxUnavailable
from xats.tmux import guards, screen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.delivery.attempt import Target


def line(target: Target) -> str | None:
    """Return the line that would be pasted, shown, or handed to the user's program."""
    return envelope.wake_line(target.pending) if target.pending.unread else None


def deed(target: Target) -> str:
    """Return in words what an attempt would do that nothing objects to."""
    if target.agent.wake_by == command.NAME:
        return f"would run {command.program(os.environ)}"
    return f"would {'show' if target.agent.wake_by == notice.NAME else 'paste'}: {line(target)}"


def objection(target: Target) -> str | None:
    """Return why an attempt would be refused at once, or None. Whether the pane stays quiet is left open."""
    if not target.pending.unread:
        return "already_read"
    by, seat = target.agent.wake_by, target.session.seat if target.session else None
    if by == "none":
        return "no_wake"
    if seat is None or seat.host != os.uname().nodename or (seat.pane is None and by != command.NAME):
        return "no_pane"
    if by == command.NAME or seat.pane is None:
        return command.objection()
    if by == notice.NAME:
        return notice.objection(seat.pane)
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
        or guards.person(look)
    )
