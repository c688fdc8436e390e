"""The store: the rules of `xats.store.sqlite.check`, with SQLite's quick check alone."""

from __future__ import annotations

import os

from xats.health import WARN, Check
from xats.store.sqlite import check

SECTION = "store"


def checks(path: str) -> list[Check]:
    """Return what is found at the store at `path`. That there is none yet is no fault."""
    if not os.path.lexists(path):
        return [Check(SECTION, "file", WARN, f"no store yet at {path}", "xats register NAME  (makes it)")]
    found = check.checks(path, depth="quick_check")
    return [Check(SECTION, one.name, one.state, one.detail, one.fix) for one in found]
