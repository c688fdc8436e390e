"""Facts about a store in a PostgreSQL database, for `xats db info`: the server, the sizes, the rows."""

from __future__ import annotations

from xats.base.record import record
from xats.store.postgres.look import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

TABLES = """
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'xats' and c.relkind = 'r' order by c.relname
"""
SIZE = """
select coalesce(sum(pg_total_relation_size(c.oid)), 0) as size
from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'xats' and c.relkind = 'r'
"""
SERVER = "select current_setting('server_version') as version, current_user as name"
META = "select schema, id from meta"
MESSAGES = "select min(sent_at) as oldest, max(sent_at) as newest from messages"
EVENTS = "select min(at) as oldest, max(at) as newest from events"


@record
class Info:
    """The facts about a store in a database."""

    url: str  #: without a password
    server_version: str
    user: str  #: of the database
    store_id: str
    schema_version: int
    size: int  #: bytes of all its tables and indexes
    rows: dict[str, int]  #: by table
    messages: tuple[int | None, int | None]  #: the times of the oldest and the newest, in ms UTC
    events: tuple[int | None, int | None]


def info(url: str) -> Info:
    """Return the facts about the store at `url`. Raises NotFound and the StoreErrors."""
    return snapshot(url, lambda tx: _info(tx, url))


def _info(tx: Tx, url: str) -> Info:
    server, meta = tx.all(SERVER)[0], tx.all(META)[0]
    names = [row["name"] for row in tx.all(TABLES)]
    counts = " union all ".join(f"select '{name}' as name, count(*) as n from {name}" for name in names)
    messages, events = tx.all(MESSAGES)[0], tx.all(EVENTS)[0]
    return Info(
        url=url,
        server_version=server["version"].split()[0],
        user=server["name"],
        store_id=meta["id"],
        schema_version=meta["schema"],
        size=int(tx.all(SIZE)[0]["size"]),
        rows={row["name"]: row["n"] for row in sorted(tx.all(counts), key=lambda row: row["name"])},
        messages=(messages["oldest"], messages["newest"]),
        events=(events["oldest"], events["newest"]),
    )
