"""The command line of an entry: `/path/to/xats hook run CLIENT`, or `hook wait`. By it an entry is known to be ours."""

from __future__ import annotations

import os
import shlex
import sys

from xats.base import calling, python
from xats.base.errors import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.clients.model import Hooks

# Around the line where any failure is a no (Hooks.guarded). Seen in Gemini CLI 0.61, which ends a program that is late
# by a signal to the shell alone, and waits for what the shell has started. A program that runs beside its shell has no
# input, dash at least sees to that; by 3 it gets that of the hook.
GUARD = ("exec 3<&0; trap 'kill $!' TERM; ", " <&3 3<&- & wait $! || true")
# An agent program hands its hooks the project's environment. An empty variable is as good as none to Python, and
# PYTHONSAFEPATH is -P: https://docs.python.org/3/using/cmdline.html#environment-variables
CLEAN = {"PYTHONPATH": "", "PYTHONHOME": "", "PYTHONSAFEPATH": "1"}
_CLEAN = "".join(f"{name}={value} " for name, value in CLEAN.items())
MODULE = ("-P", "-m", "xats")  # how an older xats was run where there is no program


def program() -> tuple[str, ...]:
    """Return the absolute words that run this xats. Raises Refused when a settings file cannot hold them."""
    found = calling.script()
    words = (found,) if found else (os.path.abspath(sys.executable), *python.words()[1:])
    if not all(word.isprintable() for word in words):  # what is no UTF-8 is not printable either
        msg = f"The program is {words[0]!r}, and a settings file is to hold its path as plain text."
        raise Refused(msg, "install xats in a folder with a plain name")
    return words


def line(words: Sequence[str], client: Hooks, verb: str = "run") -> str:
    """Return the command line that runs the hooks of `client`, or its waiter, by the program `words`."""
    before, after = GUARD if client.guarded else ("", "")
    clean = _CLEAN if len(words) == 1 else ""  # Python itself has options for that
    return before + clean + shlex.join((*words, "hook", verb, client.name)) + after


def words_of(command: object, client: Hooks, verb: str = "run") -> tuple[str, ...] | None:
    """Return the program that `command` runs if it is a line of ours for `client`, else None.

    Ours is exactly what `line` makes, for a program called xats or for a Python that runs xats, wherever they are: a
    script of the user's that calls us, or a line that does more, is the user's.
    """
    if not isinstance(command, str):
        return None
    if client.guarded and command.startswith(GUARD[0]) and command.endswith(GUARD[1]):  # earlier ones have none
        command = command[len(GUARD[0]) : -len(GUARD[1])]
    command = command.removeprefix(_CLEAN)  # earlier ones have none
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        return None
    ours, last = words[:-3], words[-3:]
    if last != ("hook", verb, client.name) or not ours or not os.path.isabs(ours[0]) or shlex.join(words) != command:
        return None
    return ours if (len(ours) == 1 and os.path.basename(ours[0]) == "xats") or _by_python(ours[1:]) else None


def _by_python(words: Sequence[str]) -> bool:
    """Tell whether `words` are what makes a Python run xats."""
    if tuple(words) == MODULE:
        return True
    *flags, runner = words or ("",)
    return tuple(flags) == python.FLAGS and os.path.isabs(runner) and runner.endswith("/xats/runner.py")


def runs(words: Sequence[str]) -> bool:
    """Tell whether the program `words` is there."""
    there = os.path.isfile(words[0]) and os.access(words[0], os.X_OK)
    return there and (not words[-1].endswith(".py") or os.path.isfile(words[-1]))
