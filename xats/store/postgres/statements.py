"""Statements: from the named parameters of xats (`:name`) to those of psycopg (`%(name)s`), and rows.

psycopg puts the values into the statement on this side (`psycopg.ClientCursor`), because the server cannot infer the
type of a parameter everywhere (`:team is null or team = :team`) and a prepared statement does not work behind
PgBouncer.
"""

from __future__ import annotations

import re
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

# Quoted texts, quoted names and comments stay as they are, and so does a cast (`::text`).
PART = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|::|%|:([A-Za-z_]\w*)", re.DOTALL)


@cache
def translated(sql: str) -> str:
    """Return `sql` in the words of psycopg: `:name` becomes `%(name)s`, and `%` becomes `%%`."""
    return PART.sub(lambda found: f"%({found[1]})s" if found[1] else found[0].replace("%", "%%"), sql)


def statements(script: str) -> list[str]:
    """Split `script` into its statements: at each semicolon that is not in a quoted text, a name or a comment."""
    found, start = [], 0
    for one in re.finditer(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|;", script, re.DOTALL):
        if one[0] == ";":
            found.append(script[start : one.end()])
            start = one.end()
    return found


class Row:
    """One row of an answer: its values by the name of the column, and by its position from 0."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: dict[str, int], values: tuple[Any, ...]) -> None:
        """`places` has the position of each column by its name."""
        self._places, self._values = places, values

    def __getitem__(self, key: str | int) -> Any:
        if isinstance(key, str):
            try:
                key = self._places[key]
            except KeyError:
                msg = f"No column is called {key}."
                raise IndexError(msg) from None
        return self._values[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Row):
            return NotImplemented
        return self._values == other._values and self._places == other._places

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return f"Row({dict(zip(self._places, self._values, strict=False))})"

    def keys(self) -> list[str]:
        """Return the names of the columns."""
        return list(self._places)


def rows(cursor: Any) -> Callable[[Sequence[Any]], Row]:
    """Return what makes a Row of the values that `cursor` has read: psycopg's `row_factory`."""
    places: dict[str, int] = {}
    for at, column in enumerate(cursor.description or ()):
        places.setdefault(column.name, at)
    return lambda values: Row(places, tuple(values))
