"""The store: the checks of `xats.store.sqlite.check`, with SQLite's quick check instead of the full one."""

from __future__ import annotations

import os

from xats.health import WARN, Check
from xats.store.sqlite import check

SECTION = "store"


def checks(path: str) -> list[Check]:
    """Return the checks of the store at `path`. A missing store is only a warning."""
    if "://" in path:
        from xats.store.postgres import check as database

        return [Check(SECTION, one.name, one.state, one.detail, one.fix) for one in database.checks(path)]
    if not os.path.lexists(path):
        return [Check(SECTION, "file", WARN, f"no store yet at {path}", "xats register NAME  (creates it)")]
    found = check.checks(path, depth="quick_check")
    return [Check(SECTION, one.name, one.state, one.detail, one.fix) for one in found]
