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
    """Return which client `candidate` is the program of, or None."""
    profiles = [registry.find(name, environ) for name in registry.names(environ)]
    for one in profiles:
        if candidate.name in one.executables:
            return one.name
    # An interpreter may carry a version (python3.12) or be renamed by its program (node's process.title).
    if candidate.name.rstrip("0123456789.") not in INTERPRETERS and candidate.name != "MainThread":
        return None
    for word in process.argv(candidate.pid)[1:]:
        if not word.startswith("-"):
            stem = os.path.basename(word).removesuffix(".js").removesuffix(".mjs").removesuffix(".py")
            return next((one.name for one in profiles if stem in one.scripts), None)
    return None


def nearest(candidates: Iterable[Process]) -> tuple[Process, str] | None:
    """Return the first of `candidates` that is an agent program, and which client it is."""
    for candidate in candidates:
        client = client_of(candidate)
        if client:
            return candidate, client
    return None


def innermost(candidates: Iterable[Process]) -> tuple[Process, str] | None:
    """Return the agent program among `candidates` that runs in no other one of them, and which client it is.

    Where a launcher has started the program itself, as node does for Codex and Gemini, it is the program.
    """
    here = list(candidates)
    found = nearest(here)
    while found:
        inside = nearest(one for one in here if one.ppid == found[0].pid)
        if inside is None or inside[1] != found[1]:
            break
        found = inside
    return found


def launched(program: Process, above: Process) -> bool:
    """Tell whether `above` only launched `program`: it has the same terminal, and the two are one job of the shell."""
    return above.pid == program.ppid and above.pgrp == program.pgrp and above.tty == program.tty != 0
