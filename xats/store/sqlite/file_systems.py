"""Whether a folder is on a network file system, where SQLite cannot trust the locks."""

from __future__ import annotations

import os

# The locks of SQLite are not reliable on these: https://sqlite.org/howtocorrupt.html#_file_locking_problems
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


def network_file_system(folder: str, mounts: str | None = None) -> str | None:
    """Return the type of the network file system of `folder`, None if it is local or unknown.

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
