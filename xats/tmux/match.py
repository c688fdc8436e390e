"""The text at the cursor of a pane: whether it is exactly the line that xats pasted.

This serves for a program whose composer xats does not know. White space and frames do not count, because the terminal
or the program may wrap the line.
"""

from __future__ import annotations

import re  # costs nothing more: subprocess has imported it already
import unicodedata
from binascii import crc32

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.tmux.screen import Look

_FRAME = re.compile(r"[\s\u2500-\u259f]+")  # space, boxes and bars: what an application draws around a composer


def mark_before(look: Look) -> str:
    """Return a checksum of the text before the cursor, without white space and frames, for an option of the pane."""
    return _mark(_lead(look.rows()[: look.cursor_y], _bare(_at_cursor(look)[0]), look.width))


def holds(look: Look, line: str) -> bool:
    """Say whether the text at the cursor is exactly `line` after the text from before the paste.

    `look.before` is the checksum of that text; without it the answer is no. The terminal or the program may wrap the
    line over several rows. After the cursor there may only be a frame.
    """
    found = _ending(look, line)
    if found is None:
        return False
    first, above = found
    leads = [_lead(above, first, look.width)]
    if not first and above:  # an application moves a word that does not fit behind its prompt into the next row
        leads.append(_lead(above[:-1], _bare(above[-1]), look.width))
    return look.before in map(_mark, leads)


def remains(look: Look, line: str) -> bool:
    """Say whether the text that ends at the cursor is `line`, with any text before it."""
    return _ending(look, line) is not None


def _ending(look: Look, line: str) -> tuple[str, list[str]] | None:
    """Return the text before `line` in its first row, and the rows above; None unless it ends at the cursor."""
    before, after = _at_cursor(look)
    if _bare(after):
        return None
    wanted, seen = _bare(line), _bare(before)
    above = look.rows()[: look.cursor_y]
    if not seen and not (look.cursor_x == 0 and above and _cells(above[-1]) >= look.width):
        return None  # an empty row belongs to the line only where a full row has pushed the cursor onto it
    whole = _ends(above, seen, wanted)
    return (whole.removesuffix(wanted), above) if whole else None


def broken(look: Look, line: str) -> bool:
    """Say whether Enter became a new line in the composer: `line` above, and the cursor in an indented empty row."""
    before, after = _at_cursor(look)
    if look.cursor_x == 0 or _bare(before) or _bare(after):
        return False
    return bool(_ends(look.rows()[: look.cursor_y], "", _bare(line)))


def _ends(above: list[str], seen: str, wanted: str) -> str:
    """Return the text that ends with `wanted`, from the beginning of its first row; "" if there is none.

    `seen` is the last row and `above` are the rows before it; those of the text are removed from `above`. A wrapped
    line has no empty row.
    """
    while len(seen) < len(wanted) and wanted.endswith(seen) and above:
        row = _bare(above.pop())
        if not row:
            return ""
        seen = row + seen
    return seen if wanted and seen.endswith(wanted) else ""


def _lead(above: list[str], first: str, width: int) -> str:
    """Return the text before a position: `first` in its row, and the row above where that may belong to it.

    It may be a wrapped draft: the terminal wraps it in a full row, a program anywhere. A program does not wrap a draft
    right behind its prompt, because the prompt begins each row.
    """
    row = _bare(above[-1]) if above else ""
    if not first:
        return f"\n{row}"
    return row + first if above and _cells(above[-1]) >= width else first


def _mark(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def _at_cursor(look: Look) -> tuple[str, str]:
    """Return the text before and after the cursor in its row."""
    rows = look.rows()
    row = rows[look.cursor_y] if look.cursor_y < len(rows) else ""
    cells = 0
    for index, char in enumerate(row):
        if cells >= look.cursor_x and _cells(char):
            return row[:index], row[index:]
        cells += _cells(char)
    return row, ""


def _bare(text: str) -> str:
    return _FRAME.sub("", text)


def _cells(text: str) -> int:
    """Return how many cells of the screen `text` takes (Unicode TR 11; combining and format characters take none)."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.category(char) in ("Mn", "Me", "Cf") for char in text)
