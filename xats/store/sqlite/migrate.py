"""Migrate the schema of a store: numbered files, each applied with its record in one transaction.

A store that holds anything is backed up first. While the schema is up to date, xats does not import this module.
"""

from __future__ import annotations

import os
import sqlite3
from importlib import resources

from xats import __version__
from xats.base import sidefile
from xats.base.errors import StoreCorrupt, StoreReadOnly
from xats.store.sqlite import disk, engine
from xats.store.sqlite.engine import wal_is_safe
from xats.store.sqlite.failures import explain
from xats.store.sqlite.inspect import copy_into

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RECORD = "insert into migrations (number, name, applied_at, program) values (:number, :name, :at, :program)"


def migrations() -> list[tuple[int, str, str]]:
    """Return every migration as (number, name, SQL), in order."""
    found = []
    for entry in resources.files("xats.store.sqlite.schema").iterdir():
        number, _, rest = entry.name.partition("_")
        if entry.name.endswith(".sql"):
            found.append((int(number), rest.removesuffix(".sql"), entry.read_text(encoding="utf-8")))
    return sorted(found)


def statements(script: str) -> Iterator[str]:
    """Split `script` into its statements."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


def upgrade(store: engine.Store) -> None:
    """Apply every migration that `store` lacks. Several processes may do this at once: one of them wins.

    Raises the StoreErrors.
    """
    try:
        _upgrade(store, store.connection, store.schema)
    except sqlite3.Error as error:
        raise explain(error, store.path) from error


def _upgrade(store: engine.Store, connection: sqlite3.Connection, version: int) -> None:
    if version == 0:
        if wal_is_safe(sqlite3.sqlite_version_info):
            store.patiently(lambda: connection.execute("pragma journal_mode = wal"))
    else:
        back_up(store)
    # To rebuild a table is to drop it, which must not act on its references: https://sqlite.org/lang_altertable.html
    connection.execute("pragma foreign_keys = off")
    pending = [found for found in migrations() if found[0] > version]
    # All migrations of a new store are one transaction, so no other process takes a half-made store for an old one.
    steps = [pending] if version == 0 else [[one] for one in pending]
    try:
        for step in steps:
            store.write(lambda tx, step=step: apply(tx, connection, step))  # type: ignore[misc]
    finally:
        connection.execute("pragma foreign_keys = on")


def apply(tx: engine.Tx, connection: sqlite3.Connection, found: Iterable[tuple[int, str, str]]) -> None:
    """Apply and record the migrations `found`, except those that another process has just applied."""
    for number, name, script in found:
        if connection.execute("pragma user_version").fetchone()[0] >= number:
            continue
        for statement in statements(script):
            connection.execute(statement)
        values = {"number": number, "name": name, "at": tx.now, "program": __version__}
        tx.run(RECORD, **values)
        connection.execute(f"pragma application_id = {engine.APPLICATION_ID}")
        connection.execute(f"pragma user_version = {number}")
    if connection.execute("pragma foreign_key_check").fetchone():
        msg = "The migration would leave references to missing rows. xats did not change the store."
        raise StoreCorrupt(msg, "to list them: sqlite3 FILE 'pragma foreign_key_check'")


def back_up(store: engine.Store) -> str:
    """Copy `store` to a file beside it before its schema changes; return the path of the copy.

    Raises StoreReadOnly when no file can be created there, and sqlite3.Error; no half copy is left then.
    """
    # Always by SQLite: to open and close the file otherwise would drop the locks of this process on it.
    path = f"{store.path}.schema{store.schema}-{store.clock()}-{os.getpid()}.bak"
    try:
        os.close(sidefile.create(path))
    except OSError as error:
        if disk.is_full(error):
            raise disk.explain(error, path) from error
        msg = f"The store must be migrated, but the backup before it failed: {error.strerror}: {path}."
        raise StoreReadOnly(msg, "make the folder writable") from error
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        engine.make_durable(copy)
        store.patiently(lambda: copy_into(store.connection, copy))
    except BaseException:
        copy.close()
        os.unlink(path)
        raise
    copy.close()
    return path
