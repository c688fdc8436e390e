"""What refers to a row: SQL for the tables and columns that the schema has now."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx


def quoted(name: str) -> str:
    """Return `name` as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def elsewhere(tx: Tx, table: str, alias: str, known: set[tuple[str, str]]) -> str:
    """Return the SQL that finds what refers to a row of `table` besides the `known` (table, column) pairs.

    It begins with `or`, unless it is empty. The row is called `alias` in the statement.
    """
    found = [one for one in tx.references(table) if one not in known]
    return " ".join(
        f"or exists (select 1 from {quoted(child)} x where x.{quoted(column)} = {alias}.id)" for child, column in found
    )
