"""Open the store: connect to it, then bring its schema up to date.

This is the only module that chooses an engine, and the only one besides `xats db import` that migrates.
"""

from __future__ import annotations

import os

from xats.base import errors
from xats.store import sqlite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from xats.store import Store
    from xats.store.pool import Pool
    from xats.store.postgres import engine as postgres

NO_MIGRATE = "XATS_NO_MIGRATE"  # this variable forbids migrations, here and in the processes that this one starts
BY_OPTION = "--no-migrate"  # its value if that option of this command has set it


def open_store(
    path: str,
    clock: Callable[[], int] | None = None,
    warn: Callable[[str], None] | None = None,
    patience: float | None = None,
    notice: Callable[[str], None] | None = None,
    pool: Pool | None = None,
) -> Store:
    """Open the store at `path`. Create it (folder 0700, file 0600) or migrate its schema where that is needed.

    If other users may use a file of the store, xats makes it private to its owner (store/sqlite/private.py).

    `clock` returns milliseconds UTC; None is the clock of the host. A clock of a test may have a method `uptime`, which
    returns what `xats.base.uptime.read` returns for that clock; without it xats never takes the clock for a wrong one.
    `warn` gets what a person should read once, such as a new store on a network file system. `notice` gets what a
    person should read later: which process a command waits for, and that this SQLite may damage the store. `patience`
    is for how many seconds to wait for a busy store; see `xats.store.sqlite.waiting.patiently`. `pool` has the
    connections that this store shares with others of this process.

    If XATS_NO_MIGRATE forbids migrations, an older store is refused. A new store is created all the same.

    Raises StoreForeign, StoreTooNew, StoreTooOld, StoreCorrupt, StoreReadOnly, StoreBusy or StoreError. The content of
    the file is then as it was before.
    """
    if "://" in path:
        return _open_database(path, clock, patience, pool)
    from xats.store.sqlite import engine

    opened = engine.Store(path, clock or engine.host_clock, warn, patience, notice)
    if opened.schema < engine.SCHEMA_VERSION:
        from xats.store.sqlite import migrate

        try:
            if opened.schema:
                _check_allowed(opened)
            migrate.upgrade(opened)
        except BaseException:
            opened.close()
            raise
        opened.upgraded = opened.schema > 0
    return opened


def pool_for(path: str, most: int) -> Pool | None:
    """Return a pool of at most `most` connections for the stores of this process at `path`; None for a file."""
    if "://" not in path:
        return None
    from xats.store.pool import Pool

    return Pool(most)


def load(path: str) -> None:
    """Import the engine of the store at `path`, which takes 100 ms for a database. Raises DriverMissing."""
    if "://" in path:
        _engine()


def _engine() -> ModuleType:
    """Return the module of the engine for a database. Raises DriverMissing."""
    try:
        from xats.store.postgres import engine
    except ImportError as error:
        if "psycopg" not in f"{error.name} {error}":
            raise
        ways = ("pipx inject xats 'psycopg[binary]'", "pip install 'xats[postgres]'")
        fix = f"uv tool install 'xats[postgres]'   (or: {'; or: '.join(ways)})"
        raise errors.DriverMissing("", fix) from None
    return engine


def _open_database(url: str, clock: Callable[[], int] | None, patience: float | None, pool: Pool | None) -> Store:
    """Open the store in the PostgreSQL database at `url`, and migrate its schema where that is needed."""
    opened: postgres.Store = _engine().Store(url, clock, patience, pool)
    if opened.schema < sqlite.SCHEMA_VERSION:
        from xats.store.postgres import migrate

        before = opened.schema
        try:
            if before:
                _check_allowed(opened)
            migrate.upgrade(opened)
        except BaseException:
            opened.close()
            raise
        opened.upgraded = before > 0
    return opened


def forbid_migrations() -> None:
    """Refuse an older store from now on, in this process and in those that it starts."""
    if not _forbidden():
        os.environ[NO_MIGRATE] = BY_OPTION


def _forbidden() -> str:
    """Return what forbids migrations, "" for nothing."""
    said = os.environ.get(NO_MIGRATE, "")
    return BY_OPTION if said == BY_OPTION else NO_MIGRATE if said not in ("", "0") else ""


def _check_allowed(store: Store) -> None:
    """Raise StoreTooOld if `store` may not be migrated."""
    reason = _forbidden()
    if reason:
        needed = f"{store.path} has schema {store.schema}, and this xats needs {sqlite.SCHEMA_VERSION}"
        msg = f"{needed}. {reason} forbids the migration, so xats did not change the store."
        migrating = "xats agents" if reason == BY_OPTION else f"env -u {NO_MIGRATE} xats agents"
        raise errors.StoreTooOld(msg, f"{migrating}  (it makes a backup, and then migrates the store)")
