"""Facts about a store for `xats db info` and `xats doctor`: its files, its sizes, its rows."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress

from xats.base.record import record
from xats.store.sqlite import engine
from xats.store.sqlite.failures import explain
from xats.store.sqlite.file_systems import network_file_system
from xats.store.sqlite.inspect import look
from xats.store.sqlite.paths import BESIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store.sqlite.tables import Tables


@record
class Span:
    """The times of the oldest and the newest row of a table, in ms UTC; None while it has no row."""

    oldest: int | None
    newest: int | None


@record
class Info:
    """The facts about a store."""

    path: str
    size: int  #: bytes of all its files
    files: dict[str, int]  #: bytes of each, by the end of its name: "" for the database, `-wal`, `-shm`, `-journal`
    schema_version: int
    application_id: int
    sqlite_version: str
    journal_mode: str
    page_size: int  #: bytes
    pages: int
    free_pages: int  #: of them, for new rows
    rows: dict[str, int]  #: by table
    messages: Span
    events: Span
    file_mode: int
    folder_mode: int
    network: str | None  #: the type of the network file system that it is on


def info(path: str) -> Info:
    """Return the facts about the store at `path`. Raises NotFound and the StoreErrors."""
    from xats.store.sqlite.tables import Tables

    sizes = files(path)  # before this connection makes or removes any file
    connection = look(path)
    try:
        connection.execute("begin")
        tables = Tables(connection)
        folder = os.path.dirname(os.path.abspath(path))
        return Info(
            path=path,
            size=sum(sizes.values()),
            files=sizes,
            schema_version=_pragma(connection, "user_version"),
            application_id=_pragma(connection, "application_id"),
            sqlite_version=sqlite3.sqlite_version,
            journal_mode=engine.journal_mode(connection),
            page_size=_pragma(connection, "page_size"),
            pages=_pragma(connection, "page_count"),
            free_pages=_pragma(connection, "freelist_count"),
            rows={name: tables.count(name) for name in tables.names},
            messages=_span(tables, "messages", "sent_at"),
            events=_span(tables, "events", "at"),
            file_mode=stat.S_IMODE(os.stat(path).st_mode),
            folder_mode=stat.S_IMODE(os.stat(folder).st_mode),
            network=network_file_system(folder),
        )
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()


def journal(path: str) -> str:
    """Return the journal mode of the store at `path`. Raises NotFound and the StoreErrors."""
    connection = look(path)
    try:
        return engine.journal_mode(connection)
    except sqlite3.Error as error:
        raise explain(error, path) from error
    finally:
        connection.close()


def files(path: str) -> dict[str, int]:
    """Return the size in bytes of each file of the store at `path`, by what follows the name of the database."""
    found = {}
    for suffix in ("", *BESIDE):
        with suppress(FileNotFoundError):
            found[suffix] = os.stat(os.path.realpath(path) + suffix).st_size
    return found


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"pragma {name}").fetchone()[0]
    return value


def _span(tables: Tables, name: str, column: str) -> Span:
    """Return the times of the first and the last row; ids grow with time, and the times have no index."""
    if name not in tables.names:
        return Span(None, None)
    rows = tables.database[name].rows_where
    oldest, newest = (next(rows(order_by=f"id {order}", limit=1), {}).get(column) for order in ("asc", "desc"))
    return Span(oldest, newest)
