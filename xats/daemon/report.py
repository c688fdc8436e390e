"""The daemon's report of itself: a file beside its lock, written at its start and after each change.

`xats doctor` and `xats daemon status` read it, because their own shell may have another PATH, HOME or setting.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress

from xats import __version__
from xats.base import sidefile
from xats.daemon import lock
from xats.delivery import environment
from xats.store.sqlite.engine import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


LONGEST = 1 << 20  # bytes of a report that are read; it usually has some thousands


def path_for(store: str) -> str:
    """Return the report of this host's daemon for the store at path `store`."""
    return lock.path_for(store).removesuffix(".lock") + ".json"


class Report:
    """The report that the daemon writes."""

    def __init__(self, store: str) -> None:
        self._path = path_for(store)
        self._written = b""

    def write(self) -> None:
        """Write the report if it has changed. A failure to write does not stop the daemon."""
        found = {
            "pid": os.getpid(),
            "version": __version__,
            "python": sys.executable,
            "sqlite": VERSION,
            "package": os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
            **environment.describe(os.environ),
        }
        text = json.dumps(found, indent=2).encode()
        if text == self._written:
            return
        with suppress(OSError):
            sidefile.replace(self._path, text)
            self._written = text

    def remove(self) -> None:
        """Remove the report at the end of the daemon."""
        with suppress(OSError):
            os.unlink(self._path)


def read(store: str, pid: int | None) -> dict[str, Any] | None:
    """Return the report of the daemon `pid` of the store at path `store`, or None."""
    try:
        found = json.loads(sidefile.read(path_for(store), LONGEST))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and pid and found.get("pid") == pid else None
