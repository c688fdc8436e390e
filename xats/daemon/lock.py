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

from xats import host
from xats.daemon import nudge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

ASKING = 0.5  # seconds that `take` puts up with others who only ask
STARTING = "starting"  # in the lock file until the daemon runs; behind it how long its log was
TAIL = 8192  # bytes at the end of the log in which the reason of a failed start is looked for


def path_for(store: str) -> str:
    """Return the lock file of this host's daemon for the store at path `store`."""
    return nudge.lock_path(store)


def _stem(store: str) -> str:
    return f"{os.path.realpath(store)}-daemon-"


def _others(store: str) -> Iterator[str]:
    """Yield the locks beside the store that are not named after this host's id."""
    folder, start = os.path.split(_stem(store))
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        path = os.path.join(folder, name)
        if name.startswith(start) and name.endswith(".lock") and path != path_for(store):
            yield path


def _is_named(path: str, store: str) -> bool:
    """Tell whether the lock `path` is named after the name of a host, as by releases before hosts had ids."""
    return not host.is_id(path.removeprefix(_stem(store)))


def log_path(store: str) -> str:
    """Return where the daemon of the store at path `store` keeps its log."""
    return f"{os.path.realpath(store)}-daemon.log"


def take(store: str) -> int | None:
    """Take the lock; return its open file, or None when a daemon (or one that is just starting) has it."""
    file = os.open(path_for(store), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
    """Write this process into the lock file that it holds."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{os.getpid()}\n".encode(), 0)


def sign_starting(file: int, log_size: int) -> None:
    """Note in the lock file that a daemon is started whose log has `log_size` bytes so far."""
    os.ftruncate(file, 0)
    os.pwrite(file, f"{STARTING} {log_size}\n".encode(), 0)


def failure(store: str) -> str | None:
    """Return why the daemon that was started last never ran, None when it did, or when another one is starting."""
    try:
        if held(store):
            return None
        with open(path_for(store), encoding="ascii", errors="replace") as file:
            word, _, size = file.read(64).strip().partition(" ")
    except OSError:
        return None
    return last_words(store, int(size) if size.isdigit() else 0) if word == STARTING else None


def last_words(store: str, start: int = 0) -> str:
    """Return the last message in the daemon's log behind its first `start` bytes, without the time and the level."""
    try:
        with open(log_path(store), "rb") as file:
            end = os.fstat(file.fileno()).st_size
            file.seek(max(start if start <= end else 0, end - TAIL))
            lines = file.read().decode("utf-8", "replace").split("\n")
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
        return os.path.samestat(os.fstat(file), os.stat(path_for(store)))
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
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def holds(store: str, pid: int) -> bool:
    """Tell whether the process `pid` has the lock file open: its text alone is not a proof."""
    from xats import process

    files = process.open_files(pid)
    return path_for(store) in files or any(path in files and _is_named(path, store) for path in _others(store))


def holder(store: str) -> int | None:
    """Return the pid of the daemon that runs, or None."""
    return _pid(path_for(store)) if _held(path_for(store)) else _older(store)


def _pid(path: str) -> int | None:
    with open(path, encoding="ascii") as file:
        text = file.read().strip()
    return int(text) if text.isdigit() else None


def _older(store: str) -> int | None:
    """Return the pid of a daemon of an older release that runs here, or None.

    The host in the name of its lock may be any, so the process has to have that very file open here.
    """
    for path in _others(store):
        if _is_named(path, store) and _held(path):
            pid = _pid(path)
            if pid is not None and holds(store, pid):
                return pid
    return None


def outside(store: str) -> bool:
    """Tell whether this is a container or a sandbox, and a daemon runs outside of it on the same machine."""
    if not host.nested():
        return False
    start = f"{_stem(store)}{host.machine()}"
    return any(path.startswith(start) and _held(path) for path in _others(store))
