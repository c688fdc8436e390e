"""Connect to the database server by libpq: its URL, and what libpq adds to it from PGSERVICE, ~/.pgpass and so on."""

from __future__ import annotations

import os

import psycopg
from psycopg import conninfo
from psycopg.types import numeric

from xats.base import location
from xats.base.errors import StoreError
from xats.store.postgres import failures, refusal
from xats.store.postgres.statements import rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OLDEST = 13  # the first version of the server that xats works with
TIMEOUT = 5  # seconds for a connection to one address
#: What a URL need not say. A peer that does not answer is found dead after some 10 seconds.
USUAL = {
    "connect_timeout": str(TIMEOUT),
    "application_name": "xats",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",  # ms
}
VARIABLES = {"connect_timeout": "PGCONNECT_TIMEOUT", "application_name": "PGAPPNAME"}


class _Number(numeric.NumericLoader):
    """Reads a numeric, such as the sum of bigints, as the int or float that SQLite would return."""

    def load(self, data: Any) -> Any:
        text = bytes(data)
        return int(text) if text.lstrip(b"-").isdigit() else float(text)


class _Truth(psycopg.adapt.Loader):
    """Reads a boolean as 0 or 1, as SQLite has it."""

    def load(self, data: Any) -> int:
        return int(bytes(data) == b"t")


def connect(url: str) -> psycopg.Connection[Any]:
    """Return a new connection to the database at `url`, on which transactions are begun by hand.

    Raises StoreAway, StoreDenied, and StoreError for a URL, server or database that xats cannot use.
    """
    everything: dict[str, Any] = {}
    try:
        given = conninfo.conninfo_to_dict(url)
        usual = {name: value for name, value in USUAL.items() if not os.environ.get(VARIABLES.get(name, ""))}
        everything = {**usual, **given, **location.secrets(url), "client_encoding": "UTF8"}
        made = psycopg.Connection.connect(
            "",
            autocommit=True,
            prepare_threshold=None,
            cursor_factory=psycopg.ClientCursor,
            row_factory=rows,
            **everything,
        )
    except (psycopg.Error, UnicodeError) as error:
        raise failures.refused(
            error, url, lambda: refusal.state(conninfo.make_conninfo("", **everything), TIMEOUT)
        ) from None
    try:
        _check(made, url)
    except BaseException:
        made.close()
        raise
    made.adapters.register_loader("numeric", _Number)
    made.adapters.register_loader("bool", _Truth)
    return made


def _check(made: psycopg.Connection[Any], url: str) -> None:
    if made.info.server_version < OLDEST * 10_000:
        msg = f"{url} is PostgreSQL {made.info.server_version / 10_000:.0f}; xats needs version {OLDEST} or newer."
        raise StoreError(msg, "name another server with XATS_DB")
    encoding = made.info.parameter_status("server_encoding")
    if encoding not in (None, "UTF8"):
        msg = f"The database {url} has the encoding {encoding}, which lacks characters that mail may have."
        raise StoreError(msg, "createdb -E UTF8 -T template0 NAME, and name that database in XATS_DB")
