"""Find the process that keeps a store locked, and say what it does.

Linux lists every lock in `/proc/locks` (proc(5)). Elsewhere, and where that is hidden, a child process asks with
F_GETLK (fcntl(2)). This process must not open the file itself: when it closed a descriptor of the file, it would drop
the locks of SQLite on it (https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress

from xats.base import process
from xats.base.errors import StoreBusy
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

LOCKS = "/proc/locks"
ASKING = 3.0  # seconds that the child process may take
# Bytes that SQLite locks, first and last: in the database os_unix.c and os.h, in its -shm file walIndexLock of wal.c.
WRITERS = (0x40000000, 0x40000001)  # PENDING and RESERVED: a process that writes or waits to commit locks them
SHARED = (0x40000002, 0x400001FF)  # read-locked by every reader, write-locked by a commit
WAL_WRITERS = (120, 122)  # the write, checkpoint and recovery locks of a WAL

# Run by `python -c` with a path, a first and a last byte, and more of these. It prints the pid and kind of each lock.
ASK = """
import fcntl, os, struct, sys
mac = sys.platform == "darwin"
form = "qqihh" if mac else "hh4xqqi4x"  # struct flock of <fcntl.h>
for path, first, last in zip(sys.argv[1::3], sys.argv[2::3], sys.argv[3::3]):
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        continue
    where = (int(first), int(last) - int(first) + 1)
    asked = struct.pack(form, *where, 0, fcntl.F_WRLCK, 0) if mac else struct.pack(form, fcntl.F_WRLCK, 0, *where, 0)
    said = struct.unpack(form, fcntl.fcntl(file, fcntl.F_GETLK, asked))
    kind, pid = (said[3], said[2]) if mac else (said[0], said[4])
    if kind != fcntl.F_UNLCK:
        print(pid, "WRITE" if kind == fcntl.F_WRLCK else "READ")
"""


@record
class Holder:
    """A process that keeps a store locked. `state`: see `process.state`; `writes`: it has the write lock."""

    pid: int
    started: int
    program: str
    state: str
    writes: bool

    def is_same(self, other: Holder | None) -> bool:
        """Tell whether `other` is the same process."""
        return other is not None and (self.pid, self.started) == (other.pid, other.started)

    @property
    def is_halted(self) -> bool:
        """Whether it keeps the lock until a person lets it run again."""
        return self.state != "running"

    def __str__(self) -> str:
        """Return the process and the lock in words."""
        halted = f", {self.state}" if self.is_halted else ""
        does = "holds its write lock" if self.writes else "is reading it"
        return f"pid {self.pid} ({self.program}{halted}) {does}"


def busy(holder: Holder | None, kept: float = 0) -> StoreBusy:
    """Return the error for a store that `holder` keeps locked; None: a process that could not be found.

    `kept` is for how many seconds xats saw it do so. Without that it is usually another xats that has just taken the
    lock, so the hint does not suggest to kill it.
    """
    if holder is None:
        return StoreBusy()
    pid = holder.pid
    does = f"{holder}, for {kept:.0f} s so far" if kept >= 1 and not holder.is_halted else str(holder)
    hint = f"try again; if the store is still busy, look at that process: ps -fp {pid}"
    if kept >= 1:
        hint = f"wait for it, or end it (SQLite rolls back what it has not committed): kill {pid}"
    hint = process.continuing(pid, holder.state) or hint
    data = {"pid": pid, "program": holder.program, "state": holder.state}
    return StoreBusy(f"The store is busy: {does}. Nothing was written.", hint, **data)


def find(path: str) -> Holder | None:
    """Return the process that keeps the store at `path` locked, or None if none is found.

    A process that writes comes before one that reads, and one that is halted before one that runs.
    """
    found = [holder for pid, writes in _locks(path) if (holder := _holder(pid, writes=writes))]
    return min(found, key=lambda one: (not one.writes, not one.is_halted), default=None)


def _holder(pid: int, *, writes: bool) -> Holder | None:
    about, state = process.read(pid), process.state(pid)
    if pid == os.getpid() or about is None or state is None:
        return None
    return Holder(pid, about.started, about.name, state, writes)


def _locks(path: str) -> Iterator[tuple[int, bool]]:
    """Yield the pid of every process that has a lock on the store, and whether that is a write lock."""
    path = os.path.realpath(path)
    wal = os.path.exists(f"{path}-shm")
    # With a WAL every open connection keeps the database read-locked, which disturbs no other process.
    wanted = [(path, WRITERS), (f"{path}-shm", WAL_WRITERS)] if wal else [(path, WRITERS), (path, SHARED)]
    listed = _listed(wanted)
    for pid, kind in _asked(wanted) if listed is None else listed:
        yield pid, kind == "WRITE"


def _listed(wanted: list[tuple[str, tuple[int, int]]]) -> list[tuple[int, str]] | None:
    """Return (pid, kind) of the locks on those bytes of those files by `/proc/locks`; None where it cannot be read."""
    try:
        with open(LOCKS, encoding="ascii", errors="replace") as file:
            lines = file.read().splitlines()
    except OSError:
        return None
    found = []
    for path, (first, last) in wanted:
        try:
            about = os.stat(path)
        except OSError:
            continue
        for line in lines:
            # `1: POSIX  ADVISORY  WRITE 4711 08:01:393228 1073741825 1073741825`; with `->` as second word it waits
            words = line.split()
            if len(words) != 8 or words[1] != "POSIX" or not words[5].endswith(f":{about.st_ino}"):
                continue
            pid, end = int(words[4]), sys.maxsize if words[7] == "EOF" else int(words[7])
            if int(words[6]) <= last and end >= first and _is_on(words[5], about, pid):
                found.append((pid, words[3]))
    return found


def _is_on(where: str, about: os.stat_result, pid: int) -> bool:
    """Tell whether a lock of `pid` is on the file that `about` describes; `where` is `major:minor:inode` of the lock.

    On Btrfs and overlayfs stat(2) gives another device than the kernel lists, so the open files of `pid` are compared.
    """
    major, minor, _ = where.split(":")
    if (int(major, 16), int(minor, 16)) == (os.major(about.st_dev), os.minor(about.st_dev)):
        return True
    folder = f"/proc/{pid}/fd"
    with suppress(OSError):  # another user's process
        for number in os.listdir(folder):
            with suppress(OSError):  # closed meanwhile
                if os.path.samestat(about, os.stat(f"{folder}/{number}")):
                    return True
    return False


def _asked(wanted: list[tuple[str, tuple[int, int]]]) -> list[tuple[int, str]]:
    """Return (pid, kind) of a lock on those bytes of those files, by the word of a child process."""
    if sys.platform not in ("linux", "darwin"):  # elsewhere struct flock has another form
        return []
    import subprocess

    words = [sys.executable, "-I", "-S", "-c", ASK]
    for path, (first, last) in wanted:
        words += [path, str(first), str(last)]
    try:
        said = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=ASKING, check=False).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [(int(pid), kind) for pid, kind in map(str.split, said.decode("ascii", "replace").splitlines())]
