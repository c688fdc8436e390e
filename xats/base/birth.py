"""When a file system made a file. Python's os.stat knows that on macOS, and on Linux only newer versions do."""

from __future__ import annotations

import os

AT_FDCWD = -100  # <fcntl.h>
STATX_BTIME = 0x800  # <linux/stat.h>
SIZE, BTIME = 256, 80  # bytes of struct statx, and where its stx_btime is


def made_at(path: str) -> int | None:
    """Return when the file `path` was made, in ns since 1970; None if its file system does not keep that.

    A rename keeps the time, and a copy gets its own: statx(2). Importing ctypes takes some 10 ms.
    """
    try:
        at = getattr(os.stat(path), "st_birthtime", None)
        return int(at * 1e9) if at is not None else _statx(path)
    except (ImportError, AttributeError, OSError):  # a Python without ctypes, a C library without statx, no file
        return None


def _statx(path: str) -> int | None:
    import ctypes
    import struct

    found = ctypes.create_string_buffer(SIZE)
    if ctypes.CDLL(None).statx(AT_FDCWD, os.fsencode(path), 0, STATX_BTIME, found) != 0:
        return None
    (mask,) = struct.unpack_from("I", found)
    seconds, nanoseconds = struct.unpack_from("qI", found, BTIME)
    return seconds * 10**9 + nanoseconds or None if mask & STATX_BTIME else None
