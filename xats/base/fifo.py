"""A FIFO by which one process wakes another: the waiting process makes it, and writing to it never waits.

The waiting process opens it for both directions, so it never reads an end of file. If no process waits, opening it to
write fails with ENXIO.
"""

from __future__ import annotations

import os
import stat

from xats.base import sidefile


def make(path: str) -> int:
    """Create the FIFO at `path`, private to its owner, unless it exists; return its descriptor to wait at.

    Raises Unsafe, OSError.
    """
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    else:
        if not os.access(path, os.R_OK | os.W_OK):  # by the umask
            os.chmod(path, 0o600)
    return sidefile.opened(path, os.O_RDWR, stat.S_ISFIFO, repair=True)


def reach(path: str) -> int | None:
    """Return a descriptor to write to the FIFO at `path`, None when no process waits at it. It never blocks."""
    try:
        return sidefile.opened(path, os.O_WRONLY, stat.S_ISFIFO, repair=False)  # no process waits: ENXIO
    except OSError:
        return None
