"""The transport for people, and for agents into whose pane nothing may be typed: tmux shows the line on the screen.

It is shown on every terminal that shows the agent's pane. daemon/badges.py keeps the number of unread messages in an
option of the pane.
"""

from __future__ import annotations

from xats.delivery.transports import Delivered, Refused, Skipped
from xats.tmux import gone, notice
from xats.tmux.errors import NoPane, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.core.waking.reasons import Reason
    from xats.delivery.transports import Request, Result

NAME = "notice"


def deliver(request: Request) -> Result:
    """Show the line on every terminal that shows the pane of the session. If there is none: `not_shown`."""
    pane = request.session.seat.pane
    assert pane
    text = request.line()
    if text is None:
        return Skipped("already_read")
    try:
        clients = notice.show(pane, text)
    except (NoPane, TmuxUnavailable) as problem:
        return Refused(gone.reason(pane, problem), str(problem))
    if not clients:
        return Refused("not_shown")
    return Delivered(f"shown on {', '.join(clients)}")


def objection(pane: Pane) -> Reason | None:
    """Return why an attempt would be refused at once; None: it would not."""
    try:
        return None if notice.viewers(pane) else "not_shown"
    except (NoPane, TmuxUnavailable) as problem:
        return gone.reason(pane, problem)
