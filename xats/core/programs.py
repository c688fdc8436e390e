"""The programs of a session: what its process ran when it was first seen, and what that ran through.

They are kept with the session, so that a process that has become another program since (`exec`) is not typed at. The
next hook or registration records them anew.
"""

from __future__ import annotations

from xats import process
from xats.core import wakes
from xats.core.agents import Programs
from xats.jsontext import from_json, to_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from xats.process import Process, Program
    from xats.store import Tx

RECORD = """
update sessions set program_device = :device, program_inode = :inode, program_script = :script, program_inner = :inner
where id = :session
"""
FIRST = f"{RECORD.rstrip()} and program_device is null"
XATS = "xats"  # the name of our own script, and of our module


def look(pid: int, inner: Iterable[Process] = ()) -> Programs | None:
    """Return what the process `pid` runs and what runs `inner`, or None if that cannot be read."""
    found = process.program(pid)
    if found is None:
        return None
    rows = [(one.pid, one.started, process.program(one.pid)) for one in inner]
    kept = [[pid, at, *((of.device, of.inode, of.script) if of else ())] for pid, at, of in rows]
    return Programs(found.device, found.inode, found.script, to_json(kept) if kept else None)


def program(of: Programs) -> Program:
    """Return what the process of the session ran itself."""
    return process.Program(of.device, of.inode, of.script)


def inner(of: Programs) -> tuple[tuple[int, int, Program | None], ...]:
    """Return what it ran through, as (pid, start time, program)."""
    rows: Any = from_json(of.inner) if of.inner else []
    return tuple((row[0], row[1], process.Program(*row[2:]) if row[2:] else None) for row in rows)


def is_launching(of: Programs) -> bool:
    """Tell whether that is `xats launch` before it becomes the program that it starts."""
    return of.script is not None and of.script.rpartition(" ")[2].rpartition("/")[2] == XATS


def first(tx: Tx, session_id: int, seen: Programs) -> None:
    """Keep what a session runs, unless that was recorded meanwhile."""
    tx.run(FIRST, session=session_id, device=seen.device, inode=seen.inode, script=seen.script, inner=seen.inner)


def record(tx: Tx, agent_id: int, session_id: int, seen: Programs) -> None:
    """Keep what a session runs now; a wake that was refused because it ran something else falls due."""
    tx.run(RECORD, session=session_id, device=seen.device, inode=seen.inode, script=seen.script, inner=seen.inner)
    wakes.recorded(tx, agent_id)
