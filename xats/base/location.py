"""The location of a store: the path of a SQLite file, or the URL of a PostgreSQL database.

A URL is what libpq reads (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING). The location
never contains a password: `from_environment` takes it out of XATS_DB, and only `secrets` returns it, when xats
connects. So no other code can print it, and no child process inherits it.

The files beside a store (its daemon's lock, logs, FIFOs) are in the folder of xats on this host when the store is a
database. Their names contain a hash of the `key`, which every process on this host works out in the same way.
"""

from __future__ import annotations

import os

from xats.base import folders
from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

SCHEMES = ("postgresql://", "postgres://")
SECRET = ("password", "sslpassword")  # parameters of a URL
STORE = "store"  # the kind of the file that says that this user has used the database: see `is_marked`

_secrets: dict[str, dict[str, str]] = {}  # by URL


def is_url(location: str) -> bool:
    """Tell whether `location` names a PostgreSQL database."""
    return location.startswith(SCHEMES)


def from_environment(environ: Mapping[str, str], given: str | None = None) -> str:
    """Return the location in XATS_DB (or the one `given` by settings), which contains `://`, without its password.

    From the environment of this process the password is taken away, so no child process inherits it; `secrets` still
    has it. Raises Usage for another kind of database.
    """
    url, found = split(checked(environ["XATS_DB"] if given is None else given, "XATS_DB"))
    if found and environ is os.environ:
        _secrets.setdefault(url, {}).update(found)
        os.environ["XATS_DB"] = url
    return url


def given(text: str, environ: Mapping[str, str]) -> str:
    """Return the location that a person gave by --db.

    Raises NoHome, and Usage for a URL of another kind of database or with a password: everybody on the host can see
    the words of a command line.
    """
    if "://" in environ.get("XATS_DB", ""):
        from_environment(environ)
    if "://" not in text:
        return folders.expanded(text, environ)
    url, found = split(checked(text, "--db"))
    if found:
        msg = "--db must not contain a password, because other users can see the words of a command line."
        raise Usage(msg, passfile_hint(url, environ))
    return url


def checked(text: str, source: str) -> str:
    """Return the URL `text`, given by `source`. Raises Usage if it is not that of a PostgreSQL database."""
    scheme = text.partition("://")[0]
    if not is_url(text):
        msg = (
            f"{source} must be the path of a file or a postgresql:// URL; xats cannot use {scheme[:20]}:// as a store."
        )
        raise Usage(msg, f"{'export XATS_DB=' if source == 'XATS_DB' else '--db '}postgresql://USER@HOST/DATABASE")
    return text


def split(url: str) -> tuple[str, dict[str, str]]:
    """Return `url` without what is secret in it, and the secrets by the names of libpq's parameters.

    It finds a password also where the URL is malformed, such as one that contains a slash: a text that a person wrote
    before an `@` is never shown.
    """
    scheme, _, rest = url.partition("://")
    end = rest.partition("/")[0].rfind("@")
    if end < 0:
        end = rest.partition("?")[0].rfind("@")
    who, rest = rest[: max(end, 0)], rest[end + 1 :]
    user, _, password = who.partition(":")
    found = {"password": _decoded(password)} if password else {}
    place, mark, query = rest.partition("?")
    kept = []
    for one in query.split("&"):
        name, _, value = one.partition("=")
        if name in SECRET:
            found[name] = _decoded(value)
        else:
            kept.append(one)
    return f"{scheme}://{user}{'@' * (end >= 0)}{place}{mark * any(kept)}{'&'.join(kept)}", found


def secrets(url: str) -> dict[str, str]:
    """Return the secrets that XATS_DB had for the store at `url`, by the names of libpq's parameters."""
    return _secrets.get(url, {})


def redacted(text: str) -> str:
    """Return `text`, as libpq wrote it, without the passwords that this process knows."""
    hidden = {value for found in _secrets.values() for value in found.values()} | {os.environ.get("PGPASSWORD", "")}
    for one in sorted(hidden, key=len, reverse=True):
        if one:
            text = text.replace(one, "***")
    return text


def key(location: str, environ: Mapping[str, str]) -> str:
    """Return the name that all processes of this user on this host have for the store at `location`.

    For a file that is its path without links; for a database it is HOST:PORT/DATABASE. The user name does not count.
    A service counts as its name, because only libpq reads its file.
    """
    if not is_url(location):
        return os.path.realpath(location)
    place = Place(location, environ)
    begin = f"service={place.service}/" if place.service else ""
    return f"{begin}{place.host or 'local'}:{place.port}/{place.database}"


class Place:
    """Where a database is, as libpq finds it: by its URL, and by PGHOST, PGPORT, PGDATABASE, PGUSER and PGSERVICE.

    What a service may say is "" where neither the URL nor a variable says it.
    """

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        place, _, query = split(url)[0].partition("://")[2].partition("?")
        given = {name: _decoded(value) for name, _, value in (one.partition("=") for one in query.split("&"))}
        who, _, place = place.rpartition("@")
        where, _, database = place.partition("/")
        host, colon, port = where.rpartition(":")
        if not colon or where.endswith("]"):
            host, port = where, ""
        self.service = given.get("service") or environ.get("PGSERVICE", "")
        usual = not self.service
        self.user = given.get("user") or _decoded(who) or environ.get("PGUSER") or (_login() if usual else "")
        host = given.get("host") or _decoded(host) or given.get("hostaddr") or environ.get("PGHOST", "")
        self.host = host.strip("[]") if host.startswith("/") else host.strip("[]").lower()  #: "": the usual socket
        self.port = given.get("port") or port or environ.get("PGPORT") or ("5432" if usual else "")
        database = given.get("dbname") or _decoded(database) or environ.get("PGDATABASE", "")
        self.database = database or (self.user if usual else "")


def beside(location: str, kind: str) -> str:
    """Return the path of the file of that `kind` for the database at the URL `location`, in the folder of xats."""
    name = _sha256()(key(location, os.environ).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(folders.kept(os.environ), f"postgres-{name}-{kind}")


def _sha256() -> Callable[[bytes], Any]:
    """Return the constructor of the hash. hashlib would load OpenSSL first, and each hook wait 3 ms for that."""
    for module in ("_sha2", "_sha256", "hashlib"):  # CPython since 3.12, before, and any Python
        try:
            return __import__(module).sha256  # type: ignore[no-any-return]
        except ImportError:
            continue
    raise AssertionError


def is_marked(url: str) -> bool:
    """Tell whether this user has used the database at `url` on this host."""
    return os.path.exists(beside(url, STORE))


def passfile_hint(url: str, environ: Mapping[str, str]) -> str:
    """Return what a person does so that libpq finds the password of the database at `url`."""
    return f"put this line into ~/.pgpass (mode 0600): {passfile_line(url, environ)}"


def passfile_line(url: str, environ: Mapping[str, str]) -> str:
    """Return the line of ~/.pgpass for the database at `url`, with the word PASSWORD in the place of the password.

    https://www.postgresql.org/docs/current/libpq-pgpass.html
    """
    place = Place(url, environ)
    host = "localhost" if place.host.startswith("/") else place.host or ("*" if place.service else "localhost")
    parts = (host, place.port, place.database, place.user)
    return ":".join((*(one.replace("\\", "\\\\").replace(":", "\\:") or "*" for one in parts), "PASSWORD"))


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    from urllib.parse import unquote

    return unquote(text)


def _login() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
