"""Durations and times as people write and read them."""

from __future__ import annotations

import time

from xats.base.errors import Usage

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}  # ms


def parse(text: str) -> int:
    """Return `500ms`, `30s`, `10m`, `2h`, `1d` or a bare number of seconds in milliseconds. Raises Usage."""
    number = text.rstrip("mshd")
    factor = UNITS.get(text[len(number) :] or "s")
    try:
        value = float(number) * factor if factor else -1
    except ValueError:
        value = -1
    if not 0 <= value < 1e14:
        msg = f"{text[:40]!r} is not a duration."
        raise Usage(msg, "write 500ms, 30s, 10m, 2h or 1d; a bare number is seconds")
    return round(value)


def iso(at: int | None) -> str | None:
    """Return a time in ms UTC as ISO 8601 with milliseconds."""
    if at is None:
        return None
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at // 1000))}.{at % 1000:03d}Z"


def rough(ms: int) -> str:
    """Return a span of time as a person would say it: `12 s`, `3 min`, `5 h`, `2 d`."""
    seconds = abs(ms) // 1000
    for unit, size, limit in (("s", 1, 120), ("min", 60, 120 * 60), ("h", 3600, 48 * 3600)):
        if seconds < limit:
            return f"{seconds // size} {unit}"
    return f"{seconds // 86400} d"


def left(ms: int) -> str:
    """Return a time that is left, rounded to the nearest minute or up to the next second; less than 0 ms is 0."""
    return rough(max(ms, 0) + (30_000 if ms >= 120_000 else 999))


def ago(at: int | None, now: int) -> str:
    """Return how long before `now` the time `at` was, both in ms UTC."""
    if at is None:
        return "never"
    return "just now" if now - at < 2000 else f"{rough(now - at)} ago"
