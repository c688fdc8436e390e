"""Read whole tables of a store, row by row, all from one snapshot."""

from __future__ import annotations

from contextlib import contextmanager

from xats.base.errors import NotFound
from xats.store.sqlite.inspect import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from xats.store.sqlite.tables import Tables

FORMAT = "xats"  # the format that the first line of an export of all tables names


class Export:
    """Some tables of one snapshot."""

    def __init__(self, tables: Tables, names: Sequence[str], schema: int) -> None:
        self._tables = tables
        self._schema = schema
        self.names = tuple(names)

    def columns(self, name: str) -> list[str]:
        """Return the names of the columns of the table `name`."""
        return self._tables.columns(name)

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table `name`, one after another."""
        yield from self._tables.database[name].rows

    def count(self) -> int:
        """Return how many rows the tables have together."""
        return sum(self._tables.count(name) for name in self.names)

    def header(self) -> dict[str, Any]:
        """Return what `load` needs before the first row: the schema, and the number of rows of each table.

        `last_id` is the largest id that the table ever had, because no id is used again; null: it has no such ids.
        """
        last = self._tables.last_ids()
        tables = {name: {"rows": self._tables.count(name), "last_id": last.get(name)} for name in self.names}
        return {"export": FORMAT, "schema": self._schema, "tables": tables}


@contextmanager
def export(path: str, names: Sequence[str]) -> Iterator[Export]:
    """Open the tables `names` (all, if none is named) of the store at `path`.

    Raises NotFound for a missing store or table, and the StoreErrors.
    """
    from xats.store.sqlite.tables import Tables

    private = copy(path)
    try:
        private.row_factory = None
        private.text_factory = lossless
        schema: int = private.execute("pragma user_version").fetchone()[0]
        tables = Tables(private)
        for name in names:
            if name not in tables.names:
                msg = f"The store has no table {name}."
                raise NotFound(msg, f"one of: {', '.join(tables.names)}")
        yield Export(tables, tuple(dict.fromkeys(names)) or tables.names, schema)
    finally:
        private.close()


def lossless(text: bytes) -> str:
    """Return `text` decoded. Bytes that are not UTF-8, which only a damaged store has, become escapes."""
    return text.decode("utf-8", "backslashreplace")
