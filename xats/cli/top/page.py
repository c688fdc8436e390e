"""A page of the live screen: it draws itself as so many lines, for any size, and says what a key does.

It knows no terminal. Most pages are a table of which one row is selected.
"""

from __future__ import annotations

from xats.cli.top.lines import Column, Widths, table, whole, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from xats.cli.top.lines import Line, Span
    from xats.cli.top.watch import Frame, Watch

    class Screen(Protocol):
        """What a page needs of the screen that it is on (xats/cli/top/screen.py)."""

        watch: Watch
        frame: Frame

        @property
        def now(self) -> int:
            """The time in ms UTC."""

        def open(self, page: Page) -> None:
            """Put `page` in front."""

        def ask(self, question: str, work: Callable[[], str]) -> None:
            """Do `work` if `question` is answered with y."""

        def change(self, work: Callable[[], str]) -> None:
            """Do `work`, which returns what it did; say so, or why not."""


QUIT = (("?", "help"), ("q", "quit"))


class Page:
    """A page: lines between a head and a foot, more or fewer of them than there is room for."""

    keys: tuple[tuple[str, str], ...] = (("q", "back"), ("?", "help"))  # what the foot says, the dearest last

    def __init__(self, top: Screen) -> None:
        self.top = top
        self.first = 0  # the first line that is shown
        self.room = 1  # lines that there was room for
        self.filter = ""

    def read(self) -> None:
        """Read again what is shown: the store has changed. Raises XatsError."""

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return `height` lines of `width` cells as they are at `now` (ms UTC)."""
        raise NotImplementedError

    def key(self, key: str) -> bool:
        """Do what `key` says; return False when it says nothing here."""
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -self.room, "pagedown": self.room}
        ends = {"home": -(1 << 30), "g": -(1 << 30), "end": 1 << 30, "G": 1 << 30}
        by = moves.get(key) or ends.get(key)
        if by is not None:
            self.move(by)
        return by is not None

    def move(self, by: int) -> None:
        """Go `by` lines down, or up."""
        self.first = max(0, self.first + by)

    def scrolled(self, lines: Sequence[Line], width: int, room: int) -> list[Line]:
        """Return those of `lines` that are in sight."""
        self.room = max(1, room)
        self.first = max(0, min(self.first, len(lines) - room))
        shown = [whole(line, width) for line in lines[self.first : self.first + room]]
        return shown + [blank(width)] * (room - len(shown))


def blank(width: int) -> Line:
    """Return an empty line."""
    return ((" " * width, ""),)


def sentences(text: str, width: int, indent: str = "  ") -> list[Line]:
    """Return `text` in lines that fit."""
    return [((f"{indent}{piece}", ""),) for piece in wrap(text, max(8, width - len(indent) - 1))]


def keys_line(keys: Sequence[tuple[str, str]], width: int) -> Line:
    """Return the foot: as many of `keys` as fit, the dearest last."""
    shown = list(keys)
    while len(shown) > 1 and sum(len(key) + len(what) + 3 for key, what in shown) > width:
        shown.pop(0)
    spans: list[Span] = []
    for key, what in shown:
        spans += [(" ", "") if spans else ("", ""), (f" {key} ", "key"), (what, "")]
    return whole(tuple(spans), width)


class ListPage(Page):
    """A page of which one row is selected. It stays selected wherever it moves to."""

    def __init__(self, top: Screen) -> None:
        super().__init__(top)
        self.at: object = None  # the key of the selected row
        self.order: list[object] = []  # the keys of all rows
        self.widths = Widths()

    def move(self, by: int) -> None:
        """Go `by` rows down, or up, and select that one."""
        if self.order:
            self.at = self.order[max(0, min(self._index() + by, len(self.order) - 1))]

    def _index(self) -> int:
        return self.order.index(self.at) if self.at in self.order else 0

    def ordered(self, keys: Sequence[object]) -> None:
        """Take `keys` as those of the rows; when the selected one is gone, the one in its place is selected."""
        if self.at not in keys:
            at = min(self._index(), len(keys) - 1)
            self.at = keys[at] if keys else None
        self.order = list(keys)

    def rows(self, columns: Sequence[Column], width: int, room: int) -> list[Line]:
        """Return the head of the table and the rows in sight, `room` lines altogether."""
        at, self.room = self._index(), max(1, room - 1)
        self.first = max(0, min(self.first, at, len(self.order) - self.room), at - self.room + 1)
        head, rows = table(columns, width - 2, self.widths, self.first, self.room)
        lines: list[Line] = [(("  ", ""), *head)]
        for key, row in zip(self.order[self.first :], rows, strict=False):
            if key == self.at:
                lines.append((("> ", "selected"), *((text, "selected") for text, _ in row)))
            else:
                lines.append((("  ", ""), *row))
        return [*(whole(line, width) for line in lines[:room]), *[blank(width)] * (room - len(lines))]

    def matching(self, text: str) -> bool:
        """Tell whether `text` has all the words of the filter."""
        return all(word in text.lower() for word in self.filter.lower().split())
