"""Lines of a screen: text in styles, cut and padded by the cells that a terminal gives to it, and tables made of it.

Whatever comes from somebody else is made visible before it gets here; nothing here is markup.
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
    """Return how many cells `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def cut(text: str, width: int) -> str:
    """Return `text`, or as much of it as fits into `width` cells and a mark that it goes on."""
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
    """Return `text` cut or filled up to exactly `width` cells; `right` puts it at the right end."""
    text = cut(text, width)
    blank = " " * (width - size(text))
    return blank + text if right else text + blank


def wrap(text: str, width: int) -> list[str]:
    """Return `text`, which is one line, in pieces of at most `width` cells, broken after spaces where it can be."""
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


def whole(line: Line, width: int) -> Line:
    """Return `line` cut or filled up to exactly `width` cells; the filling has the style of its end."""
    done: list[Span] = []
    left = width
    for text, style in line:
        shown = cut(text, left)
        done.append((shown, style))
        left -= size(shown)
        if shown != text:
            break
    return (*done, (" " * left, line[-1][1] if line else ""))


def apart(left: Line, right: Line, width: int) -> Line:
    """Return `left` at the beginning and `right` at the end of a line; `right` is left out when both do not fit."""
    room = width - sum(size(text) for text, _ in (*left, *right))
    return (*left, (" " * room, ""), *right) if room >= 2 else left


def rule(title: str, width: int, end: str = "") -> Line:
    """Return a line across the screen with `title` in it and, if there is room, `end`."""
    head = f"─ {cut(title, max(1, width - 4))} "
    tail = f" {end} ─" if end and size(head) + size(end) + 6 <= width else ""
    return ((head[:2], "dim"), (head[2:], "bold"), ("─" * (width - size(head) - size(tail)), "dim"), (tail, "dim"))


def joined(words: Iterable[Span], between: str = " · ") -> Line:
    """Return `words` one after another with `between` between them."""
    found: list[Span] = []
    for word in words:
        if found:
            found.append((between, "dim"))
        found.append(word)
    return tuple(found)


# -- tables ------------------------------------------------------------------------------------------------------------


@record
class Column:
    """A column: its cells, each in one or more wordings, the fullest first, and what gives way when room is short."""

    title: str
    cells: tuple[tuple[str, ...], ...]
    styles: tuple[str, ...] = ()  #: one for each cell; none: plain
    drop: int = 0  #: columns go in the order of this, the largest first; 0 stays
    least: int = 0  #: cells that it has at least, so that what comes later moves no other column
    most: int = 1000  #: cells that it asks for at the most; a longer wording is cut if there is no more room
    right: bool = False


GAP = 2


class Widths:
    """What each column of a table needs. It only grows until the size changes, so that columns stay where they are."""

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
        for column in reversed(shown):  # still too much: the last ones are cut
            over = _total(shown, needed, gap) - width
            needed[column.title] = max(1, needed[column.title] - max(0, over))
        # Something left: fuller wordings, where a column has room for all its own. The last column takes what it gets.
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
    """Return how wide a column is with every cell in its shortest wording, in the next one, and so on."""
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

    Every cell is in the fullest wording that fits.
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
