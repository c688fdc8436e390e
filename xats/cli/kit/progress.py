"""The progress of long work: a bar on stderr, for a person at a terminal and for nobody else.

Work that ends within DELAY seconds shows nothing. The bar is removed at the end. rich draws it, and is imported only
then.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, TypeVar

    T = TypeVar("T")

DELAY = 0.5  # seconds


class Progress:
    """The progress of one piece of work, as a context. Without a terminal at stderr it shows nothing.

    `what` says what is done, such as "importing"; `total` is the number of steps, None if nobody knows it.
    """

    def __init__(self, what: str, total: float | None = None, *, quiet: bool = False) -> None:
        self._what, self._total, self._done = what, total, 0.0
        self._due = time.monotonic() + DELAY
        self._shows = not quiet and visible()
        self._bar: Any = None

    def __enter__(self) -> Progress:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.end()

    def end(self) -> None:
        """Remove the bar for good."""
        self._shows = False
        if self._bar:
            self._bar.stop()
            self._bar = None

    def add(self, steps: float = 1) -> None:
        """Record that `steps` more were done."""
        self._done += steps
        if self._shows:
            self._draw()

    def reach(self, done: float, total: float) -> None:
        """Record that `done` of `total` steps are done."""
        self._total, self._done = total, done
        self.add(0)

    def each(self, things: Iterable[T]) -> Iterator[T]:
        """Yield `things`; each of them is one step."""
        for thing in things:
            yield thing
            self.add()

    def bytes_of(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Yield `lines`; each of their bytes is one step."""
        for line in lines:
            yield line
            self.add(len(line))

    def _draw(self) -> None:
        if self._bar is None and time.monotonic() >= self._due:
            self._bar = _bar()
            self._task = self._bar.add_task(self._what, total=self._total)
            self._bar.start()
        if self._bar:
            self._bar.update(self._task, completed=self._done, total=self._total)


def visible() -> bool:
    """Tell whether a person sees progress: stderr is a terminal that can move its cursor."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def _bar() -> Any:
    """Return the bar of rich, with the columns that fit into the terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, no_color=bool(os.environ.get("NO_COLOR")))
    width = max(10, min(40, console.width - 45))
    columns = (
        SpinnerColumn("line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(width),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=console, transient=True, redirect_stdout=False)
