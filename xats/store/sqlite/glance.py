"""A glance at a store: read-only, without making, changing or waiting for anything. Tab completion lives on it."""

from __future__ import annotations

import sqlite3

from xats.store.sqlite.engine import Row, Tx, host_clock
from xats.store.sqlite.paths import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    T = TypeVar("T")


def glance(path: str, patience: float, work: Callable[[Tx], T]) -> T:
    """Return what `work` makes of one snapshot of the store at `path`, which is waited for `patience` seconds at most.

    Raises sqlite3.Error when the store is missing, locked, or not a store.
    """
    try:
        return _read(sqlite3.connect(uri(path), uri=True, timeout=patience, isolation_level=None), work)
    except sqlite3.Error as error:
        from xats.store.sqlite import readonly

        if not readonly.is_needed(error, path):
            raise
        return _read(readonly.connect(path), work)


def _read(connection: sqlite3.Connection, work: Callable[[Tx], T]) -> T:
    """Return what `work` makes of one snapshot by `connection`, which is closed then."""
    try:
        connection.row_factory = Row
        connection.execute("begin")
        return work(Tx(connection, host_clock()))
    finally:
        connection.close()
