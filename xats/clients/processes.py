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
