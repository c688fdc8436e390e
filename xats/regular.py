"""Open and read a file of another program or of a person, if it is a regular file.

Opening a FIFO waits for its writer, opening a device can do something, and /dev/zero never ends. What a host names as
its transcript or its settings can be any of these.
"""

from __future__ import annotations

import os
import stat

FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class NotRegular(OSError):
    """What has that name is a FIFO, a device, a socket or a folder."""

    def __init__(self, path: str) -> None:
        super().__init__(0, "it is not a regular file", path)


def opened(path: str, *, follow: bool = True) -> int:
    """Return a descriptor to read the regular file `path`; links are followed unless `follow` is False.

    It never waits. Raises NotRegular, another OSError, or ValueError for a path that holds a NUL.
    """
    if not stat.S_ISREG(os.stat(path, follow_symlinks=follow).st_mode):  # before it is opened, which may do something
        raise NotRegular(path)
    file = os.open(path, FLAGS | (0 if follow else os.O_NOFOLLOW))
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    raise NotRegular(path)


def read(path: str, limit: int, *, follow: bool = True) -> bytes:
    """Return the first `limit` bytes of the regular file `path`. Raises what `opened` does."""
    file = opened(path, follow=follow)
    try:
        return until(file, limit)
    finally:
        os.close(file)


def until(file: int, limit: int) -> bytes:
    """Return what follows in the open `file`, `limit` bytes at the most. Raises OSError."""
    parts, left = [], limit
    while left > 0 and (part := os.read(file, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
