"""The end of a lease: by its time, or because the process of its holder has ended.

A lease lasts `lease_ms` from its last renewal. Each sign of life of its holder renews it (core/agents/agents.py), but
xats does not write the new end every time. Therefore a lease has lapsed when its stored end is over and its holder was
silent for as long. A lease is over too when xats saw that the process of its holder had ended, and the holder has done
nothing since: at once, or after the grace of its table (core/leases/tables.py).
"""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.clock import Standing
    from xats.store import Row

LAPSED, ENDED = "its lease was over", "its process had ended"


@record
class Lease:
    """How long a holder has something. Times are ms UTC."""

    until: int | None  #: with the renewals by the signs of life of its holder
    length: int | None  #: ms
    gone_at: int | None  #: when xats saw that the process of its holder had ended; None: the holder may be at work


def of(row: Row) -> Lease:
    """Return the lease in a row with the columns lease_ms, lease_until, owner_gone_at and owner_seen_at."""
    until, gone_at, seen_at = row["lease_until"], row["owner_gone_at"], row["owner_seen_at"]
    if until is not None:
        until = end(until, row["lease_ms"], seen_at)
    if gone_at is not None and seen_at > gone_at:  # the holder is back, or another process acts for it
        gone_at = None
    return Lease(until, row["lease_ms"], gone_at)


def end(lease_until: int, lease_ms: int, seen_at: int) -> int:
    """Return when a lease of `lease_ms` ends (ms UTC), whose holder gave its last sign of life at `seen_at`.

    `lease_until` is the stored end.
    """
    return max(lease_until, seen_at + lease_ms)


def over(lease: Lease, now: int, trust: Standing, grace: int) -> str | None:
    """Return why `lease` is over at the time `now` (ms UTC), or None while it holds. Only this ends leases by age.

    A lease is over when it has lapsed, or when xats saw `grace` ms ago that its holder was gone, and the holder did
    nothing since. `trust` tells since when ages are right: a lease that may have lapsed only because the clock is wrong
    or the host was suspended still holds.
    """
    if lease.until is not None and lease.length is not None:
        began = lease.until - lease.length
        if began >= trust.since and lease.until <= now:
            return LAPSED
    if lease.gone_at is not None and trust.upset_at <= lease.gone_at <= now - grace:
        return ENDED
    return None
