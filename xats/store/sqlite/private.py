"""Modes: a store and what is kept beside it are for its owner alone.

xats creates them so (folder 0700, file 0600), but a copy, a restored backup or another program may leave them open to
other users. Mail is in them, and who can write to them can change what agents are told.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from xats.store.sqlite import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OTHERS = 0o077  # the bits of a mode by which the group and other users read, write or enter


def restrict(path: str, environ: Mapping[str, str]) -> str:
    """Take what other users may do from the store at `path`, and from what of it stands beside it.

    That is done to regular files of this user whose name begins with that of the store: journals, logs, backups. The
    folder is changed as well if it is the folder of xats (`place.home`); any other may be there for more than a store.
    Files are changed by name, because SQLite's locks end when a process opens and closes the file once more.

    Return what was changed, in words; "" if nothing was.
    """
    folder, name = os.path.split(os.path.realpath(path))
    done = []
    with suppress(OSError):
        for entry in sorted(os.listdir(folder)):
            if entry == name or entry.startswith((f"{name}-", f"{name}.")):
                done.append(_restrict(os.path.join(folder, entry), stat.S_ISREG))
    if paths.is_own(folder, environ):
        done.append(_restrict(folder, stat.S_ISDIR))
    return " ".join(filter(None, done))


def _restrict(path: str, is_kind: Callable[[int], bool]) -> str:
    """Take what other users may do from the file at `path`; return that in words, "" if it is as it was.

    `is_kind` is the function of `stat` that tells what it has to be.
    """
    try:
        before = os.lstat(path)
        if not is_kind(before.st_mode) or before.st_uid != os.geteuid() or not before.st_mode & OTHERS:
            return ""
        os.chmod(path, stat.S_IMODE(before.st_mode) & ~OTHERS)
        after = os.lstat(path)
    except OSError:  # on a medium that cannot be written; `doctor` says so
        return ""
    kept = after.st_mode & OTHERS  # where a file system has no modes of its own
    if kept:
        return ""
    mode, now = (stat.S_IMODE(about.st_mode) for about in (before, after))
    return f"Other users could use {path} (mode {mode:04o}). xats has set its mode to {now:04o}."
