"""Read a store in one step, without the engine, whose import takes longer than the query: most hooks need no more.

A peek waits for nothing and changes nothing. Where anything is unusual it returns None, and the caller opens the store.
"""

from __future__ import annotations

import time

from xats.base import faults
from xats.base.errors import StoreForeign
from xats.store.sqlite import APPLICATION_ID, SCHEMA_VERSION, driver
from xats.store.sqlite.paths import check_beside, is_exposed, uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    T = TypeVar("T")
PATIENCE = 1.0  # seconds that a look at a database may wait


class Snapshot:
    """One snapshot of a store, to be read."""

    def __init__(self, connection: driver.Connection) -> None:
        self._connection = connection
        self.now = time.time_ns() // 1_000_000 + faults.CLOCK  #: milliseconds UTC

    def one(self, sql: str, **values: Any) -> driver.Row | None:
        """Return the first row of `sql`, or None."""
        row: driver.Row | None = self._connection.execute(sql, values).fetchone()
        return row


def peek(path: str, work: Callable[[Snapshot], T]) -> T | None:
    """Return what `work` finds in the store at `path`.

    None also where the store is missing, busy, damaged, of another schema, or open to other users.
    """
    if "://" in path:
        return _of_database(path, work)
    try:
        if check_beside(path) or is_exposed(path):
            return None
        connection = driver.connect(uri(path, "rw"), uri=True, timeout=0, isolation_level=None)
    except (OSError, ValueError, driver.Error, StoreForeign):
        return None
    try:
        connection.row_factory = driver.Row
        connection.execute("pragma trusted_schema = off")
        connection.execute("begin")
        version = connection.execute("pragma user_version").fetchone()[0]
        application = connection.execute("pragma application_id").fetchone()[0]
        known = (application, version) == (APPLICATION_ID, SCHEMA_VERSION)
        return work(Snapshot(connection)) if known else None
    except driver.Error:
        return None
    finally:
        connection.close()


def _of_database(url: str, work: Callable[[Any], T]) -> T | None:
    """Return what `work` finds in the database at `url`, None where that cannot be read within PATIENCE."""
    from xats.base.errors import XatsError
    from xats.base.location import is_marked

    try:
        if not is_marked(url):
            return None
        from xats.store.postgres import look

        return look.snapshot(url, work, PATIENCE)
    except (XatsError, ImportError):
        return None
