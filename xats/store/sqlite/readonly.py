"""Read a store with a WAL where its folder cannot be written.

Even a reader of a WAL makes two files beside the database, `-wal` and `-shm`. Where it cannot and they are not there,
SQLite refuses to open the database: https://sqlite.org/wal.html#read_only_databases
"""

from __future__ import annotations

import os
import sqlite3

from xats.base.errors import StoreError
from xats.store.sqlite.engine import OPTIONS
from xats.store.sqlite.paths import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    Stamp: TypeAlias = tuple[tuple[int, int, int] | None, ...]

COPIES = 5  # attempts to copy a store that somebody else changes


def is_needed(error: sqlite3.Error, path: str) -> bool:
    """Tell whether `error` was raised over a store at `path` that can be read by `connect` alone."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return (
        code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
        and os.path.isfile(path)
        and os.access(path, os.R_OK)
        and not os.access(os.path.dirname(os.path.realpath(path)), os.W_OK)
        and not os.path.exists(f"{os.path.realpath(path)}-journal")  # it would have to be rolled back first
    )


class Unchanging(sqlite3.Connection):
    """A connection that reads the store as one that never changes. SQLite does not know of the WAL then."""

    journal = "wal"


def connect(path: str) -> sqlite3.Connection:
    """Open the store at `path`, whose folder cannot be written, to be read alone. Raises sqlite3.Error or StoreError.

    Without a `-wal` file no process has the store open, and its file holds all there is: SQLite may read it as one that
    never changes. The caller compares `stamp` before and after, because another user may begin to write. Where a
    `-wal` is left, as by a crash, a private copy of both files is read.
    """
    wal = stamp(path)[1]
    if wal is None or wal[1] == 0:
        made: sqlite3.Connection = sqlite3.connect(f"{uri(path)}&immutable=1", uri=True, factory=Unchanging, **OPTIONS)
    else:
        try:
            made = _copied(path)
        except OSError as error:
            msg = f"The folder of {path} cannot be written, and no copy can be made to read it: {error.strerror}."
            raise StoreError(msg, "make that folder writable, or set TMPDIR to one with room") from error
    made.execute("pragma query_only = on")
    return made


def stamp(path: str) -> Stamp:
    """Return what changes when the store at `path` is written: inode, size and time of its file and of its WAL."""
    found: list[tuple[int, int, int] | None] = []
    for name in (path, f"{os.path.realpath(path)}-wal"):
        try:
            about = os.stat(name)
        except OSError:
            found.append(None)
        else:
            found.append((about.st_ino, about.st_size, about.st_mtime_ns))
    return tuple(found)


def _copied(path: str) -> sqlite3.Connection:
    """Return a connection to a private copy of the store at `path` with its WAL; nothing else has the copy."""
    import shutil
    import tempfile

    real = os.path.realpath(path)
    with tempfile.TemporaryDirectory(prefix="xats-") as folder:  # SQLite has the files open when their names go
        copy = os.path.join(folder, "xats.db")
        for _ in range(COPIES):
            before = stamp(path)
            shutil.copyfile(real, copy)
            shutil.copyfile(f"{real}-wal", f"{copy}-wal")
            if stamp(path) == before:
                break
        made: sqlite3.Connection = sqlite3.connect(copy, **OPTIONS)
        try:
            made.execute("select count(*) from sqlite_master").fetchone()  # it opens every file now
        except BaseException:
            made.close()
            raise
    return made
