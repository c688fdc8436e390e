"""The transport for people, and for agents that must not be typed at: their terminal tells them. Nothing is typed.

The line is shown on every terminal on which the agent's pane can be seen. How much is unread stands in the option
`@xats_unread` of the pane, for a status line: `#{@xats_unread}`. The option is kept true by daemon/badges.py.
"""

from __future__ import annotations

from xats.delivery.transports import Result
from xats.errors import NoPane, TmuxUnavailable
from xats.tmux import gone, notice
from xats.tmux import pane as panes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.pane import Pane

NAME = "notice"
UNREAD = "@xats_unread"


def deliver(pane: Pane, line: Callable[[], str | None]) -> Result:
    """Show `line()` wherever `pane` can be seen, or say why not. Nobody looks: `not_shown`."""
    text = line()
    if text is None:
        return Result("skipped", "already_read")
    try:
        clients = notice.show(pane, text)
    except (NoPane, TmuxUnavailable) as problem:
        return Result("refused", gone.reason(pane, problem), str(problem))
    if not clients:
        return Result("refused", "not_shown")
    return Result("delivered", None, f"shown on {', '.join(clients)}")


def objection(pane: Pane) -> str | None:
    """Return why an attempt would be refused at once, or None."""
    try:
        return None if notice.viewers(pane) else "not_shown"
    except (NoPane, TmuxUnavailable) as problem:
        return gone.reason(pane, problem)


def set_unread(pane: Pane, count: int) -> None:
    """Set the option @xats_unread of `pane` to `count`; nothing unread unsets it.

    Raises NoPane (also when it is another pane by now), TmuxGone, TmuxUnavailable.
    """
    if count:
        panes.mark(pane, UNREAD, str(count))
    else:
        panes.unmark(pane, UNREAD)
