"""The occupant of a pane: the agent program in its foreground, else the process there that stays.

A script runs one short-lived program after another, such as sleep and date. Its own process stays. A session is bound
to that one, because an agent whose process has ended counts as offline.
"""

from __future__ import annotations

import time

from xats.base import calling, process
from xats.base import program as runs
from xats.base.record import record
from xats.clients import processes
from xats.tmux import keyboard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.pane import Pane
    from xats.base.process import Process
    from xats.base.program import Kept
    from xats.clients.profile import Profile

BRIEF = frozenset(("date", "inotifywait", "sleep", "usleep"))  # programs by which a script waits; no agents
YOUNG = 2.0  # seconds that a program has to live before it counts as one that stays
LOOK = 0.05  # seconds between two looks meanwhile


@record
class Occupant:
    """The occupant of a pane. `process` is None where xats cannot read it."""

    process: Process | None
    client: str  #: the name of a profile; generic where none knows the program


def in_front(pane: Pane) -> list[Process]:
    """Return the foreground processes in `pane`, the leader of their group first, then by age."""
    return process.foreground(pane.pane_pid)


def program(pane: Pane, wanted: Profile) -> Process | None:
    """Return the process of the client `wanted` in the foreground of `pane`, None if there is none."""
    front = in_front(pane)
    found = processes.nearest(front)
    if found and (found[1] == wanted.name or processes.runs(wanted, found[0])):
        return found[0]
    return next((one for one in front if processes.runs(wanted, one)), None)


def find(pane: Pane, wanted: Profile | None = None) -> Occupant:
    """Return the occupant of `pane`: the program of the client `wanted`, if it is one of several there.

    This takes up to YOUNG seconds where no profile knows the program and it has just begun.
    """
    if wanted and (who := program(pane, wanted)):
        return Occupant(who, wanted.name)
    found = processes.nearest(in_front(pane))
    return Occupant(*found) if found else Occupant(_staying(pane), "generic")


def programs(who: Process, pane: Pane) -> Kept | None:
    """Return the program of `who` in `pane`, and the processes below it that have the keyboard now."""
    return runs.look(who.pid, keyboard.below(who, in_front(pane)))


def xats_path(who: Process) -> str | None:
    """Return how `who` calls xats (xats/base/calling.py), by its first environment; None if unknown."""
    environ = process.environ(who.pid)
    return calling.path_for(environ) if environ else None


def _staying(pane: Pane) -> Process | None:
    """Return the foreground process in `pane` that stays.

    That is a program other than a shell that lives for YOUNG seconds; else the shell that runs one program after
    another.
    """
    until = time.monotonic() + YOUNG + LOOK
    while True:
        front = in_front(pane)
        found = _candidate(front)
        if found is None:
            return _shell_above(front, pane) or process.read(pane.pane_pid)
        if process.is_shell(found.name) or found.pid == pane.pane_pid or process.age(found) >= YOUNG:
            return found
        if time.monotonic() > until:
            shells = [one for one in front if process.is_shell(one.name)]
            return shells[0] if shells else _shell_above([found], pane) or found
        time.sleep(LOOK)


def _candidate(front: Sequence[Process]) -> Process | None:
    """Return the first program of `front` that is no shell and not BRIEF, else the first shell.

    Processes that read the terminal come before those that read a pipe.
    """
    reads = keyboard.readers(front)
    for members in ([one for one in front if reads[one.pid] is not False], front):
        shells = [one for one in members if process.is_shell(one.name)]
        others = [one for one in members if one not in shells and one.name not in BRIEF]
        if found := (*others, *shells):
            return found[0]
    return None


def _shell_above(front: Sequence[Process], pane: Pane) -> Process | None:
    """Return the shell in `pane` that has started `front`, as a shell function does."""
    for one in process.ancestors(front[0].pid) if front and front[0].pid != pane.pane_pid else ():
        if process.is_shell(one.name):
            return one
        if one.pid == pane.pane_pid:
            break
    return None
