"""The environment in which the daemon makes attempts. It must not depend on the process that started the daemon.

`complete` fills it in. `describe` reports it, for `xats doctor`.
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

# Folders for temporary files. The folder of a project or a session may be gone tomorrow.
TEMPORARY = ("TMPDIR", "TEMP", "TMP", "SQLITE_TMPDIR")
USUAL = os.path.join(".local", "state", "xats", "xats.db")  # the usual path of a store in the home of its owner
# The variables that decide how the daemon wakes and prunes.
SETTINGS = settings.DAEMON


def complete(environ: MutableMapping[str, str], store: str) -> None:
    """Turn `environ` into the environment of a daemon of the store at path `store`.

    PATH gets the usual folders, HOME is a home of this user, and temporary files go to the system's folder.
    """
    environ["PATH"] = os.pathsep.join(program.folders(environ))
    environ["HOME"] = home(environ, store)
    for name in TEMPORARY:
        environ.pop(name, None)


def home(environ: Mapping[str, str], store: str) -> str:
    """Return the home folder whose settings apply to the store at path `store`.

    For a store at its usual path, it is the folder above that path. Otherwise it is HOME, or else the account's home.
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
    """Tell whether `folder` belongs to this user, and no other user can write there. Programs in it may run."""
    try:
        found = os.stat(folder)
    except OSError:
        return False
    safe = found.st_uid == os.geteuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and safe


def describe(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return what attempts find in `environ`: programs, folders, and the settings that are not the defaults.

    `from_file` lists the variables that the user's file sets and the environment does not.
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
    """Tell whether the variable `name` means the same in `environ` and in the daemon.

    `said` is the daemon's report of itself, from `describe`.
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
