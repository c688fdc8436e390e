"""The engine of the store: one PostgreSQL database that processes on several machines share.

One writer at a time: a write transaction first takes the advisory lock LOCK, so ids are given in the order of the
commits. It is READ COMMITTED: its statements see what the writer before it has committed, while under REPEATABLE READ
each writer that had to wait would fail. A read is one snapshot. BEGIN, the settings, the lock and the time are one
round trip, and so are the events, the record of the commit and COMMIT. Nothing waits for the end of a read.

Every setting is local to its transaction (`set local`), the lock too, and no statement is prepared, so PgBouncer can be
in between in any of its modes. Only the connection for LISTEN needs a session, and it is only a hint.

**Time.** `tx.now` is the clock of the server, and never below the time of the newest event. `clock` is the server's as
well: it goes on from the last transaction by the steady clock of this host.

**A lost COMMIT.** Each commit inserts its id, which this process has made, into `commits`. When the connection is lost
during COMMIT, xats connects again and waits for the lock, so that a commit on its way has ended. Then it looks the id
up.
"""

from __future__ import annotations

import os
import select
import time

import psycopg

from xats.base import errors, faults, location, sidefile
from xats.base.jsontext import to_json
from xats.store.postgres import failures, listening
from xats.store.postgres.connect import connect
from xats.store.postgres.statements import translated
from xats.store.sqlite import SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from xats.base import seats
    from xats.base.uptime import Uptime
    from xats.core.agents.agents import Agent, Session
    from xats.store import Row
    from xats.store.pool import Pool

    T = TypeVar("T")

LOCK = 0x78617473  # "xats": the advisory lock of the writers, in the name space of the database
IDLE = psycopg.pq.TransactionStatus.IDLE
NONCE = 16  # bytes
PATIENCE = 10.0  # seconds that a command waits for the lock
AWAY = 5.0  # seconds that a command waits for a server that is away, as in a restart
HOLD = 5_000  # ms that a transaction may be idle, run one statement, or wait for a lock
FIRST, LONGEST = 0.05, 0.5  # seconds between two attempts to reach the server
RESOLVE = 15.0  # seconds to find out whether a commit was made: its connection may live for HOLD
SETTLE = 1.0  # seconds to wait for the end of a read
BATCH = 200  # statements that are sent at once
KEPT = 24 * 3600_000  # ms that the id of a commit is kept

# Each statement of a batch has its own snapshot, so the version and the time are read after the lock was given. The ms
# behind `set local` are literals, because SET takes no expression.
SETTINGS = """
set local search_path = xats, pg_temp;
set local idle_in_transaction_session_timeout = {hold};
set local statement_timeout = {hold};
set local lock_timeout = {wait};
"""
NOW = "greatest(floor(extract(epoch from clock_timestamp()) * 1000)::bigint, {newest}) as now"
NEWEST = "coalesce((select at from events order by id desc limit 1), 0)"
WRITE = (
    "begin isolation level read committed;"
    + SETTINGS
    + f"select pg_advisory_xact_lock({LOCK}); select schema, id, {NOW.format(newest=NEWEST)} from meta"
)
READ = (
    "begin isolation level repeatable read read only;"
    + SETTINGS
    + f"select schema, id, {NOW.format(newest=NEWEST)} from meta"
)
GLANCE = "begin isolation level read committed read only;" + SETTINGS + "select schema, id from meta"
FIRST_WRITE = (
    "begin isolation level read committed;"
    + SETTINGS
    + f"select pg_advisory_xact_lock({LOCK}); select 0 as schema, '' as id, {NOW.format(newest=0)}"
)
COMMIT = """
insert into commits (id, at) values (%(id)s, %(now)s);
delete from commits where at < %(now)s - %(kept)s and n < (select max(n) from commits);
notify xats;
commit
"""
FOUND = "select 1 from commits where id = :id"

EVENT = """
insert into events (at, team, type, actor, subject, data) values (:at, :team, :type, :actor, :subject, :data)
"""
REFERENCES = """
select child.relname as child, column_.attname as "column"
from pg_constraint c
join pg_class child on child.oid = c.conrelid
join pg_attribute column_ on column_.attrelid = c.conrelid and column_.attnum = any (c.conkey)
where c.contype = 'f' and c.confrelid = cast(:table as regclass)
order by child.relname, c.conname
"""


