"""The one fixed line that wakes an agent. xats builds it; it never contains text of a message."""

from __future__ import annotations

from xats.base import calling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.waking.wakes import Pending

NAMES = 3  # senders that the line names
WIDTH = 90  # characters that their names may take; more would wrap in most panes
MENU = "@"  # opens a file menu in the composers of most agent programs
LONGEST = 200  # characters of the whole line: it is pasted at once, and xats must find it on the screen


def wake_line(pending: Pending, xats_path: str | None = None) -> str:
    """Return `xats: 2 new from alice, bob - run: xats inbox`. The store's names contain only A-Z a-z 0-9 . _ and -.

    `xats_path` is how the agent's shell calls xats; None: not known. A long path leaves no room for names. The line
    leaves out a path that cannot be pasted (`can_name`).
    """
    call = f"{calling.RUN}{calling.spelled(xats_path if can_name(xats_path) else None)} inbox"
    line = f"xats: {pending.unread} new from {senders(pending)} {call}"
    return line if len(line) <= LONGEST else f"xats: {pending.unread} new {call}"


def can_name(xats_path: str | None) -> bool:
    """Tell whether the line can contain `xats_path`: plain ASCII, short enough, and nothing that opens a file menu."""
    word = calling.spelled(xats_path)
    return word.isascii() and MENU not in word and len(word) <= LONGEST - len(f"xats: {10**9} new {calling.RUN} inbox")


def senders(pending: Pending) -> str:
    """Return the names of the first senders of unread mail, and how many more there are."""
    named: list[str] = []
    for name in pending.names[:NAMES]:
        if named and len(", ".join([*named, name])) > WIDTH:
            break
        named.append(name)
    others = pending.senders - len(named)
    return ", ".join(named) + (f" and {others} more" if others > 0 else "")
