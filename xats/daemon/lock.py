"""One daemon for each host and store: a lock that the kernel releases when its holder ends in any way.

The lock belongs to the open file (flock(2)). The process that starts a daemon takes the lock first and passes the open
file on, so two daemons can never start at the same time. The name of the file contains the id of the host, which stays
when the host is renamed. Releases without host ids used the name of the host instead; their daemons end when they see
that the store was migrated.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress

from xats.base import host, process, sidefile
from xats.daemon import bell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ASKING = 0.5  # seconds for which `take` waits for processes that share the lock to ask
STARTING = "starting"  # in the lock file until the daemon runs, followed by the size of its log
LONGEST = 200  # bytes of a lock file that are read
TAIL = 8192  # bytes at the end of the log that are searched for the reason of a failed start


def path_for(store: str) -> str:
    """Return the lock file of this host's daemon for the store at path `store`."""
    return bell.lock_path(store)


def _stem(store: str) -> str:
    return sidefile.path_for(store, "daemon-")


def _others(store: str, *, named: bool = False) -> Iterator[str]:
    """Yield the locks beside the store that are not named after this host's id.

    `named`: only those named after the name of a host, by releases without host ids.
    """
    folder, start = os.path.split(_stem(store))
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        path = os.path.join(folder, name)
        if not (name.startswith(start) and name.endswith(".lock")) or path == path_for(store):
            continue
        if not named or not host.is_id(name.removeprefix(start)):
            yield path


def log_path(store: str) -> str:
    """Return the log file of the daemon of the store at path `store`."""
    return sidefile.path_for(store, "daemon.log")


def take(store: str) -> int | None:
    """Take the lock. Return its open file, or None when a running or starting daemon has it.

    Raises Unsafe for a lock file that another user could have made, and OSError.
    """
    file = sidefile.own(path_for(store))
    until = time.monotonic() + ASKING
    while not _lock(file, fcntl.LOCK_EX):
        # `held` shares the lock for a moment. A daemon never shares it.
        if not _lock(file, fcntl.LOCK_SH) or time.monotonic() > until:
            os.close(file)
            return None
        fcntl.flock(file, fcntl.LOCK_UN)
        time.sleep(0.0001 + time.perf_counter_ns() % 1000 / 1_000_000)
    os.ftruncate(file, 0)  # the pid in it was of another daemon, and may be of any process now
    return file


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sign(file: int) -> None:
    """Write this process into the lock file that it holds: host, pid and start time."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{process.mark()}\n".encode(), 0)


def sign_starting(file: int, log_size: int) -> None:
    """Write into the lock file that a daemon starts, and that its log has `log_size` bytes so far."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{STARTING} {log_size}\n".encode(), 0)


def failure(store: str) -> str | None:
    """Return why the last daemon ended before it ran; None: it ran, or another one is starting."""
    try:
        if held(store):
            return None
        word, _, size = _text(path_for(store)).partition(" ")
    except OSError:
        return None
    return last_words(store, int(size) if size.isdigit() else 0) if word == STARTING else None


def last_words(store: str, start: int = 0) -> str:
    """Return the last message in the daemon's log after its first `start` bytes, without time and level."""
    try:
        lines = sidefile.read(log_path(store), TAIL, start).decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    # An indented line belongs to the line above: a hint, or a traceback.
    said = next((line for line in reversed(lines) if line.strip() and not line[0].isspace()), "")
    if said[:4].isdigit() and " ERROR " in said:
        said = said.partition(" ERROR ")[2]
    said = said.removeprefix("xats: ")
    return "".join(char if char.isprintable() else "?" for char in said)[:300] or "it ended without a message"


def seen(store: str, file: int) -> bool:
    """Tell whether the open `file` is still the lock file of the store, and was not removed."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path_for(store)))
    except FileNotFoundError:
        return False


def held(store: str) -> bool:
    """Tell whether a daemon runs or is starting."""
    return _held(path_for(store)) or _older(store) is not None


def was_held(store: str, seconds: float) -> bool:
    """Tell whether a daemon runs, is starting, or has written its log in the last `seconds`."""
    try:
        return held(store) or time.time() - os.stat(log_path(store)).st_mtime < seconds
    except FileNotFoundError:
        return False


def _held(path: str) -> bool:
    try:
        file = sidefile.look(path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return not _lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def holds(store: str, pid: int) -> bool:
    """Tell whether the process `pid` holds the lock. The text of the lock file does not prove it."""
    return any(_has_taken(path, pid) for path in (path_for(store), *_others(store, named=True)))


def _has_taken(path: str, pid: int) -> bool:
    """Tell whether the process `pid` has the file `path` open, and on Linux, whether it has locked it."""
    try:
        about = os.lstat(path)
    except FileNotFoundError:
        return False
    if not process.LINUX:
        return path in process.open_files(pid)
    # proc_pid_fdinfo(5): "lock:  1: FLOCK  ADVISORY  WRITE 4711 00:1a:19 0 EOF"
    taken = ["FLOCK", "ADVISORY", "WRITE"]
    lines = [line for text in process.file_notes(pid, about) for line in text.splitlines()]
    return any(line.startswith("lock:") and line.split()[2:5] == taken for line in lines)


def holder(store: str) -> int | None:
    """Return the pid of the running daemon, or None."""
    found = signed(store)
    return found[0] if found else None


def signed(store: str) -> tuple[int, int] | None:
    """Return the pid and the start time of the running daemon from its lock file, or None.

    Any process that can write to the folder can write that file. Call `holds` before sending a signal to the pid.
    """
    return _signed(path_for(store)) if _held(path_for(store)) else _older(store)


def _signed(path: str) -> tuple[int, int] | None:
    """Return the pid and the start time in the lock file `path`; None: another host, or the process has ended."""
    said = _text(path).split(":")
    if len(said) == 1:  # older releases wrote only the pid
        said = [host.id(), *said, ""]
    where, number, since = said if len(said) == 3 else ("", "", "")
    if where != host.id() or not (number.isascii() and number.isdigit()):
        return None
    now = process.started(int(number))
    return (int(number), now) if now is not None and since in ("", str(now)) else None


def _text(path: str) -> str:
    return sidefile.read(path, LONGEST).decode("ascii", "replace").strip()


def _older(store: str) -> tuple[int, int] | None:
    """Return the pid and the start time of a running daemon of an older release, or None.

    The name of its lock may be of any host, so a process here must hold that lock.
    """
    for path in _others(store, named=True):
        with suppress(OSError):  # another user's
            found = _signed(path) if _held(path) else None
            if found and _has_taken(path, found[0]):
                return found
    return None


def outside(store: str) -> bool:
    """Tell whether this is a container or a sandbox, and a daemon runs outside it on the same machine."""
    if not host.nested():
        return False
    start = f"{_stem(store)}{host.machine()}"
    for path in _others(store):
        with suppress(OSError):  # another user's
            if path.startswith(start) and _held(path):
                return True
    return False
