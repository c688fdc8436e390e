"""The environment in which the daemon makes attempts. It must not depend on the process that happened to start it.

`complete` makes the environment complete, `describe` says what it comes to, so that `xats doctor` can show it.
"""

from __future__ import annotations

import os
import stat
import sys

from xats import settings
from xats.base.errors import XatsError
from xats.clients import registry
from xats.delivery.transports import command
from xats.settings.keys import BY_VARIABLE
from xats.tmux import program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping
    from typing import Any

# Folders for temporary files: one that only a project or a session has may be gone tomorrow.
TEMPORARY = ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")
USUAL = os.path.join(".local", "state", "xats", "xats.db")  # a store's place in the home of its owner
# The variables that decide how the daemon wakes and tidies.
SETTINGS = settings.DAEMON


def complete(environ: MutableMapping[str, str], store: str) -> None:
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
    """Return what attempts find in `environ`: programs and folders, and the settings that are not as usual.

    `from_file` names the variables that the user's file has set, and not the environment.
    """
    found = settings.of(environ)
    return {
        "home": environ.get("HOME"),
        "path": environ.get("PATH"),
        "locale": environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG"),
        "encoding": sys.getfilesystemencoding(),
        "clients": registry.folder(environ),
        "tmux": _tmux(environ),
        "wake": _wake(environ),
        "settings": {name: found[name] for name in SETTINGS if found.get(name)},
        "from_file": [name for name in SETTINGS if found.get(name) and not environ.get(name)],
    }


def is_same(name: str, environ: Mapping[str, str], said: Mapping[str, Any]) -> bool:
    """Tell whether the variable `name` means the same in `environ` as to the daemon that has `said` what it uses.

    `said` is what `describe` returns.
    """
    ours, its = environ.get(name) or "", str(said["settings"].get(name) or "")
    if name == "XATS_TMUX":
        return ours == its or program.find(environ) == said["tmux"]["program"]
    if name == "XATS_CLIENTS":
        return os.path.realpath(registry.folder(environ) or "") == os.path.realpath(said["clients"] or "")
    key = BY_VARIABLE[name]
    return key.kind.show(ours or key.default) == key.kind.show(its or key.default)


def _tmux(environ: Mapping[str, str]) -> dict[str, Any]:
    found = program.find(environ)
    return {"program": found, "trouble": None if found else program.missing(environ)}


def _wake(environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        return {"program": command.program(environ), "trouble": None}
    except XatsError as problem:
        return {"program": None, "trouble": str(problem)}
