"""How long things are kept, and whether anything in the store is older: what has to be known before a prune."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import Usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.store import Tx

KEEP = 30 * 86_400_000  # ms
EVERY = 3600_000  # ms from one prune to the next
# Whatever is stored has an event of that time, and a prune removes old events last; the newest one stays.
OLDEST = "select at from events where id < (select max(id) from events) order by id limit 1"


def age(environ: Mapping[str, str]) -> int | None:
    """Return how long things are kept (ms), by XATS_KEEP; None: for ever. Raises Usage."""
    text = environ.get("XATS_KEEP", "").strip()
    if text.lower() == "off":
        return None
    try:
        return (durations.parse(text) or None) if text else KEEP
    except Usage as problem:
        msg = f"XATS_KEEP is {text[:40]!r}, which is no duration."
        raise Usage(msg, "export XATS_KEEP=30d, or off to remove nothing") from problem


def is_due(tx: Tx, age: int) -> bool:
    """Tell whether anything is older than `age` (ms), and was so for EVERY: then there was no prune meanwhile."""
    row = tx.one(OLDEST)
    return row is not None and row["at"] <= tx.now - age - EVERY
