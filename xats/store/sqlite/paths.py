"""The files of a store: where they are, whether they are private to their owner, and on which kind of file system."""

from __future__ import annotations

import os
import stat

from xats.base import folders
from xats.base.errors import StoreForeign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

BESIDE = ("-journal", "-wal", "-shm")  # what SQLite puts beside a database and takes for a part of it
# SQLite's locks are not to be trusted on these: https://sqlite.org/howtocorrupt.html#_file_locking_problems
NETWORK = (
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "9p",
    "afs",
    "ncpfs",
    "fuse.sshfs",
    "afpfs",
    "webdav",
    "ceph",
    "glusterfs",
)


def default_path(environ: Mapping[str, str]) -> str:
    """Return the store's path: XATS_DB, else `xats.db` in `folders.kept`. Raises NoHome."""
    if environ.get("XATS_DB"):
        return folders.expanded(environ["XATS_DB"], environ)
    return os.path.join(folders.kept(environ), "xats.db")


def is_own(folder: str, environ: Mapping[str, str]) -> bool:
    """Tell whether `folder` is the one that xats made for itself, and not the user's home folder."""
    try:
        own, users = os.path.realpath(folders.kept(environ)), os.path.realpath(folders.home(environ))
    except folders.NoHome:
        return False
    return os.path.realpath(folder) == own != users


def uri(path: str, mode: str = "ro") -> str:
    """Return the address of the file at `path` by which it is opened to be read (`ro`), or written (`rw`), not made."""
    name = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")  # https://sqlite.org/uri.html
    authority = "//" if name.startswith("//") else ""  # or else the path's first name would be taken for one
    return f"file:{authority}{name}?mode={mode}"


def file_at(path: str) -> tuple[int, int] | None:
    """Return which file is at `path` (device, inode), or None when there is none."""
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
    except OSError:  # SQLite says why
        return False
    return is_own(folder, os.environ)


def _is_open(about: os.stat_result) -> bool:
    return bool(about.st_mode & 0o077) and about.st_uid == os.geteuid()


def check_beside(path: str) -> bool:
    """Check whose the journal and the WAL of the store at `path` are: SQLite writes into the store what they say.

    They are this user's, root's, or those of the store's owner, and no links. Raises StoreForeign. Return whether the
    mode of one of them lets other users use it.
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


def network_file_system(folder: str, mounts: str | None = None) -> str | None:
    """Return the type of the network file system that `folder` is on, or None if it is local or cannot be told.

    `mounts` is the text of Linux's /proc/self/mountinfo, read when not given. On macOS `mount(8)` is asked.
    """
    folder = os.path.realpath(folder)  # a link may lead to another mount
    if mounts is None:
        mounts = _mount_table()
    best, kind = "", None
    for line in mounts.splitlines():
        point, file_system = _parse(line)
        inside = folder == point or folder.startswith(point.rstrip("/") + "/")
        if point and inside and len(point) >= len(best):
            best, kind = point, file_system
    return kind if kind in NETWORK else None


def _mount_table() -> str:
    try:
        if os.path.exists("/proc/self/mountinfo"):
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
                return file.read()
        import subprocess

        return subprocess.run(["/sbin/mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, ValueError):
        return ""


def _parse(line: str) -> tuple[str, str]:
    """Return (mount point, type) of a line of mountinfo, or of macOS `mount`; ("", "") when it is neither."""
    left, separator, right = line.partition(" - ")  # proc(5): optional fields end with a lone hyphen
    fields = left.split(" ")
    if separator and len(fields) > 4 and fields[0].isdigit():
        return fields[4].replace("\\040", " "), right.split(" ")[0]
    _, _, rest = line.partition(" on ")
    point, separator, options = rest.rpartition(" (")
    return (point, options.rstrip(")").split(",")[0]) if separator else ("", "")
