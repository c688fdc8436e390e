"""Recognise the process of an agent program by its executable or script, never by a pattern over its command line."""

from __future__ import annotations

import os

from xats.base import process, program
from xats.clients import registry
from xats.clients.names import stem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from xats.base.process import Process
    from xats.clients.profile import Profile


def client_of(candidate: Process, environ: Mapping[str, str] = os.environ) -> str | None:
    """Return the client whose program `candidate` is, or None. Invalid profiles of the user are left out."""
    profiles = [registry.find_or_generic(name, environ) for name in registry.names(environ)]
    for one in profiles:
        if candidate.name in one.executables:
            return one.name
    script = stem(candidate)
    return next((one.name for one in profiles if script in one.scripts), None)


def runs(known: Profile, candidate: Process) -> bool:
    """Tell whether `candidate` is a program of the client `known`, by its executable or its script."""
    return candidate.name in known.executables or stem(candidate) in known.scripts


def counts_as_one(known: Profile, outer: Process, inner: Process) -> bool:
    """Tell whether `inner`, a child of `outer`, and `outer` are one program of the client `known`.

    Examples: node around Codex; Gemini and Qwen, which start themselves again.
    """
    if inner.ppid != outer.pid or inner.pgrp != outer.pgrp:
        return False
    if runs(known, inner) or program.relaunched(outer, inner):
        return True
    # The child may have another name than the program that the user started, but it gets the same arguments.
    words, held = process.argv(outer.pid), process.argv(inner.pid)
    if not (is_interpreter(words) and is_interpreter(held)) or not _script(held)[0]:
        return False
    return _executable(outer) == _executable(inner) is not None and _script(words)[1] == _script(held)[1]


def _executable(of: Process) -> tuple[int, int] | None:
    found = program.of(of.pid)
    return (found.device, found.inode) if found else None


def inner(above: Iterable[Process], outer: Process) -> tuple[Process, ...]:
    """Return the processes behind `outer`. `above` are the ancestors of a command of the agent, nearest first.

    They are between `outer` and this process on the same terminal: the shell of a wrapper and its program, but not the
    shell of the command itself.
    """
    found: list[Process] = []
    for one in above:
        if (one.pid, one.started) == (outer.pid, outer.started):
            return tuple(reversed(found))
        if (one.tty, one.pgrp) == (outer.tty, outer.pgrp) and (found or not process.is_shell(one.name)):
            found.append(one)
    return ()


def nearest(candidates: Iterable[Process]) -> tuple[Process, str] | None:
    """Return the first of `candidates` that is an agent program, and its client.

    If a script only runs that program (Codex) or itself again (Gemini), the result is the process of the script: that
    one is the same, seen from below and from the terminal. A background session of Claude Code is an agent program too,
    under whatever name: above it there may be the session that has started the daemon of Claude Code.
    """
    from xats.clients import background

    found = list(candidates)
    behind = background.session(found)
    for index, candidate in enumerate(found):
        if candidate == behind:
            return candidate, "claude-code"
        client = client_of(candidate)
        if client:
            above = found[index + 1 : index + 2]
            return (above[0] if above and _passes_on(above[0], candidate, client) else candidate), client
    return None


def works_for(above: Sequence[Process], holder: tuple[int, int]) -> bool:
    """Tell whether the process `holder` (pid, start time) is the agent program above us, or runs that program.

    `above` are our ancestors, nearest first. The holder may be the shell in which the program was started, if the agent
    was registered there before, or its launcher.
    """
    here = next((index for index, one in enumerate(above) if (one.pid, one.started) == holder), None)
    if here is None:
        return False
    inside = nearest(above[: here + 1])
    if inside is None:
        return True
    program = above.index(inside[0])
    return program >= here or nearest(above[program + 1 : here + 1]) is None


def _passes_on(outer: Process, inner: Process, client: str) -> bool:
    """Tell whether `outer` is a script of the same `client` that runs `inner` in its place, with its own arguments.

    A tool of an agent has its own process group, or other arguments.
    """
    if inner.ppid != outer.pid or inner.pgrp != outer.pgrp or client_of(outer) != client:
        return False
    words, held = process.argv(outer.pid), process.argv(inner.pid)
    if not is_interpreter(words):
        return False
    return _script(words)[1] == (_script(held)[1] if is_interpreter(held) else held[1:])


def is_interpreter(words: list[str]) -> bool:
    """Tell whether the command line `words` is that of an interpreter."""
    return bool(words) and program.is_interpreter(words[0])


def script_of(words: list[str]) -> str:
    """Return the script in the command line `words` of an interpreter, "" if there is none."""
    return _script(words)[0]


def _script(words: list[str]) -> tuple[str, list[str]]:
    """Return the script in the command line `words` of an interpreter, "" if there is none, and its arguments."""
    _, after = program.script(words)
    return (words[after - 1], words[after:]) if after <= len(words) else ("", [])
