"""Programs: what a process runs. `exec` changes it, while the pid and the start time stay.

A session keeps which program its process ran first, and the processes behind that (`Kept`). If the process has become
another program since, xats does not type into it.
"""

from __future__ import annotations

import os

from xats.base import process, python
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from xats.base.process import Process

    Kept = tuple[int, int, str | None, str | None]  # st_dev, st_ino, script, and the processes behind it as JSON

INTERPRETERS = frozenset(("node", "nodejs", "bun", "deno", "python", "pypy", "ruby", "perl", "php", "lua", "java"))
# Options of interpreters that take the next word as their value.
_VALUED = frozenset(("-W", "-X", "-r", "-C", "--require", "--import", "--loader", "--conditions", "--env-file"))
LONGEST_SCRIPT = 500  # characters that are kept: the text after -c may be a whole program


@record
class Program:
    """A program: the device and inode of its executable, and the script, if it is an interpreter.

    `script` is None where the executable is no interpreter, or the process has changed its own command line.
    """

    device: int
    inode: int
    script: str | None

    def same(self, other: Program) -> bool:
        """Tell whether `other` is this program, as far as both are known."""
        if (self.device, self.inode) != (other.device, other.inode):
            return False
        return self.script == other.script or None in (self.script, other.script)


def of(pid: int) -> Program | None:
    """Return the program that `pid` runs, or None if it cannot be read: only its own user may.

    On Linux that is the file that was executed, also after an update has replaced it on the disk. Elsewhere xats knows
    only the path, so it returns None for a file that has changed since the process started.
    """
    try:
        if process.LINUX:
            path = f"/proc/{pid}/exe"
            name, found = os.readlink(path).removesuffix(" (deleted)"), os.stat(path)
        else:
            name = _elsewhere_exe(pid)
            found = os.stat(name)
            began = process.started(pid)
            if began is None or found.st_ctime * 1000 > began:
                return None
    except OSError:
        return None
    return Program(found.st_dev, found.st_ino, _interpreted(os.path.basename(name), process.argv(pid)))


def script(words: list[str]) -> tuple[str, int]:
    """Return the script in the command line `words` of an interpreter, and the index of the first argument after it.

    The script is the words up to its name, or up to the word after `-c`, `-e` or `-m`; "" if there is none.
    """
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUED else 1
    return " ".join(words[1 : at + 1])[:LONGEST_SCRIPT], at + 1


def is_interpreter(name: str) -> bool:
    """Tell whether `name` (a path or a comm, with or without a version) is that of an interpreter of scripts."""
    return os.path.basename(name).rstrip("0123456789.") in INTERPRETERS


def relaunched(outer: Process, inner: Process) -> bool:
    """Tell whether `inner` is a child of `outer` with the same program, script and arguments."""
    if inner.ppid != outer.pid or inner.pgrp != outer.pgrp:
        return False
    runs = of(outer.pid)
    if runs is None or runs != of(inner.pid):
        return False
    first, second = process.argv(outer.pid), process.argv(inner.pid)
    return first[script(first)[1] :] == second[script(second)[1] :] if runs.script is not None else first == second


def is_launching(pid: int) -> bool:
    """Tell whether `pid` is `xats launch`, which becomes the program that it starts."""
    words = process.argv(pid)
    named, after = script(words)
    path = named.rpartition(" ")[2]  # the program xats, or what python.words() runs in its place
    return (os.path.basename(path) == "xats" or path == python.RUNNER) and "launch" in words[after:]


# -- kept with a session -----------------------------------------------------------------------------------------------


def look(pid: int, inner: Iterable[Process] = ()) -> Kept | None:
    """Return the program of the process `pid` and those of `inner`, to be kept; None if they cannot be read."""
    found = of(pid)
    if found is None:
        return None
    rows = [(one.pid, one.started, of(one.pid)) for one in inner]
    kept = [[pid, at, *((run.device, run.inode, run.script) if run else ())] for pid, at, run in rows]
    if not kept:
        return found.device, found.inode, found.script, None
    from xats.base.jsontext import to_json

    return found.device, found.inode, found.script, to_json(kept)


def inner(kept: Kept) -> tuple[tuple[int, int, Program | None], ...]:
    """Return the processes behind the process of a session, as (pid, start time, program)."""
    if not kept[3]:
        return ()
    from xats.base.jsontext import from_json

    rows: Any = from_json(kept[3])
    return tuple((row[0], row[1], Program(*row[2:]) if row[2:] else None) for row in rows)


# -- how it is read ----------------------------------------------------------------------------------------------------


def _interpreted(executable: str, words: list[str]) -> str | None:
    if not words or not is_interpreter(executable) or not is_interpreter(words[0]):
        return None
    return script(words)[0]


def _elsewhere_exe(pid: int) -> str:
    import psutil

    try:
        return str(psutil.Process(pid).exe())
    except psutil.Error as problem:
        raise OSError from problem
