"""The terminal of the live screen: textual draws the lines of `screen` and passes the keys to it.

All lines are in one widget, which draws only the cells that changed since the last draw.
"""

from __future__ import annotations

import asyncio
import os
import signal

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from xats.cli.kit.render import reader_gone, styled
from xats.cli.top.lines import size
from xats.cli.top.screen import Top

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from textual.app import ComposeResult

    from xats.cli.top.lines import Line
    from xats.cli.top.watch import Watch

POLL = 0.3  # seconds between two reads of the store's generation
DYING = 2  # seconds that restoring the terminal may take after a signal

# Colours of the terminal's theme. Text always says the same as a colour.
COLOURS = {"good": Style(color="green"), "warn": Style(color="yellow"), "bad": Style(color="red", bold=True)}
PLAIN = {
    "bold": Style(bold=True),
    "dim": Style(dim=True),
    "key": Style(reverse=True),
    "selected": Style(reverse=True),
    "bad": Style(bold=True),
}


class Canvas(Widget):
    """All lines of the screen."""

    DEFAULT_CSS = "Canvas { width: 100%; height: 100%; background: ansi_default; color: ansi_default; }"

    def __init__(self, top: Top, styles: dict[str, Style]) -> None:
        super().__init__()
        self._top, self._styles = top, styles
        self.lines: list[Line] = []

    def draw(self) -> None:
        """Draw the cells that changed."""
        width, height = self.size
        before, self.lines = self.lines, self._top.draw(width, height) if width and height else []
        if len(before) != len(self.lines):
            self.refresh()
            return
        changed = [
            Region(first, y, width - first, 1)
            for y, (old, new) in enumerate(zip(before, self.lines, strict=True))
            if (first := same(old, new, width)) < width
        ]
        if changed:
            self.refresh(*changed)

    def on_resize(self) -> None:
        """Draw everything again in the new size."""
        self.lines = []
        self.draw()

    def render_line(self, y: int) -> Strip:
        """Return line `y`, for textual."""
        if y >= len(self.lines):
            return Strip.blank(self.size.width)
        null = Style.null()
        return Strip([Segment(text, self._styles.get(style, null)) for text, style in self.lines[y] if text])


def same(old: Line, new: Line, width: int) -> int:
    """Return how many cells are equal at the beginning of two lines."""
    if old == new:
        return width
    cells = 0
    for (text, style), (other, other_style) in zip(old, new, strict=False):
        if (text, style) != (other, other_style):
            if style != other_style:
                return cells
            at = next((at for at, (one, two) in enumerate(zip(text, other, strict=False)) if one != two), 0)
            return cells + size(text[:at])
        cells += size(text)
    return cells


class TopApp(App[None]):
    """The live screen on a terminal."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: ansi_default; color: ansi_default; }"
    BINDINGS = [Binding("ctrl+c,ctrl+q,ctrl+d", "leave", priority=True, show=False)]  # noqa: RUF012

    def __init__(self, top: Top, *, colours: bool = True) -> None:
        super().__init__(ansi_color=True)
        self.top = top
        self.canvas = Canvas(top, {**PLAIN, **COLOURS} if colours else PLAIN)
        self.loop: asyncio.AbstractEventLoop | None = None
        self.ended_by = 0  # a signal

    def compose(self) -> ComposeResult:
        """Return the one widget."""
        yield self.canvas

    def on_mount(self) -> None:
        """Start the timer that reads the store."""
        self.animation_level = "none"
        self.loop = asyncio.get_running_loop()
        self.set_interval(POLL, self.tick)

    def tick(self) -> None:
        """Read the store, and draw if something changed."""
        if not self.is_headless and reader_gone():
            self.exit()
            return
        if not self.is_headless:
            self.measure()
        if self.top.tick():
            self.canvas.draw()

    def measure(self) -> None:
        """Follow the size of the terminal. On a busy machine its signal (SIGWINCH) was seen to get lost."""
        size = Size(*os.get_terminal_size(1))
        if size != self.size and size.area:
            self.post_message(events.Resize(size, size))

    def on_key(self, event: events.Key) -> None:
        """Pass a key to the screen."""
        event.stop()
        event.prevent_default()
        self.top.key(event.character if event.is_printable and event.character else event.key)
        if self.top.done:
            self.exit()
        else:
            self.canvas.draw()

    def action_leave(self) -> None:
        """Leave at once."""
        self.exit()

    def end(self, number: int, frame: FrameType | None) -> None:
        """Leave because of signal `number`, and restore the terminal if possible."""
        del frame
        self.ended_by = number
        signal.alarm(DYING)  # a terminal that accepts no output cannot be restored either
        if self.loop:
            self.loop.call_soon_threadsafe(self.exit)

    def panic(self, *renderables: Any) -> None:
        """Leave because of an exception. `show` raises it after it has restored the terminal."""
        del renderables
        super().panic()

    def _fatal_error(self) -> None:
        self.panic()


def show(watch: Watch) -> int:
    """Show the live screen until the person leaves it; return the exit code. Raises an exception of the screen."""
    app = TopApp(Top(watch, watch.clock), colours=styled())
    before = {number: signal.signal(number, app.end) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)}
    try:
        app.run(mouse=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if app.ended_by:
            signal.alarm(0)
    if app.ended_by:  # end by the signal, so that its sender sees that it worked
        signal.signal(app.ended_by, signal.SIG_DFL)
        os.kill(os.getpid(), app.ended_by)
    if app._exception:
        raise app._exception
    return 0
