"""New routes: a wake that was suspended because its agent had no route is due again once the agent has one.

A new session and a waiter report themselves. The inbox of a program does not: it may come with the first turn, when the
user changes a setting of the program, or with a daemon that does not turn it off. A pane does not either: its server
may answer at its socket again.
"""

from __future__ import annotations

from xats.base import host
from xats.core.waking import wakes
from xats.daemon.rounds import Rounds, agent_sessions, ours
from xats.delivery import routing, screens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xats.daemon.rounds import AgentSession
    from xats.delivery.settings import Settings
    from xats.store import Store, Tx

# Seconds between two rounds. For each agent with a suspended wake, a round reads a file or two, and asks tmux about its
# pane if that server runs.
EVERY = 5.0


def find(tx: Tx, host: str) -> list[AgentSession]:
    """Return the agents on `host` whose wake is suspended."""
    return agent_sessions(tx, wakes.suspended(tx, host))


def reached(found: Sequence[AgentSession], store: str, settings: Mapping[str, Settings]) -> list[AgentSession]:
    """Return those of `found` that have a waiter or an inbox, or whose pane answers again. `settings` are by team."""

    def leads(one: AgentSession) -> bool:
        off = settings[one.agent.team].off
        names = [one.name for one in routing.routes(one.agent, one.session, one.presence, store, off)]
        if any(name not in (routing.HOOK, *routing.CONFIRMED) for name in names):
            return True
        return any(name in (routing.TMUX, routing.NOTICE) for name in names) and screens.there(one.session)

    return [one for one in found if leads(one)]


class Routes(Rounds):
    """The rounds for the agents of the store at `path`. `settings` returns the settings for the agents of a team."""

    def __init__(
        self,
        open_store: Callable[[], Store],
        stopping: Callable[[], bool],
        path: str,
        settings: Callable[[Tx, str], Settings],
    ) -> None:
        super().__init__("routes", EVERY, open_store, stopping)
        self._path, self._settings = path, settings

    def __call__(self, store: Store) -> None:
        """Begin a round if one is due and any wake is suspended. Raises the StoreErrors."""
        by_team: dict[str, Settings] = {}

        def look(tx: Tx) -> list[AgentSession]:
            found = ours(store, find(tx, host.id()))
            by_team.update((one.agent.team, self._settings(tx, one.agent.team)) for one in found)
            return found

        self.begin(
            store,
            look,
            lambda found: reached(found, self._path, by_team),
            lambda tx, one: wakes.retry_now(tx, one.agent.id, "suspended"),
        )
