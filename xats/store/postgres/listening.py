"""Whether another process has committed: the notification of a commit is a hint, and the table `commits` is the truth.

The connection for LISTEN is separate from that of the transactions, because it needs a session: behind a PgBouncer that
pools transactions it hears nothing, and the look at the table once a second finds what is new.
"""

from __future__ import annotations

import time

import psycopg

from xats.store.postgres.connect import connect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POLL = 1.0  # seconds between two looks without a notification
LIMIT = 5_000  # ms that a look may take
# The number of the newest commit, that of the newest one of another process, the id of the store, and the time.
LOOK = """
begin read only; set local statement_timeout = {limit}; set local search_path = xats, pg_temp;
select coalesce(max(n), 0) as newest, coalesce(max(n) filter (where not starts_with(id, '{mark}.')), 0) as others,
    (select id from meta) as store, floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now
from commits where n > {seen}; commit
"""


class Ear:
    """The connection that hears of commits."""

    def __init__(self, url: str, mark: str, store: str) -> None:
        """`mark` begins the ids of one's own commits; `store` is the id of the store at `url`. Nothing is opened."""
        self._url, self._mark, self._store = url, mark, store
        self._connection: psycopg.Connection[Any] | None = None
        self._seen = self._number = 0
        self._next = 0.0  # on the steady clock

    def number(self) -> tuple[int, int | None]:
        """Return the number that changes with the commits of others, and the time of the server if it was asked.

        The number is -1 if another store is there now. Raises psycopg.Error and the StoreErrors of `connect`.
        """
        if not self._heard() and time.monotonic() < self._next:
            return self._number, None
        if self._connection is None:
            self._connection = connect(self._url)
            self._connection.execute("listen xats")
        look = LOOK.format(limit=LIMIT, mark=self._mark, seen=self._seen)
        try:
            cursor = self._connection.execute(look.encode())
        except psycopg.Error:
            self.close()
            raise
        while not cursor.description:
            cursor.nextset()
        row = cursor.fetchone()
        assert row is not None  # an aggregate has one row
        self._next = time.monotonic() + POLL
        if row["store"] != self._store:
            return -1, row["now"]
        self._seen = max(self._seen, row["newest"])
        self._number = max(self._number, row["others"])
        return self._number, row["now"]

    def _heard(self) -> bool:
        """Tell whether a notification has come, or the connection was lost. It waits for nothing."""
        if self._connection is None:
            return True
        pgconn, found = self._connection.pgconn, False
        try:
            pgconn.consume_input()
            while pgconn.notifies():
                found = True
        except psycopg.Error:
            self.close()
            return True
        return found

    def close(self) -> None:
        """Close the connection; `number` opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
