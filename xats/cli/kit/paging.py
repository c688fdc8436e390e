"""What verbs with --limit share."""

from __future__ import annotations

from xats.base.errors import Usage

LARGEST = 1_000_000_000


def check_limit(limit: int, command: str) -> None:
    """Raise Usage for a `limit` below 1 or above LARGEST; its hint is `command`, which has a valid one."""
    if limit < 1:
        msg = "--limit must be at least 1."
        raise Usage(msg, command)
    if limit > LARGEST:
        msg = f"--limit must be at most {LARGEST:,}."
        raise Usage(msg, command)
