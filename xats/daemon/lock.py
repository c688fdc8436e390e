"""One daemon for each host and store: a lock that the kernel releases when its holder dies, however it dies.

The lock sits on the open file, so whoever starts a daemon takes the lock first and hands the open file down. There is
no moment at which two could start. Its name holds the id of the host, which stays when the host gets another name. The
daemon of a release before there were ids holds a lock named after what the host was called when it started; it ends
when it sees that the store was brought up to date.
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

ASKING = 0.5  # seconds that `take` puts up with others who only ask
STARTING = "starting"  # in the lock file until the daemon runs; behind it how long its log was
LONGEST = 200  # bytes of a lock file that are read
TAIL = 8192  # bytes at the end of the log in which the reason of a failed start is looked for


def path_for(store: str) -> str:
    """Return the lock file of this host's daemon for the store at path `store`."""
    return bell.lock_path(store)


def _stem(store: str) -> str:
    return sidefile.path_for(store, "daemon-")


def _others(store: str, *, named: bool = False) -> Iterator[str]:
    """Yield the locks beside the store that are not named after this host's id.

    `named`: those alone that are named after the name of a host, as by releases before hosts had ids.
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
    """Return where the daemon of the store at path `store` keeps its log."""
    return sidefile.path_for(store, "daemon.log")


def take(store: str) -> int | None:
    """Take the lock; return its open file, or None when a daemon (or one that is just starting) has it.

    Raises Unsafe for a lock file that another user could have chosen, and OSError.
    """
    file = sidefile.own(path_for(store))
    until = time.monotonic() + ASKING
    while not _lock(file, fcntl.LOCK_EX):
        # `held` shares the lock for a moment; with a daemon it cannot be shared.
        if not _lock(file, fcntl.LOCK_SH) or time.monotonic() > until:
            os.close(file)
            return None
        fcntl.flock(file, fcntl.LOCK_UN)
        time.sleep(0.0001 + time.perf_counter_ns() % 1000 / 1_000_000)
    os.ftruncate(file, 0)  # the pid in it was another daemon's, and may be anybody's by now
    return file


def _lock(file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sign(file: int) -> None:
    """Write this process into the lock file that it holds: its host, its pid and its start time."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{process.mark()}\n".encode(), 0)


def sign_starting(file: int, log_size: int) -> None:
    """Note in the lock file that a daemon is started whose log has `log_size` bytes so far."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{STARTING} {log_size}\n".encode(), 0)


def failure(store: str) -> str | None:
    """Return why the daemon that was started last never ran, None when it did, or when another one is starting."""
    try:
        if held(store):
            return None
        word, _, size = _text(path_for(store)).partition(" ")
    except OSError:
        return None
    return last_words(store, int(size) if size.isdigit() else 0) if word == STARTING else None


def last_words(store: str, start: int = 0) -> str:
    """Return the last message in the daemon's log behind its first `start` bytes, without the time and the level."""
    try:
        lines = sidefile.read(log_path(store), TAIL, start).decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    # What is indented belongs to the line above: a hint, or where an exception came from.
    said = next((line for line in reversed(lines) if line.strip() and not line[0].isspace()), "")
    if said[:4].isdigit() and " ERROR " in said:
        said = said.partition(" ERROR ")[2]
    said = said.removeprefix("xats: ")
    return "".join(char if char.isprintable() else "?" for char in said)[:300] or "it ended without a message"


def seen(store: str, file: int) -> bool:
    """Tell whether the open `file` is what others see as the lock: it may have been removed."""
    try:
        return os.path.samestat(os.fstat(file), os.lstat(path_for(store)))
    except FileNotFoundError:
        return False


def held(store: str) -> bool:
    """Tell whether a daemon runs, or is just starting."""
    return _held(path_for(store)) or _older(store) is not None


def was_held(store: str, seconds: float) -> bool:
    """Tell whether a daemon runs, is just starting, or has written its log in the last `seconds`."""
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
    """Tell whether the process `pid` has taken the lock: what the lock file says is not a proof."""
    return any(_has_taken(path, pid) for path in (path_for(store), *_others(store, named=True)))


def _has_taken(path: str, pid: int) -> bool:
    """Tell whether the process `pid` has the file `path` open, and has locked it where the system tells (Linux)."""
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
    """Return the pid of the daemon that runs, or None."""
    found = signed(store)
    return found[0] if found else None


def signed(store: str) -> tuple[int, int] | None:
    """Return the pid and the start time of the daemon that runs, as its lock file says, or None.

    Whoever can write to the folder can write that file, so `holds` must be asked before the process gets a signal.
    """
    return _signed(path_for(store)) if _held(path_for(store)) else _older(store)


def _signed(path: str) -> tuple[int, int] | None:
    """Return what the lock file `path` says; None if that is another host, or a process that has ended."""
    said = _text(path).split(":")
    if len(said) == 1:  # a daemon of an older release says its pid alone
        said = [host.id(), *said, ""]
    where, number, since = said if len(said) == 3 else ("", "", "")
    if where != host.id() or not (number.isascii() and number.isdigit()):
        return None
    now = process.started(int(number))
    return (int(number), now) if now is not None and since in ("", str(now)) else None


def _text(path: str) -> str:
    return sidefile.read(path, LONGEST).decode("ascii", "replace").strip()


def _older(store: str) -> tuple[int, int] | None:
    """Return the pid and the start time of a daemon of an older release that runs here, or None.

    The host in the name of its lock may be any, so the process must hold that very lock here.
    """
    for path in _others(store, named=True):
        with suppress(OSError):  # another user's
            found = _signed(path) if _held(path) else None
            if found and _has_taken(path, found[0]):
                return found
    return None


def outside(store: str) -> bool:
    """Tell whether this is a container or a sandbox, and a daemon runs outside of it on the same machine."""
    if not host.nested():
        return False
    start = f"{_stem(store)}{host.machine()}"
    for path in _others(store):
        with suppress(OSError):  # another user's
            if path.startswith(start) and _held(path):
                return True
    return False
