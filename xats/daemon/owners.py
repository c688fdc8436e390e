"""Owners of tasks: now and then the daemon looks whether their processes still run, so that their end is told at once.

Otherwise a sweep or the next task command would find out. A look reads one file of /proc for each owner.
"""

from __future__ import annotations

from xats.core.tasks import claims, owners
from xats.daemon.liveness import process_gone
from xats.daemon.rounds import AgentSession, Rounds, ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store, Tx

EVERY = 2.0  # seconds between two rounds


def find(tx: Tx) -> list[AgentSession]:
    """Return the owners of tasks that were not yet seen to be gone."""
    return [AgentSession(one.agent, one.session, None) for one in owners.owners(tx) if one.unmarked]


class Owners(Rounds):
    """The rounds for the owners of tasks."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("owners", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and any task is claimed. Raises the StoreErrors."""
        # It looks once more inside of the transaction: such an owner may have started again.
        self.begin(store, find, ended, lambda tx, _: claims.settle(tx, process_gone))
