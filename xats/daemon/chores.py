"""The chores of a round: the changes in the store that follow from time passing and from processes ending.

The daemon does them at every sweep. `xats deliver --once` does them once, by `once` and `prune`.
"""

from __future__ import annotations

from xats.base import host, process
from xats.base.record import record
from xats.core import clock, keeping
from xats.core.agents import departures
from xats.core.crews import limits
from xats.core.locks import settle as lock_settle
from xats.core.mail import alerts, inbox, owed
from xats.core.tasks import claims, offers
from xats.core.turns import expiry
from xats.core.waking import attempts
from xats.daemon import expected, liveness, restarts, starts
from xats.daemon.probe import PROBE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.clock import Standing
    from xats.store import Store, Tx


@record
class Swept:
    """The counts of a sweep."""

    clock: Standing
    bound: int  #: sessions marked with this host's name, which got its id
    expired: int  #: deliveries that expired
    freed: int  #: leases of processes that have ended
    lapsed: int  #: claims of tasks, and turns, that ended
    unlocked: int  #: explicit locks that ended


def sweep(tx: Tx) -> Swept:
    """Record the time, and end mail, leases, claims and locks whose time is over. This alerts no sender."""
    standing = clock.observe(tx)
    bound = liveness.bind_sessions(tx)
    expired = inbox.sweep(tx)
    freed = attempts.free_leases(tx, process.gone)
    claims.set_right(tx)
    lapsed = claims.settle(tx, liveness.process_gone)
    lock_settle.set_right(tx)
    unlocked = lock_settle.settle(tx, liveness.process_gone, process.gone)
    expiry.set_right(tx)
    moved = expiry.settle(tx, PROBE)
    offers.look_again(tx)
    ended = {"lapsed": len(lapsed) + len(moved), "unlocked": len(unlocked)}
    return Swept(clock=standing, bound=bound, expired=expired, freed=freed, **ended)


def report(store: Store, reported: int = 0) -> int:
    """Alert senders whose requests wait: unread, read and not answered, or for an agent that is gone.

    Warn of limits of teams too, and act on those that are reached.

    Unread mail up to the message `reported` (id) is left out, because this process has reported it. Returns the id for
    the next call. Raises the StoreErrors.
    """
    reported = store.write(lambda tx: alerts.overdue(tx, reported))
    store.write(owed.overdue)
    store.write(departures.report)
    if store.read(limits.any_set):
        store.write(limits.check_all)
    return reported


def once(store: Store) -> None:
    """Do all chores now, including those for which the daemon has separate rounds. Raises the StoreErrors."""
    expected.once(store)
    starts.once(store)
    restarts.once(store)
    store.write(lambda tx: (sweep(tx), departures.settle(tx, host.id(), liveness.process_gone)))
    report(store)
    store.write(offers.offer_due)


def prune(store: Store, age: int | None) -> None:
    """Remove what is older than `age` (ms), unless that was done recently. None: never remove anything.

    This is for a process that does one round and ends, perhaps once a minute; the daemon has daemon/pruner.py. Raises
    the StoreErrors.
    """
    if age is None or not store.read(lambda tx: keeping.is_due(tx, age)):
        return
    from xats.daemon import pruner

    pruner.once(store, age)
