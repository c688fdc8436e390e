"""Check a store in a PostgreSQL database: the connection, the rights, the schema, and the rules about rows.

The names and the states are those of `xats.store.sqlite.check`, which also has the rules. A check changes nothing.
"""

from __future__ import annotations

import os
import time

from xats.base import location
from xats.base.errors import XatsError
from xats.store.postgres import failures
from xats.store.postgres.engine import Store
from xats.store.sqlite import SCHEMA_VERSION
from xats.store.sqlite.check import FAIL, LATE, OK, RULES, SHOWN, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.store import Tx

PATIENCE = 5.0  # seconds
SLOW = 100  # ms for a round trip: a hook makes several
LOCAL = ("localhost", "127.0.0.1", "::1")
LACKING = """
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'xats' and c.relkind = 'r' and not (
    has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
    and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete')
)
order by c.relname
"""


def checks(url: str) -> list[Check]:
    """Return the findings on the store at `url`. Whatever is wrong with the store is a finding, not an error."""
    found = list(_password(url))
    try:
        store = Store(url, patience=PATIENCE)
    except XatsError as problem:
        return [*found, Check("server", FAIL, str(problem), problem.hint)]
    try:
        found += _server(store)
        if store.schema == 0:
            return [*found, Check("schema", WARN, f"no store yet in {url}", "xats register NAME  (creates it)")]
        if store.schema < SCHEMA_VERSION:
            detail = f"schema {store.schema}; the newest is {SCHEMA_VERSION}"
            fix = "xats agents  (any verb that uses the store migrates it)"
            return [*found, Check("schema", WARN, detail, fix)]
        found.append(Check("schema", OK, f"schema {store.schema}, store {store.id[:8]}"))
        return [*found, *store.read(lambda tx: list(_inside(tx, url)))]
    except XatsError as problem:
        return [*found, Check("read", FAIL, str(problem), problem.hint)]
    finally:
        store.close()


def _password(url: str) -> Iterator[Check]:
    if location.secrets(url):
        detail = "XATS_DB contains a password, which every program that you start in this shell inherits"
        yield Check("password", WARN, detail, location.passfile_hint(url, os.environ))


def _server(store: Store) -> Iterator[Check]:
    connection = store.connected()
    version = connection.info.parameter_status("server_version") or "?"
    host, tls = connection.info.host, bool(connection.pgconn.ssl_in_use)
    took = min(_round_trip(store) for _ in range(3))
    way = "a Unix socket" if host.startswith("/") else f"{host}, {'with' if tls else 'without'} TLS"
    detail = f"PostgreSQL {version.split()[0]} over {way}; a round trip takes {took:.1f} ms"
    yield Check("server", WARN if took > SLOW else OK, detail, "use a server that is nearer" if took > SLOW else "")
    if not tls and not host.startswith("/") and host not in LOCAL:
        fix = "add sslmode=verify-full to the URL: https://www.postgresql.org/docs/current/libpq-ssl.html"
        yield Check("tls", WARN, f"mail goes to {host} unencrypted", fix)


def _round_trip(store: Store) -> float:
    """Return how many ms one answer of the server takes."""
    began = time.perf_counter()
    store.connected().execute("select 1")
    return (time.perf_counter() - began) * 1000


def _inside(tx: Tx, url: str) -> Iterator[Check]:
    lacking = [row["name"] for row in tx.all(LACKING)]
    if lacking:
        detail = f"this user may not read and write every table: {', '.join(lacking[:SHOWN])}"
        yield Check("rights", FAIL, detail, failures.grants(url))
        return
    yield Check("rights", OK, "this user may read and write every table")
    for rule in RULES:
        found = [str(row[0]) for row in tx.all(rule.sql, now=tx.now, late=tx.now - LATE)]
        if not found:
            yield Check(rule.name, OK, rule.good)
            continue
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        yield Check(rule.name, rule.state, f"{rule.bad} {', '.join(found[:SHOWN])}{more}", rule.fix)
