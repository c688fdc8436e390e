"""Health: what mail depends on, looked at from outside. Nothing is made, started or changed here.

A line that warns leaves xats working; one that fails means that mail waits, or that commands do.
"""

from __future__ import annotations

from xats.base.record import record
from xats.store.sqlite.check import FAIL, OK, WARN

__all__ = ["FAIL", "OK", "WARN", "Check"]


@record
class Check:
    """One thing that was looked at: its state (`ok`, `warn`, `fail`), what was seen, and the line that mends it."""

    section: str
    name: str
    state: str
    detail: str
    fix: str = ""
