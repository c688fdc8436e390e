"""Waiting for a change of the store."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context

POLL = 0.05  # seconds between two looks at the store's generation; a look costs microseconds


def await_change(here: Context, generation: int, deadline: float | None) -> bool:
    """Wait until the store has changed, or for one second. Return False after the deadline."""
    until = time.monotonic() + 1
    while here.store.generation() == generation and time.monotonic() < until:
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            return False
        time.sleep(POLL if deadline is None else min(POLL, max(0.0, deadline - now)))
    here.reopen_if_replaced()
    return deadline is None or time.monotonic() < deadline
