"""The live screen without its terminal: the stack of pages, questions, the filter, and the lines below the page.

`app` connects it to a terminal: it asks for the lines of a size, passes keys, and calls `tick`.
"""

from __future__ import annotations

import time

from xats.base.errors import XatsError
from xats.cli.kit.render import one_line
from xats.cli.top.help import HelpPage
from xats.cli.top.lines import fit, wrap
from xats.cli.top.page import ListPage, Page, keys_line
from xats.cli.top.team import TeamPage
from xats.store.sqlite.engine import host_clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.cli.top.lines import Line
    from xats.cli.top.watch import Frame, Watch

ROOMY = 14  # lines of a screen from which on a message has lines of its own above the keys
MESSAGE_TIME = 15.0  # seconds that a message stays, unless a key is pressed
OFTEN, SELDOM = 1.0, 10.0  # seconds between two draws while the screen shows seconds, or only minutes
SECONDS = 120_000  # ms up to which a duration is shown in seconds


class Top:
    """The live screen: its pages, and what a key does."""

    def __init__(self, watch: Watch, clock: Callable[[], int] = host_clock) -> None:
        """Read the store once. `clock` returns ms UTC. Raises XatsError when the store cannot be read."""
        self.watch = watch
        self.clock = clock
        self.frame: Frame = watch.look()
        self.pages: list[Page] = [TeamPage(self)]
        self.done = False
        self._said = ("", "")  # text and style
        self._said_at = 0.0
        self._trouble = ""  # why the page may be out of date
        self._question: Callable[[], str] | None = None
        self._typing = False  # a filter
        self._drawn = 0.0

    @property
    def now(self) -> int:
        """The time in ms UTC."""
        return self.clock()

    @property
    def page(self) -> Page:
        """The page in front."""
        return self.pages[-1]

    # -- the store -----------------------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Read the store if it has changed; return whether to draw again."""
        before = self._trouble
        try:
            if self.watch.changed():
                self._read()
                return True
            self._trouble = ""
        except XatsError as problem:
            self._trouble = error_line(problem)
        waited = time.monotonic() - self._drawn
        return self._trouble != before or waited >= (OFTEN if self._ticking() else SELDOM)

    def _read(self) -> None:
        self.frame = self.watch.look()
        self._trouble = ""
        try:
            self.page.read()
        except XatsError as problem:
            self.say(error_line(problem), "bad")

    def _ticking(self) -> bool:
        """Tell whether the screen shows a duration that changes every second."""
        now = self.now
        times = [self.frame.daemon_since]
        for one in self.frame.agents:
            wake = one.details.wake
            times += [one.details.oldest_unread_at, one.details.agent.seen_at, wake.next_attempt_at if wake else None]
        return any(at is not None and abs(at - now) < SECONDS for at in times)

    def change(self, work: Callable[[], str]) -> None:
        """Do `work`, and show the sentence that it returns, or its error."""
        try:
            self.say(work(), "good")
        except (XatsError, OSError) as problem:
            self.say(error_line(problem), "bad")
        try:
            self._read()
        except XatsError as problem:
            self._trouble = error_line(problem)

    # -- pages --------------------------------------------------------------------------------------------------------

    def open(self, page: Page) -> None:
        """Put `page` in front, unless its data cannot be read."""
        try:
            page.read()
        except XatsError as problem:
            self.say(error_line(problem), "bad")
        else:
            self.pages.append(page)

    def back(self) -> None:
        """Go back to the page below; from the first one, leave."""
        if len(self.pages) == 1:
            self.done = True
            return
        self.pages.pop()
        self.reread()

    def reread(self) -> None:
        """Read the data of the page in front again: it may be out of date."""
        try:
            self.page.read()
        except XatsError as problem:
            self._trouble = error_line(problem)

    def say(self, text: str, style: str = "") -> None:
        """Show `text` above the keys, until a key is pressed."""
        self._said, self._said_at = (text, style), time.monotonic()

    def ask(self, question: str, work: Callable[[], str]) -> None:
        """Ask `question`, and do `work` if the answer is y."""
        self._question = work
        self.say(f"{question}  y / n", "bold")

    # -- keys ----------------------------------------------------------------------------------------------------------

    def key(self, key: str) -> None:
        """Handle `key`: a printable character, or a name such as `up`, `enter` or `escape`."""
        self._said = ("", "")
        if self._question:
            work, self._question = self._question, None
            if key in ("y", "Y"):
                self.change(work)
            else:
                self.say("nothing was done")
        elif self._typing:
            self._type(key)
        elif self.page.key(key):
            pass
        elif key == "q":
            self.back()
        elif key == "escape" and self.page.filter:
            self.page.filter = ""
        elif key == "escape" and len(self.pages) > 1:
            self.back()
        elif key == "?" and not isinstance(self.page, HelpPage):
            self.open(HelpPage(self))
        elif key == "/" and isinstance(self.page, ListPage):
            self._typing = True

    def _type(self, key: str) -> None:
        page = self.page
        if key == "escape":
            page.filter, self._typing = "", False
        elif key == "enter":
            self._typing = False
        elif key in ("up", "down"):
            page.key(key)
        elif key == "backspace":
            page.filter = page.filter[:-1]
        elif len(key) == 1 and len(page.filter) < 60:
            page.filter += key

    # -- drawing -------------------------------------------------------------------------------------------------------

    def draw(self, width: int, height: int) -> list[Line]:
        """Return `height` lines of `width` cells."""
        self._drawn = time.monotonic()
        foot = keys_line(self.page.keys, width)
        message = self._message()
        below: list[Line] = [foot]
        if height >= ROOMY:  # an error with its fix needs several lines
            below = [*(((f" {text}", message[1]),) for text in wrap(message[0], max(8, width - 2))[:3]), foot]
        elif message[0]:
            below = [((f" {message[0]}", message[1]),)]
        if height <= 2:
            below = below[:0]
        lines = self.page.draw(width, height - len(below), self.now)
        return [fit(line, width) for line in [*lines, *below]]

    def _message(self) -> tuple[str, str]:
        if self._typing:
            return f"filter: {one_line(self.page.filter)}_   Enter keeps it, Esc shows everything", "bold"
        if self._said[0] and (self._question or time.monotonic() - self._said_at < MESSAGE_TIME):
            return self._said
        if self._trouble:
            return f"this page may be out of date: {self._trouble}", "bad"
        if self.page.filter:
            return f"filter: {one_line(self.page.filter)}   Esc shows everything", ""
        return "", ""


def error_line(problem: Exception) -> str:
    """Return an error and its fix in one line."""
    hint: str = getattr(problem, "hint", "")
    fix = f"  try: {hint}" if hint.startswith("xats ") else f"  {hint}" if hint else ""
    return one_line(f"{problem}{fix}")
