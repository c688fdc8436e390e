"""The files of a store: where they are, and whether they are private to their owner.

The location of a store is the path of its file, or the URL of a PostgreSQL database (`xats.base.location`). No path
contains `://`, because a path is absolute and `folders.expanded` joins its slashes.
"""

from __future__ import annotations

import os
import stat

from xats.base import folders
from xats.base.errors import StoreForeign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BESIDE = ("-journal", "-wal", "-shm")  # what SQLite puts beside a database and takes for a part of it


def default_path(environ: Mapping[str, str]) -> str:
    """Return the store's location: XATS_DB, else that in the user's settings, else `xats.db` in `folders.kept`.

    A URL is without its password then, and XATS_DB of this process too. No project's file can name a store. Raises
    NoHome, and Usage for another kind of database.
    """
    given = environ.get("XATS_DB") or _in_settings(environ)
    if not given:
        return os.path.join(folders.kept(environ), "xats.db")
    if "://" in given:
        from xats.base import location

        return location.from_environment(environ, given)
    return folders.expanded(given, environ)


def _in_settings(environ: Mapping[str, str]) -> str:
    """Return the URL that the user's settings file names, "" for none."""
    try:
        if not os.path.exists(os.path.join(folders.config(environ), "xats", "config.toml")):
            return ""
    except folders.NoHome:
        return ""
    from xats import settings

    return settings.value("XATS_DB", environ)


def given_path(given: str, environ: Mapping[str, str]) -> str:
    """Return the location of the store that --db names. Raises NoHome, and Usage for a URL that xats cannot take."""
    if "://" in given or "://" in environ.get("XATS_DB", ""):
        from xats.base import location

        return location.given(given, environ)
    return folders.expanded(given, environ)


def exists(path: str) -> bool:
    """Tell whether there is a store, without a connection: its file, or the mark of an earlier use of the database."""
    if "://" in path:
        from xats.base import location

        return location.is_marked(path)
    return os.path.exists(path)


def folder_of(path: str) -> str:
    """Return the folder of the files of the store at `path`, which need not exist."""
    if "://" in path:
        from xats.base import sidefile

        path = sidefile.path_for(path, "")
    return os.path.dirname(path)


def is_own(folder: str, environ: Mapping[str, str]) -> bool:
    """Tell whether `folder` is the folder of xats itself, and not the home folder of the user."""
    try:
        own, users = os.path.realpath(folders.kept(environ)), os.path.realpath(folders.home(environ))
    except folders.NoHome:
        return False
    return os.path.realpath(folder) == own != users


def uri(path: str, mode: str = "ro") -> str:
    """Return the URI of the file at `path`; SQLite opens it to read (`ro`) or also to write (`rw`), and never makes it.

    https://sqlite.org/uri.html
    """
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    authority = "//" if name.startswith("//") else ""  # or else the path's first name would be taken for one
    return f"file:{authority}{name}?mode={mode}"


def file_at(path: str) -> tuple[int, int] | None:
    """Return the identity of the file at `path` (device, inode), None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_exposed(path: str) -> bool:
    """Tell whether the mode of this user's store at `path`, or that of the folder of xats, lets other users use it."""
    try:
        if _is_open(os.stat(path)):
            return True
        folder = os.path.dirname(os.path.realpath(path))
        if not _is_open(os.stat(folder)):
            return False
    except OSError:  # SQLite reports the reason
        return False
    return is_own(folder, os.environ)


def _is_open(about: os.stat_result) -> bool:
    return bool(about.st_mode & 0o077) and about.st_uid == os.geteuid()


def check_beside(path: str) -> bool:
    """Check the owners of the journal and the WAL of the store at `path`, because SQLite copies them into the store.

    They belong to this user, to root or to the owner of the store, and are no links. Raises StoreForeign. Return
    whether the mode of one of them lets other users use it.
    """
    exposed = False
    real = os.path.realpath(path) if os.path.islink(path) else path
    for suffix in BESIDE:
        try:
            about = os.lstat(real + suffix)
        except OSError:
            continue
        exposed = exposed or _is_open(about)
        if about.st_uid in (os.geteuid(), 0) and stat.S_ISREG(about.st_mode):
            continue
        from shlex import quote

        from xats.base.ownership import user

        if stat.S_ISREG(about.st_mode) and about.st_uid == os.stat(real).st_uid:
            continue
        what = "is not a regular file, and " if not stat.S_ISREG(about.st_mode) else ""
        msg = f"{real + suffix} {what}belongs to {user(about.st_uid)}. SQLite would take it for a part of the store."
        raise StoreForeign(msg, f"rm {quote(real + suffix)}")
    return exposed