class Clock:
    """The clock of the server: its time at the last transaction, and what the steady clock of this host adds."""

    def __init__(self) -> None:
        # One value, because threads may ask. Until the server has said its time, it is that of this host.
        self._known = time.time_ns() // 1_000_000 + faults.CLOCK, time.monotonic_ns()

    def __call__(self) -> int:
        """Return milliseconds UTC."""
        at, steady = self._known
        return at + (time.monotonic_ns() - steady) // 1_000_000

    def set(self, now: int) -> None:
        """Go on from `now` (ms UTC), the time of the server at this moment."""
        self._known = now, time.monotonic_ns()


class Tx:
    """A transaction: run statements, write events, and know the time."""

    def __init__(self, connection: psycopg.Connection[Any], now: int, clock: Callable[[], int], path: str) -> None:
        self._connection, self._path = connection, path
        self._events: list[dict[str, Any]] = []
        self._seats: list[seats.Note] = []
        self.now = now  #: milliseconds UTC, one value for the whole transaction
        self.clock = clock  #: what `now` comes from

    def uptime(self) -> Uptime | None:
        """Return how long this host has been up, or None where that cannot be known.

        It is compared with the clock of the server, which must advance by the same amount. For a clock that a caller
        gave, see `xats.store.sqlite.engine.Tx.uptime`.
        """
        from xats.base import uptime

        if isinstance(self.clock, Clock):
            return uptime.read()
        ask: Callable[[], Uptime | None] | None = getattr(self.clock, "uptime", None)
        return ask() if ask else uptime.Uptime("", self.now, 0)

    def nonce(self) -> str:
        """Return a random text of NONCE bytes in hex that was never returned before and cannot be guessed."""
        return os.urandom(NONCE).hex()

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row of `sql`, or None. The statement has run to its end."""
        rows = self.all(sql, **values)
        return rows[0] if rows else None

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Return every row of `sql`."""
        return self._connection.execute(translated(sql), values).fetchall()

    def run(self, sql: str, **values: Any) -> int:
        """Run `sql` and return how many rows it changed."""
        return self._connection.execute(translated(sql), values).rowcount

    def many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Run `sql` once for each of `rows`, BATCH of them in one round trip."""
        text, cursor = translated(sql), psycopg.ClientCursor(self._connection)
        pending: list[str] = []
        for row in rows:
            pending.append(cursor.mogrify(text, row))
            if len(pending) == BATCH:
                self._connection.execute(";".join(pending).encode())
                pending.clear()
        if pending:
            self._connection.execute(";".join(pending).encode())

    def event(self, type: str, team: str, actor: str | None, subject: str, /, **data: Any) -> None:
        """Append to the outbox what this transaction changes: `actor` did what `type` says to `subject`."""
        text = to_json(data)
        values = {"at": self.now, "team": team, "type": type, "actor": actor, "subject": subject, "data": text}
        self._events.append(values)

    def write_events(self) -> None:
        """Write the events of this transaction that are not yet written. Every commit does that."""
        if self._events:
            self.many(EVENT, self._events)
            self._events.clear()

    def note_seat(self, agent_id: int, **known: Any) -> None:
        """Record on this host, outside the database, where an agent is: see `xats.base.seats.Note`."""
        from xats.base import seats

        self._seats.append(seats.Note(agent_id, **known))

    def is_ours(self, agent: Agent, session: Session, /) -> bool:
        """Tell whether `session` is on another host, or where commands of this host registered `agent`."""
        from xats.base import host, seats

        self.write_seats()
        return session.seat.host != host.id() or seats.ours(self._path, agent, session)

    def write_seats(self) -> None:
        """Write what `note_seat` was given. Each commit does that first, so no row is seen before its record."""
        if self._seats:
            from xats.base import seats

            seats.write(self._path, self._seats)
            self._seats.clear()

    def last(self) -> str:
        """Return the statements of the events that are not yet written: they go with COMMIT in one round trip."""
        if len(self._events) > BATCH:
            self.write_events()
        cursor = psycopg.ClientCursor(self._connection)
        return "".join(f"{cursor.mogrify(translated(EVENT), values)};" for values in self._events)

    def references(self, table: str) -> list[tuple[str, str]]:
        """Return every (table, column) that refers to the id of `table`."""
        return [(row["child"], row["column"]) for row in self.all(REFERENCES, table=table)]


class Glance:
    """A look at a store: each statement is a transaction of its own, in one round trip."""

    def __init__(self, connection: psycopg.Connection[Any], now: int, store: str) -> None:
        self._connection, self._store = connection, store
        self.now = now  #: milliseconds UTC

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row of `sql`, or None. Raises LookupError where another store or schema is there."""
        query = psycopg.ClientCursor(self._connection).mogrify(translated(sql), values)
        text = f"{GLANCE.format(hold=HOLD, wait=HOLD)}; {query}; commit"
        found = []
        try:
            cursor = self._connection.execute(text.encode())
            while True:
                if cursor.description:
                    found.append(cursor.fetchone())
                if not cursor.nextset():
                    break
        except BaseException:
            _roll_back(self._connection)
            raise
        about, row = found
        if about is None or (about["schema"], about["id"]) != (SCHEMA_VERSION, self._store):
            raise LookupError(self._store)
        return row


