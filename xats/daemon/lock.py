"""One daemon for each host and store: a lock that the kernel releases when its holder dies, however it dies.

The lock sits on the open file, so whoever starts a daemon takes the lock first and hands the open file down. There is
no moment at which two could start.
"""

from __future__ import annotations

import fcntl
import os
import time

ASKING = 0.5  # seconds that `take` puts up with others who only ask


def path_for(store: str) -> str:
    """Return the lock file of this host's daemon for the store at path `store`."""
    return f"{os.path.realpath(store)}-daemon-{os.uname().nodename}.lock"


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


def seen(store: str, file: int) -> bool:
    """Tell whether the open `file` is what others see as the lock: it may have been removed."""
    try:
        return os.path.samestat(os.fstat(file), os.stat(path_for(store)))
    except FileNotFoundError:
        return False


def held(store: str) -> bool:
    """Tell whether a daemon runs, or is just starting."""
    try:
        file = os.open(path_for(store), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _lock(file, fcntl.LOCK_SH)
    finally:
        os.close(file)


def holder(store: str) -> int | None:
    """Return the pid of the daemon that runs, or None."""
    if not held(store):
        return None
    with open(path_for(store), encoding="ascii") as file:
        text = file.read().strip()
    return int(text) if text.isdigit() else None
