"""The transport for people, and for agents that must not be typed at: their terminal tells them. Nothing is typed.

The line is shown on every terminal on which the agent's pane can be seen. How much is unread stands in the option
`@xats_unread` of the pane, for a status line: `#{@xats_unread}`. The option is kept true by daemon/badges.py. Beside it
`@xats_unread_of` names the path of the store that set it, so that a store which was made anew there, or put back from a
backup, finds the badges that are not true any more.
"""

from __future__ import annotations

import os
from binascii import crc32

from xats.base.errors import NoPane, TmuxUnavailable
from xats.base.pane import Pane
from xats.core.waking import reasons
from xats.delivery.transports import Delivered, Refused, Skipped
from xats.tmux import gone, notice
from xats.tmux import pane as panes
from xats.tmux.server import run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.waking.reasons import Reason
    from xats.delivery.transports import Result

NAME = "notice"
UNREAD, OWNER = "@xats_unread", "@xats_unread_of"
_BADGE = f"#{{{OWNER}}}|#{{pid}}|#{{start_time}}|#{{pane_id}}|#{{pane_pid}}|#{{pane_tty}}"


def deliver(pane: Pane, line: Callable[[], str | None]) -> Result:
    """Show `line()` wherever `pane` can be seen, or say why not. Nobody looks: `not_shown`."""
    text = line()
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
    """Return why an attempt would be refused at once, or None."""
    try:
        return None if notice.viewers(pane) else "not_shown"
    except (NoPane, TmuxUnavailable) as problem:
        return gone.reason(pane, problem)


def is_gone(pane: Pane, problem: NoPane | TmuxUnavailable) -> bool:
    """Tell whether `pane`, about which tmux said `problem`, is known to be gone."""
    return gone.reason(pane, problem) in reasons.GONE


def set_unread(pane: Pane, count: int, store: str) -> None:
    """Set the badge of `pane`, for the store at path `store`, to `count`; nothing unread takes it away.

    Raises NoPane (also when it is another pane by now), TmuxGone, TmuxUnavailable.
    """
    if count:
        panes.mark(pane, OWNER, _owner(store))
        panes.mark(pane, UNREAD, str(count))
    else:
        panes.unmark(pane, UNREAD)
        panes.unmark(pane, OWNER)


def badges(socket: str, store: str) -> list[Pane]:
    """Return the panes of the tmux server at `socket` that have a badge of the store at path `store`.

    Raises TmuxGone, TmuxUnavailable.
    """
    found = []
    for line in run(socket, "list-panes", "-a", "-F", _BADGE).splitlines():
        owner, *rest = line.split("|", 5)
        if owner == _owner(store) and len(rest) == 5 and all(one.isdigit() for one in (rest[0], rest[1], rest[3])):
            found.append(Pane(socket, int(rest[0]), int(rest[1]), rest[2], int(rest[3]), rest[4]))
    return found


def _owner(store: str) -> str:
    return f"{crc32(os.path.realpath(store).encode('utf-8', 'surrogateescape')):08x}"
