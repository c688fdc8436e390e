"""Locks: the daemon ends those that are over soon, and those of holders whose processes have ended.

Otherwise an agent that waits for a file would learn of it at the next sweep only. A check reads one file of /proc for
each holder of a lock.
"""

from __future__ import annotations

from xats.base import process
from xats.core.leases.holders import has_ended
from xats.core.locks import settle
from xats.daemon.liveness import process_gone
from xats.daemon.rounds import Rounds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.leases.holders import Holder
    from xats.store import Store, Tx

EVERY = 2.0  # seconds between two rounds


def find(tx: Tx) -> list[Holder | None]:
    """Return the holders of locks that are not recorded as gone; None stands for other work of `settle`."""
    return [*settle.unmarked(tx), *([None] if settle.due(tx, process.gone) else [])]


def see(found: Sequence[Holder | None]) -> list[Holder | None]:
    """Return one of `found` that makes `settle` necessary."""
    for one in found:
        if one is None or has_ended(one.agent, one.session, process_gone):
            return [one]
    return []


class Locks(Rounds):
    """The rounds for locks."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("locks", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and there are locks, or agents that wait for files. Raises the StoreErrors."""
        self.begin(store, find, see, lambda tx, _: settle.settle(tx, process_gone, process.gone))
