"""The only place that prints. Data goes to stdout, words to people to stderr.

A terminal gets tables and a little colour, a pipe gets tab-separated lines, `--json` gets one document. rich is
imported to draw tables on a terminal and for nothing else.
"""

from __future__ import annotations

import errno
import os
import sys

from xats.base import visible as shown
from xats.base.jsontext import SCHEMA_VERSION, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from rich.console import OverflowMethod

    from xats.base.errors import XatsError

WIDEST = 1 << 20  # columns of a table in a pipe, where nothing has to be cut
BIDI = shown.BIDI
visible, one_line = shown.visible, shown.one_line


def put(text: str) -> None:
    """Write `text` and a newline to stdout, and flush."""
    stream((text,))


def reader_gone() -> bool:
    """Tell whether the reader of stdout has gone, without writing to stdout."""
    import select

    poll = select.poll()
    poll.register(1, 0)  # poll always reports errors and hang-ups
    return any(found & (select.POLLERR | select.POLLHUP) for _, found in poll.poll(0))


def say(text: str) -> None:
    """Write a line for a person to stderr. A stderr that nothing reads is no reason to fail."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(text + "\n")
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Python would fail over it once more when it flushes at exit


def note(text: str) -> None:
    """Write a remark for a person to stderr: indented, and on a terminal folded between words."""
    text, columns = f"  {one_line(text)}", width()
    if columns:
        import textwrap

        text = textwrap.fill(
            text, max(columns - 1, 20), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
    say(text)


def warn(text: str) -> None:
    """Write a warning for a person to stderr."""
    say(f"xats: warning: {text}")


def json_line(value: object, *, terminal: bool | None = None) -> str:
    """Return `value` as JSON for stdout; `terminal` says whether the output is a terminal, if it is not stdout."""
    text = to_json(value)
    if terminal if terminal is not None else on_terminal():
        # JSON may hold DEL, C1 and bidi controls as they are; a terminal may not.
        text = text.translate({code: f"\\u{code:04x}" for code in (0x7F, *range(0x80, 0xA0), *BIDI)})
    return text


def stream(lines: Iterable[str]) -> None:
    """Write `lines` to stdout, each as soon as it comes, and flush. Raises OSError if that fails."""
    if sys.stdout is None:
        msg = "Standard output is closed"
        raise OSError(errno.EBADF, msg)
    try:
        for line in lines:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        msg = f"Standard output cannot be written: {problem.strerror}"
        raise OSError(problem.errno, msg) from problem


def ask(question: str) -> bool:
    """Ask a person on stderr, and return whether the answer is `y` or `yes`."""
    return _answer(f"{question} [y/N] ") in ("y", "yes")


def choose(question: str, letters: str) -> str | None:
    """Ask a person on stderr for one of `letters`. Any other answer is None, the default."""
    answer = _answer(f"{question} [{'/'.join(letters)}/N] ")
    return answer if len(answer) == 1 and answer in letters else None


def can_ask() -> bool:
    """Tell whether a person can see a question and answer it: stdin and stderr are terminals."""
    return os.isatty(0) and os.isatty(2)


def _answer(prompt: str) -> str:
    """Return the answer of a person in lower case, and end its line, also after Ctrl-C and Ctrl-D."""
    sys.stderr.write(prompt)
    sys.stderr.flush()
    answer = ""
    try:
        answer = sys.stdin.readline()
    finally:
        if not answer.endswith("\n"):
            say("")
    return answer.strip().lower()


def document(value: dict[str, Any]) -> None:
    """Print one JSON document, with the version of its form."""
    put(json_line({"schema_version": SCHEMA_VERSION, **value}))


def error(problem: XatsError, *, json: bool) -> None:
    """Write to stderr what went wrong, why, and the command that fixes it."""
    if json:
        body = {"code": problem.code, "message": str(problem), "hint": problem.hint, **problem.data}
        say(
            json_line(
                {"schema_version": SCHEMA_VERSION, "error": body},
                terminal=sys.stderr is not None and sys.stderr.isatty(),
            )
        )
        return
    say(f"xats: {one_line(str(problem))}")
    if problem.hint:
        say(f"  try: {one_line(problem.hint)}" if problem.hint.startswith("xats ") else f"  {one_line(problem.hint)}")


def on_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int:
    """Return the number of columns of the terminal at stdout, or COLUMNS if that is set; 0 if stdout is no terminal.

    It is what shutil.get_terminal_size returns, whose import costs 5 ms.
    """
    if not on_terminal():
        return 0
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    except (OSError, ValueError):  # a terminal in name only, as in tests
        return 80


def styled() -> bool:
    """Tell whether stdout may carry colour, by the rules of no-color.org."""
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Return `text` in bold where colour is allowed."""
    return f"\x1b[1m{text}\x1b[0m" if styled() else text


def dim(text: str) -> str:
    """Return `text` dimmed where colour is allowed."""
    return f"\x1b[2m{text}\x1b[0m" if styled() else text


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, stretch: Sequence[str] = ()) -> None:
    """Print `rows`: a table on a terminal, tab-separated lines without headers in a pipe.

    On a narrow terminal the columns named in `stretch` become narrow first.
    """
    if on_terminal():
        drawn_table(headers, rows, stretch=stretch)
    else:
        stream("\t".join(map(_cell, row)) for row in rows)


def drawn_table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, stretch: Sequence[str] = ()) -> None:
    """Print `rows` as a table, as wide as the terminal; in a pipe as wide as it needs to be."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold" if styled() else "")
    for header in headers:
        overflow: OverflowMethod = "fold" if header in stretch else "ellipsis"
        drawn.add_column(Text(one_line(header)), no_wrap=header not in stretch, overflow=overflow)
    for row in rows:
        drawn.add_row(*(Text(_cell(cell)) for cell in row))
    Console(no_color=not styled(), highlight=False, width=width() or WIDEST).print(drawn)


def _cell(value: object) -> str:
    return one_line("" if value is None else str(value))
