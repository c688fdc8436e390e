"""Our errors for what SQLite raises: what is wrong, why, and the command that fixes it."""

from __future__ import annotations

import sqlite3

from xats.base import errors
from xats.store.sqlite import codes, disk

# Result codes over which xats asks the operating system for the reason.
MEDIUM = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)


def explain(error: sqlite3.Error, path: str) -> errors.StoreError:
    """Return our error for `error`, which SQLite raised over the store at `path`."""
    if codes.is_busy(error):
        from xats.store.sqlite import holder

        return holder.busy(holder.find(path))
    code, extended = codes.primary(error), codes.extended(error)
    if code == sqlite3.SQLITE_NOTADB:
        return errors.StoreForeign(f"{path} is not a SQLite database. xats did not change it.")
    if code == sqlite3.SQLITE_CORRUPT:
        hint = f"copy it, then: sqlite3 {path} .recover"
        return errors.StoreCorrupt(f"The store {path} is damaged ({error}). xats did not change it.", hint)
    if extended == sqlite3.SQLITE_READONLY_DBMOVED:
        msg = f"The store {path} was moved or removed while it was in use. Nothing was written."
        return errors.StoreReadOnly(msg, "try again: xats then uses the store that is there now")
    if extended == sqlite3.SQLITE_IOERR_DELETE_NOENT:
        msg = f"The journal of the store {path} was removed in use: the store was moved or replaced."
        return errors.StoreError(msg, "see whether what you did is there, and run: xats db check")
    if code in MEDIUM and (problem := disk.trouble(path)):
        return type(problem)(f"{problem} Nothing was written.", problem.hint)
    if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
        return errors.StoreFull(f"The disk that holds {path} is full. Nothing was written.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        hint = "make the file and its directory writable, or name another with --db or XATS_DB"
        return disk.unwritable(path, f"The store {path} cannot be written ({error}).", hint)
    name = getattr(error, "sqlite_errorname", "")  # "disk I/O error" alone has some thirty causes
    return errors.StoreError(f"The store {path} cannot be used: {error}{name and f' ({name})'}.")
