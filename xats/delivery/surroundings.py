"""The environment in which the daemon makes attempts. It must not depend on the process that happened to start it.

`settle` makes the environment complete, `describe` says what it comes to, so that `xats doctor` can show it.
"""

from __future__ import annotations

import os
import stat
import sys

from xats.clients import registry
from xats.delivery.transports import command
from xats.errors import XatsError
from xats.tmux import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

# Folders for temporary files: one that only a project or a session has may be gone tomorrow.
TEMPORARY = ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")
USUAL = os.path.join(".local", "state", "xats", "xats.db")  # a store's place in the home of its owner
# The variables that decide how the daemon wakes and tidies.
SETTINGS = (
    "XATS_CLIENTS",
    "XATS_KEEP",
    "XATS_LADDER",
    "XATS_QUIET_MS",
    "XATS_READ_WITHIN",
    "XATS_TMUX",
    "XATS_WAKE_COMMAND",
    "XATS_WAKE_OFF",
    "XATS_WAKE_TIMEOUT",
)


def settle(environ: MutableMapping[str, str], store: str) -> None:
    """Make `environ` that of a daemon of the store at path `store`, whoever has started it.

    PATH gets the usual folders, HOME is a home of this user, and temporary files go to the system's folder.
    """
    environ["PATH"] = os.pathsep.join(program.folders(environ))
    environ["HOME"] = home(environ, store)
    for name in TEMPORARY:
        environ.pop(name, None)


def home(environ: Mapping[str, str], store: str) -> str:
    """Return the home folder whose settings apply to the store at path `store`.

    A store in its usual place says it; else it is HOME, else the home folder of the account.
    """
    folder = os.path.realpath(store).removesuffix(f"/{USUAL}")
    for given in (folder if folder != os.path.realpath(store) else "", environ.get("HOME", "")):
        if os.path.isabs(given) and _ours(given):
            return given
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # a number without an account
        return environ["HOME"] if os.path.isabs(environ.get("HOME", "")) else "/"


def _ours(folder: str) -> bool:
    """Tell whether `folder` belongs to this user and is written by nobody else: a program may be run from there."""
    try:
        found = os.stat(folder)
    except OSError:
        return False
    safe = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and safe


def describe(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what attempts find in `environ`: programs and folders, and the settings that are not as usual."""
    return {
        "home": environ.get("HOME"),
        "path": environ.get("PATH"),
        "locale": environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG"),
        "encoding": sys.getfilesystemencoding(),
        "clients": registry.folder(environ),
        "tmux": _tmux(environ),
        "wake": _wake(environ),
        "settings": {name: environ[name] for name in SETTINGS if environ.get(name)},
    }


def _tmux(environ: Mapping[str, str]) -> dict[str, Any]:
    found = program.find(environ)
    return {"program": found, "trouble": None if found else program.missing(environ)}


def _wake(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"program": command.program(environ), "trouble": None}
    except XatsError as problem:
        return {"program": None, "trouble": str(problem)}
