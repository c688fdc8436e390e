"""Write a new file that only its owner can read: it appears whole or not at all, and replaces a file only by force."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from xats.base import sidefile
from xats.base.errors import Refused, StoreFull, StoreReadOnly, Usage
from xats.store.sqlite.disk import is_full
from xats.store.sqlite.paths import BESIDE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def atomic_file(path: str, store: str, *, force: bool = False) -> Iterator[str]:
    """Yield the path of an empty file (0600) to write to. At the end, sync that file and rename it to `path`.

    `store` is the store that is copied; `path` must not be one of its files. `force` replaces an existing file.
    Raises Usage, Refused, StoreReadOnly (the folder cannot be written) or StoreFull, and leaves no file behind.
    """
    _refuse(path, store, force=force)
    folder, name = os.path.split(os.path.abspath(path))
    draft = os.path.join(folder, f".{name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        file = sidefile.create(draft)
        made = os.fstat(file)
        os.close(file)
    except OSError as error:
        if is_full(error):
            raise _full(path) from error
        msg = f"{path} cannot be written: {error.strerror}."
        raise StoreReadOnly(msg, "name a file in a folder that exists and that you can write to") from error
    try:
        yield draft
        _sync(draft)
        if not os.path.samestat(made, os.lstat(draft)):
            msg = f"Another process has replaced {draft}. {path} was not written."
            raise Refused(msg, "name a file in a folder that only you can write to")
        if force:
            os.replace(draft, path)
        else:
            _give_name(draft, path)
        _sync(folder)
    except OSError as error:
        if is_full(error):
            raise _full(path) from error
        raise
    finally:
        for suffix in ("", *BESIDE):
            if os.path.exists(draft + suffix):
                os.unlink(draft + suffix)


def _refuse(path: str, store: str, *, force: bool) -> None:
    real = os.path.realpath(path)
    theirs = os.path.realpath(store)
    if real in (theirs, *(theirs + suffix for suffix in BESIDE)):
        msg = f"{path} belongs to the store itself."
        raise Usage(msg, "name another file")
    if os.path.isdir(path):
        msg = f"{path} is a folder."
        raise Usage(msg, "name a file in it")
    if os.path.exists(path) and not os.path.isfile(path):  # the rename would remove a device, a pipe or a socket
        msg = f"{path} is not a regular file."
        raise Usage(msg, "name another file")
    for suffix in BESIDE:
        if os.path.lexists(path + suffix):
            msg = f"{path + suffix} exists, and SQLite would take it for a part of {path}."
            raise Refused(msg, "name another file, or move that one away")
    if os.path.lexists(path) and not force:
        raise _taken(path)


def _full(path: str) -> StoreFull:
    return StoreFull(f"The disk is full. {path} was not written.")


def _taken(path: str) -> Refused:
    msg = f"{path} already exists. xats did not change it."
    return Refused(msg, "name another file, or add --force")


def _give_name(draft: str, path: str) -> None:
    """Rename `draft`, unless another process has made a file called `path` meanwhile."""
    try:
        os.link(draft, path)  # unlike a rename, it fails when the name is taken
    except FileExistsError:
        raise _taken(path) from None
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise _taken(path) from None
        os.replace(draft, path)


def _sync(path: str) -> None:
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if sys.platform == "darwin":  # there fsync(2) leaves the data in the cache of the drive
            import fcntl

            fcntl.fcntl(number, fcntl.F_FULLFSYNC)
        else:
            os.fsync(number)
    finally:
        os.close(number)
