"""The result codes of SQLite: https://sqlite.org/rescode.html. The low byte is the primary code."""

from __future__ import annotations

import sqlite3


def extended(error: BaseException | None) -> int:
    """Return the extended result code of `error`, SQLITE_ERROR where it has none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)


def primary(error: BaseException | None) -> int:
    """Return the primary result code of `error`, SQLITE_ERROR where it has none."""
    return extended(error) & 0xFF


def is_busy(error: BaseException | None) -> bool:
    """Tell whether `error` means that another connection keeps the store locked."""
    return primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_full(error: BaseException | None) -> bool:
    """Tell whether `error` means that there is no room on the disk."""
    return primary(error) == sqlite3.SQLITE_FULL


def is_damaged(error: BaseException | None) -> bool:
    """Tell whether `error` means that the file is no sound database."""
    return primary(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
