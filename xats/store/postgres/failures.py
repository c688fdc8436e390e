"""Our errors for what libpq and the server say: what is wrong, why, and the command that fixes it.

A text of libpq never reaches a person unless `location.redacted` has read it. https://www.postgresql.org/docs/current/
errcodes-appendix.html lists the states. psycopg gives no state for a connection that fails, only a text in the language
of the server: see `xats.store.postgres.refusal`.
"""

from __future__ import annotations

import os
import re
from shlex import quote

import psycopg

from xats.base import errors, location
from xats.store.postgres import refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

SCHEMA = "xats"
AGAIN = ("40001", "40P01", "55P03", "57014")  # serialization, deadlock, lock timeout, statement timeout: worth a retry
MISSING = ("42P01", "3F000")  # no such table, no such schema
ENDED = ("25P03", "57P01", "57P02", "57P03", "57P05", "25P04", "53300")  # the server ended or refused the connection
STANDBY = "25006"  # the server is read-only

# What a server says in English when it refuses a connection, by the state that it has in every language.
REFUSALS = (
    ("28P01", ("password authentication failed",)),
    ("28000", ("no pg_hba.conf entry", "authentication failed", "is not permitted to log in", "pg_hba.conf rejects")),
    ("42501", ("permission denied for database", "does not have CONNECT privilege")),
    ("57P03", ("the database system is", "too many", "remaining connection slots")),
)
TLS = ("SSL error", "certificate", "does not support SSL", "SSL connection is required", "sslmode", "root.crt")


GUESSES = ("Is the server running", "This probably means", "before or while processing")  # of libpq


def refused(error: BaseException, url: str, ask: Callable[[], str | None]) -> errors.StoreError:
    """Return our error for `error`, over which a connection to the database at `url` failed.

    `ask` finds out the state of a refusal whose text is in a language that xats does not know.
    """
    said = text(error)
    if isinstance(error, psycopg.ProgrammingError | UnicodeError):  # libpq did not understand the URL
        return _malformed(said)
    if "invalid" in said and ("connection option" in said or " value" in said):
        return _malformed(said)
    pgconn: Any = getattr(error, "pgconn", None)
    asks = bool(pgconn is not None and pgconn.needs_password)
    if asks or "no password supplied" in said:
        msg = f"The database {url} wants a password, and xats has none."
        return errors.StoreDenied(msg, _passfile(url))
    state = _state(said) or (ask() if refusal.is_of_server(str(error)) else None)
    place = location.Place(url, os.environ)
    if state == "3D000":
        msg = f"The server has no database {place.database}."
        return errors.StoreError(msg, f"createdb -E UTF8 {_server(url)}{quote(place.database)}")
    msg = f"The database {url} refused the connection: {said}."
    if state == "28P01":
        return errors.StoreDenied(msg, _passfile(url))
    if state == "28000":
        hint = f"check pg_hba.conf of the server, and the user: createuser {_server(url)}{quote(place.user or 'NAME')}"
        return errors.StoreDenied(msg, hint)
    if state == "42501":
        hint = f'as the owner: grant connect on database "{place.database}" to {_user(url)}'
        return errors.StoreDenied(msg, hint)
    if state is None and any(one in said for one in TLS):
        hint = "see sslmode and sslrootcert: https://www.postgresql.org/docs/current/libpq-ssl.html"
        return errors.StoreError(f"The connection to {url} failed: {said}.", hint)
    return away(url, said)


def _state(said: str) -> str | None:
    """Return the state that belongs to an English text; None for other texts."""
    if "does not exist" in said and ("database" in said or "role" in said):
        return "28000" if re.search(r"role .* does not exist", said) else "3D000"
    return next((state for state, texts in REFUSALS if any(one in said for one in texts)), None)


