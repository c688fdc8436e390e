"""The engine of the store: one SQLite file that many short-lived processes share.

Every write transaction is `BEGIN IMMEDIATE`, so it never upgrades a read (that fails at once with
SQLITE_BUSY_SNAPSHOT, whatever the timeout). SQLite's own busy handler starves waiters, so xats retries itself: see
`waiting.py`. The engine knows the number of the newest schema, but no migration: see `xats.store.open`.
"""

from __future__ import annotations

import os
import sys
import time

from xats.base import errors, faults
from xats.base.jsontext import to_json
from xats.store import sqlite
from xats.store.sqlite import driver
from xats.store.sqlite.paths import check_beside, file_at, is_exposed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from xats.base.uptime import Uptime
    from xats.core.agents.agents import Agent, Session
    from xats.store import Row
    from xats.store.sqlite.readonly import Stamp

    T = TypeVar("T")


APPLICATION_ID, SCHEMA_VERSION = sqlite.APPLICATION_ID, sqlite.SCHEMA_VERSION
NONCE = 16  # bytes
VERSION = driver.sqlite_version  # of the SQLite library of this Python
# Transactions are begun by hand, and the wait for a lock is our own.
OPTIONS: Any = {"timeout": 0, "isolation_level": None, "check_same_thread": False, "cached_statements": 256}
COMMITTING = 0.002  # seconds between two attempts to commit, on average: all others wait for this process

EVENT = """
insert into events (at, team, type, actor, subject, data) values (:at, :team, :type, :actor, :subject, :data)
"""
REFERENCES = """
select m.name as child, f."from" as "column" from sqlite_master m join pragma_foreign_key_list(m.name) f
where m.type = 'table' and f."table" = :table
"""


def host_clock() -> int:
    """Milliseconds since the epoch, UTC, by this host's clock."""
    return time.time_ns() // 1_000_000 + faults.CLOCK


class Tx:
    """A transaction: run statements, write events, and know the time."""

    def __init__(self, connection: driver.Connection, now: int, clock: Callable[[], int] = host_clock) -> None:
        self._connection = connection
        self._events: list[dict[str, Any]] = []
        self.now = now  #: milliseconds UTC, one value for the whole transaction
        self.clock = clock  #: what `now` comes from

    def uptime(self) -> Uptime | None:
        """Return how long the host of the clock has been up, or None where that cannot be known.

        The id of the boot is "" for a clock that has no method `uptime`: see `xats.store.open.open_store`. Only
        core/clock.py and core/crews/history.py ask.
        """
        from xats.base import uptime

        if self.clock is host_clock:
            return uptime.read()
        ask: Callable[[], Uptime | None] | None = getattr(self.clock, "uptime", None)
        return ask() if ask else uptime.Uptime("", self.now, 0)

    def nonce(self) -> str:
        """Return a random text of NONCE bytes in hex that was never returned before and cannot be guessed."""
        return os.urandom(NONCE).hex()

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row of `sql`, or None. The statement has run to its end."""
        rows = self._connection.execute(sql, values).fetchall()
        return rows[0] if rows else None

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Return every row of `sql`."""
        return self._connection.execute(sql, values).fetchall()

    def run(self, sql: str, **values: Any) -> int:
        """Run `sql` and return how many rows it changed."""
        return self._connection.execute(sql, values).rowcount

    def many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Run `sql` once for each of `rows`."""
        self._connection.executemany(sql, rows)

    def event(self, type: str, team: str, actor: str | None, subject: str, /, **data: Any) -> None:
        """Append to the outbox what this transaction changes: `actor` did what `type` says to `subject`."""
        text = to_json(data)
        values = {"at": self.now, "team": team, "type": type, "actor": actor, "subject": subject, "data": text}
        self._events.append(values)

    def write_events(self) -> None:
        """Write the events of this transaction that are not yet written. Every commit does that."""
        if self._events:
            self._connection.executemany(EVENT, self._events)
            self._events.clear()

    def note_seat(self, agent_id: int, **known: Any) -> None:
        """Record nothing: the file of the store belongs to this user, so its rows are this host's own."""

    def is_ours(self, *_: Agent | Session) -> bool:
        """Return True: see `note_seat`."""
        return True

    def references(self, table: str) -> list[tuple[str, str]]:
        """Return every (table, column) that refers to the id of `table`."""
        return [(row["child"], row["column"]) for row in self.all(REFERENCES, table=table)]


