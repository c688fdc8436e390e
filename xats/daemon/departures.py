"""Processes of agents: now and then the daemon looks whether they still run, so that their end is noted and told.

A look reads one file of /proc for each agent of this host. Elsewhere each look starts ps, so it is made less often.
"""

from __future__ import annotations

from xats.base import host, process
from xats.core.agents import departures
from xats.daemon.liveness import process_gone
from xats.daemon.rounds import AgentSession, Rounds, ended

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store, Tx

EVERY = 3.0 if process.LINUX else 30.0  # seconds between two rounds


def find(tx: Tx) -> list[AgentSession]:
    """Return the agents of this host that were not yet seen to be gone."""
    return [AgentSession(one.agent, one.session, None) for one in departures.seated(tx, host.id())]


class Departures(Rounds):
    """The rounds for all agents of this host."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("departures", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and any agent has a process. Raises the StoreErrors."""
        # It looks once more inside of the transaction: the agent may have started again.
        self.begin(store, find, ended, lambda tx, one: departures.note(tx, one.agent, process_gone))
