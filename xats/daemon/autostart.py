"""Have the daemon look, and start it when there is none. Every send comes through here, so it costs one small write."""

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
ENDS = 15.0  # seconds that an older daemon may take to end, and that of its own age which it starts in its place
PRIVATE = ("TMUX", "TMUX_PANE", "XATS_AGENT", "XATS_FAULT", "XATS_FAULT_CLOCK", "XATS_DB")


def ensure_running(store: str, environ: Mapping[str, str]) -> str | None:
    """Tell the daemon that something was committed to the store at path `store`.

    When none listens it is started, unless it runs, XATS_AUTOSTART is 0, or this is a sandbox. That it cannot be is no
    failure of what was committed, which stays due; whoever commits next tries again. A container has a daemon of its
    own as soon as an agent sits there, and the one that listens may be that of its machine. Returns what is worth a
    warning: no process could be made, the daemon that was started last time ended before it ran, or the one that runs
    is stopped. None: nothing.
    """
    listens = bell.ring(store)
    if listens and (problem := _halted(store)):
        return problem
    if (listens and not host.nested()) or not _may_start(environ):
        return None
    from xats.daemon import lock  # as long as a daemon listens, nobody needs it

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
    """Return the warning that the daemon which listens at the store is stopped, or None while it can work.

    A daemon that is stopped still holds its lock and its FIFO open.
    """
    from xats.base import process

    pid = bell.signed(store)
    state = process.halted(pid) if pid else None
    if pid is None or state is None:
        return None
    from xats.daemon import lock

    try:
        if lock.holder(store) != pid:  # the number in an old file may be another process by now
            return None
    except OSError:  # the lock is another user's
        return None
    fix = process.continuing(pid, state)
    return f"The daemon (pid {pid}) is {state}, so nobody is woken; the message is stored. To let it go on: {fix}"


def _is_ours(store: str) -> bool:
    """Tell whether the store belongs to this user. Another user's has a daemon of that user."""
    try:
        return os.stat(store).st_uid == os.geteuid()
    except OSError:
        return False


def _inhabited(store: str) -> bool:
    """Tell whether any agent of the store at path `store` sits on this host."""
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

    # A daemon inherits the sandbox of whoever starts it, and one that cannot reach tmux is worse than none.
    return settings.value("XATS_AUTOSTART", environ) != "0" and sandbox.named(environ) is None


def replace_older(store: str, environ: Mapping[str, str]) -> None:
    """Have a daemon again where that of an older xats ran, for which the store at path `store` is too new by now.

    It starts what is installed in its place, which is as old as itself where the newer xats has a place of its own, and
    then ends at once.
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
    """Start a daemon in a session of its own; return its pid, or None when there is one already.

    Raises OSError when no process can be made.
    """
    from xats.base import python
    from xats.daemon import lock

    try:
        file = lock.take(store)
    except OSError:  # the directory cannot be written; then neither could the store
        return None
    if file is None:
        return None
    # UTF-8 in any locale: names of files and texts are the same to every daemon.
    words = [*python.words("-X", "utf8"), "daemon", "run", "--db", store, "--lock-file", str(file)]
    kept = {name: value for name, value in python.environment(environ).items() if name not in PRIVATE}
    os.set_inheritable(file, True)
    log = _open_log(store)
    lock.sign_starting(file, os.lseek(log, 0, os.SEEK_END))
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, log, 2),  # why it ends before it has a log of its own
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
    """Return the daemon's log open to be added to, or the null device where there can be none."""
    from xats.daemon import lock

    flags = os.O_WRONLY | os.O_APPEND
    try:
        return sidefile.own(lock.log_path(store), flags)
    except OSError:
        return os.open(os.devnull, flags | os.O_CLOEXEC)
