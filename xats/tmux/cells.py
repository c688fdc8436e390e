"""A captured screen as text and faint text: programs draw placeholders faint, and what a person types bright.

Faint means dim or grey. Where a client's profile names other colours for the placeholder, it means these colours. Each
character also keeps its strongest attribute: inverse, a coloured ground, or dim.

tmux's `capture-pane -e` writes SGR sequences (ECMA-48) wherever the style changes; a style goes on into the next row.
"""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# Nearly black is text on a bright ground: on a dark one a placeholder of that colour could not be read.
GREYS = frozenset((8, *range(238, 252)))  # of the 256 colours: bright black, and the middle of the grey ramp
GREY_SPREAD, GREY_LEAST, GREY_MOST = 12, 68, 190  # of a 24-bit colour: how its parts may differ, how bright it may be
COLOURS = (38, 48, 58)  # SGR codes that an extended colour follows: text, ground, underline
FAINT, PLAIN, OTHER = "-", " ", "+"
INVERSE, GROUND, DIM, NORMAL = "7", "4", "2", " "


@record
class Row:
    """One row of a screen. `bright` is `text` with the faint characters replaced by spaces.

    `drawn` says of each character, spaces too, how it is drawn: FAINT, PLAIN (in the default colour), or OTHER. `marks`
    has the attribute of each: INVERSE, else GROUND (a coloured background), else DIM, else NORMAL.
    """

    text: str
    bright: str
    drawn: str
    marks: str


def rows(screen: str, colours: Collection[str] = ()) -> list[Row]:
    """Return the rows of a screen captured with its styles.

    Each of `colours` is the parameters of an SGR sequence that sets the foreground. If there are any, only text in one
    of them is faint.
    """
    found = []
    style = _Style(colours)
    for line in screen.split("\n"):
        text = bright = drawn = marks = ""
        for part, how, mark in _parts(line, style):
            text += part
            bright += " " * len(part) if how == FAINT else part
            drawn += how * len(part)
            marks += mark * len(part)
        # Only spaces are stripped: some prompts end with another kind of blank, and lists do not.
        found.append(Row(text.rstrip(" "), bright.rstrip(" "), drawn, marks))
    return found


def _parts(line: str, style: _Style) -> Iterator[tuple[str, str, str]]:
    """Yield the runs of `line` that have one style, each with how it is drawn and its attribute."""
    first, *others = line.split("\x1b[")
    if first:
        yield first, style.drawn, style.mark
    for other in others:
        codes, ended, text = other.partition("m")
        if ended:
            style.change(codes)
        if text:
            yield text, style.drawn, style.mark


class _Style:
    """The part of the SGR state that tells whether text is faint, inverse or on a coloured ground."""

    def __init__(self, colours: Collection[str]) -> None:
        self.colours, self.colour = colours, "39"
        self.dim = self.grey = self.inverse = self.ground = False

    @property
    def drawn(self) -> str:
        faint = self.colour in self.colours if self.colours else self.dim or self.grey
        return FAINT if faint else PLAIN if self.colour == "39" else OTHER

    @property
    def mark(self) -> str:
        return INVERSE if self.inverse else GROUND if self.ground else DIM if self.dim else NORMAL

    def change(self, codes: str) -> None:
        """Apply the parameters of one SGR sequence."""
        left: list[int] = []
        for one in codes.split(";"):
            code, *more = [int(part) for part in one.split(":") if part.isdigit()] or [0]
            if not more or code in COLOURS:  # the others, as in 4:2, describe an underline
                left += [code, *more]
        while left:
            code = left.pop(0)
            if code in COLOURS:
                given = list(left)
                grey = _grey(left)
                if code == 38:
                    self.grey = grey
                    self.colour = ";".join(str(one) for one in (38, *given[: len(given) - len(left)]))
                elif code == 48:
                    self.ground = True
            elif code == 0:
                self.dim = self.grey = self.inverse = self.ground = False
                self.colour = "39"
            elif code in (2, 22):
                self.dim = code == 2
            elif code in (7, 27):
                self.inverse = code == 7
            elif 40 <= code <= 49 or 100 <= code <= 107:
                self.ground = code != 49
            elif 30 <= code <= 39 or 90 <= code <= 97:
                self.grey = code == 90
                self.colour = str(code)


def _grey(left: list[int]) -> bool:
    """Remove an extended colour from the front of `left`; tell whether it is grey."""
    kind = left.pop(0) if left else 0
    size = {5: 1, 2: 3}.get(kind, 0)
    parts, left[:] = left[:size], left[size:]
    if kind == 5:
        return bool(parts) and parts[0] in GREYS
    return len(parts) == 3 and max(parts) - min(parts) <= GREY_SPREAD and GREY_LEAST <= max(parts) <= GREY_MOST
