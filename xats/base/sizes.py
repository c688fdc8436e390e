"""Sizes of texts in words."""

from __future__ import annotations


def sized(size: int) -> str:
    """Return a number of bytes in words: `12 bytes`, `3.4 KiB`."""
    if size < 1024:
        return f"{size} byte{'' if size == 1 else 's'}"
    return f"{size / 1024:.1f} KiB"
