"""Departures: the daemon checks regularly whether the processes of agents still run, and records and reports their end.

A check reads one file of /proc for each agent of this host. Without /proc each check starts ps, so it is less frequent.
"""

from __future__ import annotations

from xats.base import host, process
from xats.core.agents import departures
from xats.daemon.liveness import process_gone
from xats.daemon.rounds import AgentSession, Rounds, ended, ours

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.store import Store, Tx

EVERY = 3.0 if process.LINUX else 30.0  # seconds between two rounds


def find(tx: Tx) -> list[AgentSession]:
    """Return the agents of this host that are not recorded as gone."""
    return [AgentSession(one.agent, one.session, None) for one in departures.seated(tx, host.id())]


class Departures(Rounds):
    """The rounds for the agents of this host."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("departures", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any agent has a process. Raises the StoreErrors."""
        # The transaction checks again: the agent may have restarted.
        self.begin(
            store, lambda tx: ours(store, find(tx)), ended, lambda tx, one: departures.note(tx, one.agent, process_gone)
        )
