"""The store: the only room that knows a database engine."""

from __future__ import annotations

from xats.store.sqlite.engine import Row, Store, Tx

__all__ = ["Row", "Store", "Tx"]
