"""A page of the live screen: it draws itself as lines of any size, and handles keys.

It does not use the terminal. Most pages are a table with one selected row.
"""

from __future__ import annotations

from xats.cli.top.lines import Column, Widths, fit, table, wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from xats.cli.top.lines import Line, Span
    from xats.cli.top.watch import Frame, Watch

    class Screen(Protocol):
        """What a page uses of its screen (xats/cli/top/screen.py)."""

        watch: Watch
        frame: Frame

        @property
        def now(self) -> int:
            """The time in ms UTC."""

        def open(self, page: Page) -> None:
            """Put `page` in front."""

        def ask(self, question: str, work: Callable[[], str]) -> None:
            """Ask `question`, and do `work` if the answer is y."""

        def change(self, work: Callable[[], str]) -> None:
            """Do `work`, and show the sentence that it returns, or its error."""


QUIT = (("?", "help"), ("q", "quit"))


class Page:
    """A page: any number of lines, of which a part is shown."""

    keys: tuple[tuple[str, str], ...] = (
        ("q", "back"),
        ("?", "help"),
    )  # the keys in the last line, the most important last

    def __init__(self, top: Screen) -> None:
        self.top = top
        self.first = 0  # the first line that is shown
        self.room = 1  # lines that the last draw had room for
        self.filter = ""

    def read(self) -> None:
        """Read the page's data again, because the store has changed. Raises XatsError."""

    def draw(self, width: int, height: int, now: int) -> list[Line]:
        """Return the page at `now` (ms UTC) as `height` lines of `width` cells."""
        raise NotImplementedError

    def key(self, key: str) -> bool:
        """Handle `key`; return False if the page does not use it."""
        moves = {"up": -1, "k": -1, "down": 1, "j": 1, "pageup": -self.room, "pagedown": self.room}
        ends = {"home": -(1 << 30), "g": -(1 << 30), "end": 1 << 30, "G": 1 << 30}
        by = moves.get(key) or ends.get(key)
        if by is not None:
            self.move(by)
        return by is not None

    def move(self, by: int) -> None:
        """Scroll by `by` lines down, or up."""
        self.first = max(0, self.first + by)

    def scrolled(self, lines: Sequence[Line], width: int, room: int) -> list[Line]:
        """Return the part of `lines` that is shown."""
        self.room = max(1, room)
        self.first = max(0, min(self.first, len(lines) - room))
        shown = [fit(line, width) for line in lines[self.first : self.first + room]]
        return shown + [blank(width)] * (room - len(shown))


def blank(width: int) -> Line:
    """Return an empty line."""
    return ((" " * width, ""),)


def sentences(text: str, width: int, indent: str = "  ") -> list[Line]:
    """Return `text` wrapped into lines."""
    return [((f"{indent}{piece}", ""),) for piece in wrap(text, max(8, width - len(indent) - 1))]


def keys_line(keys: Sequence[tuple[str, str]], width: int) -> Line:
    """Return the last line of the screen: as many of `keys` as fit, from the end of the list."""
    shown = list(keys)
    while len(shown) > 1 and sum(len(key) + len(what) + 3 for key, what in shown) > width:
        shown.pop(0)
    spans: list[Span] = []
    for key, what in shown:
        spans += [(" ", "") if spans else ("", ""), (f" {key} ", "key"), (what, "")]
    return fit(tuple(spans), width)


class ListPage(Page):
    """A page with one selected row. It stays selected when it moves."""

    def __init__(self, top: Screen) -> None:
        super().__init__(top)
        self.at: object = None  # the key of the selected row
        self.order: list[object] = []  # the keys of all rows
        self.widths = Widths()

    def move(self, by: int) -> None:
        """Move the selection `by` rows down, or up."""
        if self.order:
            self.at = self.order[max(0, min(self._index() + by, len(self.order) - 1))]

    def _index(self) -> int:
        return self.order.index(self.at) if self.at in self.order else 0

    def set_order(self, keys: Sequence[object]) -> None:
        """Set the `keys` of the rows. If the selected row is gone, select the row in its place."""
        if self.at not in keys:
            at = min(self._index(), len(keys) - 1)
            self.at = keys[at] if keys else None
        self.order = list(keys)

    def rows(self, columns: Sequence[Column], width: int, room: int) -> list[Line]:
        """Return the head of the table and the rows that are shown: `room` lines."""
        at, self.room = self._index(), max(1, room - 1)
        self.first = max(0, min(self.first, at, len(self.order) - self.room), at - self.room + 1)
        head, rows = table(columns, width - 2, self.widths, self.first, self.room)
        lines: list[Line] = [(("  ", ""), *head)]
        for key, row in zip(self.order[self.first :], rows, strict=False):
            if key == self.at:
                lines.append((("> ", "selected"), *((text, "selected") for text, _ in row)))
            else:
                lines.append((("  ", ""), *row))
        return [*(fit(line, width) for line in lines[:room]), *[blank(width)] * (room - len(lines))]

    def matching(self, text: str) -> bool:
        """Tell whether `text` has all the words of the filter."""
        return all(word in text.lower() for word in self.filter.lower().split())
