"""The command line of an entry: `/path/to/xats hook run CLIENT`, or `hook wait`. xats knows its entries by it."""

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

# Around the line where a failure of a hook refuses a change (Hooks.guarded). Gemini CLI 0.61 ends a late hook by a
# signal to the shell only, and then waits for the shell's children. A shell such as dash takes the input away from a
# program in its background; through descriptor 3 the program gets the input of the hook.
GUARD = ("exec 3<&0; trap 'kill $!' TERM; ", " <&3 3<&- & wait $! || true")
# An agent program gives its hooks the project's environment. To Python an empty variable is the same as none, and
# PYTHONSAFEPATH is -P: https://docs.python.org/3/using/cmdline.html#environment-variables
CLEAN = {"PYTHONPATH": "", "PYTHONHOME": "", "PYTHONSAFEPATH": "1"}
_CLEAN = "".join(f"{name}={value} " for name, value in CLEAN.items())
MODULE = ("-P", "-m", "xats")  # how an older xats ran without its script


def program() -> tuple[str, ...]:
    """Return the absolute words that run this xats. Raises Refused when a settings file cannot hold them."""
    found = calling.script()
    words = (found,) if found else (os.path.abspath(sys.executable), *python.words()[1:])
    if not all(word.isprintable() for word in words):  # text that is not UTF-8 is not printable either
        msg = f"xats is at {words[0]!r}. A settings file must hold that path as plain text, and cannot."
        raise Refused(msg, "install xats in a folder with a plain name")
    return words


def line(words: Sequence[str], client: Hooks, verb: str = "run") -> str:
    """Return the command line by which the program `words` runs the hooks of `client`, or its waiter."""
    before, after = GUARD if client.guarded else ("", "")
    return before + clean(words) + shlex.join((*words, "hook", verb, client.name)) + after


def clean(words: Sequence[str]) -> str:
    """Return what stands before the program `words` in a shell, so that Python ignores the project's environment."""
    return _CLEAN if len(words) == 1 else ""  # Python itself has options for that


def words_of(command: object, client: Hooks, verb: str = "run") -> tuple[str, ...] | None:
    """Return the program that `command` runs if xats wrote the line for `client`, else None.

    That is a line exactly as `line` makes it, for a program called xats, or for a Python that runs xats, at any path.
    A script of the user that calls xats, or a line that does more, belongs to the user.
    """
    if not isinstance(command, str):
        return None
    if client.guarded and command.startswith(GUARD[0]) and command.endswith(GUARD[1]):  # earlier ones have none
        command = command[len(GUARD[0]) : -len(GUARD[1])]
    command = command.removeprefix(_CLEAN)  # lines of an older xats have none
    try:
        words = tuple(shlex.split(command))
    except ValueError:
        return None
    ours, last = words[:-3], words[-3:]
    if last != ("hook", verb, client.name) or not ours or not os.path.isabs(ours[0]) or shlex.join(words) != command:
        return None
    return ours if (len(ours) == 1 and os.path.basename(ours[0]) == "xats") or _by_python(ours[1:]) else None


def _by_python(words: Sequence[str]) -> bool:
    """Tell whether `words` make a Python run xats."""
    if tuple(words) == MODULE:
        return True
    *flags, runner = words or ("",)
    return tuple(flags) == python.FLAGS and os.path.isabs(runner) and runner.endswith("/xats/runner.py")


def runs(words: Sequence[str]) -> bool:
    """Tell whether the program `words` exists and can be run."""
    there = os.path.isfile(words[0]) and os.access(words[0], os.X_OK)
    return there and (not words[-1].endswith(".py") or os.path.isfile(words[-1]))
