"""A quick look at a store for tab completion: it makes and changes nothing, and hardly waits."""

from __future__ import annotations

from xats.store.sqlite import driver, engine
from xats.store.sqlite.paths import uri

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.store import Tx

    T = TypeVar("T")


def glance(path: str, patience: float, work: Callable[[Tx], T]) -> T:
    """Run `work` on one snapshot of the store at `path`; return what `work` returned.

    It waits at most `patience` seconds for a store that is locked. Raises sqlite3.Error when the store is missing,
    locked, or not a store; for the URL of a database XatsError or ImportError.
    """
    if "://" in path:
        from xats.store.postgres import look

        return look.snapshot(path, work, patience)
    try:
        return _read(driver.connect(uri(path), uri=True, timeout=patience, isolation_level=None), work)
    except driver.Error as error:
        from xats.store.sqlite import readonly

        if not readonly.is_needed(error, path):
            raise
        return _read(readonly.connect(path, isolation_level=None), work)


def _read(connection: driver.Connection, work: Callable[[Tx], T]) -> T:
    """Run `work` on one snapshot of `connection` and close it; return what `work` returned."""
    try:
        connection.row_factory = driver.Row
        connection.execute("begin")
        return work(engine.Tx(connection, engine.host_clock()))
    finally:
        connection.close()
