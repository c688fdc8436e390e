"""Copy a store to a file while others write to it."""

from __future__ import annotations

import os
import sqlite3
import time

from xats.base.errors import StoreCorrupt, StoreFull
from xats.store.sqlite import codes
from xats.store.sqlite.atomic_write import atomic_file
from xats.store.sqlite.engine import make_durable
from xats.store.sqlite.failures import explain
from xats.store.sqlite.inspect import copy_into, settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def default_name(path: str, at: int) -> str:
    """Return the path of a backup of the store at `path`, made at the time `at` (ms UTC). It is beside the store."""
    return f"{path}.{time.strftime('%Y%m%dT%H%M%S', time.gmtime(at // 1000))}.{at % 1000:03d}Z.bak"


def backup(path: str, target: str, *, force: bool = False, seen: Callable[[int, int], object] | None = None) -> int:
    """Copy one snapshot of the store at `path` to the file `target`; return its size in bytes.

    xats checks the copy before it gets its name. `force` replaces an existing file. `seen` is called now and
    then with the number of pages that were copied, and of all pages. Raises NotFound, Refused, Usage and
    the StoreErrors; `target` is then as it was.
    """
    source = settled(path)
    try:
        with atomic_file(target, path, force=force) as draft:
            _copy(source, path, draft, seen)
            return os.path.getsize(draft)
    finally:
        source.close()


def _copy(source: sqlite3.Connection, path: str, draft: str, seen: Callable[[int, int], object] | None) -> None:
    made = sqlite3.connect(draft, isolation_level=None)
    try:
        make_durable(made)
        copy_into(source, made, seen)
        found = made.execute("pragma quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        if codes.is_full(error):
            msg = f"There is no room for a copy of {path}. No backup was made."
            raise StoreFull(msg) from error
        raise explain(error, path) from error
    finally:
        made.close()
    if found != "ok":
        msg = f"The store {path} is damaged ({found.splitlines()[-1]}). No backup was made."
        raise StoreCorrupt(msg, f"copy the file as it is, then: sqlite3 {path} .recover")