class Store:
    """An open store. One for each thread, and never carried over a fork."""

    def __init__(
        self,
        path: str,
        clock: Callable[[], int] = host_clock,
        warn: Callable[[str], None] | None = None,
        patience: float | None = None,
        notice: Callable[[str], None] | None = None,
    ) -> None:
        """Connect to the store at `path`, whatever its schema is; create its file if there is none.

        Parameters and errors are those of `xats.store.open.open_store`, which then migrates the schema.
        """
        self.path = path
        self.clock = clock
        self.patience = patience
        self._notice = notice
        self.stopping: Callable[[], bool] = bool  #: says when not to wait for the lock any longer
        self.schema = 0  #: the number of the newest migration that was applied, when the store was opened
        self.upgraded = False  #: whether the schema of an older xats was migrated
        # Noted before the store is opened: if another file comes between, xats takes this store for replaced. Noted
        # afterwards, xats would take the new file for the one that it has open.
        self._file = file_at(path)
        if self._file is None:
            from xats.store.sqlite import create

            create.create_file(path, warn)
            self._file = file_at(path)
        self.caution = ""  #: why this SQLite may damage the store, and how to prevent it
        self._stamp: Stamp | None = None  # of a store that is opened as one that never changes
        self.repaired = ""  #: what xats took away from other users, in words
        exposed = check_beside(path) or is_exposed(path)
        self._open()
        if exposed:  # only now is it known that the file is a store
            from xats.store.sqlite import private

            try:
                self.repaired = private.restrict(path, os.environ)
            except BaseException:
                self.close()
                raise
            if self.repaired and warn:
                warn(self.repaired)

    @property
    def key(self) -> str:
        """The name that every process has for this store: the path of its file without links."""
        return os.path.realpath(self.path)

    def _open(self) -> None:
        """Open the store, read-only where nothing else is possible. Raises the StoreErrors."""
        try:
            try:
                self._use(driver.connect(self.path, **OPTIONS))
            except driver.Error as error:
                from xats.store.sqlite import readonly

                if not readonly.is_needed(error, self.path):
                    raise
                self._stamp = readonly.stamp(self.path)
                self._use(readonly.connect(self.path, **OPTIONS))
        except driver.Error as error:
            raise explained(error, self.path) from error

    def _use(self, connection: driver.Connection) -> None:
        """Prepare `connection` and work with it from now on. It is closed if that fails."""
        self.connection = connection
        try:
            connection.row_factory = driver.Row
            self.schema = self.patiently(lambda: self._recognise(connection))
            self.patiently(lambda: make_durable(connection))
            if self.caution and self._notice:
                self._notice(self.caution)
            connection.execute("pragma foreign_keys = on")
            connection.execute("pragma trusted_schema = off")
        except BaseException:
            connection.close()
            raise

    def _recognise(self, connection: driver.Connection) -> int:
        """Return the number of the schema. Raises StoreForeign for a file that is no store, and StoreTooNew."""
        connection.execute("begin")  # one snapshot: another process may be making the store just now
        try:
            application = connection.execute("pragma application_id").fetchone()[0]
            version: int = connection.execute("pragma user_version").fetchone()[0]
            filled = application or connection.execute("select count(*) from sqlite_master").fetchone()[0]
            journal = journal_mode(connection)  # it also reads the schema, so the file is locked only once for both
            if journal == "wal" and not wal_is_safe(driver.version_info()):
                self.caution = wal_caution(self.path)
        finally:
            end(connection)
        if application != APPLICATION_ID:
            if version or filled:
                msg = f"{self.path} is a database of another application. xats did not change it."
                raise errors.StoreForeign(msg)
        elif version > SCHEMA_VERSION:
            raise self._too_new(version)
        return version

    def _check_schema(self) -> None:
        """Refuse a schema that a newer xats has made since the store was opened."""
        version = self.connection.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise self._too_new(version)

    def _too_new(self, version: int) -> errors.StoreTooNew:
        msg = f"{self.path} has schema {version}; this xats knows {SCHEMA_VERSION}. xats did not change it."
        return errors.StoreTooNew(msg)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one write transaction and commit it to the disk; return what `work` returned.

        xats may run `work` again when the store is busy, so `work` changes nothing but the store. What it raises rolls
        everything back. Raises StoreBusy when the patience is over, StoreTooNew once a newer xats has changed the
        schema, and the other StoreErrors.
        """
        connection = self.connection
        try:
            self.patiently(lambda: connection.execute("begin immediate"), queued=True)
            try:
                self._check_schema()
                tx = Tx(connection, self.clock(), self.clock)
                result = work(tx)
                tx.write_events()
                faults.point("store.before_commit")
                self.patiently(lambda: connection.execute("commit"), longest=COMMITTING)
            except BaseException:
                end(connection)
                raise
        except driver.Error as error:
            raise explained(error, self.path) from error
        faults.point("store.after_commit")
        return result

    def glance(self, work: Callable[[Tx], T]) -> T:
        """Do the same as `read`: see `xats.store.port.Store.glance`."""
        return self.read(work)

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one snapshot, which it must not write to; return what `work` returned.

        xats may run `work` again when the store is busy. Raises the StoreErrors.
        """

        def attempt() -> T:
            connection = self.connection
            connection.execute("begin")
            try:
                self._check_schema()
                return work(Tx(connection, self.clock(), self.clock))
            finally:
                end(connection)

        while True:
            try:
                result = self.patiently(attempt)
            except driver.Error as error:
                if not self._is_outdated():
                    raise explained(error, self.path) from error
            else:
                if not self._is_outdated():
                    return result
            self._reopen()

    def _reopen(self) -> None:
        """Open the store once more. Raises the StoreErrors, also over an older schema: `open_store` migrates it."""
        self.connection.close()
        self._stamp = None
        self._open()
        if self.schema < SCHEMA_VERSION:
            msg = f"{self.path} was replaced by a store with schema {self.schema}; this xats needs {SCHEMA_VERSION}."
            raise errors.StoreError(msg, "run the command again: xats then migrates that store")

    def _is_outdated(self) -> bool:
        """Tell whether another process has written a store that was opened as one that never changes."""
        if self._stamp is None:
            return False
        from xats.store.sqlite import readonly

        return readonly.stamp(self.path) != self._stamp

    def generation(self) -> int:
        """Return a number that changes when another process commits; -1 once the store was replaced.

        It costs microseconds. Nothing is read from a store that was replaced: SQLite would take the journal of the new
        file for one to roll back into the old file, and remove it.
        https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use
        """
        if self.replaced:
            return -1
        try:
            value: int = self.patiently(lambda: self.connection.execute("pragma data_version").fetchone())[0]
        except driver.Error as error:
            raise explained(error, self.path) from error
        return value

    @property
    def replaced(self) -> bool:
        """Whether another file has taken the place of the one that was opened, as when a backup is put back."""
        return file_at(self.path) not in (None, self._file) or self._is_outdated()

    @property
    def lost(self) -> bool:
        """Whether the file that was opened was taken away or replaced."""
        return file_at(self.path) != self._file or self._is_outdated()

    def close(self) -> None:
        """Close the store."""
        self.connection.close()

    def patiently(self, attempt: Callable[[], T], *, longest: float | None = None, queued: bool = False) -> T:
        """Return what `attempt` returns; retry while others keep the store locked: see `waiting.patiently`."""
        try:
            return attempt()
        except driver.OperationalError as error:
            from xats.store.sqlite import codes

            if not codes.is_busy(error):
                raise
        from xats.store.sqlite import waiting

        patience, stopping, notice = self.patience, self.stopping, self._notice
        longest = waiting.LONGEST if longest is None else longest
        return waiting.patiently(self.path, attempt, patience, longest, queued=queued, stopping=stopping, notice=notice)


