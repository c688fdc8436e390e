"""Make the file of a new store, and say what a person should know of its place."""

from __future__ import annotations

import errno
import os

from xats.base import folders, sandbox
from xats.store.sqlite import disk
from xats.store.sqlite.file_systems import network_file_system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def create_file(path: str, warn: Callable[[str], None] | None) -> None:
    """Make an empty file at `path` that only its owner can read, and the folders that lead to it.

    `warn` gets what a person should know of that place. Raises StoreReadOnly and StoreFull.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        folders.make(folder)
        _create(path)
    except OSError as error:
        if disk.is_full(error):
            raise disk.explain(error, path) from error
        msg = f"The store {path} cannot be created: {error.strerror}."
        raise disk.unwritable(path, msg, "name a writable place with --db, XATS_DB or XATS_HOME") from error
    if warn and (inside := sandbox.around(os.environ)):
        warn(f"{path} is a new store in {inside.name}; agents outside may use another one that is hidden here.")
    kind = network_file_system(folder)
    if kind and warn:
        warn(f"{folder} is on a network file system ({kind}), whose locks SQLite cannot trust. Set XATS_HOME.")


def _create(path: str) -> None:
    """Make an empty file at `path` unless there is one. A link is followed only if it is this user's own or root's."""
    about = os.lstat(path) if os.path.islink(path) else None
    if about and about.st_uid not in (0, os.geteuid()):
        from xats.base.ownership import user

        raise PermissionError(errno.EPERM, f"it is a link that belongs to {user(about.st_uid)}")
    file = os.open(os.path.realpath(path), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if os.fstat(file).st_mode & 0o600 != 0o600:  # by the umask
        os.fchmod(file, 0o600)
    os.close(file)