def away(url: str, said: str) -> errors.StoreAway:
    """Return the error that the server of the database at `url` is away; `said` is the reason."""
    msg = f"The database {url} cannot be reached: {said}. Nothing was written."
    return errors.StoreAway(msg, f"try again; to see whether the server runs: pg_isready {_server(url)}".rstrip())


def explain(error: psycopg.Error, url: str) -> errors.XatsError:
    """Return our error for `error`, which a statement raised on the database at `url`."""
    state, said = error.sqlstate, text(error)
    if state in AGAIN:
        return errors.StoreBusy(f"The store is busy: {said}. Nothing was written.")
    if state in ENDED or (isinstance(error, psycopg.OperationalError) and state is None):
        return away(url, said)
    if state == STANDBY:
        return errors.StoreAway(
            f"The database {url} is read-only, as a standby is. Nothing was written.", _standby(url)
        )
    if state == "42501":
        return errors.StoreDenied(f"The database {url} refuses that: {said}.", grants(url))
    if state in ("53100", "53200"):
        return errors.StoreFull(f"The server of {url} has no space left: {said}. Nothing was written.")
    if isinstance(error, psycopg.DataError) and "NUL" in said:
        return errors.Usage("A text contains a NUL character, which the store cannot keep.", "remove it")
    if state in MISSING:
        msg = f"The database {url} lacks a table of xats: {said}."
        return errors.StoreError(msg, "put back a backup of it, or drop the schema xats to begin anew")
    return errors.StoreError(f"The store {url} cannot be used: {said}" + (f" ({state})." if state else "."))


def is_lost(error: psycopg.Error, connection: psycopg.Connection[Any]) -> bool:
    """Tell whether `error` means that `connection` was lost. It is closed then.

    The server says FATAL before it ends a connection, which libpq notices only at the next use.
    """
    ended = connection.closed or error.diag.severity_nonlocalized in ("FATAL", "PANIC")
    if ended or (isinstance(error, psycopg.OperationalError) and error.sqlstate is None):
        connection.close()
        return True
    return False


def grants(url: str) -> str:
    """Return what the owner of the database at `url` runs to let this user in: SQL in one line."""
    user = _user(url)
    return (
        f"as the owner: grant usage on schema {SCHEMA} to {user}; "
        f"grant select, insert, update, delete on all tables in schema {SCHEMA} to {user}"
    )


def creates(url: str) -> str:
    """Return what the owner of the database at `url` runs to let this user make the schema: SQL in one line."""
    return f"as the owner of the database: create schema {SCHEMA} authorization {_user(url)}"


def text(error: BaseException) -> str:
    """Return what `error` says in one line, without a password and without a full stop."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith(GUESSES)]
    said = location.redacted("; ".join(lines[:2]))
    for begin in (
        "connection is bad: ",
        "connection failed: ",
        "ERROR:  ",
        "FATAL:  ",
        "consuming input failed: ",
        "sending query failed: ",
    ):
        said = said.removeprefix(begin)
    return said.replace("FATAL:  ", "").rstrip(".") or type(error).__name__


def _standby(url: str) -> str:
    return f"name the primary server in XATS_DB, or wait for the failover to end: pg_isready {_server(url)}".rstrip()


def _malformed(said: str) -> errors.StoreError:
    msg = f"The URL of the store is malformed: {said}."
    return errors.StoreError(msg, "the form is postgresql://USER@HOST:PORT/DATABASE (percent-encode other characters)")


def _user(url: str) -> str:
    user = location.Place(url, os.environ).user or "USER"
    return user if user.isidentifier() else '"' + user.replace('"', '""') + '"'


def _server(url: str) -> str:
    """Return the options that lead the programs of PostgreSQL to the server of `url`, with a blank behind."""
    place = location.Place(url, os.environ)
    found = f"-h {quote(place.host)} " if place.host else ""
    return found + (f"-p {place.port} " if place.port not in ("", "5432") else "")


def _passfile(url: str) -> str:
    return location.passfile_hint(url, os.environ)
