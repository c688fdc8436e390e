"""Retention: how long xats keeps things, and whether a prune is due."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.store import Tx

KEEP = 30 * 86_400_000  # ms
EVERY = 3600_000  # ms from one prune to the next
# Everything in the store has an event of its time. A prune removes old events last, and keeps the newest one.
OLDEST = "select at from events where id < (select max(id) from events) order by id limit 1"


def age(environ: Mapping[str, str]) -> int | None:
    """Return how long xats keeps things (ms), from XATS_KEEP; None: for ever. Raises Usage."""
    text = environ.get("XATS_KEEP", "").strip()
    if text.lower() == "off":
        return None
    try:
        return (durations.parse(text) or None) if text else KEEP
    except Usage as problem:
        msg = f"XATS_KEEP must be a duration or off, not {text[:40]!r}."
        raise Usage(msg, "export XATS_KEEP=30d, or off to remove nothing") from problem


def is_due(tx: Tx, age: int) -> bool:
    """Tell whether anything has been older than `age` (ms) for EVERY, and was not pruned since."""
    row = tx.one(OLDEST)
    return row is not None and row["at"] <= tx.now - age - EVERY