def explained(error: driver.Error, path: str) -> errors.StoreError:
    """Return our error for `error`: `failures.explain`, imported when something fails."""
    from xats.store.sqlite import failures

    return failures.explain(error, path)


def make_durable(connection: driver.Connection) -> None:
    """Have `connection` sync every commit to the disk, so that an accepted message survives a power cut.

    It costs 0.1 ms. On macOS fsync(2) leaves the data in the cache of the drive, and only F_FULLFSYNC empties that:
    https://sqlite.org/pragma.html#pragma_fullfsync. The schema is read, so the store may be busy.
    """
    connection.execute("pragma synchronous = full")
    if sys.platform == "darwin":
        connection.execute("pragma fullfsync = on")
        connection.execute("pragma checkpoint_fullfsync = on")


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether SQLite `version` has the fix of the WAL-reset bug, by which many writers can corrupt a WAL file.

    It was fixed in 3.51.3 and in the patch releases 3.50.7 and 3.44.6: https://sqlite.org/wal.html#walresetbug
    """
    if version >= (3, 51, 3):
        return True
    return (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)


def wal_caution(path: str) -> str:
    """Return the warning that this SQLite may damage the store at `path`, which has a WAL."""
    return f"SQLite {VERSION} may damage {path}, because many processes write to its WAL; {wal_fix(path)}"


def wal_fix(path: str) -> str:
    """Return what makes the store at `path` safe for a SQLite that must not write to a WAL: see `wal_is_safe`."""
    from shlex import quote

    return f"end every xats, then: sqlite3 {quote(path)} 'pragma journal_mode = delete'; or use SQLite 3.51.3"


def journal_mode(connection: driver.Connection) -> str:
    """Return the journal mode of an open store: `wal`, or `delete` for a rollback journal."""
    mode: str = connection.execute("pragma journal_mode").fetchone()[0]
    return getattr(connection, "journal", mode)  # see `xats.store.sqlite.readonly`


def end(connection: driver.Connection) -> None:
    """Roll back, unless SQLite has done so itself over an error, which would be hidden by another one."""
    if connection.in_transaction:
        connection.execute("rollback")
