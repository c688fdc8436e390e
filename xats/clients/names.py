"""Decide by names alone that processes are no agent programs.

Most commands have one agent program above them, or none. The import of all profiles would take longer than the rest of
finding out which agent runs a command.
"""

from __future__ import annotations

import os

from xats import settings
from xats.base import process, program, programs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xats.base.process import Process

BACKGROUND = "--bg-"  # with which the options of Claude Code's background sessions begin; see helpers.py


def stem(candidate: Process) -> str | None:
    """Return the name of the script that `candidate` runs, without its suffix; None if it is no interpreter."""
    # An interpreter may carry a version (python3.12) or be renamed by its program (node's process.title).
    if not program.is_interpreter(candidate.name) and candidate.name != "MainThread":
        return None
    words = process.argv(candidate.pid)
    after = program.script(words)[1]
    script = words[after - 1] if after <= len(words) else ""
    return os.path.basename(script).removesuffix(".js").removesuffix(".mjs").removesuffix(".py")


def none_among(found: Iterable[Process], environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether certainly none of `found` is an agent program.

    It is never certain if the user has their own profiles: then only `processes.nearest` knows.
    """
    rest = [one for one in found if not process.is_shell(one.name)]
    if not rest:
        return True
    own = settings.clients(environ)
    if own is not None and os.path.isdir(own):
        return False
    return not any(
        one.name in programs.EXECUTABLES or stem(one) in programs.SCRIPTS or _in_background(one) for one in rest
    )


def _in_background(one: Process) -> bool:
    """Tell whether `one` may belong to a background session of Claude Code, which may have the name of a version."""
    return any(word.startswith(BACKGROUND) for word in process.argv(one.pid))
