"""Look at a store as a whole without changing it, and copy it to where nobody is kept waiting.

In a rollback journal a reader holds up every commit. What may take long - an export into a pager, somebody's own SQL,
a check of every page - is therefore done to a private copy, which takes milliseconds to make and is gone afterwards.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import suppress

from xats.base.errors import NotFound, StoreError, StoreForeign, StoreFull
from xats.base.record import record
from xats.store.sqlite import engine, readonly
from xats.store.sqlite.engine import Row, Tx, explain
from xats.store.sqlite.paths import BESIDE, check_beside, network_file_system, uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.store.sqlite.tables import Tables

    T = TypeVar("T")

REFERENCES = """
select m.name as child, f."from" as "column" from sqlite_master m join pragma_foreign_key_list(m.name) f
where m.type = 'table' and f."table" = :table
"""


@record
class Span:
    """When the oldest and the newest row of a table are from, in ms UTC; None while there is none."""

    oldest: int | None
    newest: int | None


@record
class Info:
    """What there is to know of a store."""

    path: str
    size: int  #: bytes of all its files
    files: dict[str, int]  #: bytes of each, by the end of its name: "" for the database, `-wal`, `-shm`, `-journal`
    schema_version: int
    application_id: int
    sqlite_version: str
    journal_mode: str
    page_size: int  #: bytes
    pages: int
    free_pages: int  #: of them, to be used again
    rows: dict[str, int]  #: by table
    messages: Span
    events: Span
    file_mode: int
    folder_mode: int
    network: str | None  #: the type of the network file system that it is on


# -- opening -----------------------------------------------------------------------------------------------------------


def there(path: str) -> None:
    """Raise NotFound unless there is a file at `path`."""
    if not os.path.exists(path):
        msg = f"There is no store at {path}."
        raise NotFound(msg, "name another with --db or XATS_DB; to make one: xats register NAME")


def look(path: str, mode: str = "ro") -> sqlite3.Connection:
    """Open the store at `path` to look at it only.

    Raises NotFound when there is none, and the StoreErrors. A newer schema than ours is not refused.
    """
    there(path)
    check_beside(path)
    if mode == "ro" and not any(os.path.exists(path + suffix) for suffix in ("-wal", "-journal")):
        mode = "rw"  # nothing is to be recovered; and who may write takes the files of a WAL away again that he makes
    try:
        try:
            return _recognised(sqlite3.connect(uri(path, mode), uri=True, isolation_level=None), path)
        except sqlite3.Error as error:
            if not readonly.is_needed(error, path):
                raise
            return _recognised(readonly.connect(path), path)
    except sqlite3.Error as error:
        raise half_done(error, path) from error


def _recognised(connection: sqlite3.Connection, path: str) -> sqlite3.Connection:
    """Return `connection` to the store at `path`, to be looked at only. It is closed where it is no store."""
    try:
        connection.row_factory = Row
        connection.execute("pragma busy_timeout = 0")  # this first wait is our own, which finds out who is waited for
        connection.execute("pragma query_only = on")
        connection.execute("pragma trusted_schema = off")
        engine.patiently(path, lambda: _recognise(connection, path))
        connection.execute(f"pragma busy_timeout = {round(engine.PATIENCE * 1000)}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_half_done(error: BaseException | None) -> bool:
    """Tell whether a store could not be read because its last writer died, and only a writer may tidy up."""
    return getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_ROLLBACK


def half_done(error: sqlite3.Error, path: str) -> StoreError:
    """Return our error for `error`, which looking at the store at `path` raised."""
    if is_half_done(error):
        msg = f"A process died while it wrote to {path}. What it left undone is taken back when the store is next used."
        return StoreError(msg, "xats agents  (any verb that uses the store)")
    return explain(error, path)


def _recognise(connection: sqlite3.Connection, path: str) -> None:
    if connection.execute("pragma application_id").fetchone()[0] == engine.APPLICATION_ID:
        return
    version = connection.execute("pragma user_version").fetchone()[0]
    if version or connection.execute("select count(*) from sqlite_master").fetchone()[0]:
        msg = f"{path} is a database of another application. It was left as it is."
        raise StoreForeign(msg)
    msg = f"{path} is empty: nothing has been stored in it yet."
    raise NotFound(msg, "xats register NAME")


def settled(path: str) -> sqlite3.Connection:
    """Open the store as `look` does; what a process that died left undone is taken back first, as by any other verb."""
    try:
        return look(path)
    except StoreError as problem:
        if not is_half_done(problem.__cause__):
            raise
    return look(path, "rw")


def snapshot(path: str, work: Callable[[Tx], T]) -> T:
    """Return what `work` makes of one snapshot of the store at `path`; nothing is made or changed.

    Raises NotFound and the StoreErrors.
    """
    connection = look(path)
    try:
        connection.execute("begin")
        return work(Tx(connection, engine.host_clock()))
    except sqlite3.Error as error:
        raise half_done(error, path) from error
    finally:
        connection.close()


def copy(path: str) -> sqlite3.Connection:
    """Return a private copy of the store at `path`, a temporary file without a name.

    Raises NotFound and the StoreErrors.
    """
    source = settled(path)
    made = sqlite3.connect("", isolation_level=None)
    try:
        copy_into(source, made)
        made.row_factory = Row
        made.execute("pragma trusted_schema = off")
    except BaseException as error:
        made.close()
        if isinstance(error, sqlite3.Error):
            if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
                msg = f"There is no room for a copy of {path} among the temporary files."
                raise StoreFull(msg, "export SQLITE_TMPDIR=FOLDER, one with room") from error
            raise explain(error, path) from error
        raise
    finally:
        source.close()
    return made


def copy_into(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy what `source` holds at one moment. Raises sqlite3.Error."""
    # The lock is taken before, by a read that has SQLite's patience: the backup itself would wait for ever.
    source.execute("begin")
    try:
        source.execute("select count(*) from sqlite_master").fetchone()
        source.backup(target)
    finally:
        engine.end(source)


