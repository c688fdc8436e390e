"""Wake the daemon, and start it if none runs. Every send calls this, so it costs only one small write."""

from __future__ import annotations

import os
import sys
import time

from xats.base import host, sidefile
from xats.daemon import bell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

CANNOT_START = "The daemon cannot start, so nobody is woken; the message is stored. Reason: {}"
ENDS = 15.0  # seconds for an older daemon to end, and for the daemon that it starts in its place
PRIVATE = ("TMUX", "TMUX_PANE", "XATS_AGENT", "XATS_FAULT", "XATS_FAULT_CLOCK", "XATS_FAULT_RESTARTS", "XATS_DB")


def ensure_running(store: str, environ: Mapping[str, str]) -> str | None:
    """Wake the daemon after a commit to the store at path `store`; start one if none listens. Return a warning or None.

    Nothing is started while a daemon runs, when XATS_AUTOSTART is 0, or in a sandbox. The commit stands even if the
    start fails: its wakes stay due, and the next commit tries again. A container gets a daemon of its own as soon as it
    has an agent, because the daemon that listens may be the machine's.

    The warning says that no process could be started, that the last daemon ended before it was ready, or that the
    running daemon is stopped.
    """
    listens = bell.ring(store)
    if listens and (problem := _halted(store)):
        return problem
    if (listens and not host.nested()) or not _may_start(environ):
        return None
    from xats.daemon import lock  # not needed while a daemon listens

    try:
        if lock.held(store) or (host.nested() and not _inhabited(store)):
            return None
        problem = lock.failure(store)
    except sidefile.Unsafe as error:
        problem = f"{error} {error.hint}" if _is_ours(store) else None
        return problem and CANNOT_START.format(problem)
    except OSError:  # the lock is another user's
        return None
    try:
        start(store, environ)
    except OSError as error:  # too many processes or open files
        problem = f"{sys.executable}: {error.strerror}"
    if problem is None:
        return None
    return f"{CANNOT_START.format(problem)} (see {lock.log_path(store)}, or: xats daemon start)"


def _halted(store: str) -> str | None:
    """Return a warning if the daemon of the store is stopped (as by Ctrl-Z), or None.

    A stopped daemon still has its lock and its FIFO open.
    """
    from xats.base import process

    pid = bell.signed(store)
    state = process.halted(pid) if pid else None
    if pid is None or state is None:
        return None
    from xats.daemon import lock

    try:
        if lock.holder(store) != pid:  # an old file: the pid may be another process by now
            return None
    except OSError:  # the lock is another user's
        return None
    fix = process.continuing(pid, state)
    return f"The daemon (pid {pid}) is {state}, so nobody is woken; the message is stored. To continue it: {fix}"


def _is_ours(store: str) -> bool:
    """Tell whether the store belongs to this user. The store of another user has a daemon of that user."""
    if "://" in store:  # each user of a database has a daemon
        return True
    try:
        return os.stat(store).st_uid == os.geteuid()
    except OSError:
        return False


def _inhabited(store: str) -> bool:
    """Tell whether any agent of the store at path `store` has a session on this host."""
    from xats.base.errors import StoreError
    from xats.core import hosts
    from xats.store.open import open_store

    try:
        opened = open_store(store)
        try:
            return opened.read(lambda tx: hosts.has_agents(tx, host.id()))
        finally:
            opened.close()
    except StoreError:
        return False


def _may_start(environ: Mapping[str, str]) -> bool:
    from xats import settings
    from xats.base import sandbox

    # A daemon inherits the sandbox of the process that starts it. A daemon that cannot reach tmux is worse than none.
    return settings.value("XATS_AUTOSTART", environ) != "0" and sandbox.named(environ) is None


def replace_older(store: str, environ: Mapping[str, str]) -> None:
    """Start a daemon after one of an older xats ended, because the store at path `store` is too new for it.

    The process of the older daemon starts the xats that is installed in its place. If the newer xats is installed
    elsewhere, the started daemon is too old as well, and ends at once.
    """
    from xats.daemon import lock

    until = time.monotonic() + ENDS
    try:
        if not _may_start(environ) or not lock.was_held(store, ENDS):
            return
        old = lock.holder(store)
        while time.monotonic() < until:
            holder = lock.holder(store)
            if holder is None or holder != old:
                if bell.ring(store):
                    return
                ensure_running(store, environ)
            time.sleep(0.02)
    except OSError:  # the lock is another user's
        return


def start(store: str, environ: Mapping[str, str]) -> int | None:
    """Start a daemon in a session of its own. Return its pid, or None when one runs already.

    Raises OSError when no process can be started.
    """
    from xats.base import python
    from xats.daemon import lock

    try:
        file = lock.take(store)
    except OSError:  # the folder cannot be written; then neither could the store
        return None
    if file is None:
        return None
    # UTF-8 in any locale: file names and texts are the same for every daemon.
    words = [*python.words("-X", "utf8"), "daemon", "run", "--db", store, "--lock-file", str(file)]
    kept = {name: value for name, value in python.environment(environ).items() if name not in PRIVATE}
    os.set_inheritable(file, True)
    log = _open_log(store)
    lock.sign_starting(file, os.lseek(log, 0, os.SEEK_END))
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, log, 2),  # for the reason of an end before it opens its log
    ]
    # Not subprocess: importing it costs 8 ms. The child leaves our session itself (setsid).
    try:
        return os.posix_spawn(sys.executable, words, kept, file_actions=files)
    except OSError:
        os.ftruncate(file, 0)  # nothing was started
        raise
    finally:
        os.close(file)
        os.close(log)


def _open_log(store: str) -> int:
    """Open the daemon's log to append to it, or the null device if that fails."""
    from xats.daemon import lock

    flags = os.O_WRONLY | os.O_APPEND
    try:
        return sidefile.own(lock.log_path(store), flags)
    except OSError:
        return os.open(os.devnull, flags | os.O_CLOEXEC)
