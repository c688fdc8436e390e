"""Turns that a user broke off: not every program calls a hook then.

The daemon looks regularly at the panes of agents whose hooks reported a turn. If two looks show an idle, empty
composer, the turn is over, and a wake that waits for the next hook is due at once. The next prompt reports a new turn.
"""

from __future__ import annotations

from xats.base import host
from xats.core.agents import presence
from xats.daemon.rounds import Rounds, agent_sessions, ours
from xats.delivery import routing, screens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.daemon.rounds import AgentSession
    from xats.store import Store, Tx

EVERY = 5.0  # seconds between two rounds; each takes one or two calls of tmux for each server


def find(tx: Tx, host: str) -> list[AgentSession]:
    """Return the agents on `host` whose hooks report a turn, except turns that have just begun."""
    return agent_sessions(tx, presence.in_turn(tx, host, tx.now - routing.FRESH))


def over(turns: Sequence[AgentSession]) -> list[AgentSession]:
    """Return those of `turns` whose pane shows an idle, empty composer in two looks."""
    panes = {one.session.seat.pane: one.agent.client for one in turns}
    idle = screens.idle_panes({pane: client for pane, client in panes.items() if pane})
    return [one for one in turns if one.session.seat.pane in idle]


def note(tx: Tx, one: AgentSession) -> None:
    """Record that the turn of `one` is over."""
    if one.presence:
        presence.broken_off(tx, one.agent.id, one.presence)


class Turns(Rounds):
    """The rounds for the agents in a turn."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("turns", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any agent is in a turn. Raises the StoreErrors."""
        self.begin(store, lambda tx: ours(store, find(tx, host.id())), over, note)
