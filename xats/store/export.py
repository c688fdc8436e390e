"""Read whole tables of a store, row by row, all at the same moment."""

from __future__ import annotations

from contextlib import contextmanager

from xats.errors import NotFound
from xats.store.keep import copy

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from sqlite_utils import Database


class Export:
    """Tables of one moment. They are those of the file: whatever a newer schema adds is there too."""

    def __init__(self, database: Database, names: Sequence[str]) -> None:
        self._database = database
        self.names = tuple(names)

    def columns(self, name: str) -> list[str]:
        """Return the names of the columns of the table `name`."""
        return [column.name for column in self._database[name].columns]

    def rows(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of the table `name`, one after another."""
        yield from self._database[name].rows


@contextmanager
def export(path: str, names: Sequence[str]) -> Iterator[Export]:
    """Open the tables `names` (all, if none is named) of the store at `path`.

    Raises NotFound for a store or a table that is not there, and the StoreErrors.
    """
    from sqlite_utils import Database

    private = copy(path)
    try:
        private.row_factory = None
        private.text_factory = lossless
        database = Database(private, recursive_triggers=False, execute_plugins=False)
        there = sorted(name for name in database.table_names() if not name.startswith("sqlite_"))
        for name in names:
            if name not in there:
                msg = f"The store has no table {name}."
                raise NotFound(msg, f"one of: {', '.join(there)}")
        yield Export(database, tuple(dict.fromkeys(names)) or there)
    finally:
        private.close()


def lossless(text: bytes) -> str:
    """Return `text` decoded; bytes that are not UTF-8, which only a damaged store has, are shown as such."""
    return text.decode("utf-8", "backslashreplace")
