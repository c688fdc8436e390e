"""The file of a start: what its pane needs, and its first prompt, on this host and for this user alone.

The store may belong to several hosts. So neither the environment of a program nor the text that is typed into it comes
from there.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from xats.base import sidefile
from xats.base.folders import kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

LARGEST = 1 << 24  # bytes: it has the environment and the arguments
STALE = 86_400  # seconds after which a file whose start never used it is removed


def path_of(environ: Mapping[str, str], token: str) -> str:
    """Return the path of the file of the start with that `token`. Raises NoHome."""
    return os.path.join(kept(environ), "launch", f"start-{token}.json")


def write(environ: Mapping[str, str], token: str, said: Mapping[str, Any]) -> str:
    """Write the file of a start, and remove those that were left behind long ago; return its path.

    Raises Unsafe, OSError.
    """
    path = path_of(environ, token)
    folder = os.path.dirname(path)
    sidefile.folder(folder)
    replace(path, said)
    for entry in os.scandir(folder):
        with suppress(OSError):
            if entry.name.startswith("start-") and time.time() - entry.stat().st_mtime > STALE:
                os.unlink(entry)
    return path


def replace(path: str, said: Mapping[str, Any]) -> None:
    """Write `said` into the file at `path`. Raises OSError."""
    from xats.base.jsontext import to_json

    sidefile.replace(path, to_json(dict(said)).encode("utf-8", "surrogateescape"))


def read(path: str) -> dict[str, Any]:
    """Return what the file at `path` says; nothing if there is none that this user can trust."""
    import json

    try:
        found = json.loads(sidefile.read(path, LARGEST).decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def remove(path: str) -> None:
    """Remove the file at `path`, if there is one."""
    with suppress(OSError):
        os.unlink(path)
