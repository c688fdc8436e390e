"""Turns that were broken off: the user of a program stops it, and not every program calls a hook then.

Now and then the daemon looks at the panes of those who are said to be in a turn. Where two looks show an idle, empty
composer, the turn is over, and what has waited for its next hook is tried now. A prompt that follows says its own.
"""

from __future__ import annotations

import logging
import threading
import time
from itertools import groupby

from xats.core import agents, presence
from xats.delivery import attempt
from xats.delivery.transports import tmux
from xats.errors import NoPane, StoreError, TmuxGone, TmuxUnavailable
from xats.record import record
from xats.tmux import screen, server

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xats.core.presence import Presence
    from xats.pane import Pane
    from xats.store import Store, Tx

EVERY = 5.0  # seconds between two rounds; each takes one or two calls of tmux for each server

log = logging.getLogger("xats.daemon")


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


def over(turns: Iterable[Turn]) -> list[Turn]:
    """Return those of `turns` in whose pane an idle, empty composer is seen."""
    found = []
    ordered = sorted(turns, key=lambda one: one.pane.socket)
    for socket, group in groupby(ordered, lambda one: one.pane.socket):
        there = list(group)
        for start in range(0, len(there), screen.MOST):
            some = there[start : start + screen.MOST]
            panes = [one.pane for one in some]
            try:
                looks = screen.read(panes, server.run(socket, *screen.commands(panes)))
            except (NoPane, TmuxGone, TmuxUnavailable):
                break
            for one in some:
                look = looks[one.pane.pane_id]
                if look and tmux.shows_idle(one.pane, look, one.client):
                    found.append(one)
    return found


class Turns:
    """The rounds, each in a thread of its own, so that nobody waits for tmux. `open_store` opens a store for it."""

    def __init__(self, open_store: Callable[[], Store]) -> None:
        self._open = open_store
        self._next = 0.0  # monotonic seconds
        self._thread: threading.Thread | None = None

    def __call__(self, store: Store) -> None:
        """Begin a round if it is time for one, and anybody is said to be in a turn. Raises the StoreErrors."""
        now = time.monotonic()
        if now < self._next or (self._thread and self._thread.is_alive()):
            return
        self._next = now + EVERY
        if turns := store.read(lambda tx: find(tx, attempt.host())):
            self._thread = threading.Thread(target=self._round, args=(turns,), name="turns", daemon=True)
            self._thread.start()

    def _round(self, turns: list[Turn]) -> None:
        seen = over(turns)
        if seen:
            time.sleep(tmux.CALM)
            seen = over(seen)
        if not seen:
            return
        try:
            store = self._open()
            try:
                store.write(lambda tx: [presence.broken_off(tx, one.agent_id, one.told) for one in seen])
            finally:
                store.close()
        except StoreError as problem:
            log.debug("turns: %s", problem)
