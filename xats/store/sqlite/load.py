"""Load an export of all tables into an empty store: every row with its id, or none.

xats first adds the rows to a private database with the same schema, which checks each of them. When it has accepted
them all, xats copies them to the store in one transaction.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager

from xats.base.errors import InvalidExport, Refused, StoreFull
from xats.store.references import quoted
from xats.store.sqlite import codes, engine
from xats.store.sqlite.engine import SCHEMA_VERSION
from xats.store.sqlite.export import FORMAT
from xats.store.sqlite.migrate import apply, migrations
from xats.store.sqlite.tables import SEQUENCES, Tables

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import Any, TypeAlias

    from xats.store import Store, Tx

    Watched: TypeAlias = Callable[[Iterable[dict[str, Any]]], Iterator[dict[str, Any]]]

KEPT = ("migrations", "clocks")  # tables in which an empty store has rows; the export replaces them
LARGEST = 1 << 63  # the first whole number that SQLite cannot hold
MAKE_ORIGINS = "create temp table origins (name text, id integer, line integer, primary key (name, id))"
ADD_ORIGIN = "insert into origins values (:name, :id, :line)"
ORIGIN = "select line from origins where name = :name and id = :id"
AGAIN = "export the store again: xats db export -o FILE"
ONE_EACH = "an export has one JSON object on each line"
KINDS = {"INTEGER": (int, "a whole number"), "TEXT": (str, "a text")}  # by the type of the column


@contextmanager
def checked(lines: Iterable[bytes], name: str) -> Iterator[Draft]:
    """Read the `lines` of an export into a private database, which is removed at the end.

    `name` is the name of the file in errors. Raises InvalidExport with the number of the first wrong line, and
    StoreFull.
    """
    connection = sqlite3.connect("", isolation_level=None)  # a temporary file without a name
    try:
        draft = Draft(connection, name)
        draft.read(lines)
        yield draft
    except sqlite3.Error as error:
        if codes.is_full(error):
            msg = "There is no room for temporary files to check the import. Nothing was imported."
            raise StoreFull(msg, "export SQLITE_TMPDIR=FOLDER, one with room") from error
        raise
    finally:
        connection.close()


def fill(store: Store, draft: Draft, watched: Watched = iter) -> None:
    """Copy every row of `draft` into the empty `store`, or none. Raises what `require_empty` raises.

    The rows pass through `watched`, which may count them.
    """
    store.write(lambda tx: _copy(tx, draft, store.path, watched))


def require_empty(store: Store) -> None:
    """Raise Refused unless `store` is empty, and the StoreErrors."""
    _require_empty(store.path, store.read(_with_rows))


class Draft:
    """A private database with the schema of a store, which checks the rows of an export."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        """Make the tables in `connection`; `name` is the name of the file in errors."""
        self._connection = connection
        self._name = name
        tx = engine.Tx(connection, engine.host_clock())
        connection.execute("begin")
        apply(tx, connection, migrations())
        for table in KEPT:
            tx.run(f"delete from {quoted(table)}")
        connection.execute(MAKE_ORIGINS)
        self.tables = Tables(connection)
        self.counts = dict.fromkeys(self.tables.names, 0)  #: the rows of each table
        self.last_ids: dict[str, int] = {}  #: the largest id that each table ever had
        self._columns = {name: self.tables.database[name].columns for name in self.tables.names}
        self._inserts = {name: insert(name, self.tables.columns(name)) for name in self.tables.names}

    def read(self, lines: Iterable[bytes]) -> None:
        """Add the rows in the `lines` of an export. Raises InvalidExport and sqlite3.Error."""
        number, header = 0, None
        for number, line in enumerate(lines, 1):
            values = self._object(number, line)
            if header is None:
                header = self._header(values)
            else:
                self._row(number, values)
        if header is None:
            raise self._at(1, "the file is empty.", "xats db export -o FILE")
        for name, expected in header.items():
            if self.counts[name] != expected["rows"]:
                rows = expected["rows"]
                few = "only " if self.counts[name] < rows else ""
                why = f"the export has {rows} rows of {name}, and the file {few}{self.counts[name]}."
                raise self._at(number, why, AGAIN)
        self._check_references()
        self._check_ids(header)

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table `name`."""
        yield from self.tables.database[name].rows

    def _object(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            values = json.loads(line.decode())
        except (ValueError, RecursionError) as problem:  # UnicodeDecodeError is a ValueError
            where = (
                f"{problem.msg}, column {problem.colno}" if isinstance(problem, json.JSONDecodeError) else str(problem)
            )
            raise self._at(number, f"it is not JSON ({where}).", ONE_EACH) from problem
        if not isinstance(values, dict):
            raise self._at(number, "it is not a JSON object.", ONE_EACH)
        return values

    def _header(self, values: Mapping[str, Any]) -> dict[str, dict[str, int]]:
        """Return the tables that the first line lists."""
        if values.get("export") != FORMAT:
            hint = "xats db export -o FILE  (without a table, --csv and --json)"
            raise self._at(1, "this is not the beginning of an export of all tables.", hint)
        schema = values.get("schema")
        if schema != SCHEMA_VERSION:
            newer = isinstance(schema, int) and schema > SCHEMA_VERSION
            hint = (
                "update xats"
                if newer
                else "import it with the xats that wrote it; a newer xats then migrates that store"
            )
            why = f"the export has schema {schema}, and this xats only imports schema {SCHEMA_VERSION}."
            raise self._at(1, why, hint)
        tables = values.get("tables")
        if not isinstance(tables, dict) or set(tables) != set(self.tables.names):
            raise self._at(1, f"it must name the tables of schema {schema}.", AGAIN)
        for name, found in tables.items():
            rows, last = (found.get("rows"), found.get("last_id")) if isinstance(found, dict) else (None, None)
            if not _is_count(rows) or not (last is None or _is_count(last)):
                raise self._at(1, f"rows and last_id of {name} must be whole numbers.", AGAIN)
        return tables

    def _row(self, number: int, values: dict[str, Any]) -> None:
        """Add a row, which is on line `number`."""
        name = values.pop("table", None)
        if not isinstance(name, str) or name not in self.counts:
            raise self._at(number, "it does not name a table." if name is None else f"there is no table {name!r}.")
        columns = self._columns[name]
        for column in columns:
            if column.name not in values:
                raise self._at(number, f"the row of {name} has no {column.name}.")
            kind, wanted = KINDS[column.type.upper()]
            value = values[column.name]
            # In JSON true is not a number, though Python's bool is an int.
            if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
                raise self._at(number, f"{column.name} of {name} must be {wanted}, not {json.dumps(value)[:40]}.")
            if isinstance(value, int) and not -LARGEST <= value < LARGEST:
                raise self._at(number, f"{column.name} of {name} is too large a number: {value}.")
        if len(values) > len(columns):
            unknown = next(one for one in values if one not in {column.name for column in columns})
            raise self._at(number, f"{name} has no column {unknown!r}.")
        try:
            added = self._connection.execute(self._inserts[name], values).lastrowid
        except (sqlite3.IntegrityError, UnicodeEncodeError) as problem:
            raise self._at(number, f"the row does not fit into {name}: {problem}.") from problem
        self._connection.execute(ADD_ORIGIN, {"name": name, "id": added, "line": number})
        self.counts[name] += 1

    def _check_references(self) -> None:
        """Raise InvalidExport for a row that refers to a missing row."""
        found = self._connection.execute("pragma foreign_key_check").fetchone()
        if found is None:
            return
        name, added, parent, _ = found
        (line,) = self._connection.execute(ORIGIN, {"name": name, "id": added}).fetchone()
        raise self._at(line, f"the row of {name} refers to a row of {parent} that is not in the file.")

    def _check_ids(self, header: Mapping[str, Mapping[str, int]]) -> None:
        """Note the largest id of each table. Raises InvalidExport for one that is smaller than an id in the file."""
        for name, used in self.tables.last_ids().items():
            last = header[name].get("last_id")
            if last is None or last < used:
                raise self._at(1, f"last_id of {name} must be at least {used}, not {last}.")
        self.last_ids = {name: one["last_id"] for name, one in header.items() if one.get("last_id") is not None}

    def _at(self, number: int, why: str, hint: str = "") -> InvalidExport:
        return InvalidExport(f"{self._name}, line {number}: {why} Nothing was imported.", hint, line=number)


def insert(table: str, columns: Iterable[str]) -> str:
    """Return the statement that adds a row to `table`."""
    names = list(columns)
    values = ", ".join(f":{name}" for name in names)
    return f"insert into {quoted(table)} ({', '.join(map(quoted, names))}) values ({values})"


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def _with_rows(tx: Tx) -> list[str]:
    """Return the tables with rows that an empty store does not have."""
    names = [row["name"] for row in tx.all("select name from sqlite_master where type = 'table'")]
    kept = [name for name in names if name not in KEPT and not name.startswith("sqlite_")]
    return [name for name in kept if tx.one(f"select 1 from {quoted(name)} limit 1")]


def _require_empty(path: str, with_rows: Iterable[str]) -> None:
    if names := ", ".join(with_rows):
        msg = f"The store {path} is not empty (it has rows in {names}). Nothing was imported."
        raise Refused(msg, "import into a new store: xats db import FILE --db NEW")


def _copy(tx: Tx, draft: Draft, path: str, watched: Watched) -> None:
    """Copy everything from `draft` into the empty store at `path`."""
    _require_empty(path, _with_rows(tx))
    tx.run("pragma defer_foreign_keys = on")  # until the commit: a row may come before the row that it refers to
    for name in KEPT:
        tx.run(f"delete from {quoted(name)}")
    for name in draft.tables.names:
        tx.many(insert(name, draft.tables.columns(name)), watched(draft.rows(name)))
    for name, last in draft.last_ids.items():
        tx.run(f"delete from {SEQUENCES} where name = :name", name=name)
        tx.run(f"insert into {SEQUENCES} (name, seq) values (:name, :last)", name=name, last=last)
