"""Open the store: connect to it, then bring its schema up to date.

This is the only module that chooses an engine, and the only one besides `xats db import` that migrates.
"""

from __future__ import annotations

from xats.store import sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store


def open_store(
    path: str,
    clock: Callable[[], int] | None = None,
    warn: Callable[[str], None] | None = None,
    patience: float | None = None,
    notice: Callable[[str], None] | None = None,
) -> Store:
    """Open the store at `path`. Create it (folder 0700, file 0600) or migrate its schema where that is needed.

    If other users may use a file of the store, xats makes it private to its owner (store/sqlite/private.py).

    `clock` returns milliseconds UTC; None is the clock of the host. A clock of a test may have a method `uptime`, which
    returns what `xats.base.uptime.read` returns for that clock; without it xats never takes the clock for a wrong one.
    `warn` gets what a person should read once, such as a new store on a network file system. `notice` gets what a
    person should read later: which process a command waits for, and that this SQLite may damage the store. `patience`
    is for how many seconds to wait for a busy store; see `xats.store.sqlite.waiting.patiently`.

    Raises StoreForeign, StoreTooNew, StoreCorrupt, StoreReadOnly, StoreBusy or StoreError. The content of the file is
    then as it was before.
    """
    if "://" in path:
        return _open_database(path, clock, patience)
    from xats.store.sqlite import engine

    opened = engine.Store(path, clock or engine.host_clock, warn, patience, notice)
    if opened.schema < engine.SCHEMA_VERSION:
        from xats.store.sqlite import migrate

        try:
            migrate.upgrade(opened)
        except BaseException:
            opened.close()
            raise
        opened.upgraded = opened.schema > 0
    return opened


def _open_database(url: str, clock: Callable[[], int] | None, patience: float | None) -> Store:
    """Open the store in the PostgreSQL database at `url`, and migrate its schema where that is needed."""
    try:
        from xats.store.postgres import engine
    except ImportError as error:
        if "psycopg" not in f"{error.name} {error}":
            raise
        from xats.base.errors import DriverMissing

        ways = ("pipx inject xats 'psycopg[binary]'", "pip install 'xats[postgres]'")
        fix = f"uv tool install 'xats[postgres]'   (or: {'; or: '.join(ways)})"
        raise DriverMissing("", fix) from None
    opened = engine.Store(url, clock, patience)
    if opened.schema < sqlite.SCHEMA_VERSION:
        from xats.store.postgres import migrate

        before = opened.schema
        try:
            migrate.upgrade(opened)
        except BaseException:
            opened.close()
            raise
        opened.upgraded = before > 0
    return opened
