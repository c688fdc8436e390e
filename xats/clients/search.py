"""Find the agent programs in a pane, the likeliest first, each with the reasons.

Usually it is one program, in the foreground. Others are suspended, were started by another agent program, or run in a
separate terminal that another program made. xats cannot see programs behind ssh or in a container.
"""

from __future__ import annotations

from xats.base import process
from xats.base.record import record
from xats.clients import processes
from xats.tmux import keyboard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xats.base.pane import Pane
    from xats.base.process import Process

IN_FRONT, LEADS, READS = 60, 20, 20  # points for each; together 100
HALTED, BEHIND = 20, 10  # the score of a suspended program, and of one in the background
OTHER_TERMINAL, STARTED = 30, 40  # the score of one in another terminal; points off for a tool of another agent
SURE = IN_FRONT  # the least score for a registration without a question


@record
class Candidate:
    """An agent program in a pane. `score` is from 0 to 100."""

    process: Process
    client: str
    score: int
    reasons: tuple[str, ...]


class Search:
    """A search over one list of all processes, for any number of panes."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        everyone = process.everybody()
        self._all = {one.pid: one for one in everyone}
        self._below: dict[int, list[Process]] = {}
        for one in everyone:
            self._below.setdefault(one.ppid, []).append(one)
        self._clients: dict[int, str | None] = {}

    def candidates(self, pane: Pane) -> list[Candidate]:
        """Return the agent programs in `pane`, the likeliest first. A launcher and its program count as one."""
        outer = self._all.get(pane.pane_pid)
        if outer is None:
            return []
        inside = self._descendants(outer)
        front = [one for one in inside if outer.tty and (one.tty, one.pgrp) == (outer.tty, outer.tpgid)]
        front.sort(key=lambda one: (one.pid != one.pgrp, one.started, one.pid))
        programs = {one.pid: client for one in inside if one.tty and (client := self._client(one))}
        found = []
        for one in inside:
            client = programs.get(one.pid)
            above = self._program_above(one, outer, programs)
            if client is None or (above and programs[above.pid] == client):
                continue
            found.append(self._judged(one, client, outer, front, above))
        return sorted(found, key=lambda one: (-one.score, one.process.started, one.process.pid))

    def _judged(
        self, one: Process, client: str, outer: Process, front: Sequence[Process], above: Process | None
    ) -> Candidate:
        reasons = []
        if one in front:
            score = IN_FRONT
            reasons.append("in the foreground")
            if one == front[0] or one == outer:
                score += LEADS
            else:
                reasons.append(f"run by {front[0].name} (pid {front[0].pid})")
            if keyboard.readers([one])[one.pid] is not False:
                score += READS
            else:
                reasons.append("does not read the keyboard")
        elif one.tty != outer.tty:
            score = OTHER_TERMINAL
            reasons.append("has a terminal of its own")
        else:
            score = BEHIND
            reasons.append("in the background")
        if halted := process.halted(one.pid):
            score = HALTED
            reasons[0] = f"suspended ({halted})"
        if above:
            score = max(0, score - STARTED)
            reasons.append(f"started by {self._client(above)} (pid {above.pid})")
        return Candidate(one, client, score, tuple(reasons))

    def _client(self, one: Process) -> str | None:
        if one.pid not in self._clients:
            self._clients[one.pid] = processes.client_of(one, self._environ)
        return self._clients[one.pid]

    def _descendants(self, outer: Process) -> list[Process]:
        """Return `outer` and the processes below it, parents before children."""
        line, seen = [outer], {outer.pid}
        for one in line:  # it grows
            more = [inner for inner in self._below.get(one.pid, ()) if inner.pid not in seen]
            seen.update(inner.pid for inner in more)
            line += more
        return line

    def _program_above(self, one: Process, outer: Process, programs: Mapping[int, str]) -> Process | None:
        """Return the nearest agent program above `one` that is in the pane of `outer`."""
        while one.pid != outer.pid and (parent := self._all.get(one.ppid)):
            if parent.pid in programs:
                return parent
            one = parent
        return None


def sure(found: Sequence[Candidate]) -> bool:
    """Tell whether the first of `found` certainly occupies the pane: in the foreground, and no other is as likely."""
    return bool(found) and found[0].score >= SURE and (len(found) == 1 or found[1].score < found[0].score)
