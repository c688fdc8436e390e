"""One pane, one xats process: a lock in the kernel (flock(2)), which lets go of it when its holder dies.

The lock is named by the server's pid and start time and the pane's id, not by the socket: one socket has many paths.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time

from xats.errors import Refused
from xats.tmux.address import check_pane_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType

    from xats.pane import Pane

# Not TMPDIR: processes that disagree about it would not see each other's locks.
ROOT = "/tmp"


class PaneBusy(Refused):
    """Another xats process is at work in that pane."""

    code = "busy"


class LockUnsafe(Refused):
    """The folder of the pane locks cannot be trusted."""

    code = "lock_unsafe"


class PaneLock:
    """Hold the lock of `pane` inside a `with`. Raises PaneBusy after `wait` seconds, LockUnsafe, and NoPane.

    The file stays: to remove it would let a third process lock a new file beside the one that a second still waits for.
    """

    def __init__(self, pane: Pane, wait: float = 0.5) -> None:
        check_pane_id(pane.pane_id)  # it becomes the name of a file
        self._name = f"{pane.server_pid}-{pane.server_start}-{pane.pane_id.removeprefix('%')}.lock"
        self._wait = wait
        self._file = -1

    def __enter__(self) -> None:
        path = os.path.join(folder(), self._name)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise LockUnsafe(f"{path}: {error.strerror}") from None
        deadline = time.monotonic() + self._wait
        while not self._take():
            if time.monotonic() >= deadline:
                os.close(self._file)
                raise PaneBusy
            time.sleep(0.02)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def _take(self) -> bool:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def folder() -> str:
    """Return the folder of the locks, made if need be: `/tmp/xats-UID`, ours alone.

    Raises LockUnsafe when somebody else put a folder, a link or a file there: then he could hold or swap the locks.
    """
    path = os.path.join(ROOT, f"xats-{os.geteuid()}")
    try:
        os.makedirs(path, 0o700, exist_ok=True)
        found = os.lstat(path)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid():
            if found.st_mode & 0o077:
                os.chmod(path, 0o700)
            return path
    except FileExistsError:
        pass
    except OSError as error:
        raise LockUnsafe(f"{path}: {error.strerror}") from None
    raise LockUnsafe(f"{path} is not a folder of ours", hint=f"remove {path}")
