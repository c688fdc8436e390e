"""New stores, each a copy of one that was created once: to run all migrations takes 35 ms of a processor."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from functools import cache

from xats.store.open import open_store
from xats.store.sqlite import create, migrate

CREATED = 1_750_000_000_000  # ms UTC, when the clocks of tests start


def new_store(path: str) -> str:
    """Put a new store at `path` as xats creates it, with the same rights; return `path`.

    Keep a store that is there. For a URL, opening it makes the store.
    """
    if "://" not in path and not os.path.exists(path):
        content = _content(migrate.wal_is_safe(sqlite3.sqlite_version_info))
        create.create_file(path, None)
        with open(path, "wb") as file:
            file.write(content)
    return path


@cache
def _content(_wal: bool) -> bytes:
    """Return the file of a new store, with a write-ahead log or with a rollback journal."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "xats.db")
        open_store(path, clock=lambda: CREATED).close()
        with open(path, "rb") as file:
            return file.read()
