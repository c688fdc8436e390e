"""A FIFO by which one process rouses another: made by the one who waits, written to without ever waiting.

Whoever waits opens it for both directions, so that it never ends; where nobody waits, opening it to write says so.
"""

from __future__ import annotations

import os
import stat

SAFE = os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def make(path: str) -> int:
    """Make the FIFO at `path` if need be, for its owner alone, and return it open to wait at. Raises OSError."""
    from contextlib import suppress

    with suppress(FileExistsError):
        os.mkfifo(path, 0o600)
    pipe = os.open(path, os.O_RDWR | SAFE)
    if not ours(pipe):
        os.close(pipe)
        raise FileExistsError(0, "something else has the name of a FIFO of xats")
    os.fchmod(pipe, 0o600)
    return pipe


def reach(path: str) -> int | None:
    """Return the FIFO at `path` open to be written to, None when nobody waits at it. It never waits."""
    try:
        pipe = os.open(path, os.O_WRONLY | SAFE)  # nobody waits: ENXIO
    except OSError:
        return None
    if ours(pipe):
        return pipe
    os.close(pipe)
    return None


def ours(pipe: int) -> bool:
    """Tell whether an open file is a FIFO of this user."""
    found = os.fstat(pipe)
    return stat.S_ISFIFO(found.st_mode) and found.st_uid == os.geteuid()
