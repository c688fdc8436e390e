"""Long output on a person's terminal: through a pager.

A pager is a pipe. xats cannot tell how much of the text a person has seen when the pager ends, so mail that a pager
took is *shown*, as in any other pipe (core/mail/inbox.py).
"""

from __future__ import annotations

import os
import sys

from xats.base.errors import XatsError
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xats.cli.kit.context import Context

NOT_STARTED = (126, 127)  # exit codes of sh for a command that it cannot run
OPTIONS = {"LESS": "FRX", "LV": "-c"}  # as git sets them: colours, and no pager for text that fits on the screen


def write(here: Context, lines: Sequence[str], *, no_pager: bool) -> bool:
    """Write `lines` to stdout, through a pager if a person's terminal has fewer rows; return whether it was a pager.

    Raises XatsError if the pager failed.
    """
    if not no_pager and render.on_terminal() and _is_long(lines, here.environ) and here.person():
        command = _command(here.environ)
        if command and _page(command, "".join(f"{line}\n" for line in lines), here.environ):
            return True
    render.stream(lines)
    return False


def _is_long(lines: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Tell whether `lines` take more rows than the terminal has above a prompt."""
    columns, rows = _screen(environ)
    taken = sum(1 + len(row) // (columns + 1) for line in lines for row in line.split("\n"))
    return taken >= rows


def _screen(environ: Mapping[str, str]) -> tuple[int, int]:
    """Return the columns and rows of the terminal at stdout: as shutil does, whose import costs 5 ms."""
    size = os.get_terminal_size(1)
    said = [environ.get(name, "") for name in ("COLUMNS", "LINES")]
    columns, rows = (int(word) if word.isascii() and word.isdigit() else 0 for word in said)
    return columns or size.columns or 80, rows or size.lines or 24


def _command(environ: Mapping[str, str]) -> str | None:
    """Return the command of the pager, from PAGER; None for no pager."""
    import shutil

    if environ.get("TERM", "dumb") == "dumb" or not os.isatty(0):
        return None
    said = environ.get("PAGER")
    if said is None:
        return next((name for name in ("less", "more") if shutil.which(name)), None)
    return said if said.strip() not in ("", "cat") else None


def _page(command: str, text: str, environ: Mapping[str, str]) -> bool:
    """Show `text` by the pager `command`; return False if the shell cannot start it. Raises XatsError if it fails."""
    import signal
    import subprocess
    from contextlib import suppress

    data = text.encode(sys.stdout.encoding, sys.stdout.errors or "strict")
    before = signal.getsignal(signal.SIGINT)
    words = ["/bin/sh", "-c", f"trap : INT\n{command}"]  # Ctrl-C would end the shell before the pager
    pager = subprocess.Popen(words, stdin=subprocess.PIPE, env={**OPTIONS, **environ})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is a key of the pager
    try:
        with suppress(BrokenPipeError):  # the person left before the end
            pager.communicate(data)
        code = pager.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    if code in NOT_STARTED:
        render.warn(f"The pager {render.one_line(command)!r} does not start; set PAGER, or use --no-pager.")
        return False
    if code in (-signal.SIGINT, 128 + signal.SIGINT):
        raise KeyboardInterrupt
    if code:
        msg = f"The pager {render.one_line(command)!r} failed with exit {code}. Nothing was marked."
        raise XatsError(msg, "use --no-pager, or set PAGER to another program")
    return True