class Rehearsal:
    """A private copy of a store to which anything may be done, for what it would come to."""

    def __init__(self, path: str, now: int) -> None:
        """Copy the store at `path`; transactions see the time `now` (ms UTC)."""
        self._path, self._now = path, now
        self._copy = copy(path)
        self._copy.execute("pragma foreign_keys = on")

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the copy; return what it returned."""
        self._copy.execute("begin")
        try:
            tx = Tx(self._copy, self._now)
            result = work(tx)
            tx.write_events()
            self._copy.execute("commit")
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
        return result

    def close(self) -> None:
        """Let the copy go."""
        self._copy.close()


# -- what there is -----------------------------------------------------------------------------------------------------


def info(path: str) -> Info:
    """Return what there is to know of the store at `path`. Raises NotFound and the StoreErrors."""
    from xats.store.sqlite.tables import Tables

    sizes = files(path)  # before this look makes or removes any
    connection = look(path)
    try:
        connection.execute("begin")
        tables = Tables(connection)
        return Info(
            path,
            sum(sizes.values()),
            sizes,
            _pragma(connection, "user_version"),
            _pragma(connection, "application_id"),
            sqlite3.sqlite_version,
            engine.journal_mode(connection),
            _pragma(connection, "page_size"),
            _pragma(connection, "page_count"),
            _pragma(connection, "freelist_count"),
            {name: tables.count(name) for name in tables.names},
            _span(tables, "messages", "sent_at"),
            _span(tables, "events", "at"),
            stat.S_IMODE(os.stat(path).st_mode),
            stat.S_IMODE(os.stat(os.path.dirname(os.path.abspath(path))).st_mode),
            network_file_system(os.path.dirname(os.path.abspath(path))),
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


def quoted(name: str) -> str:
    """Return `name` as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def references(tx: Tx, table: str) -> list[tuple[str, str]]:
    """Return every (table, column) that refers to the id of `table`."""
    return [(row["child"], row["column"]) for row in tx.all(REFERENCES, table=table)]


def elsewhere(tx: Tx, table: str, alias: str, known: set[tuple[str, str]]) -> str:
    """Return the SQL that finds what refers to a row of `table` besides the `known` columns, in whatever table.

    It begins with `or`, unless it is empty. The row is called `alias` in the statement.
    """
    found = [one for one in references(tx, table) if one not in known]
    return " ".join(
        f"or exists (select 1 from {quoted(child)} x where x.{quoted(column)} = {alias}.id)" for child, column in found
    )


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
