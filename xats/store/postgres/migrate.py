"""Migrate the schema: numbered files, applied with their record in one transaction under the lock of the writers.

The numbers and their meaning are those of SQLite (store/sqlite/schema). No PostgreSQL store is older than 0022, so the
first file makes the schema of that number. It needs no superuser and no extension. While the schema is up to date, xats
does not import this module.

No migration inserts into a table with an identity that it creates: with `wal_level = minimal` a server that is killed
would give its ids again, because nothing of a new relation is logged before the commit.
https://www.postgresql.org/docs/current/runtime-config-wal.html#GUC-WAL-LEVEL
"""

from __future__ import annotations

import os
from importlib import resources

from xats import __version__
from xats.base import errors
from xats.store.postgres import engine, failures
from xats.store.postgres.statements import statements
from xats.store.sqlite import SCHEMA_VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

RECORD = "insert into migrations (number, name, applied_at, program) values (:number, :name, :at, :program)"
#: What only this engine has: the number of the schema and the id of the store, and the ids of the commits.
OWN = (
    """
    create table meta (
        one boolean primary key default true check (one),
        schema bigint not null,
        id text collate "C" not null
    )
    """,
    """
    create table commits (
        n bigint generated always as identity primary key,
        id text collate "C" not null unique,
        at bigint not null
    )
    """,
    "create index commits_at on commits (at)",
)
SCHEMA = """
select n.oid as id, has_schema_privilege(n.oid, 'create') as may, to_regclass('xats.meta') is not null as ours,
    exists (select 1 from pg_class c where c.relnamespace = n.oid) as filled
from pg_namespace n where n.nspname = 'xats'
"""
MAY = "select has_database_privilege(current_database(), 'create') as may"


def migrations() -> list[tuple[int, str, str]]:
    """Return every migration as (number, name, SQL), in order."""
    found = []
    for entry in resources.files("xats.store.postgres.schema").iterdir():
        number, _, rest = entry.name.partition("_")
        if entry.name.endswith(".sql"):
            found.append((int(number), rest.removesuffix(".sql"), entry.read_text(encoding="utf-8")))
    return sorted(found)


def upgrade(store: engine.Store) -> None:
    """Apply every migration that `store` lacks. Several processes may do this at once: one of them wins.

    Raises StoreForeign if another program has made the schema, StoreDenied without the right to make it, and the other
    StoreErrors.
    """
    store.migrate(lambda tx: _upgrade(tx, store.path), empty=store.schema == 0)
    store.schema = SCHEMA_VERSION
    if not store.id:
        store.id = store.read(lambda tx: tx.one("select id from meta"))["id"]  # type: ignore[index]


def _upgrade(tx: engine.Tx, url: str) -> None:
    found = tx.one(SCHEMA)
    if found is None:
        if not tx.all(MAY)[0]["may"]:
            msg = f"The database {url} has no schema {failures.SCHEMA}, and this user may not create it."
            raise errors.StoreDenied(msg, failures.creates(url))
        tx.run("create schema xats")
    elif found["filled"] and not found["ours"]:
        msg = f"The schema {failures.SCHEMA} of {url} belongs to another application. xats did not change it."
        raise errors.StoreForeign(msg, "name another database with XATS_DB")
    elif not found["may"]:
        what = "must be migrated" if found["ours"] else "is empty"
        msg = f"The schema {failures.SCHEMA} of {url} {what}, and this user may not create tables in it."
        raise errors.StoreDenied(msg, f"as the owner: run xats once, or grant create on schema xats to {_user(tx)}")
    if found is None or not found["ours"]:
        for statement in OWN:
            tx.run(statement)
        tx.run("insert into meta (schema, id) values (0, :id)", id=os.urandom(engine.NONCE).hex())
    apply(tx, migrations())


def apply(tx: engine.Tx, found: Iterable[tuple[int, str, str]]) -> None:
    """Apply and record the migrations `found`, except those that another process has just applied."""
    version = tx.all("select schema from meta")[0]["schema"]
    for number, name, script in found:
        if number <= version:
            continue
        for statement in statements(script):
            tx.run(statement)
        tx.run(RECORD, number=number, name=name, at=tx.now, program=__version__)
        tx.run("update meta set schema = :number", number=number)


def _user(tx: engine.Tx) -> str:
    user: str = tx.all("select quote_ident(current_user) as name")[0]["name"]
    return user
