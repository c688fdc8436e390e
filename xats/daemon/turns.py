"""Turns that were broken off: the user of a program stops it, and not every program calls a hook then.

Now and then the daemon looks at the panes of those who are said to be in a turn. Where two looks show an idle, empty
composer, the turn is over, and what has waited for its next hook is tried now. A prompt that follows says its own.
"""

from __future__ import annotations

from xats.base import host
from xats.core.agents import presence
from xats.daemon.rounds import Rounds, agent_sessions
from xats.delivery import routing, screens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.daemon.rounds import AgentSession
    from xats.store import Store, Tx

EVERY = 5.0  # seconds between two rounds; each takes one or two calls of tmux for each server


def find(tx: Tx, host: str) -> list[AgentSession]:
    """Return who is said to be in a turn in the panes of `host`, but for those whose turn has just begun."""
    return agent_sessions(tx, presence.in_turn(tx, host, tx.now - routing.FRESH))


def over(turns: Sequence[AgentSession]) -> list[AgentSession]:
    """Return those of `turns` in whose pane an idle, empty composer is seen, and stays."""
    panes = {one.session.seat.pane: one.agent.client for one in turns}
    idle = screens.idle_panes({pane: client for pane, client in panes.items() if pane})
    return [one for one in turns if one.session.seat.pane in idle]


def note(tx: Tx, one: AgentSession) -> None:
    """Note that the turn of `one` is over."""
    if one.presence:
        presence.broken_off(tx, one.agent.id, one.presence)


class Turns(Rounds):
    """The rounds for those who are said to be in a turn."""

    def __init__(self, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        super().__init__("turns", EVERY, open_store, stopping)

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and anybody is said to be in a turn. Raises the StoreErrors."""
        self.begin(store, lambda tx: find(tx, host.id()), over, note)
