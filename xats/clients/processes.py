"""Recognise the process of an agent program by its executable, never by a pattern over its command line."""

from __future__ import annotations

import os

from xats import process
from xats.clients import registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from xats.process import Process

INTERPRETERS = ("node", "bun", "deno", "python", "python3")


def client_of(candidate: Process, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return which client `candidate` is the program of, or None. A file of the user's that is wrong is left out."""
    profiles = [registry.find_or_generic(name, environ) for name in registry.names(environ)]
    for one in profiles:
        if candidate.name in one.executables:
            return one.name
    # An interpreter may carry a version (python3.12) or be renamed by its program (node's process.title).
    if candidate.name.rstrip("0123456789.") not in INTERPRETERS and candidate.name != "MainThread":
        return None
    script, _ = _script(process.argv(candidate.pid))
    stem = os.path.basename(script).removesuffix(".js").removesuffix(".mjs").removesuffix(".py")
    return next((one.name for one in profiles if stem in one.scripts), None)


def nearest(candidates: Iterable[Process]) -> tuple[Process, str] | None:
    """Return the first of `candidates` that is an agent program, and which client it is.

    Where a script does nothing but run that program (Codex) or itself once more (Gemini), it is the script: it is what
    was started, and it has the same process to everybody, whether he looks from below or from the terminal.
    """
    found = list(candidates)
    for index, candidate in enumerate(found):
        client = client_of(candidate)
        if client:
            above = found[index + 1 : index + 2]
            return (above[0] if above and _passes_on(above[0], candidate, client) else candidate), client
    return None


def _passes_on(outer: Process, inner: Process, client: str) -> bool:
    """Tell whether `outer` is a script of the same `client` that runs `inner` in its place, with its own arguments.

    What an agent runs as a tool is in a process group of its own, or has other arguments.
    """
    if inner.ppid != outer.pid or inner.pgrp != outer.pgrp or client_of(outer) != client:
        return False
    words, held = process.argv(outer.pid), process.argv(inner.pid)
    if not _is_interpreter(words):
        return False
    return _script(words)[1] == (_script(held)[1] if _is_interpreter(held) else held[1:])


def _is_interpreter(words: list[str]) -> bool:
    return bool(words) and os.path.basename(words[0]).rstrip("0123456789.") in INTERPRETERS


def _script(words: list[str]) -> tuple[str, list[str]]:
    """Return which script the command line `words` of an interpreter runs, "" if none, and with which arguments."""
    for index, word in enumerate(words[1:], 1):
        if not word.startswith("-"):
            return word, words[index + 1 :]
    return "", []
