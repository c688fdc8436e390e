"""Turns that were broken off: the user of a program stops it, and not every program calls a hook then.

Now and then the daemon looks at the panes of those who are said to be in a turn. Where two looks show an idle, empty
composer, the turn is over, and what has waited for its next hook is tried now. A prompt that follows says its own.
"""

from __future__ import annotations

from xats.core import agents, presence
from xats.daemon.rounds import Rounds
from xats.delivery import attempt
from xats.delivery.transports import tmux
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.presence import Presence
    from xats.pane import Pane
    from xats.store import Store, Tx

EVERY = 5.0  # seconds between two rounds; each takes one or two calls of tmux for each server


@record
class Turn:
    """A turn that is said to go on: of whom, in which program and pane, and what was told of it."""

    agent_id: int
    client: str
    pane: Pane
    told: Presence


def find(tx: Tx, host: str) -> list[Turn]:
    """Return the turns that are said to go on in the panes of `host`, but for those that have just begun."""
    found = []
    for agent_id in presence.in_turn(tx, host, tx.now - attempt.FRESH):
        agent, told = agents.by_id(tx, agent_id), presence.get(tx, agent_id)
        session = agents.current_session(tx, agent)
        if told and session and session.seat.pane:
            found.append(Turn(agent_id, agent.client, session.seat.pane, told))
    return found


def over(turns: Sequence[Turn]) -> list[Turn]:
    """Return those of `turns` in whose pane an idle, empty composer is seen, and stays."""
    idle = tmux.idle_panes({one.pane: one.client for one in turns})
    return [one for one in turns if one.pane in idle]


class Turns(Rounds):
    """The rounds for those who are said to be in a turn."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("turns", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and anybody is said to be in a turn. Raises the StoreErrors."""
        self.begin(
            store,
            lambda tx: find(tx, attempt.host()),
            over,
            lambda tx, one: presence.broken_off(tx, one.agent_id, one.told),
        )
