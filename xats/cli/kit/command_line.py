"""The command line of a command: a later command of the same line does not prove that its reader saw an earlier one.

In `xats inbox | head -3; xats inbox` an agent sees the output of neither before both have ended. A program starts a
shell for each of its tool calls, as `sh -c LINE`, so that shell stands for the line as long as it lives. What the
shell starts belongs to the line too: scripts, make, subshells. A shell without `-c` stays open, and runs one line after
another. xats can tell these lines apart only by time.

A shell may replace itself by the last command of its line (`exec`). That command cannot see that its process was a
shell before. So a line is the same if the process that stands for it is this one, or one above it.
"""

from __future__ import annotations

import os

from xats.base import host, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.process import Process

WITH_VALUE = ("-o", "+o", "-O", "+O", "--rcfile", "--init-file")


def here(agent: tuple[int, int] | None) -> tuple[str, list[str], bool]:
    """Return which process stands for the command line, what this command runs in, and whether that shell stays open.

    `agent` is the process (pid, start time) of the agent that runs the command, if that is known: the line is below it.
    Else it is below the nearest process that is no shell. Processes are named by host, pid and start time.
    """
    me = process.read(os.getpid())
    above = process.ancestors()
    within = next((number for number, one in enumerate(above) if (one.pid, one.started) == agent), None)
    if within is None:
        within = next((number for number, one in enumerate(above) if not process.is_shell(one.name)), len(above))
    chain = [*([me] if me else []), *above[:within]]
    names = [f"{host.id()}:{one.pid}:{one.started}" for one in chain] or [process.mark()]
    lines = [number for number, one in enumerate(chain) if number and _runs_one_line(one)]
    stands = lines[-1] if lines else len(names) - 1
    return names[stands], names, not lines and len(names) > 1


def _runs_one_line(one: Process) -> bool:
    return process.is_shell(one.name) and runs_one_line(process.argv(one.pid))


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
