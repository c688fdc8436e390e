"""Which processes can read the keys of a terminal.

A process has the terminal as its input if it is its descriptor 0, or if the process has opened the terminal or /dev/tty
itself. Descriptors 1 and 2 do not count, because most programs that an agent starts inherit the terminal as output.
Only the terminal's foreground process group matters: the kernel stops any other process that reads (termios(3), "Job
control").

Linux shows this in `/proc/PID/fd` and `fdinfo` (proc(5)), to the same user only. On other systems xats runs lsof(8).
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.base.process import Process

_TTY = os.makedev(5, 0)  # /dev/tty, the controlling terminal of the process that opens it; Linux, devices.txt
_MASTER = os.makedev(5, 2)  # /dev/ptmx, by which a program makes a terminal for others
_OUTPUTS = (1, 2)


def readers(members: Iterable[Process]) -> dict[int, bool | None]:
    """Return by pid whether each of `members`, a foreground group, has its terminal as its input.

    None means that xats cannot read the process: it is another user's, or protected (prctl(2), PR_SET_DUMPABLE).
    """
    if process.LINUX:
        return {one.pid: _reads(one) for one in members}
    return _elsewhere(list(members))


def below(outer: Process, members: Iterable[Process]) -> list[Process]:
    """Return the descendants of `outer` among `members` that have their terminal as their input, parents first."""
    members = list(members)
    reads, line = readers(members), [outer]
    for one in line:  # the list grows meanwhile
        line += [inner for inner in members if inner.ppid == one.pid and reads[inner.pid] and inner not in line]
    return line[1:]


def serves(members: Iterable[Process]) -> tuple[Process, Process] | None:
    """Return the first of `members` that has made a terminal for a living process, and that process, or None."""
    held = [(one, number) for one in members for number in _masters(one.pid)]
    if not held:
        return None
    living = process.everybody()
    for one, number in held:
        found = next((other for other in living if other.tty == number), None)
        if found:
            return one, found
    return None


def _reads(one: Process) -> bool | None:
    folder = f"/proc/{one.pid}/fd"
    try:
        numbers = os.listdir(folder)
    except PermissionError:
        return None
    except OSError:  # it has ended
        return False
    for number in numbers:
        if int(number) in _OUTPUTS:
            continue
        with suppress(OSError):  # closed meanwhile
            path = f"{folder}/{number}"
            if not os.readlink(path).startswith("/") or os.stat(path).st_rdev not in (one.tty, _TTY):
                continue
            if _flags(one.pid, number) & os.O_ACCMODE != os.O_WRONLY:
                return True
    return False


def _flags(pid: int, number: str) -> int:
    return int(_info(pid, number).get("flags", "0"), 8)


def _info(pid: int, number: str) -> dict[str, str]:
    with open(f"/proc/{pid}/fdinfo/{number}", encoding="ascii", errors="replace") as file:
        pairs = (line.partition(":") for line in file)
        return {name: value.strip() for name, _, value in pairs}


def _masters(pid: int) -> list[int]:
    """Return the device numbers of the terminals that `pid` has made. Only Linux tells them."""
    found = []
    with suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                path = f"/proc/{pid}/fd/{number}"
                if not os.readlink(path).startswith("/dev/") or os.stat(path).st_rdev != _MASTER:
                    continue
                index = _info(pid, number).get("tty-index", "")
                if index.isdigit():
                    found.append(os.makedev(136, int(index)))  # UNIX98_PTY_SLAVE_MAJOR
    return found


def _elsewhere(members: list[Process]) -> dict[int, bool | None]:
    """Ask lsof, which answers in lines: p and a pid, f and a descriptor, a and its access, n and a path."""
    import subprocess

    ours = os.geteuid()
    found: dict[int, bool | None] = {one.pid: False if process.owner(one.pid) == ours else None for one in members}
    pids = ",".join(str(one.pid) for one in members)
    words = ["lsof", "-w", "-n", "-P", "-a", "-p", pids, "-d", "0,3-999", "-F", "pfan"]
    try:
        answer = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=3, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return dict.fromkeys(found)
    pid, access = 0, ""
    ttys = {one.pid: one.tty for one in members}
    for line in answer.stdout.decode("utf-8", "replace").splitlines():
        if line.startswith("p"):
            pid = int(line[1:])
        elif line.startswith("a"):
            access = line[1:]
        elif line.startswith("n/dev/") and access != "w":
            with suppress(OSError):
                if line == "n/dev/tty" or os.stat(line[1:]).st_rdev == ttys.get(pid):
                    found[pid] = True
    return found
