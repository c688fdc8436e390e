"""Processes, always by pid and start time: the system gives the number of an ended process to another one.

Every command looks for its ancestors, so on Linux this reads `/proc` (proc(5)) itself. Elsewhere psutil and ps(1)
answer (portable.py). The start time is a number to compare, not a clock: ticks since boot on Linux, milliseconds since
1970 elsewhere.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats.base import host
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LINUX = os.path.exists("/proc/self/stat")

_NAMES = "ash bash busybox csh dash elvish fish ksh ksh93 mksh nu oksh pdksh pwsh rbash sh tcsh xonsh yash zsh"
SHELLS = frozenset(_NAMES.split())


@record
class Process:
    """One living process. `tty` is the device number of its terminal (`st_rdev`). Without one it is 0, `tpgid` <= 0."""

    pid: int
    started: int
    name: str
    ppid: int
    pgrp: int
    tpgid: int
    tty: int


def is_shell(name: str) -> bool:
    """Tell whether `name` (a comm, a path or a login name like `-bash`) is that of a shell."""
    return os.path.basename(name).removeprefix("-") in SHELLS


def started(pid: int) -> int | None:
    """Return the start time of `pid`, or None if there is no such process or only its zombie is left."""
    found = _linux(pid) if LINUX else _elsewhere(pid)
    return found.started if found else None


def began(pid: int | None = None) -> float:
    """Return when `pid` (default: this process) started, before any exec, in seconds since 1970 by the clock of now."""
    since = started(os.getpid() if pid is None else pid) or 0
    if not LINUX:
        return since / 1000
    # proc(5): in ticks since boot, including the time that the machine was suspended
    return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) + since / os.sysconf("SC_CLK_TCK")


def age(found: Process) -> float:
    """Return for how many seconds the process `found` has run, including the time that the machine was suspended."""
    if not LINUX:
        return time.time() - found.started / 1000
    return time.clock_gettime(time.CLOCK_BOOTTIME) - found.started / os.sysconf("SC_CLK_TCK")


def alive(pid: int, started_at: int) -> bool:
    """Tell whether the process that had `pid` at `started_at` lives, as far as xats can read it."""
    return started(pid) == started_at


def ended(pid: int, started_at: int) -> bool:
    """Tell whether the process that had `pid` at `started_at` has surely ended.

    A process that exists but cannot be read may be that one: it is another user's behind hidepid (proc(5)), or a
    security module hides it.
    """
    found = read(pid)
    return found.started != started_at if found else absent(pid)


def absent(pid: int) -> bool:
    """Tell whether no process but a zombie has `pid`: kill(2) also knows processes that cannot be read."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    except OverflowError:  # no process can have that number
        return True
    return _zombie(pid)


def serves_here(server: int) -> bool:
    """Tell whether the tmux server runs in our pid namespace; the environment says that its pid is `server`.

    A sandbox inherits TMUX, and in it that pid is another process, or none.
    """
    if not host.nested():
        return True
    found = read(server) if host.is_shown() else None
    return found is not None and found.name.startswith("tmux")


def mark(pid: int | None = None) -> str:
    """Return the mark of `pid` (default: this process): its host, pid and start time."""
    pid = os.getpid() if pid is None else pid
    return f"{host.id()}:{pid}:{started(pid)}"


def gone(mark: str) -> bool:
    """Tell whether the process that made `mark` has surely ended.

    The answer is False for a process on another host, and for a text that is no mark.
    """
    where, *numbers = mark.rsplit(":", 2)
    if where != host.id() or len(numbers) != 2 or not all(one.isascii() and one.isdigit() for one in numbers):
        return False
    return ended(int(numbers[0]), int(numbers[1]))


def read(pid: int) -> Process | None:
    """Return the process `pid`, None if there is none or it is a zombie."""
    return _linux(pid) if LINUX else _elsewhere(pid)


def ancestors(pid: int | None = None) -> list[Process]:
    """Return the ancestors of `pid` (default: this process), the parent first, pid 1 last."""
    found: list[Process] = []
    here = read(os.getpid() if pid is None else pid)
    while here and here.ppid > 0:
        here = read(here.ppid)
        if here:
            found.append(here)
    return found


def group(pgrp: int, tty: int) -> list[Process]:
    """Return the living members of the process group `pgrp` whose terminal is the device number `tty`."""
    found = _linux_group(pgrp) if LINUX else _elsewhere_all()
    return [process for process in found if process.pgrp == pgrp and process.tty == tty]


