"""Lines of a screen: styled text, cut and padded to a number of terminal cells, and tables of it.

Texts of other people have no control characters any more when they get here, and no text is markup.
"""

from __future__ import annotations

from rich.cells import cell_len

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Span = tuple[str, str]  # text, and the name of its style
    Line = tuple[Span, ...]

CUT = "…"


def size(text: str) -> int:
    """Return the number of cells that `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Return `text`, cut to `width` cells with an ellipsis if it is longer."""
    if size(text) <= width:
        return text
    if width <= 0:
        return ""
    kept, taken = [], 1
    for character in text:
        taken += size(character)
        if taken > width:
            break
        kept.append(character)
    return "".join(kept).rstrip() + CUT


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` cut or filled to exactly `width` cells; `right` aligns it to the right."""
    text = cut(text, width)
    blank = " " * (width - size(text))
    return blank + text if right else text + blank


def wrap(text: str, width: int) -> list[str]:
    """Return the line `text` in pieces of at most `width` cells, broken at spaces where possible."""
    pieces: list[str] = []
    piece, taken = "", 0
    for character in text:
        cells = size(character)
        if taken + cells > width and piece:
            left, space, begun = piece.rpartition(" ")
            if character != " " and space and left.strip():
                pieces.append(left)
                piece = begun
            else:
                pieces.append(piece)
                piece = ""
            if character == " " and not piece:
                taken = 0
                continue
            taken = size(piece)
        piece += character
        taken += cells
    return [*pieces, piece] if piece or not pieces else pieces


def fit(line: Line, width: int) -> Line:
    """Return `line` cut or filled to exactly `width` cells; the filling has the style of its end."""
    done: list[Span] = []
    left = width
    for text, style in line:
        shown = cut(text, left)
        done.append((shown, style))
        left -= size(shown)
        if shown != text:
            break
    return (*done, (" " * left, line[-1][1] if line else ""))


def justify(left: Line, right: Line, width: int) -> Line:
    """Return a line with `left` at its start and `right` at its end, without `right` if both do not fit."""
    room = width - sum(size(text) for text, _ in (*left, *right))
    return (*left, (" " * room, ""), *right) if room >= 2 else left


def rule(title: str, width: int, end: str = "") -> Line:
    """Return a rule across the screen with `title` in it, and with `end` if there is room."""
    head = f"─ {cut(title, max(1, width - 4))} "
    tail = f" {end} ─" if end and size(head) + size(end) + 6 <= width else ""
    return ((head[:2], "dim"), (head[2:], "bold"), ("─" * (width - size(head) - size(tail)), "dim"), (tail, "dim"))


def join(words: Iterable[Span], between: str = " · ") -> Line:
    """Return `words` with `between` between them."""
    found: list[Span] = []
    for word in words:
        if found:
            found.append((between, "dim"))
        found.append(word)
    return tuple(found)


# -- tables ------------------------------------------------------------------------------------------------------------


@record
class Column:
    """A column: its cells, each in one or more wordings, the longest first, and how it shrinks when room is short."""

    title: str
    cells: tuple[tuple[str, ...], ...]
    styles: tuple[str, ...] = ()  #: a style for each cell; empty: plain
    drop: int = 0  #: the column with the largest number is dropped first; 0: never
    least: int = 0  #: the least width, so that later texts move no other column
    most: int = 1000  #: the width up to which it reserves room; a longer text is cut if room is short
    right: bool = False


GAP = 2


class Widths:
    """The width that each column of a table needs. It only grows until the size changes, so columns do not move."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._width = 0

    def fit(self, columns: Sequence[Column], width: int) -> tuple[list[tuple[Column, int]], int]:
        """Return the columns that are shown, each with its width, and the gap between them, for `width` cells."""
        if width != self._width:
            self._known.clear()
            self._width = width
        wishes = {column.title: _wishes(column) for column in columns}
        needed = {column.title: self._need(column, wishes[column.title][0]) for column in columns}
        shown, gap = list(columns), GAP
        while _total(shown, needed, gap) > width:
            if gap > 1:
                gap = 1
                continue
            going = max(shown, key=lambda column: column.drop)
            if not going.drop:
                break
            shown.remove(going)
            gap = GAP
        for column in reversed(shown):  # still too wide: the last columns are cut
            over = _total(shown, needed, gap) - width
            needed[column.title] = max(1, needed[column.title] - max(0, over))
        # Room is left: a column gets a longer wording if all its cells fit. The last column takes all that is left.
        for level in range(1, max(map(len, wishes.values())) + 1):
            for column in reversed(shown):
                left = width - _total(shown, needed, gap)
                wish = wishes[column.title]
                more = wish[min(level, len(wish) - 1)] - needed[column.title]
                if more > 0 and (more <= left or column is shown[-1]):
                    needed[column.title] += min(more, left)
        return [(column, needed[column.title]) for column in shown], gap

    def _need(self, column: Column, shortest: int) -> int:
        need = max(size(column.title), column.least, min(shortest, column.most), self._known.get(column.title, 0))
        self._known[column.title] = need
        return need


def _wishes(column: Column) -> list[int]:
    """Return the widths of a column with all cells in their shortest wording, in the next longer one, and so on."""
    found = [0]
    for forms in column.cells:
        sizes = [size(form) for form in reversed(forms)]
        found += [found[-1]] * (len(sizes) - len(found))
        for level, known in enumerate(found):
            found[level] = max(known, sizes[min(level, len(sizes) - 1)])
    return found


def _total(columns: Sequence[Column], needed: dict[str, int], gap: int) -> int:
    return sum(needed[column.title] for column in columns) + gap * (len(columns) - 1)


def table(columns: Sequence[Column], width: int, widths: Widths, first: int, room: int) -> tuple[Line, list[Line]]:
    """Return the head of a table of `width` cells, and `room` of its rows beginning with row `first`.

    Every cell has the longest wording that fits.
    """
    shown, gap = widths.fit(columns, width)
    space = (" " * gap, "")
    head: list[Span] = []
    rows: list[list[Span]] = [[] for _ in columns[0].cells[first : first + room]]
    for at, (column, wide) in enumerate(shown):
        if at:
            head.append(space)
        head.append((pad(column.title, wide, right=column.right), "bold"))
        for number, row in enumerate(rows, first):
            if at:
                row.append(space)
            forms = column.cells[number]
            form = next((form for form in forms if size(form) <= wide), forms[-1])
            row.append((pad(form, wide, right=column.right), column.styles[number] if column.styles else ""))
    return tuple(head), [tuple(row) for row in rows]
