"""Health: checks of everything that mail depends on. They create, start and change nothing.

After a warning xats still works. A failure means that mail waits, or that commands fail.
"""

from __future__ import annotations

from xats.base.record import record
from xats.store.sqlite.check import FAIL, OK, WARN

__all__ = ["FAIL", "OK", "WARN", "Check"]


@record
class Check:
    """One check: its state (`ok`, `warn`, `fail`), what was seen, and the command or advice that fixes it."""

    section: str
    name: str
    state: str
    detail: str
    fix: str = ""
