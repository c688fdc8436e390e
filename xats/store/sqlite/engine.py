"""One SQLite file shared by many short-lived processes: open it, run a transaction, and say clearly what is wrong.

Every writing transaction is `BEGIN IMMEDIATE`, so it never upgrades a read (that fails at once with
SQLITE_BUSY_SNAPSHOT, whatever the time-out). SQLite's own busy handler starves waiters, therefore the retry here is our
own: see `patiently`.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
import time

from xats.base import errors, faults
from xats.base.jsontext import to_json
from xats.store import sqlite
from xats.store.sqlite.paths import check_beside, file_at, is_exposed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from xats.base.uptime import Uptime
    from xats.store.sqlite.readonly import Stamp

    T = TypeVar("T")

Row = sqlite3.Row
# Result codes over which the disk is asked for the reason: https://sqlite.org/rescode.html
MEDIUM = (
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
)

APPLICATION_ID, SCHEMA_VERSION = sqlite.APPLICATION_ID, sqlite.SCHEMA_VERSION
NONCE = 16  # bytes
VERSION = sqlite3.sqlite_version  # of the SQLite library of this Python
# Transactions are begun by hand, and the wait for a lock is our own.
OPTIONS: Any = {"timeout": 0, "isolation_level": None, "check_same_thread": False, "cached_statements": 256}
PATIENCE = 10.0  # seconds without a commit before a busy store is given up
LONGEST = 0.05  # seconds between two attempts to lock a busy store, on average
FIRST = 0.002  # the same, for the process for which the others wait

EVENT = """
insert into events (at, team, type, actor, subject, data) values (:at, :team, :type, :actor, :subject, :data)
"""


def host_clock() -> int:
    """Milliseconds since the epoch, UTC, by this host's clock."""
    return time.time_ns() // 1_000_000 + faults.CLOCK


