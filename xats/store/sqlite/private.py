"""Modes: a store and the files beside it are private to its owner.

xats creates them private (folder 0700, file 0600), but a copy, a restored backup or another program may open them to
other users. They contain mail, and another user who can write to them can change what agents read.
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
    """Make the store at `path` and the files beside it private. Return the changes in words, "" if there are none.

    It changes regular files of this user whose name begins with that of the store: journals, logs, backups. It also
    changes the folder if that is the folder of xats (`folders.kept`); another folder may contain more than a store. It
    changes files by name, because SQLite's locks end when a process opens and closes the file.
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
    """Make the file at `path` private; return the change in words, "" if there is none.

    `is_kind` is the function of `stat` for the kind that the file must have.
    """
    try:
        before = os.lstat(path)
        if not is_kind(before.st_mode) or before.st_uid != os.geteuid() or not before.st_mode & OTHERS:
            return ""
        os.chmod(path, stat.S_IMODE(before.st_mode) & ~OTHERS)
        after = os.lstat(path)
    except OSError:  # on a medium that cannot be written; `doctor` reports it
        return ""
    kept = after.st_mode & OTHERS  # where a file system has no modes of its own
    if kept:
        return ""
    mode, now = (stat.S_IMODE(about.st_mode) for about in (before, after))
    return f"Other users could use {path} (mode {mode:04o}). xats has set its mode to {now:04o}."
