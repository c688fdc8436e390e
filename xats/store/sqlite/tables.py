"""The tables of an open store, by sqlite-utils. Only `xats db` imports this: sqlite-utils costs 50 ms."""

from __future__ import annotations

from sqlite_utils import Database

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3

SEQUENCES = "sqlite_sequence"  # the largest id that each table ever had: https://sqlite.org/autoinc.html


class Tables:
    """The tables of a connection, also those that a newer schema has added."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Describe the tables of `connection`; this neither changes nor closes it."""
        self.database = Database(connection, recursive_triggers=False, execute_plugins=False)
        self.names = sorted(name for name in self.database.table_names() if not name.startswith("sqlite_"))

    def columns(self, name: str) -> list[str]:
        """Return the names of the columns of the table `name`."""
        return [column.name for column in self.database[name].columns]

    def count(self, name: str) -> int:
        """Return how many rows the table `name` has."""
        found: int = self.database[name].count
        return found

    def last_ids(self) -> dict[str, int]:
        """Return the largest id that each table ever had, without tables that have no such ids or never had a row."""
        return {row["name"]: row["seq"] for row in self.database[SEQUENCES].rows}