class Tx:
    """A transaction: run statements, write events, and know the time."""

    def __init__(self, connection: sqlite3.Connection, now: int, clock: Callable[[], int] = host_clock) -> None:
        self._connection = connection
        self._events: list[dict[str, Any]] = []
        self.now = now  #: milliseconds UTC, one value for the whole transaction
        self.clock = clock  #: what `now` comes from

    def uptime(self) -> Uptime | None:
        """Return how long the host was up at this moment, or None where it does not say. For core/clock.py alone.

        The id of the boot is "" where the clock of the store does not tell of any: see Store.
        """
        from xats.base import uptime

        if self.clock is host_clock:
            return uptime.read()
        ask: Callable[[], Uptime | None] | None = getattr(self.clock, "uptime", None)
        return ask() if ask else uptime.Uptime("", self.now, 0)

    def nonce(self) -> str:
        """Return a random text of NONCE bytes in hex, which was never returned before and cannot be guessed."""
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
        said = to_json(data)
        values = {"at": self.now, "team": team, "type": type, "actor": actor, "subject": subject, "data": said}
        self._events.append(values)

    def write_events(self) -> None:
        """Write the events of this transaction: once for all, just before it is committed."""
        if self._events:
            self._connection.executemany(EVENT, self._events)
            self._events.clear()


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
        """Open the store at `path`; create it (directory 0700, file 0600) or bring its schema up to date if need be.

        A file of the store that other users may use is made private to its owner (store/sqlite/private.py).

        `clock` gives milliseconds UTC. One that is not the host's may have a method `uptime`, which says as
        `xats.base.uptime.read` how long its host has been up; without it the clock is never taken for a wrong one.
        `warn` hears what is worth a person's attention once, such as a new store on a network file system, and `notice`
        what is worth it later: whom a command waits for, and that this SQLite may damage the store. `patience` is for
        how many seconds a busy store is waited for; see `patiently`.

        Raises StoreForeign, StoreTooNew, StoreCorrupt, StoreReadOnly, StoreBusy or StoreError; the file is then as it
        was before.
        """
        self.path = path
        self.clock = clock
        self.patience = patience
        self._notice = notice
        self.stopping: Callable[[], bool] = bool  #: says when not to wait for the lock any longer
        self.upgraded = False  #: whether this brought the schema of an older xats up to date
        # Before it is opened: if another file comes between, this one passes for replaced, and never that one for this.
        self._file = file_at(path)
        if self._file is None:
            create_file(path, warn)
            self._file = file_at(path)
        self.caution = ""  #: why this SQLite may damage the store, and how to prevent it
        self._stamp: Stamp | None = None  # of a store that is read as one that never changes
        self.repaired = ""  #: what other users could use until now
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

    def _open(self) -> None:
        """Open the store, read-only where nothing else is possible. Raises the StoreErrors."""
        try:
            try:
                self._use(sqlite3.connect(self.path, **OPTIONS))
            except sqlite3.Error as error:
                from xats.store.sqlite import readonly

                if not readonly.is_needed(error, self.path):
                    raise
                self._stamp = readonly.stamp(self.path)
                self._use(readonly.connect(self.path))
        except sqlite3.Error as error:
            raise explain(error, self.path) from error

    def _use(self, connection: sqlite3.Connection) -> None:
        """Prepare `connection` and work with it from now on. It is closed where that fails."""
        self._connection = connection
        try:
            connection.row_factory = Row
            self._prepare()
        except BaseException:
            connection.close()
            raise

    def _prepare(self) -> None:
        connection = self._connection
        version = self.patiently(lambda: self._recognise(connection))
        self.patiently(lambda: make_durable(connection))
        if self.caution and self._notice:
            self._notice(self.caution)
        connection.execute("pragma foreign_keys = on")
        connection.execute("pragma trusted_schema = off")
        if version < SCHEMA_VERSION:
            from xats.store.sqlite import migrate

            migrate.upgrade(self, connection, version)
            self.upgraded = version > 0

    def _recognise(self, connection: sqlite3.Connection) -> int:
        connection.execute("begin")  # one snapshot: another process may be making the store just now
        try:
            application = connection.execute("pragma application_id").fetchone()[0]
            version: int = connection.execute("pragma user_version").fetchone()[0]
            filled = application or connection.execute("select count(*) from sqlite_master").fetchone()[0]
            journal = journal_mode(connection)  # it also reads the schema, for which the file is locked only once then
            if journal == "wal" and not wal_is_safe(sqlite3.sqlite_version_info):
                self.caution = wal_caution(self.path)
        finally:
            end(connection)
        if application != APPLICATION_ID:
            if version or filled:
                msg = f"{self.path} is a database of another application. It was left as it is."
                raise errors.StoreForeign(msg)
        elif version > SCHEMA_VERSION:
            raise self._too_new(version)
        return version

    def _check_schema(self) -> None:
        """Refuse a schema that a newer xats has made since the store was opened."""
        version = self._connection.execute("pragma user_version").fetchone()[0]
        if version > SCHEMA_VERSION:
            raise self._too_new(version)

    def _too_new(self, version: int) -> errors.StoreTooNew:
        msg = f"{self.path} has schema {version}; this xats knows {SCHEMA_VERSION}. It was left as it is."
        return errors.StoreTooNew(msg)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one write transaction and commit it to the disk; return what `work` returned.

        `work` may be run again when the store is busy, so its only effects are through the transaction it is given.
        What it raises rolls everything back. Raises StoreBusy when the patience is over, StoreTooNew once a newer xats
        has changed the schema, and the other StoreErrors.
        """
        connection = self._connection
        try:
            self.patiently(lambda: connection.execute("begin immediate"), queued=True)
            try:
                self._check_schema()
                tx = Tx(connection, self.clock(), self.clock)
                result = work(tx)
                tx.write_events()
                faults.point("store.before_commit")
                self.patiently(lambda: connection.execute("commit"), longest=FIRST)
            except BaseException:
                end(connection)
                raise
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        faults.point("store.after_commit")
        return result

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one consistent snapshot, which it must not write to; return what `work` returned.

        `work` may be run again when the store is busy.
        """

        def attempt() -> T:
            connection = self._connection
            connection.execute("begin")
            try:
                self._check_schema()
                return work(Tx(connection, self.clock(), self.clock))
            finally:
                end(connection)

        while True:
            try:
                result = self.patiently(attempt)
            except sqlite3.Error as error:
                if not self._is_outdated():
                    raise explain(error, self.path) from error
            else:
                if not self._is_outdated():
                    return result
            self._connection.close()
            self._stamp = None
            self._open()

    def _is_outdated(self) -> bool:
        """Tell whether a store that was opened as one that never changes was written meanwhile."""
        if self._stamp is None:
            return False
        from xats.store.sqlite import readonly

        return readonly.stamp(self.path) != self._stamp

    def generation(self) -> int:
        """Return a number that is another one as soon as another process has committed; it costs microseconds.

        It is -1 once the store was replaced. Nothing is read then: SQLite would take the journal that somebody is
        writing for the new file as one to roll back into the old, and remove it.
        https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use
        """
        if self.replaced:
            return -1
        try:
            value: int = self.patiently(lambda: self._connection.execute("pragma data_version").fetchone())[0]
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
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
        self._connection.close()

    def patiently(self, attempt: Callable[[], T], *, longest: float = LONGEST, queued: bool = False) -> T:
        """Return what `attempt` returns, trying it again while others keep the store locked; see `patiently`."""
        patience, stopping, notice = self.patience, self.stopping, self._notice
        return patiently(self.path, attempt, patience, longest, queued=queued, stopping=stopping, notice=notice)


def patiently(
    path: str,
    attempt: Callable[[], T],
    patience: float | None = None,
    longest: float = LONGEST,
    *,
    queued: bool = False,
    stopping: Callable[[], bool] = bool,
    notice: Callable[[str], None] | None = None,
) -> T:
    """Return what `attempt` returns, trying it again while other processes keep the store at `path` locked.

    The pause between two attempts grows with the time already waited, up to `longest` seconds, because every attempt
    takes time from the process that has the lock. It shrinks again towards the end of `patience`, which is in seconds;
    None is `PATIENCE`, and up to three times that as long as others commit. `queued`: of all that wait here, only the
    first in the `Queue` keeps trying. `stopping` ends the wait early. `notice` hears once which process keeps the store
    locked.

    Raises sqlite3.OperationalError or StoreBusy when the patience is over, and StoreBusy after a second when the
    process that has the lock is stopped.
    """
    wait = None
    try:
        while True:
            try:
                return attempt()
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                if wait is None:
                    from xats.store.sqlite.waiting import Wait

                    wait = Wait(path, patience, longest, notice, queued=queued)
                if stopping():
                    raise
                if wait.is_over():
                    wait.give_up()
                    raise
            wait.pause()
    finally:
        if wait:
            wait.end()


