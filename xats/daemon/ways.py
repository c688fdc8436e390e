"""Ways that come: a wake that was suspended because nothing led to its agent is tried when something does.

A new session and a waiter tell of themselves. The inbox of a program does not: it may come after the session was
registered, with its first turn, when its user changes its settings, or with a daemon for which it is not turned off.
Nor does a pane: its server was taken to have ended, and answers at its socket again.
"""

from __future__ import annotations

from xats import host
from xats.core import wakes
from xats.daemon.rounds import Rounds, seated
from xats.delivery import order
from xats.delivery.transports import tmux

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from xats.daemon.rounds import Seated
    from xats.store import Store, Tx

# Seconds between two rounds. Each reads a file or two of every agent whose wake is suspended, and asks its tmux server
# about its pane if that server lives.
EVERY = 5.0


def find(tx: Tx, host: str) -> list[Seated]:
    """Return the agents on `host` whose wake is suspended."""
    return seated(tx, wakes.suspended(tx, host))


def reached(found: Sequence[Seated], store: str, off: Collection[str]) -> list[Seated]:
    """Return those of `found` whom a line can be handed to, or whose pane is there again."""

    def leads(one: Seated) -> bool:
        names = [way.name for way in order.ways(one.agent, one.session, one.told, store, off)]
        if any(name not in (order.HOOK, *order.SEEN) for name in names):
            return True
        return any(name in (order.TMUX, order.NOTICE) for name in names) and tmux.there(one.session)

    return [one for one in found if leads(one)]


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
            lambda tx: find(tx, host.id()),
            lambda found: reached(found, self._path, self._off),
            lambda tx, one: wakes.retry_now(tx, one.agent.id, "suspended"),
        )
