"""The one fixed line that is pasted: made by xats alone, never of a message's text."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.wakes import Pending

NAMES = 3  # how many senders are named
WIDTH = 90  # characters that their names may take: more would wrap in most panes


def wake_line(pending: Pending) -> str:
    """Return `xats: 2 new from alice, bob - run: xats inbox`. Names are the store's, so A-Z a-z 0-9 . _ - only."""
    named: list[str] = []
    for name in pending.names[:NAMES]:
        if named and len(", ".join([*named, name])) > WIDTH:
            break
        named.append(name)
    others = pending.senders - len(named)
    whom = ", ".join(named) + (f" and {others} more" if others > 0 else "")
    return f"xats: {pending.unread} new from {whom} - run: xats inbox"
