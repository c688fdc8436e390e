"""The chores of a round: what changes in the store because time has passed or a process has ended.

The daemon does them at every sweep. `xats deliver --once` does them once, with `once` and `prune`.
"""

from __future__ import annotations

from xats.base import host, process
from xats.base.record import record
from xats.core import clock, keeping
from xats.core.agents import departures
from xats.core.mail import alerts, inbox, owed
from xats.core.tasks import claims, offers
from xats.core.waking import attempts
from xats.daemon import expected, liveness

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.clock import Standing
    from xats.store import Store, Tx


@record
class Swept:
    """What a sweep found and did."""

    clock: Standing
    bound: int  #: sessions that were marked with the name of this host, and have its id now
    expired: int  #: copies of mail
    freed: int  #: leases of attempts whose process has ended
    lapsed: int  #: claims of tasks


def sweep(tx: Tx) -> Swept:
    """Note the time, and end what is over by now: mail, leases, claims. Reports nothing to anybody."""
    standing = clock.observe(tx)
    bound = liveness.bind_sessions(tx)
    expired = inbox.sweep(tx)
    freed = attempts.free_leases(tx, process.gone)
    claims.set_right(tx)
    lapsed = claims.settle(tx, liveness.process_gone)
    offers.look_again(tx)
    return Swept(standing, bound, expired, freed, len(lapsed))


def report(store: Store, reported: int = 0) -> int:
    """Tell senders which of their requests wait: unread, read and not answered, or for an agent that is gone.

    Unread mail up to the message `reported` (id) is left out: a report of this process named it. Returns what to give
    the next time. Raises the StoreErrors.
    """
    reported = store.write(lambda tx: alerts.overdue(tx, reported))
    store.write(owed.overdue)
    store.write(departures.report)
    return reported


def once(store: Store) -> None:
    """Do all chores of a round now, also those for which the daemon has rounds of their own. Raises the StoreErrors."""
    expected.once(store)
    store.write(lambda tx: (sweep(tx), departures.settle(tx, host.id(), liveness.process_gone)))
    report(store)
    store.write(offers.offer_due)


def prune(store: Store, age: int | None) -> None:
    """Remove what is older than `age` (ms) unless that was done of late; None: nothing ever. Raises the StoreErrors.

    This is for a process that does one round and ends, perhaps once a minute; the daemon has daemon/pruner.py.
    """
    if age is None or not store.read(lambda tx: keeping.is_due(tx, age)):
        return
    from xats.daemon import pruner

    pruner.once(store, age)