def make_durable(connection: sqlite3.Connection) -> None:
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

    It was mended in 3.51.3 and in the patch releases 3.50.7 and 3.44.6: https://sqlite.org/wal.html#walresetbug
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


def journal_mode(connection: sqlite3.Connection) -> str:
    """Return the journal mode of an open store: `wal`, or `delete` for a rollback journal."""
    mode: str = connection.execute("pragma journal_mode").fetchone()[0]
    return getattr(connection, "journal", mode)  # see `xats.store.sqlite.readonly`


def end(connection: sqlite3.Connection) -> None:
    """Roll back, unless SQLite has done so itself over an error, which would be hidden by another one."""
    if connection.in_transaction:
        connection.execute("rollback")


def create_file(path: str, warn: Callable[[str], None] | None) -> None:
    """Make an empty file at `path` that only its owner can read, and the directories that lead to it."""
    from xats.base import folders

    folder = os.path.dirname(os.path.abspath(path))
    try:
        folders.make(folder)
        _create(path)
    except OSError as error:
        from xats.store.sqlite import disk

        if disk.is_full(error):
            raise disk.explain(error, path) from error
        msg = f"The store {path} cannot be created: {error.strerror}."
        raise unwritable(path, msg, "name a writable place with --db, XATS_DB or XATS_HOME") from error
    from xats.store.sqlite.paths import network_file_system

    if warn:
        from xats.base import sandbox

        if inside := sandbox.around(os.environ):
            warn(f"{path} is a new store in {inside.name}; agents outside may use another one that is hidden here.")
    kind = network_file_system(folder)
    if kind and warn:
        warn(f"{folder} is on a network file system ({kind}), whose locks SQLite cannot trust. Set XATS_HOME.")


def _create(path: str) -> None:
    """Make an empty file at `path` unless there is one. A link is followed only if it is this user's own or root's."""
    about = os.lstat(path) if os.path.islink(path) else None
    if about and about.st_uid not in (0, os.geteuid()):
        from xats.base.ownership import user

        raise PermissionError(errno.EPERM, f"it is a link that belongs to {user(about.st_uid)}")
    file = os.open(os.path.realpath(path), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.fstat(file).st_mode & 0o600 != 0o600:  # by the umask
        os.fchmod(file, 0o600)
    os.close(file)


def unwritable(path: str, message: str, hint: str) -> errors.StoreReadOnly:
    """Return the error for a store at `path` that cannot be written; it names the sandbox around us, if any."""
    from xats.base import sandbox

    inside = sandbox.around(os.environ)
    if inside:
        folder = os.path.dirname(os.path.abspath(path))
        message = f"{message} This command runs in {inside.name}."
        hint = f"run it outside, or let the sandbox write the folder: {inside.writing(folder)}"
    return errors.StoreReadOnly(message, hint)


def explain(error: sqlite3.Error, path: str) -> errors.StoreError:
    """Return our error for what SQLite raised over the store at `path`."""
    # Result codes: https://sqlite.org/rescode.html; the low byte is the primary one.
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        from xats.store.sqlite import holder

        return holder.busy(holder.find(path))
    if code == sqlite3.SQLITE_NOTADB:
        return errors.StoreForeign(f"{path} is not a SQLite database. It was left as it is.")
    if code == sqlite3.SQLITE_CORRUPT:
        hint = f"copy it, then: sqlite3 {path} .recover"
        return errors.StoreCorrupt(f"The store {path} is damaged ({error}). It was left as it is.", hint)
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_READONLY_DBMOVED:
        msg = f"The store {path} was moved or removed while it was in use. Nothing was written."
        return errors.StoreReadOnly(msg, "try again: what is there now is used then")
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_DELETE_NOENT:
        msg = f"The journal of the store {path} was taken away in use: the store was moved or replaced."
        return errors.StoreError(msg, "see whether what you did is there, and run: xats db check")
    if code in MEDIUM:
        from xats.store.sqlite import disk

        if problem := disk.trouble(path):
            return type(problem)(f"{problem} Nothing was written.", problem.hint)
    if code == sqlite3.SQLITE_FULL or getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return errors.StoreFull(f"The disk that holds {path} is full. Nothing was written.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        hint = "make the file and its directory writable, or name another with --db or XATS_DB"
        return unwritable(path, f"The store {path} cannot be written ({error}).", hint)
    name = getattr(error, "sqlite_errorname", "")  # "disk I/O error" alone has some thirty causes
    return errors.StoreError(f"The store {path} cannot be used: {error}{name and f' ({name})'}.")
