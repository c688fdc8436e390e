"""Run a user's own SQL over a store in a PostgreSQL database: one statement, in a transaction that only reads."""

from __future__ import annotations

import psycopg

from xats.base.errors import TimedOut, Usage
from xats.store.postgres import failures
from xats.store.postgres.connect import connect
from xats.store.postgres.statements import translated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STOPPED = "57014"  # by statement_timeout


def query(
    url: str, sql: str, values: Mapping[str, Any], limit: int, seconds: float
) -> tuple[tuple[str, ...], tuple[tuple[Any, ...], ...], bool]:
    """Return the columns and at most `limit` rows of the statement `sql`, and whether more follow.

    `values` are for its `:name`s. The server ends it after `seconds`. Raises Usage for anything but one statement that
    reads, TimedOut, and the StoreErrors.
    """
    connection = connect(url)
    try:
        connection.execute(
            "begin isolation level repeatable read read only; set local search_path = xats, pg_temp; "
            f"set local statement_timeout = {max(1, round(seconds * 1000))}".encode()
        )
        # `stream` uses the extended protocol, which takes one statement only: no COMMIT can end the transaction that
        # protects the store.
        with psycopg.Cursor(connection) as cursor:
            found = cursor.stream(translated(sql), dict(values))
            rows = [tuple(row) for _, row in zip(range(limit + 1), found, strict=False)]
            columns = tuple(one.name for one in cursor.description or ()) or _columns(cursor, sql, values)
            return columns, tuple(rows[:limit]), len(rows) > limit
    except psycopg.Error as error:
        raise _explained(error, url, seconds) from None
    finally:
        connection.close()


def _columns(cursor: psycopg.Cursor[Any], sql: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the columns of `sql`, which has returned no rows: `stream` does not know them then."""
    text = f"select * from (\n{translated(sql.rstrip().rstrip(';'))}\n) found limit 0"  # the server does not run it
    try:
        cursor.execute(text.encode(), dict(values), binary=True)  # `binary`: by the extended protocol too
    except psycopg.Error:  # no SELECT
        return ()
    return tuple(one.name for one in cursor.description or ())


def _explained(error: psycopg.Error, url: str, seconds: float) -> Exception:
    if error.sqlstate == STOPPED:
        return TimedOut(f"The statement took longer than {seconds:g} s.", "allow more time with --timeout")
    if error.sqlstate == failures.STANDBY:
        return Usage("xats db query only runs statements that read.", "to change data, use the verbs of xats")
    if isinstance(error, psycopg.OperationalError):
        return failures.explain(error, url)
    missing = error.sqlstate is None  # psycopg itself says it
    hint = "give each :name of the statement a value: -p name=value" if missing else "the tables are in: xats db info"
    return Usage(f"PostgreSQL cannot run that: {failures.text(error)}.", hint)
