"""The store: the only room that knows a database engine."""

from __future__ import annotations

__all__ = ["Row", "Store", "Tx"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store.sqlite.engine import Row, Store, Tx
else:

    def __getattr__(name: str) -> object:
        """Import the engine when it is needed first: a hook that only peeks into the store does without."""
        if name not in __all__:
            msg = f"module {__name__!r} has no attribute {name!r}"
            raise AttributeError(msg)
        from xats.store.sqlite import engine

        return getattr(engine, name)
