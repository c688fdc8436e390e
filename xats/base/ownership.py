"""Who owns a file, and who else can change it. xats runs and connects to files of this user and of root only."""

from __future__ import annotations

import errno
import os
import stat

LINKS = 40  # as many as Linux follows, path_resolution(7)


class Exposed(Exception):
    """Another user can change the file that a path leads to. `fix` is the command that prevents it, "" for none."""

    def __init__(self, why: str, fix: str = "") -> None:
        super().__init__(why)
        self.fix = fix


def resolve(path: str) -> str:
    """Return `path` without links in it, if no other user can change what it leads to.

    Each folder on the path belongs to this user or to root. Only they can write to it, or it is sticky, as /tmp is.
    Each link on the path belongs to them, too. Raises Exposed if another user can change the file, OSError if there is
    no such file, ValueError if `path` is not a path.
    """
    parts = _parts(os.path.join(os.getcwd(), path))
    found, links = "/", 0
    while parts:
        name = parts.pop(0)
        if name == "..":
            found = os.path.dirname(found)
            continue
        _check_folder(found)
        here = os.path.join(found, name)
        about = os.lstat(here)
        if not stat.S_ISLNK(about.st_mode):
            found = here
            continue
        links += 1
        if links > LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not ours(about.st_uid):
            raise Exposed(f"the link {here} belongs to {user(about.st_uid)}")
        target = os.readlink(here)
        parts[:0] = _parts(target)
        found = "/" if target.startswith("/") else found
    return found


def check(path: str) -> None:
    """Check that only this user and root can change the file that `path` leads to. Raises Exposed, OSError."""
    from shlex import quote

    real = resolve(path)
    about = os.lstat(real)
    if not ours(about.st_uid):
        raise Exposed(f"{real} belongs to {user(about.st_uid)}", f"chown {_me()} {quote(real)}")
    if others_write(about):
        raise Exposed(f"other users can write to {real}", f"chmod go-w {quote(real)}")


def ours(uid: int) -> bool:
    """Tell whether the files of `uid` are those of this user or of the system.

    In a user namespace without a root of its own, as in a rootless container, the system's files belong to the
    overflow id, which no process in it can have (user_namespaces(7)).
    """
    return uid in (0, os.geteuid()) or uid == _unmapped()


def others_write(about: os.stat_result) -> bool:
    """Tell whether the mode lets other users write: everybody, or a group that has other members."""
    return bool(about.st_mode & stat.S_IWOTH) or bool(about.st_mode & stat.S_IWGRP and not _private(about.st_gid))


def user(uid: int) -> str:
    """Return the name of the user `uid` for a message."""
    import pwd

    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user id {uid}"


def _me() -> str:
    return user(os.geteuid()).rpartition(" ")[2]


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _check_folder(folder: str) -> None:
    about = os.lstat(folder)
    if not stat.S_ISDIR(about.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if not ours(about.st_uid):
        raise Exposed(f"the folder {folder} belongs to {user(about.st_uid)}")
    if about.st_mode & stat.S_ISVTX:  # in a sticky folder only the owner of a file can rename or remove it
        return
    if others_write(about):
        from shlex import quote

        raise Exposed(f"other users can write to the folder {folder}", f"chmod go-w {quote(folder)}")


def _unmapped() -> int | None:
    """Return the id that stands for all users unknown to this user namespace; None where it knows them all."""
    try:
        with open("/proc/self/uid_map", encoding="ascii") as file:
            maps = [[int(part) for part in line.split()] for line in file]
        with open("/proc/sys/kernel/overflowuid", encoding="ascii") as file:
            overflow = int(file.read())
    except (OSError, ValueError):
        return None
    known = any(len(one) == 3 and one[0] <= overflow < one[0] + one[2] for one in maps)
    return None if known or not maps else overflow


def _private(gid: int) -> bool:
    """Tell whether the group `gid` is the private one of this user: it has the name of the user and no other member."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == user.pw_name and user.pw_gid == gid and set(group.gr_mem) <= {user.pw_name}