def session(sid: int) -> list[Process]:
    """Return the living processes of the session `sid`, which has the pid of the process that began it (setsid(2))."""
    found = []
    for one in _linux_pids() if LINUX else [each.pid for each in _elsewhere_all()]:
        with suppress(OSError):  # it has ended
            if os.getsid(one) == sid and (process := read(one)):
                found.append(process)
    return found


def foreground(pid: int) -> list[Process]:
    """Return the foreground process group of the terminal of `pid`, the leader first, then by age; [] if unknown."""
    here = read(pid)
    if here is None or not here.tty or here.tpgid <= 0:
        return []
    return sorted(group(here.tpgid, here.tty), key=lambda one: (one.pid != one.pgrp, one.started, one.pid))


def argv(pid: int) -> list[str]:
    """Return the command line of `pid`, [] if it cannot be read."""
    if not LINUX:
        from xats.base import portable

        return portable.argv(pid)
    text = _slurp(f"/proc/{pid}/cmdline").rstrip("\0")
    return text.split("\0") if text else []


def folder(pid: int) -> str | None:
    """Return the working directory of `pid`, None if it cannot be read: only its own user may."""
    if not LINUX:
        from xats.base import portable

        return portable.folder(pid)
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return None


def environ(pid: int) -> Mapping[str, str]:
    """Return the environment that `pid` was started with, {} if it cannot be read: only its own user may."""
    if not LINUX:
        from xats.base import portable

        return portable.environ(pid)
    pairs = (entry.partition(b"=") for entry in _slurp_bytes(f"/proc/{pid}/environ").split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, equals, value in pairs if name and equals}


def state(pid: int) -> str | None:
    """Return the state of `pid`: `running`, `stopped`, `traced` or `frozen`; None if there is no such process.

    `stopped` is a process after SIGSTOP or Ctrl-Z, `traced` one that a debugger halts. `frozen`: its control group is
    frozen, as by `docker pause`. A process that sleeps or waits is `running`.
    """
    letter = _state_letter(pid)
    if letter in ("", "Z", "X", "x"):
        return None
    if letter in ("T", "t"):
        return "traced" if letter == "t" else "stopped"
    return "frozen" if LINUX and _frozen(pid) else "running"


def halted(pid: int) -> str | None:
    """Return the word for why `pid` is halted (see `state`); None while it runs, and when it has ended."""
    found = state(pid)
    return None if found == "running" else found


def continuing(pid: int, state: str) -> str:
    """Return the command, or an advice, to continue the process `pid` in that `state`; "" while it runs."""
    return {
        "stopped": f"kill -CONT {pid}",
        "traced": f"continue pid {pid} in its debugger, or end it: kill -9 {pid}",
        "frozen": f"thaw the control group of pid {pid}: docker unpause CONTAINER, or systemctl thaw UNIT",
    }.get(state, "")


def owner(pid: int) -> int | None:
    """Return the user id that `pid` runs as, or None if there is no such process."""
    if not LINUX:
        from xats.base import portable

        return portable.owner(pid)
    try:
        return os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None


def everybody() -> list[Process]:
    """Return every living process that this user may see."""
    return list(_linux_all() if LINUX else _elsewhere_all())


def descendants(pid: int) -> list[Process]:
    """Return the living descendants of `pid`, parents before children, without `pid` itself."""
    living = everybody()
    found: list[Process] = []
    above, known = {pid}, {pid}
    # The list is not of one moment: after a pid was used again, two processes may be above each other.
    while more := [one for one in living if one.ppid in above and one.pid not in known]:
        found += more
        above = {one.pid for one in more}
        known |= above
    return found


def hides() -> bool:
    """Tell whether the system hides the processes of other users (`hidepid`, see proc(5))."""
    return LINUX and not _slurp_bytes("/proc/1/stat")


def hidden_children(pid: int) -> list[int]:
    """Return the pids of the living children of `pid` that cannot be read. Only Linux lists them."""
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += [int(child) for child in _slurp(f"/proc/{pid}/task/{thread}/children").split()]
    except OSError:
        pass
    return [child for child in found if not _slurp_bytes(f"/proc/{child}/stat") and not absent(child)]


def open_files(pid: int) -> list[str]:
    """Return the paths of the files that `pid` has open, [] if they cannot be read: only its own user may."""
    if not LINUX:
        from xats.base import portable

        return portable.open_files(pid)
    return [name for name in descriptors(pid) if name.startswith("/")]


def descriptors(pid: int) -> list[str]:
    """Return the targets of the descriptors of `pid`, such as `/a/path` or `socket:[4711]`; [] where not on Linux."""
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return []
    found = []
    for number in numbers:
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:  # closed meanwhile
            continue
    return found