class Store:
    """An open store. One for each thread, and never carried over a fork."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], int] | None = None,
        patience: float | None = None,
        pool: Pool | None = None,
    ) -> None:
        """Connect to the database at `url`, whatever its schema is. Nothing is created.

        With a `pool` the store has a connection only while it is in a transaction.

        Parameters and errors are those of `xats.store.open.open_store`, which then migrates the schema.
        """
        self.path = url
        self.clock: Callable[[], int] = clock or Clock()
        self.patience = patience
        self.stopping: Callable[[], bool] = bool  #: says when not to wait any longer
        self.schema = 0  #: the number of the newest migration that was applied, when the store was opened
        self.upgraded = False  #: whether the schema of an older xats was migrated
        self.caution = self.repaired = ""
        self.id = ""  #: of the store that was opened: chance made it when the schema was created
        self._mark = os.urandom(NONCE).hex()  # the ids of the commits of this store begin with it
        self._commits = 0
        self._ear: listening.Ear | None = None
        self._gone = self._ending = self._working = False
        self._connection: psycopg.Connection[Any] | None = None
        self._pool = pool
        try:
            self._patiently(self._recognise)
        except BaseException:
            self.close()
            raise

    @property
    def key(self) -> str:
        """The name that every process has for this store: HOST:PORT/DATABASE."""
        return location.key(self.path, os.environ)

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one write transaction and commit it; return what `work` returned.

        xats may run `work` again when the store is busy or the connection was lost, so `work` changes nothing but the
        store. What it raises rolls everything back. Raises StoreBusy and StoreAway when the patience is over,
        OutcomeUnknown when it ends during a COMMIT, StoreTooNew once a newer xats has changed the schema, and the other
        StoreErrors.
        """
        return self._alone(lambda: self._write(WRITE, work))

    def _alone(self, run: Callable[[], T]) -> T:
        """Return what `run` returns. Raises StoreError inside of another transaction of this store."""
        if self._working:
            msg = "A transaction cannot begin within another one."
            raise errors.StoreError(msg)
        self._working = True
        try:
            return run()
        finally:
            self._working = False

    def _write(self, begin: str, work: Callable[[Tx], T]) -> T:
        result = self._patiently(lambda left: self._attempt(begin, work, left))
        self._commits += 1
        faults.point("store.after_commit")
        return result

    def _attempt(self, begin: str, work: Callable[[Tx], T], left: float) -> T:
        """Run `work` once and commit it. Raises psycopg.Error if it is not committed, and OutcomeUnknown."""
        connection = self.connected()
        tx = self._begun(connection, begin, left)
        try:
            result = work(tx)
            tx.write_seats()
            last = tx.last()
            faults.point("store.before_commit")
        except BaseException:
            _roll_back(connection)
            raise
        mark = f"{self._mark}.{self._commits}.{os.urandom(4).hex()}"
        try:
            if begin is FIRST_WRITE:  # it runs again if the connection is lost, and finds the schema that it has made
                last += "commit"
            else:
                values = {"id": mark, "now": tx.now, "kept": KEPT}
                last += psycopg.ClientCursor(connection).mogrify(COMMIT, values)
            connection.execute(last.encode())
        except psycopg.Error as error:
            if not failures.is_lost(error, connection):
                _roll_back(connection)
                raise
            if begin is FIRST_WRITE or not self._was_committed(mark, error):
                raise
        return result

    def _was_committed(self, mark: str, lost: psycopg.Error) -> bool:
        """Tell whether the commit `mark`, whose connection was lost, was made. Raises OutcomeUnknown."""
        patience = RESOLVE if self.patience is None else self.patience
        try:
            return self._patiently(lambda left: self._find(mark, left), patience)
        except errors.StoreError as problem:
            why = failures.text(lost)
            msg = f"The connection was lost during the commit ({why}), and xats could not find out whether it was made."
            hint = f"send again only with the same --key, which sends it once; otherwise look first: {problem}"
            raise errors.OutcomeUnknown(msg, hint) from None

    def _find(self, mark: str, left: float) -> bool:
        connection = self.connected()
        tx = self._begun(connection, WRITE, left)
        try:
            return tx.one(FOUND, id=mark) is not None
        finally:
            _roll_back(connection)

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one snapshot, which it must not write to; return what `work` returned.

        xats may run `work` again when the connection was lost. Raises the StoreErrors.
        """

        def attempt(left: float) -> T:
            connection = self.connected()
            tx = self._begun(connection, READ, left)
            try:
                return work(tx)
            finally:
                self._end(connection)

        return self._alone(lambda: self._patiently(attempt))

    def glance(self, work: Callable[[Glance], T]) -> T | None:
        """Return what `work` finds, as `read` does, in one round trip for each statement. `work` runs one or two.

        None where the schema is another one. Raises the StoreErrors.
        """

        def attempt(left: float) -> T | None:
            del left
            try:
                return work(Glance(self.connected(), self.clock(), self.id))
            except LookupError:
                return None

        return self._patiently(attempt)

    def migrate(self, work: Callable[[Tx], T], *, empty: bool) -> T:
        """Run `work` in one write transaction, which may change the schema. `empty`: there is no schema yet."""
        return self._write(FIRST_WRITE if empty else WRITE, work)

    def _recognise(self, left: float) -> None:
        """Connect and find the number of the schema. Raises StoreTooNew and StoreDenied."""
        connection = self.connected()
        try:
            self._begun(connection, READ, left)
        except psycopg.Error as error:
            if error.sqlstate not in failures.MISSING:
                raise
            self.schema = 0
        else:
            self._end(connection)
        _mark(self.path)

    def _begun(self, connection: psycopg.Connection[Any], begin: str, left: float) -> Tx:
        """Begin a transaction by the statements `begin`, which end by a row of the version and the time.

        Raises StoreTooNew, StoreError for another store in the same place, and psycopg.Error.
        """
        wait = max(1, min(HOLD, int(left * 1000)))
        try:
            cursor = connection.execute(begin.format(hold=HOLD, wait=wait).encode())
            while cursor.nextset():
                pass
            row = cursor.fetchone()
            if row is None:
                msg = f"{self.path} has a schema {failures.SCHEMA} without its number."
                raise errors.StoreCorrupt(msg, "put back a backup")
            if row["schema"] > SCHEMA_VERSION:
                msg = (
                    f"{self.path} has schema {row['schema']}; this xats knows {SCHEMA_VERSION}. xats did not change it."
                )
                raise errors.StoreTooNew(msg)
            if row["id"] and not self.id:
                self.id, self.schema = row["id"], row["schema"]
            elif row["id"] and row["id"] != self.id:
                self._gone = True
                msg = f"Another store has taken the place of {self.path}."
                raise errors.StoreError(msg, "run the command again: xats then uses that store")
        except BaseException:
            _roll_back(connection)
            raise
        if isinstance(self.clock, Clock):
            self.clock.set(row["now"])
            return Tx(connection, row["now"], self.clock, self.path)
        return Tx(connection, self.clock(), self.clock, self.path)

    def _end(self, connection: psycopg.Connection[Any]) -> None:
        """End a transaction that has only read, without waiting for the answer: `_settle` reads it, if ever.

        The server ends it at once. So a read costs one round trip less, which counts for a server that is far away.
        """
        if connection.closed:
            return
        try:
            connection.pgconn.send_query(b"rollback")
            self._ending = True
        except psycopg.Error:
            connection.close()

    def _settle(self, connection: psycopg.Connection[Any], seconds: float = SETTLE) -> None:
        """Read the answer to the end of the last transaction. A connection that fails, or does not answer, is closed.

        PgBouncer gives up its connection to the server if a client leaves before that answer.
        """
        self._ending = False
        pgconn, until = connection.pgconn, time.monotonic() + seconds
        try:
            while not connection.closed:
                while pgconn.is_busy():
                    if not select.select([pgconn.socket], [], [], max(0.0, until - time.monotonic()))[0]:
                        connection.close()
                        return
                    pgconn.consume_input()
                if pgconn.get_result() is None:
                    return
        except psycopg.Error:
            connection.close()

    def connected(self) -> psycopg.Connection[Any]:
        """Return the connection, a new one if it was lost. Raises the StoreErrors of `connect`."""
        if self._connection is not None and self._ending:
            self._settle(self._connection)
        if self._connection is not None and self._connection.info.transaction_status != IDLE:
            self._connection.close()  # something was interrupted, as by Ctrl-C
        if self._connection is not None and self._connection.closed:
            self._release()
        if self._connection is None:
            made = self._pool.take(self._pool_patience()) if self._pool else None
            try:
                self._connection, self._ending = made or connect(self.path), False
            except BaseException:
                if self._pool:
                    self._pool.give(None)
                raise
        return self._connection

    def _pool_patience(self) -> float:
        return PATIENCE if self.patience is None else self.patience

    def _release(self) -> None:
        """Give the connection back to the pool. Without a pool, forget one that was lost."""
        connection = self._connection
        if self._pool and connection is not None:
            if self._ending:
                self._settle(connection)
            self._connection = None
            if connection.info.transaction_status != IDLE:
                connection.close()  # something was interrupted
            self._pool.give(connection)
        elif connection is not None and connection.closed:
            self._connection = None

    def _patiently(self, attempt: Callable[[float], T], patience: float | None = None) -> T:
        """Return what `attempt` returns; retry while the store is busy or the server is away.

        `attempt` gets the seconds that are left of `patience`. Raises the StoreErrors.
        """
        given = patience is not None or self.patience is not None
        patience = (PATIENCE if self.patience is None else self.patience) if patience is None else patience
        end, pause, again = time.monotonic() + patience, FIRST, True
        while True:
            try:
                result = attempt(max(0.0, end - time.monotonic()))
                self._release()
                return result
            except psycopg.Error as error:
                problem = failures.explain(error, self.path)
                if self._connection is not None:
                    failures.is_lost(error, self._connection)
            except errors.StoreAway as error:
                problem = error
            except BaseException:
                self._release()
                raise
            lost = self._connection is not None and self._connection.closed
            self._release()
            if lost and again:  # the connection was lost, perhaps because this process was stopped for long
                end, again = max(end, time.monotonic() + patience), False
            left = end - time.monotonic()
            if isinstance(problem, errors.StoreAway) and not given:
                left -= PATIENCE - AWAY
            if not isinstance(problem, errors.StoreBusy) or left <= 0 or self.stopping():
                raise problem
            time.sleep(min(pause * (0.5 + time.perf_counter_ns() % 1000 / 1000), left))
            pause = min(2 * pause, LONGEST)

    def generation(self) -> int:
        """Return a number that changes when another process commits; -1 once the store was replaced.

        A notification makes xats ask the server at once, and it asks once a second in any case. Other calls cost
        microseconds. Raises StoreAway after the patience.
        """
        if self._ear is None:
            self._ear = listening.Ear(self.path, self._mark, self.id)
        number, now = self._patiently(lambda _: self._ear.number())  # type: ignore[union-attr]
        if now is not None and isinstance(self.clock, Clock):
            self.clock.set(now)
        self._gone = self._gone or number < 0
        return -1 if self._gone else number

    @property
    def replaced(self) -> bool:
        """Whether another store has taken the place of the one that was opened, as when a backup is put back."""
        return self._gone

    @property
    def lost(self) -> bool:
        """Whether the store that was opened was taken away or replaced."""
        return self._gone

    def close(self) -> None:
        """Close the store."""
        if self._connection is not None and self._ending:
            self._settle(self._connection)
        if self._pool:
            self._release()
        elif self._connection is not None:
            self._connection.close()
        if self._ear is not None:
            self._ear.close()


def _mark(url: str) -> None:
    """Note on this host that this user has used the database at `url`: see `xats.store.sqlite.paths.exists`."""
    if location.is_marked(url):
        return
    path = location.beside(url, location.STORE)
    try:
        sidefile.folder(os.path.dirname(path))
        sidefile.replace(path, f"{url}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        msg = f"The files beside the store cannot be created in {os.path.dirname(path)}: {error.strerror}."
        raise errors.StoreReadOnly(msg, "name a writable folder: export XATS_HOME=FOLDER") from error


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    """End the transaction without a change. A connection that fails is closed: the server rolls back then."""
    if connection.closed:
        return
    try:
        connection.execute("rollback")
    except psycopg.Error:
        connection.close()
