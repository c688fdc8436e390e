"""Look at a store in a PostgreSQL database without creating or migrating it."""

from __future__ import annotations

from xats.base.errors import NotFound, StoreError
from xats.store.postgres.engine import Store
from xats.store.sqlite import SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.store import Tx

    T = TypeVar("T")


def snapshot(url: str, work: Callable[[Tx], T], patience: float | None = None) -> T:
    """Run `work` on one snapshot of the store at `url`; return what `work` returned.

    `patience` is in seconds, see `xats.store.open.open_store`. Raises NotFound where there is no store, and the
    StoreErrors.
    """
    store = Store(url, patience=patience)
    try:
        if store.schema == 0:
            msg = f"There is no store in {url}."
            raise NotFound(msg, "name another with --db or XATS_DB; to make one: xats register NAME")
        if store.schema < SCHEMA_VERSION:
            msg = f"The store in {url} has schema {store.schema}; this xats needs {SCHEMA_VERSION}."
            raise StoreError(msg, "xats agents  (any verb that uses the store migrates it)")
        return store.read(work)
    finally:
        store.close()
