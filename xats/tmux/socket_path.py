"""The path of a tmux socket: whose it is, and whether another user could replace it. Nothing is connected to.

`xats whoami` looks at it in every pane, so this module imports little. What listens there: see `xats.tmux.trust`.
"""

from __future__ import annotations

import os
import stat

from xats.base import ownership
from xats.tmux.errors import ServerUntrusted

OWN = "run this in a tmux of your own, or without it: unset TMUX"


def resolve(path: str) -> str:
    """Return `path` with its links resolved, if no other user can change its target (xats/base/ownership.py).

    Raises ServerUntrusted if another user can, OSError if there is no such file, ValueError if it is not a path.
    """
    try:
        return ownership.resolve(path)
    except ownership.Exposed as problem:
        raise untrusted(path, str(problem), problem.fix or OWN) from None


def check(path: str) -> None:
    """Check the socket at `path`. Raises ServerUntrusted; a path with nothing there passes."""
    try:
        check_owner(path, os.lstat(resolve(path)))
    except (OSError, ValueError):
        pass


def check_owner(path: str, about: os.stat_result) -> None:
    """Check what stat(2) says `about` the file at `path`. Raises ServerUntrusted if it is no socket of this user."""
    if not stat.S_ISSOCK(about.st_mode):
        raise untrusted(path, "it is not a socket", OWN)
    if about.st_uid != os.geteuid():
        raise untrusted(path, f"the socket belongs to {ownership.user(about.st_uid)}", OWN)


def untrusted(path: str, why: str, hint: str) -> ServerUntrusted:
    """Return the error that xats does not connect to the server at `path`, because of `why`; `hint` says what to do."""
    return ServerUntrusted(f"xats does not connect to the tmux server at {path}: {why}.", hint)
