"""Which command line a command belongs to: a later one of the same line does not prove that an earlier one was seen.

In `xats inbox | head -3; xats inbox` an agent sees the output of neither before both have ended. A program starts a
shell for each of its tool calls, as `sh -c LINE`, so such a shell stands for the line for as long as it lives. Also
what that shell starts belongs to the line: scripts, make, subshells. A shell without `-c` stays open, and runs one line
after another: xats cannot tell them apart, except by time.
"""

from __future__ import annotations

import os

from xats import host, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.process import Process

APART = 60_000  # ms between two commands of a shell that stays open, after which they count as different lines
WITH_VALUE = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")


def here(agent: tuple[int, int] | None) -> tuple[str, int | None]:
    """Return the name of the command line of this process, and APART where it may be the name of several lines.

    `agent` is the process (pid, start time) of the agent that runs the command, if that is known: the line is below it.
    Else it is below the nearest process that is no shell.
    """
    me = process.read(os.getpid())
    above = process.ancestors()
    within = next((number for number, one in enumerate(above) if (one.pid, one.started) == agent), None)
    if within is None:
        within = next((number for number, one in enumerate(above) if not process.is_shell(one.name)), len(above))
    return _line([*([me] if me else []), *above[:within]])


def _line(chain: Sequence[Process]) -> tuple[str, int | None]:
    """Return the line of `chain`, this process and those above it: its outermost shell that runs one line alone.

    A shell runs the last command of its line in its own place (`exec`), so this process itself may be what is left.
    """
    lines = [one for one in chain[1:] if process.is_shell(one.name) and runs_one_line(process.argv(one.pid))]
    whole = lines[-1] if lines else chain[0] if len(chain) == 1 else None
    outermost = whole or (chain[-1] if chain else None)
    name = f"{host.id()}:{outermost.pid}:{outermost.started}" if outermost else host.id()
    return name, None if whole else APART


def runs_one_line(argv: Sequence[str]) -> bool:
    """Tell whether the shell with the words `argv` runs one line and ends: it has the option -c."""
    words = iter(argv[1:])
    for word in words:
        if word in WITH_VALUE:
            next(words, None)
        elif word[:1] not in ("-", "+"):
            return False
        elif word[:2] != "--" and word[:1] == "-" and "c" in word:
            return True
    return False
