"""The one fixed line that is pasted: made by xats alone, never of a message's text."""

from __future__ import annotations

from xats.base import calling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.waking.wakes import Pending

NAMES = 3  # how many senders are named
WIDTH = 90  # characters that their names may take: more would wrap in most panes
MENU = "@"  # opens a menu of files in the composers of most agent programs
LONGEST = 200  # characters of the whole line, which is pasted at once and has to be found on the screen again


def wake_line(pending: Pending, xats_path: str | None = None) -> str:
    """Return `xats: 2 new from alice, bob - run: xats inbox`. Names are the store's, so A-Z a-z 0-9 . _ - only.

    `xats_path` is how the agent's shell calls xats, None where that is not known. A long path leaves no room for names.
    One that cannot be pasted is not named (`can_name`).
    """
    call = f"{calling.RUN}{calling.spelled(xats_path if can_name(xats_path) else None)} inbox"
    line = f"xats: {pending.unread} new from {_senders(pending)} {call}"
    return line if len(line) <= LONGEST else f"xats: {pending.unread} new {call}"


def can_name(xats_path: str | None) -> bool:
    """Tell whether the line can name `xats_path`: it is of plain ASCII, short enough, and opens no menu of files."""
    word = calling.spelled(xats_path)
    return word.isascii() and MENU not in word and len(word) <= LONGEST - len(f"xats: {10**9} new {calling.RUN} inbox")


def _senders(pending: Pending) -> str:
    named: list[str] = []
    for name in pending.names[:NAMES]:
        if named and len(", ".join([*named, name])) > WIDTH:
            break
        named.append(name)
    others = pending.senders - len(named)
    return ", ".join(named) + (f" and {others} more" if others > 0 else "")
