"""The port of the store: what xats needs of a database engine, and what the rules in `core` rely on.

An engine is a class with the methods of `Store`, and `open_store` chooses it. The engine of today is SQLite
(`store/sqlite/engine.py`). What follows holds for every engine.

**One writer at a time.** Between the first statement and the commit of a `write` no other `write` runs on the same
store. An engine that runs writers side by side takes one lock for the whole store first. Two things rely on it:

- Ids are given in the order of the commits. A reader that has seen event 7 never finds a new event 6 later
  (`xats events --since`, `xats inbox --since`).
- A rule may read, decide and then write in one transaction.

**A commit is durable.** When `write` returns, the change survives a power cut. Where it raises, nothing was changed.

**A read is one snapshot.** All statements of one `read` see the same commit.

**Work may run again.** Both run `work` once more when the store is busy, so `work` changes nothing but the store.

**One dialect.** SQL is what SQLite 3.35 and PostgreSQL 13 both run:

- Values are `int` (64 bits), `str` without NUL characters, and `None`. A truth is 0 or 1, a time is ms UTC.
- Parameters are named `:name`. One may stand where its type cannot be inferred (`:team is null or team = :team`), so
  an engine puts the values into the statement on this side, or casts them.
- Texts are compared by code point, in `order by` too (`collate "C"` in PostgreSQL).
- A statement without `order by` returns its rows in any order.
- The id of a removed row is not used again.

**Errors.** `read` and `write` raise the StoreErrors of `xats.base.errors` and what `work` raises; they raise no error
of the engine, except for a broken constraint, which is a fault of xats.

This module imports `typing`, so only type checkers and tests import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from xats.base.uptime import Uptime
    from xats.core.agents.agents import Agent, Session

T = TypeVar("T")


class Row(Protocol):
    """One row of an answer. Its values are found by the name of the column, and by its position from 0."""

    def __getitem__(self, key: str | int, /) -> Any:
        """Return one value. Raises IndexError where there is no such column."""

    def __iter__(self) -> Iterator[Any]:
        """Yield the values in the order of the columns."""

    def __len__(self) -> int:
        """Return the number of columns."""

    def keys(self) -> list[str]:
        """Return the names of the columns."""


class Glance(Protocol):
    """A look at the store by single statements."""

    now: int  #: milliseconds UTC

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row of `sql`, or None."""


class Tx(Protocol):
    """A transaction: it runs statements, writes events, and knows the time."""

    now: int  #: milliseconds UTC, one value for the whole transaction
    clock: Callable[[], int]  #: what `now` comes from: the host's clock, a server's, or that of a test

    def uptime(self) -> Uptime | None:
        """Return how long the host of the clock has been up, or None where that cannot be known."""

    def nonce(self) -> str:
        """Return a random text in hex that was never returned before and cannot be guessed."""

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row of `sql`, or None. The statement has run to its end."""

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Return every row of `sql`."""

    def run(self, sql: str, **values: Any) -> int:
        """Run `sql` and return how many rows it changed."""

    def many(self, sql: str, rows: Iterable[dict[str, Any]]) -> None:
        """Run `sql` once for each of `rows`."""

    def event(self, type: str, team: str, actor: str | None, subject: str, /, **data: Any) -> None:
        """Append to the outbox what this transaction changes: `actor` did what `type` says to `subject`."""

    def write_events(self) -> None:
        """Write the events of this transaction that are not yet written. Every commit does that."""

    def note_seat(self, agent_id: int, **known: Any) -> None:
        """Record where this host's own commands registered an agent; `known` is what `xats.base.seats.Note` takes.

        An engine whose database other hosts can change records it on this host, before the commit. See
        `xats.base.seats`.
        """

    def is_ours(self, agent: Agent, session: Session, /) -> bool:
        """Tell whether `session` is on another host, or agrees with what `note_seat` recorded about `agent`."""

    def references(self, table: str) -> list[tuple[str, str]]:
        """Return every (table, column) that refers to the id of `table`."""


class Store(Protocol):
    """An open store. One for each thread, and never carried over a fork."""

    path: str  #: where the store is: the path of its file
    clock: Callable[[], int]  #: milliseconds UTC
    patience: float | None  #: seconds to wait for a busy store; None is the default of the engine
    stopping: Callable[[], bool]  #: says when not to wait any longer
    schema: int  #: the number of the newest migration that was applied when the store was opened
    upgraded: bool  #: whether `open_store` has migrated the schema of an older xats
    caution: str  #: why this engine may damage the store, and how to prevent it; "" where it does not
    repaired: str  #: what xats took away from other users at the opening, in words; "" where that is nothing

    @property
    def key(self) -> str:
        """Return the name that every process has for this store, however it was addressed.

        Two processes that use the same store have the same key. The names of the files beside the store begin with
        it: see `xats.base.sidefile.path_for`.
        """

    def write(self, work: Callable[[Tx], T]) -> T:
        """Run `work` in one write transaction, commit it durably, and return what `work` returned."""

    def read(self, work: Callable[[Tx], T]) -> T:
        """Run `work` on one snapshot, which it must not write to; return what `work` returned."""

    def glance(self, work: Callable[[Glance], T]) -> T | None:
        """Return what `work` finds by one or two statements; each may see a commit of its own.

        A database answers each in one round trip. None where the schema is not that of this xats.
        """

    def generation(self) -> int:
        """Return a number that changes when another process commits; -1 once the store was replaced.

        It is asked for many times a second, so it must cost microseconds. The change may show a second later.
        """

    @property
    def replaced(self) -> bool:
        """Whether another store has taken the place of the one that was opened, as when a backup is put back."""

    @property
    def lost(self) -> bool:
        """Whether the store that was opened was taken away or replaced."""

    def close(self) -> None:
        """Close the store."""
