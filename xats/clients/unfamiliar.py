"""A program without a profile: its state as far as the rows around the cursor show it, which is little.

Many such programs hide the cursor and park it below their last row, in front of a dialog or a login. A state that xats
cannot see is unknown, and then xats types nothing.
"""

from __future__ import annotations

import re  # at no cost: subprocess has imported it already

from xats.tmux.cells import GROUND, INVERSE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.tmux.cells import Row
    from xats.tmux.screen import Look

NEAR = 3  # rows above and below the cursor in which a choice may be offered
CHOICES = (
    re.compile(r"^[\s│┃|]*[❯›>➜→▶▸►●◉◯⦿*]\s*\(?\d{1,2}[.):](\s|$)"),  # a pointer at a numbered line
    re.compile(r"\(?\by\b\)?(es)?\s*/\s*\(?n\b\)?o?", re.IGNORECASE),  # [y/N], (Y)es/(N)o
    re.compile(r"\byes\s*/\s*no\b", re.IGNORECASE),
    re.compile(r"\b(press|hit)\s+(any key|enter|return)\b", re.IGNORECASE),
)


def seen(screen: Sequence[Row], look: Look) -> tuple[str, str | None, str]:
    """Return the state, the words beside the cursor, and the sign that decided: the fields of a View."""
    y = look.cursor_y
    if not 0 <= y < len(screen):
        return "unknown", None, "the cursor is outside the screen"
    if not look.cursor:
        return "unknown", None, "the terminal's cursor is hidden"
    if look.alternate_on:
        return "unknown", None, "it fills the screen, as an editor does (alternate screen)"
    for number, row in enumerate(screen[max(0, y - NEAR) : y + NEAR + 1], max(0, y - NEAR) + 1):
        if found := choice(row.text):
            return "unknown", None, f"{found!r} in row {number}, near the cursor"
        if is_raised(row):
            return "unknown", None, f"row {number}, near the cursor, is highlighted"
    words = "".join(one if one.isalnum() else " " for one in screen[y].bright).strip()
    if words:
        return "draft", words, f"words beside the cursor, in row {y + 1}"
    if any(one.isalnum() for one in screen[y].text):
        return "unknown", None, f"faint words beside the cursor, in row {y + 1}"
    return "idle", "", f"the cursor is in row {y + 1}, which has no words"


def choice(text: str) -> str:
    """Return the part of a row that offers a choice, such as a number with a pointer or `[y/N]`; "" for none."""
    return next((" ".join(found[0].split()) for one in CHOICES if (found := one.search(text))), "")


def is_raised(row: Row) -> bool:
    """Tell whether words of `row` are inverse or on a coloured ground, as the chosen line of a list is."""
    raised = "".join(
        char if mark in (INVERSE, GROUND) else " " for char, mark in zip(row.text, row.marks, strict=False)
    )
    return any(len(word) > 1 and any(map(str.isalnum, word)) for word in raised.split())


def kept(screen: Sequence[Row], look: Look) -> int:
    """Return how many rows must stay the same for the pane to be quiet: those down to the end of the cursor's block.

    Below the first row without words a program shows its status, and there a clock may tick.
    """
    below = range(look.cursor_y + 1, len(screen))
    return next((y for y in below if not any(map(str.isalnum, screen[y].text))), len(screen))
