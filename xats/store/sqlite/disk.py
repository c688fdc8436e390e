"""Why the disk of a store cannot be written: it is full, read-only, over a quota, or it fails.

SQLite reports only that it cannot open, write or grow a file. The operating system knows the reason.
"""

from __future__ import annotations

import errno
import os
from shlex import quote

from xats.base.errors import StoreError, StoreFull, StoreReadOnly

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PAGE = 4096  # bytes that xats writes to try the disk
LEAST = 256 * 1024  # bytes without which a disk counts as full: a commit with its journal may need them
SPARE = 16 * 1024 * 1024  # bytes below which a disk is nearly full
UNSUPPORTED = (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL, errno.ENOENT)  # no O_TMPFILE on this file system


def trouble(path: str) -> StoreError | None:
    """Return the error for why the store at `path` cannot be written now, or None.

    To find out, xats writes one page to a file without a name beside the store; the file is gone when this returns.
    """
    path = os.path.realpath(path)
    folder = os.path.dirname(path)
    try:
        _write_page(folder)
    except OSError as error:
        return explain(error, path)
    left = room(folder)
    if left is not None and left < LEAST:
        return StoreFull(f"The disk that holds {path} is full: {left} bytes are left.")
    limit = _file_size_limit()
    if limit is not None and os.path.exists(path) and os.path.getsize(path) + LEAST > limit:
        msg = f"This process may not make a file larger than {limit} bytes, and the store {path} reaches that limit."
        return StoreFull(msg, "ulimit -f unlimited")
    if os.path.exists(path) and not os.access(path, os.W_OK):
        return _denied(path, f"The store {path} may be read but not written")
    return None


def room(folder: str) -> int | None:
    """Return how many bytes this user can still write to the disk of `folder`, None if that is unknown."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    if not found.f_blocks:  # a file system that keeps no count
        return None
    blocks = found.f_bfree if os.geteuid() == 0 else found.f_bavail  # some are reserved for root
    return blocks * found.f_frsize


def is_read_only(folder: str) -> bool:
    """Tell whether the file system of `folder` is mounted read-only."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def is_full(error: OSError) -> bool:
    """Tell whether `error` means that there is no room: on the disk, in its table of files, or in a quota."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def explain(error: OSError, path: str) -> StoreError:
    """Return our error for `error`, which the operating system raised over a file beside the store at `path`."""
    code, folder = error.errno, os.path.dirname(os.path.abspath(path))
    if code == errno.EDQUOT:
        msg = f"The quota of this user on the disk that holds {path} is used up."
        return StoreFull(msg, "remove some files, or ask for a larger quota, and try again")
    if code == errno.ENOSPC and _no_inodes(folder):
        msg = f"The disk that holds {path} has room, but no inode for another file is left."
        return StoreFull(msg, f"remove files from that disk and try again; to count them: df -i {quote(folder)}")
    if code == errno.ENOSPC:
        return StoreFull(f"The disk that holds {path} is full.")
    if code == errno.EFBIG:
        return StoreFull(f"This process may not make a file as large as {path} needs.", "ulimit -f unlimited")
    if code in (errno.EMFILE, errno.ENFILE):
        whose = "This process" if code == errno.EMFILE else "The system"
        return StoreError(
            f"{whose} has too many files open to use the store {path}.", "raise the limit: ulimit -n 1024"
        )
    if code == errno.EROFS:
        point = _mount_point(folder)
        hint = f"mount -o remount,rw {quote(point)}, or name a store on another disk with --db or XATS_DB"
        return _denied(path, f"The file system that holds {path} is read-only (mounted at {point})", hint)
    if code in (errno.EACCES, errno.EPERM):
        return _denied(path, f"The folder of the store {path} cannot be written ({error.strerror})")
    return StoreError(f"The disk that holds {path} fails: {error.strerror}.", f"look at the disk: df {quote(folder)}")


def unwritable(path: str, message: str, hint: str) -> StoreReadOnly:
    """Return the error for a store at `path` that cannot be written; it names the sandbox around us, if any."""
    from xats.base import sandbox

    inside = sandbox.around(os.environ)
    if inside:
        folder = os.path.dirname(os.path.abspath(path))
        message = f"{message} This command runs in {inside.name}."
        hint = f"run it outside, or let the sandbox write the folder: {inside.writing(folder)}"
    return StoreReadOnly(message, hint)


def _denied(path: str, message: str, hint: str = "") -> StoreReadOnly:
    hint = hint or "make the file and its directory writable, or name another with --db or XATS_DB"
    return unwritable(path, f"{message}.", hint)


def _write_page(folder: str) -> None:
    """Write one page to a new file in `folder` that has no name. Raises OSError."""
    file = _unnamed(folder)
    try:
        os.write(file, b"\0" * PAGE)
        os.fsync(file)  # some file systems find out only then
    finally:
        os.close(file)


def _unnamed(folder: str) -> int:
    """Return a new file without a name on the disk of `folder`. Raises OSError."""
    flags: Any = os.O_RDWR | os.O_CLOEXEC
    if hasattr(os, "O_TMPFILE"):
        try:
            return os.open(folder, flags | os.O_TMPFILE, 0o600)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
    name = os.path.join(folder, f".xats-{os.getpid()}-{os.urandom(4).hex()}.probe")
    file = os.open(name, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    os.unlink(name)
    return file


def _no_inodes(folder: str) -> bool:
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_files > 0 and found.f_favail == 0


def _file_size_limit() -> int | None:
    import resource

    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def _mount_point(folder: str) -> str:
    folder = os.path.realpath(folder)
    while not os.path.ismount(folder):
        folder = os.path.dirname(folder)
    return folder
