"""Owners of tasks: the daemon checks regularly whether their processes still run, and frees their tasks soon after.

Otherwise only a sweep or the next task command would notice. A check reads one file of /proc for each owner.
"""

from __future__ import annotations

from xats.core.leases import holders
from xats.core.tasks import claims
from xats.core.tasks.owners import CLAIMS
from xats.daemon.liveness import process_gone
from xats.daemon.rounds import AgentSession, Rounds, ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store, Tx

EVERY = 2.0  # seconds between two rounds


def find(tx: Tx) -> list[AgentSession]:
    """Return the owners of tasks that are not recorded as gone."""
    return [AgentSession(one.agent, one.session, None) for one in holders.holders(tx, CLAIMS) if one.unmarked]


class Owners(Rounds):
    """The rounds for the owners of tasks."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("owners", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any task is claimed. Raises the StoreErrors."""
        # The transaction checks again: the owner may have restarted.
        self.begin(store, find, ended, lambda tx, _: claims.settle(tx, process_gone))