def file_notes(pid: int, about: os.stat_result) -> Iterator[str]:
    """Yield the notes of Linux on each descriptor of `pid` that is the file `about`, such as its locks.

    See proc_pid_fdinfo(5). Only the user of `pid` may read them.
    """
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return
    for number in numbers:
        try:
            if os.path.samestat(os.stat(f"/proc/{pid}/fd/{number}"), about):
                yield _slurp(f"/proc/{pid}/fdinfo/{number}")
        except OSError:  # closed meanwhile
            pass


def send_signal(pid: int, started_at: int, number: int, verify: Callable[[int], bool]) -> bool:
    """Send the signal `number` to the process that had `pid` at `started_at`, if `verify(pid)` is true.

    Returns False if it is another process, or none. On Linux a descriptor refers to one process (pidfd_open(2)). xats
    opens it before it verifies the process, so no other process can get the signal. Elsewhere xats sends the signal
    directly after the check. Raises PermissionError.
    """
    import signal

    try:
        held = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else -1
    except ProcessLookupError:
        return False
    except OSError:  # a kernel before 5.3, or a sandbox that forbids it
        held = -1
    try:
        if not alive(pid, started_at) or not verify(pid):
            return False
        if held < 0:
            os.kill(pid, number)
        else:
            signal.pidfd_send_signal(held, number)
    except ProcessLookupError:  # it has just ended
        return False
    finally:
        if held >= 0:
            os.close(held)
    return True


# -- Linux -------------------------------------------------------------------------------------------------------------


def _slurp(path: str) -> str:
    """Return a file of /proc as text, "" if the process has ended."""
    return _slurp_bytes(path).decode("utf-8", "replace")


def _slurp_bytes(path: str) -> bytes:
    """Return a file of /proc, b"" if the process has ended: open(2) fails with ENOENT, read(2) with ESRCH."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.read()
    except OSError:
        return b""


def _linux(pid: int) -> Process | None:
    # `pid (comm) state ppid ...`: comm may hold spaces and parentheses, so only the last `)` ends it.
    head, _, tail = _slurp(f"/proc/{pid}/stat").rpartition(")")
    fields = tail.split()
    if not fields or fields[0] in "ZXx":
        return None
    ppid, pgrp, _session, tty, tpgid = (int(field) for field in fields[1:6])
    # The kernel packs a device number as minor[7:0], major[11:0], minor[19:8] (new_encode_dev); stat(2) unpacks it.
    device = os.makedev(tty >> 8 & 0xFFF, tty & 0xFF | tty >> 12 & 0xFFF00) if tty else 0
    return Process(pid, int(fields[19]), head.partition("(")[2], ppid, pgrp, tpgid, device)


def _zombie(pid: int) -> bool:
    return _state_letter(pid) in ("Z", "X", "x")


def _state_letter(pid: int) -> str:
    """Return the state of `pid` as proc(5) and ps(1) write it, "" if there is no such process."""
    if LINUX:
        return _slurp(f"/proc/{pid}/stat").rpartition(")")[2].strip()[:1]
    from xats.base import portable

    return portable.state_letter(pid)


def _frozen(pid: int) -> bool:
    """Tell whether the control group of `pid`, or one above it, is frozen, which proc(5) does not show.

    https://docs.kernel.org/admin-guide/cgroup-v2.html, cgroup.events; cgroup-v1/freezer-subsystem.html.
    """
    for line in _slurp(f"/proc/{pid}/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if "freezer" in controllers.split(","):
            if _slurp(f"/sys/fs/cgroup/freezer{group}/freezer.state").strip() == "FROZEN":
                return True
        elif not controllers and "frozen 1" in _slurp(f"/sys/fs/cgroup{group}/cgroup.events"):
            return True
    return False


def _linux_all() -> Iterator[Process]:
    for name in os.listdir("/proc"):
        if name.isdigit() and (process := _linux(int(name))):
            yield process


def _linux_group(pgrp: int) -> Iterator[Process]:
    """Yield the members of one process group. By getpgid(2) it need not read all other processes."""
    for pid in _linux_pids():
        with suppress(OSError):  # it has ended
            if os.getpgid(pid) == pgrp and (process := _linux(pid)):
                yield process


def _linux_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


# -- elsewhere ---------------------------------------------------------------------------------------------------------


def _elsewhere(pid: int) -> Process | None:
    from xats.base import portable

    return next((Process(**one) for one in portable.listed("-p", str(pid))), None)


def _elsewhere_all() -> Iterator[Process]:
    from xats.base import portable

    return (Process(**one) for one in portable.listed("-ax"))
