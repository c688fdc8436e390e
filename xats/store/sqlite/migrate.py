"""Bring a store's schema up to date: numbered files, each applied with its record in one transaction.

A store that holds anything is backed up first. Nothing here is imported while the schema is the current one.
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


def upgrade(store: engine.Store, connection: sqlite3.Connection, version: int) -> None:
    """Apply every migration that is newer than `version`. Several processes may do so at once: one of them wins."""
    if version == 0:
        if wal_is_safe(sqlite3.sqlite_version_info):
            store.patiently(lambda: connection.execute("pragma journal_mode = wal"))
    else:
        back_up(store, connection, version)
    # A table is rebuilt by dropping it, which must not reach for its references: https://sqlite.org/lang_altertable.html
    connection.execute("pragma foreign_keys = off")
    pending = [found for found in migrations() if found[0] > version]
    # A new store is made at once, so that nobody else takes a half-made one for an old one.
    steps = [pending] if version == 0 else [[one] for one in pending]
    try:
        for step in steps:
            store.write(lambda tx, step=step: apply(tx, connection, step))  # type: ignore[misc]
    finally:
        connection.execute("pragma foreign_keys = on")


def apply(tx: engine.Tx, connection: sqlite3.Connection, found: Iterable[tuple[int, str, str]]) -> None:
    """Apply the migrations `found` and record them, except those that another process has applied just now."""
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
        msg = "The new schema would leave references to nothing. The store was left as it was."
        raise StoreCorrupt(msg, "sqlite3 FILE 'pragma foreign_key_check' shows them")


def back_up(store: engine.Store, connection: sqlite3.Connection, version: int) -> str:
    """Copy the store beside itself before its schema changes from `version`; return the copy's path.

    Raises StoreReadOnly when nothing can be put there, and sqlite3.Error; no half copy is left then.
    """
    # Only ever through SQLite: a plain read-and-close of the file would drop this process's locks on it.
    path = f"{store.path}.schema{version}-{store.clock()}-{os.getpid()}.bak"
    try:
        os.close(sidefile.create(path))
    except OSError as error:
        if disk.is_full(error):
            raise disk.explain(error, path) from error
        msg = f"The store has to be brought up to date, and no copy of it can be made first: {error.strerror}: {path}."
        raise StoreReadOnly(msg, "make the folder writable") from error
    copy = sqlite3.connect(path, isolation_level=None)
    try:
        engine.make_durable(copy)
        store.patiently(lambda: copy_into(connection, copy))
    except BaseException:
        copy.close()
        os.unlink(path)
        raise
    copy.close()
    return path
