"""Look at a store without changing it, and make private copies of it.

In a rollback journal a reader holds up every commit. So whatever may take long works on a private copy: an export into
a pager, the SQL of a user, a check of every page. SQLite makes a copy in milliseconds, and removes it at the end.
"""

from __future__ import annotations

import os
import sqlite3

from xats.base.errors import NotFound, Refused, StoreError, StoreForeign, StoreFull
from xats.store.sqlite import codes, engine, readonly, waiting
from xats.store.sqlite.failures import explain
from xats.store.sqlite.paths import check_beside, exists, uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.store import Tx

    T = TypeVar("T")

PAGES = 1000  # that are copied between two reports of the progress

# -- opening -----------------------------------------------------------------------------------------------------------


def require_store(path: str) -> None:
    """Raise NotFound unless there is a store at `path`. Whether a database has one, only a connection tells."""
    if "://" not in path and not exists(path):
        msg = f"There is no store at {path}."
        raise NotFound(msg, "name another with --db or XATS_DB; to make one: xats register NAME")


def require_file(path: str, command: str) -> None:
    """Raise Refused if the store at `path` is a database: `command` does it there, with {} in the place of the URL."""
    if "://" in path:
        from shlex import quote

        msg = f"This verb is for a store in a file; {path} is a PostgreSQL database."
        raise Refused(msg, command.format(quote(path)))


def look(path: str, mode: str = "ro") -> sqlite3.Connection:
    """Open the store at `path` only to look at it. A newer schema than ours is not refused.

    Raises NotFound when there is no store, and the StoreErrors.
    """
    require_store(path)
    check_beside(path)
    if mode == "ro" and not any(os.path.exists(path + suffix) for suffix in ("-wal", "-journal")):
        mode = "rw"  # there is nothing to recover; and only a connection that may write removes the WAL files it makes
    try:
        try:
            return _recognised(sqlite3.connect(uri(path, mode), uri=True, isolation_level=None), path)
        except sqlite3.Error as error:
            if not readonly.is_needed(error, path):
                raise
            return _recognised(readonly.connect(path, isolation_level=None), path)
    except sqlite3.Error as error:
        raise half_done(error, path) from error


def _recognised(connection: sqlite3.Connection, path: str) -> sqlite3.Connection:
    """Return `connection` to the store at `path`, made read-only. It is closed if the file is no store."""
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(
            "pragma busy_timeout = 0"
        )  # for this first wait xats retries itself, and finds out which process holds the lock
        connection.execute("pragma query_only = on")
        connection.execute("pragma trusted_schema = off")
        waiting.patiently(path, lambda: _recognise(connection, path))
        connection.execute(f"pragma busy_timeout = {round(waiting.PATIENCE * 1000)}")
    except BaseException:
        connection.close()
        raise
    return connection


def is_half_done(error: BaseException | None) -> bool:
    """Tell whether a store cannot be read because its last writer died: only a writer may roll that back."""
    return codes.extended(error) == sqlite3.SQLITE_READONLY_ROLLBACK


def half_done(error: sqlite3.Error, path: str) -> StoreError:
    """Return our error for `error`, which SQLite raised when xats looked at the store at `path`."""
    if is_half_done(error):
        msg = f"A process died while it wrote to {path}. The next command that uses the store rolls that write back."
        return StoreError(msg, "xats agents  (any verb that uses the store)")
    return explain(error, path)


def _recognise(connection: sqlite3.Connection, path: str) -> None:
    if connection.execute("pragma application_id").fetchone()[0] == engine.APPLICATION_ID:
        return
    version = connection.execute("pragma user_version").fetchone()[0]
    if version or connection.execute("select count(*) from sqlite_master").fetchone()[0]:
        msg = f"{path} is a database of another application. xats did not change it."
        raise StoreForeign(msg)
    msg = f"{path} is empty: nothing has been stored in it yet."
    raise NotFound(msg, "xats register NAME")


def settled(path: str) -> sqlite3.Connection:
    """Open the store as `look` does, but first roll back what a process that died left undone, as other verbs do."""
    try:
        return look(path)
    except StoreError as problem:
        if not is_half_done(problem.__cause__):
            raise
    return look(path, "rw")


def snapshot(path: str, work: Callable[[Tx], T]) -> T:
    """Run `work` on one snapshot of the store at `path`, which is not changed; return what `work` returned.

    Raises NotFound and the StoreErrors.
    """
    if "://" in path:
        from xats.store.postgres import look as database

        return database.snapshot(path, work)
    connection = look(path)
    try:
        connection.execute("begin")
        return work(engine.Tx(connection, engine.host_clock()))
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
        made.row_factory = sqlite3.Row
        made.execute("pragma trusted_schema = off")
    except BaseException as error:
        made.close()
        if isinstance(error, sqlite3.Error):
            if codes.is_full(error):
                msg = f"There is no room for a temporary copy of {path}."
                raise StoreFull(msg, "export SQLITE_TMPDIR=FOLDER, one with room") from error
            raise explain(error, path) from error
        raise
    finally:
        source.close()
    return made


def copy_into(
    source: sqlite3.Connection, target: sqlite3.Connection, seen: Callable[[int, int], object] | None = None
) -> None:
    """Copy what `source` holds at one moment. Raises sqlite3.Error.

    `seen` is called now and then with the number of pages that were copied, and of all pages.
    """
    # A read takes the lock first, because it has SQLite's busy timeout: the backup itself would wait for ever.
    source.execute("begin")
    try:
        source.execute("select count(*) from sqlite_master").fetchone()
        if seen is None:
            source.backup(target)
        else:
            source.backup(target, pages=PAGES, progress=lambda _, left, total: seen(total - left, total))
    except UnicodeDecodeError as problem:  # SQLite's message repeats the bytes of a damaged schema
        damaged = sqlite3.DatabaseError("malformed database schema")
        damaged.sqlite_errorcode, damaged.sqlite_errorname = sqlite3.SQLITE_CORRUPT, "SQLITE_CORRUPT"
        raise damaged from problem
    finally:
        engine.end(source)


class Rehearsal:
    """A private copy of a store, to try what a change would do."""

    def __init__(self, path: str, now: int) -> None:
        """Copy the store at `path`; its transactions have the time `now` (ms UTC)."""
        self._path, self._now = path, now
        self._copy = copy(path)
        self._copy.execute("pragma foreign_keys = on")

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on the copy; return what it returned."""
        self._copy.execute("begin")
        try:
            tx = engine.Tx(self._copy, self._now)
            result = work(tx)
            tx.write_events()
            self._copy.execute("commit")
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
        return result

    def close(self) -> None:
        """Remove the copy."""
        self._copy.close()
