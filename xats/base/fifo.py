"""A FIFO by which one process rouses another: made by the one who waits, written to without ever waiting.

Whoever waits opens it for both directions, so that it never ends; where nobody waits, opening it to write says so.
"""

from __future__ import annotations

import os
import stat

from xats.base import sidefile


def make(path: str) -> int:
    """Create the FIFO at `path` unless it exists, for its owner alone, and return it open to wait at.

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
    """Return the FIFO at `path` open to be written to, None when nobody waits at it. It never waits."""
    try:
        return sidefile.opened(path, os.O_WRONLY, stat.S_ISFIFO, repair=False)  # nobody waits: ENXIO
    except OSError:
        return None
