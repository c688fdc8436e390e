"""Run a user's own SQL over a store without harm: on a private copy, and only statements that read.

The copy protects the store. The authorizer also protects every other file: it allows only what is on a list, so no
ATTACH, no VACUUM INTO, no write to a virtual table, no extension.
"""

from __future__ import annotations

import sqlite3
import time

from xats.base.errors import StoreCorrupt, TimedOut, Usage
from xats.base.record import record
from xats.store.sqlite import codes
from xats.store.sqlite.export import lossless
from xats.store.sqlite.failures import explain
from xats.store.sqlite.inspect import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LONGEST = 64 << 20  # bytes of one value that a statement may build
STEPS = 1000  # steps of SQLite's virtual machine between two looks at the clock
READING = frozenset((sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE))
FORBIDDEN = frozenset(("load_extension", "fts3_tokenizer", "readfile", "writefile", "edit"))
# Pragmas that only read, with or without a value.
READING_PRAGMAS = frozenset((
    "collation_list", "compile_options", "foreign_key_check", "foreign_key_list", "freelist_count", "function_list",
    "index_info", "index_list", "index_xinfo", "integrity_check", "module_list", "page_count", "pragma_list",
    "quick_check", "table_info", "table_list", "table_xinfo",
))  # fmt: skip
# Pragmas that only read when they get no value.
READING_WITHOUT_VALUE = frozenset(
    ("application_id", "encoding", "journal_mode", "page_size", "schema_version", "user_version")
)


@record
class Answer:
    """The answer of a statement: the names of its columns, some rows, and whether more follow."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    has_more: bool


def query(path: str, sql: str, values: Mapping[str, Any], limit: int, seconds: float) -> Answer:
    """Return at most `limit` rows of the statement `sql`, with `values` for its `:name`s, over the store at `path`.

    Raises Usage for anything but a statement that reads, TimedOut when it takes longer than `seconds`, NotFound and the
    StoreErrors.
    """
    connection = copy(path)
    until = time.monotonic() + seconds
    try:
        connection.execute("pragma query_only = on")
        connection.row_factory = None
        connection.text_factory = lossless
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST)
        connection.set_authorizer(allow)
        connection.set_progress_handler(lambda: time.monotonic() > until, STEPS)
        return _answer(connection, sql, values, limit)
    except sqlite3.Error as error:
        if (
            codes.primary(error) == sqlite3.SQLITE_INTERRUPT and time.monotonic() <= until
        ):  # Ctrl-C is raised, and lost, in the handler
            raise KeyboardInterrupt from error
        raise _explain(error, path, seconds) from error
    except sqlite3.Warning as error:  # several statements, before Python 3.12
        raise Usage(str(error), "one statement at a time") from error
    finally:
        connection.close()


def _answer(connection: sqlite3.Connection, sql: str, values: Mapping[str, Any], limit: int) -> Answer:
    cursor = connection.execute(sql, values)
    if cursor.description is None:
        msg = "The statement does not return rows."
        raise Usage(msg, "xats db query 'select * from messages'")
    rows = cursor.fetchmany(limit + 1)
    return Answer(tuple(column[0] for column in cursor.description), tuple(rows[:limit]), len(rows) > limit)


def allow(action: int, one: str | None, other: str | None, database: str | None, inner: str | None) -> int:
    """Tell SQLite whether a statement may do `action`: https://sqlite.org/c3ref/set_authorizer.html."""
    del inner
    # Table-valued functions such as json_each are declared by this; SQLite itself refuses a statement that does it.
    if action in READING or (action == sqlite3.SQLITE_UPDATE and one == "sqlite_master" and database == "main"):
        return sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION:
        return sqlite3.SQLITE_DENY if (other or "").lower() in FORBIDDEN else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_PRAGMA:
        name = (one or "").lower()
        if name in READING_PRAGMAS or (name in READING_WITHOUT_VALUE and other is None):
            return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _explain(error: sqlite3.Error, path: str, seconds: float) -> Exception:
    code = codes.primary(error)
    if code == sqlite3.SQLITE_INTERRUPT:
        msg = f"The statement took longer than {seconds:g} s."
        return TimedOut(msg, "ask for less, or allow more time with --timeout")
    if code == sqlite3.SQLITE_AUTH:
        return Usage(
            f"xats db query only runs statements that read ({error}).", "to change data, use the verbs of xats"
        )
    if codes.is_damaged(error):
        return StoreCorrupt(str(explain(error, path)), "xats db check")
    hint = "the tables are in: xats db info; the columns: xats db query 'pragma table_info(messages)'"
    if isinstance(error, sqlite3.ProgrammingError) and "binding" in str(error).lower():
        hint = "give each :name of the statement a value: -p name=value"
    elif isinstance(error, sqlite3.ProgrammingError) and "one statement" in str(error):
        hint = "one statement at a time"
    return Usage(f"SQLite cannot run that: {str(error).rstrip('.')}.", hint)
