"""Whether a store of either engine holds together: what `xats db check` looks for, and its references."""

from __future__ import annotations

from xats.store.sqlite import check


def broken(store, now: int | None = None, states=(check.WARN, check.FAIL)) -> list[str]:
    """Return the names of the rules of `xats db check` that something in `store` breaks; `states`: how bad that is."""
    at = store.clock() if now is None else now

    def look(tx):
        return [
            rule.name for rule in check.RULES if rule.state in states and tx.all(rule.sql, now=at, late=at - check.LATE)
        ]

    return [*store.read(look), *(["references"] if dangling(store) else [])]


def dangling(store) -> list[tuple]:
    """Return the references that lead to no row. Only SQLite can have some: see `xats.store.sqlite.migrate`."""
    if not hasattr(store, "connection"):
        return []
    return [tuple(row) for row in store.read(lambda tx: tx.all("pragma foreign_key_check"))]
