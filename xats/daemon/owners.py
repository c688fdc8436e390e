"""Holders of leases: the daemon checks regularly whether the processes of those that have tasks or turns still run.

Otherwise only a sweep or the next command about them would notice. A check reads one file of /proc for each holder.
"""

from __future__ import annotations

from xats.core.leases import holders
from xats.core.tasks import claims
from xats.core.tasks.owners import CLAIMS
from xats.core.turns import expiry
from xats.core.turns.turns import HOLDERS
from xats.daemon.liveness import process_gone
from xats.daemon.probe import PROBE
from xats.daemon.rounds import AgentSession, Rounds, ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store, Tx

EVERY = 2.0  # seconds between two rounds


def find(tx: Tx) -> list[AgentSession]:
    """Return the agents with tasks or turns that are not recorded as gone."""
    found = {one.agent.id: one for table in (CLAIMS, HOLDERS) for one in holders.holders(tx, table) if one.unmarked}
    return [AgentSession(one.agent, one.session, None) for one in found.values()]


def settle(tx: Tx, _: AgentSession) -> None:
    """Record who is gone, and free what nobody keeps. The transaction checks again: a holder may have restarted."""
    claims.settle(tx, process_gone)
    expiry.settle(tx, PROBE)


class Owners(Rounds):
    """The rounds for the holders of leases."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("owners", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any agent has a task or a turn. Raises the StoreErrors."""
        self.begin(store, find, ended, settle)
