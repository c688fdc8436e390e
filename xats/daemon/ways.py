"""Ways that come: a wake that was suspended because nothing led to its agent is tried when something does.

A new session and a waiter tell of themselves. The inbox of a program does not: it may come after the session was
registered, with its first turn, when its user changes its settings, or with a daemon for which it is not turned off.
"""

from __future__ import annotations

from xats.core import agents, wakes
from xats.daemon.rounds import Rounds
from xats.delivery import attempt, order
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from xats.core.agents import Agent, Session
    from xats.store import Store, Tx

EVERY = 5.0  # seconds between two rounds; each reads a file or two of every agent whose wake is suspended


@record
class Suspended:
    """An agent whose wake is suspended, and where it sits."""

    agent: Agent
    session: Session


def find(tx: Tx, host: str) -> list[Suspended]:
    """Return the agents on `host` whose wake is suspended."""
    found = []
    for agent_id in wakes.suspended(tx, host):
        agent = agents.by_id(tx, agent_id)
        session = agents.current_session(tx, agent)
        if session:
            found.append(Suspended(agent, session))
    return found


def reached(found: Sequence[Suspended], store: str, off: Collection[str]) -> list[Suspended]:
    """Return those of `found` whom a line can be handed to; a pane that was gone does not come back."""
    return [
        one
        for one in found
        if any(way.name not in order.SEEN for way in order.ways(one.agent, one.session, None, store, off))
    ]


class Ways(Rounds):
    """The rounds for the agents of the store at `path`, but for the ways that are `off`."""

    def __init__(
        self, open_store: Callable[[], Store], stopping: Callable[[], bool], path: str, off: Collection[str]
    ) -> None:
        super().__init__("ways", EVERY, open_store, stopping)
        self._path, self._off = path, off

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and any wake is suspended. Raises the StoreErrors."""
        self.begin(
            store,
            lambda tx: find(tx, attempt.host()),
            lambda found: reached(found, self._path, self._off),
            lambda tx, one: wakes.rouse(tx, one.agent.id),
        )
