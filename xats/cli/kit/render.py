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
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TextIO

    from rich.console import OverflowMethod

    from xats.base.errors import Interrupted, XatsError

WIDEST = 1 << 20  # columns of a table in a pipe, where nothing has to be cut
BIDI = shown.BIDI
visible, one_line = shown.visible, shown.one_line
WHEN = ("auto", "always", "never")  # the values of --color
SGR = {"green": "32", "yellow": "33", "red": "31", "bold": "1", "dim": "2"}  # ECMA-48, 8.3.117


class _Manner:
    """How this command prints, by its options."""

    color = "auto"
    verbose = False
    selects: Callable[[dict[str, Any]], dict[str, Any]] | None = None  #: leaves the fields of --json=FIELDS
    selects_row: Callable[[dict[str, Any]], dict[str, Any]] | None = None


def use_color(when: str) -> None:
    """Print with or without colour from now on: one of `WHEN`. Raises Usage."""
    if when not in WHEN:
        from xats.base.errors import Usage

        msg = f"--color must be {', '.join(WHEN[:-1])} or {WHEN[-1]}, not {one_line(when)[:40]!r}."
        raise Usage(msg, "xats agents --color never")
    _Manner.color = when


def be_verbose() -> None:
    """Trace an error from now on, as XATS_DEBUG makes every command do."""
    _Manner.verbose = True


def is_verbose() -> bool:
    """Tell whether to say why, and to trace an error."""
    return _Manner.verbose or bool(os.environ.get("XATS_DEBUG"))


def use_fields(
    document: Callable[[dict[str, Any]], dict[str, Any]], row: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Print from now on what `document` leaves of each JSON document, and what `row` leaves of each JSON line."""
    _Manner.selects, _Manner.selects_row = document, row


def selected(row: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of an object that `--json=FIELDS` selects; without FIELDS all."""
    return _Manner.selects_row(row) if _Manner.selects_row else row


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
    """Write a remark for a person to stderr: indented, and on a terminal folded between words.

    A command that is `fit.whole` stays on one row.
    """
    from xats.cli.kit import fit

    columns = width()
    say(fit.prose(f"  {one_line(text)}", max(columns - 1, 20) if columns else 0, "  "))


def warn(text: str) -> None:
    """Write a warning for a person to stderr."""
    say(f"xats: warning: {text}")


def json_line(value: object, *, terminal: bool | None = None) -> str:
    """Return `value` as JSON in one line; `terminal` says whether the output is a terminal, if it is not stdout."""
    text = to_json(value)
    return _harmless(text) if (terminal if terminal is not None else on_terminal()) else text


def json_text(value: object) -> str:
    """Return `value` as JSON for stdout: indented on a terminal, else in one line."""
    if not on_terminal():
        return to_json(value)
    import json

    return _harmless(json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2))


def _harmless(text: str) -> str:
    """Return JSON for a terminal: JSON may hold DEL, C1 and bidi controls as they are, and a terminal may not."""
    return text.translate({code: f"\\u{code:04x}" for code in (0x7F, *range(0x80, 0xA0), *BIDI)})


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


def ask(question: str, left: str) -> bool:
    """Ask a person on stderr, and return whether the answer is `y` or `yes`; Ctrl-D is no.

    `left` says what was not done. Raises Interrupted with it after Ctrl-C.
    """
    return _answer(f"{question} [y/N] ", left) in ("y", "yes")


def choose(question: str, letters: str, left: str) -> str | None:
    """Ask a person on stderr for one of `letters`. Any other answer is None, the default; see `ask` for `left`."""
    answer = _answer(f"{question} [{'/'.join(letters)}/N] ", left)
    return answer if len(answer) == 1 and answer in letters else None


def interrupted(left: str) -> Interrupted:
    """Return the error for Ctrl-C at something that a person was to type; `left` says what was not done."""
    from xats.base.errors import Interrupted

    return Interrupted(f"Interrupted. {left}")


def can_ask() -> bool:
    """Tell whether a person can see a question and answer it: stdin and stderr are terminals."""
    return os.isatty(0) and os.isatty(2)


def _answer(prompt: str, left: str) -> str:
    """Return the answer of a person in lower case, and end its line, also after Ctrl-C and Ctrl-D."""
    answer = ""
    try:
        sys.stderr.write(prompt)
        sys.stderr.flush()
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        raise interrupted(left) from None
    finally:
        if not answer.endswith("\n"):
            say("")
    return answer.strip().lower()


def document(value: dict[str, Any]) -> None:
    """Print one JSON document, with the version of its form: all of it, or the fields that --json=FIELDS selects."""
    found = _Manner.selects(value) if _Manner.selects else value
    put(json_text({"schema_version": SCHEMA_VERSION, **found}))


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
    text = f"xats: {one_line(str(problem))}"
    if sys.stderr is not None and (columns := _columns(sys.stderr)):
        from xats.cli.kit import fit

        text = fit.prose(text, max(columns - 1, 20), "  ")
    say(text)
    if problem.hint:
        say(f"  try: {one_line(problem.hint)}" if problem.hint.startswith("xats ") else f"  {one_line(problem.hint)}")


def on_terminal() -> bool:
    """Tell whether stdout is a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def width() -> int:
    """Return the number of columns of the terminal at stdout, or COLUMNS if that is set; 0 if stdout is no terminal.

    It is what shutil.get_terminal_size returns, whose import costs 5 ms.
    """
    return _columns(sys.stdout) if sys.stdout is not None else 0


def _columns(stream: TextIO) -> int:
    if not stream.isatty():
        return 0
    said = os.environ.get("COLUMNS", "")
    if said.isascii() and said.isdigit() and int(said) > 0:
        return int(said)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):  # a terminal in name only, as in tests
        return 80


def styled() -> bool:
    """Tell whether stdout may carry colour: by --color, else by the rules of no-color.org."""
    if _Manner.color != "auto":
        return _Manner.color == "always"
    return on_terminal() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Return `text` in bold where colour is allowed."""
    return painted(text, "bold")


def dim(text: str) -> str:
    """Return `text` dimmed where colour is allowed."""
    return painted(text, "dim")


def painted(text: str, color: str) -> str:
    """Return `text` in a colour of `SGR` where colour is allowed; "" is no colour.

    The text itself must carry the meaning, because a reader may see no colour.
    """
    return f"\x1b[{SGR[color]}m{text}\x1b[0m" if color and styled() else text


class Cell(str):
    """A cell of a table with a colour of `SGR`; "" is no colour."""

    __slots__ = ("color",)
    color: str

    def __new__(cls, text: str, color: str) -> Cell:
        """Return the cell."""
        made = super().__new__(cls, text)
        made.color = color
        return made


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], *, stretch: Sequence[str] = ()) -> None:
    """Print `rows`: a table on a terminal, tab-separated lines without headers in a pipe.

    On a narrow terminal the columns named in `stretch` become narrow first.
    """
    if on_terminal():
        drawn_table(headers, rows, stretch=stretch)
    else:
        stream("\t".join(painted(_cell(cell), _color(cell)) for cell in row) for row in rows)


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
        drawn.add_row(*(Text(_cell(cell), style=_color(cell) if styled() else "") for cell in row))
    console = Console(
        color_system="standard" if styled() else None,
        force_terminal=True if styled() else None,
        highlight=False,
        width=width() or WIDEST,
    )
    console.print(drawn)


def _cell(value: object) -> str:
    return one_line("" if value is None else str(value))


def _color(value: object) -> str:
    return value.color if isinstance(value, Cell) else ""
