"""Rounds: the daemon looks regularly for changes that no event reports, and records them."""

from __future__ import annotations

import logging
import threading
import time

from xats.base import seats
from xats.base.errors import StoreError
from xats.base.record import record
from xats.core.agents import agents, presence
from xats.daemon.liveness import process_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.presence import Presence
    from xats.store import Store, Tx

    T = TypeVar("T")

log = logging.getLogger("xats.daemon")


@record
class AgentSession:
    """An agent, its session, and what its program reports that it is doing."""

    agent: Agent
    session: Session
    presence: Presence | None


def agent_sessions(tx: Tx, ids: Iterable[int]) -> list[AgentSession]:
    """Return the agents with these ids that have a session."""
    found = []
    for agent_id in ids:
        agent = agents.by_id(tx, agent_id)
        session = agents.current_session(tx, agent)
        if session:
            found.append(AgentSession(agent, session, presence.get(tx, agent_id)))
    return found


def ours(store: Store, found: Iterable[AgentSession]) -> list[AgentSession]:
    """Return those of `found` that commands of this host registered where their rows say (xats/base/seats.py)."""
    return [one for one in found if seats.ours(store.path, one.agent, one.session)]


def ended(found: Sequence[AgentSession]) -> list[AgentSession]:
    """Return those of `found` whose process has ended, or whose pane is gone."""
    return [one for one in found if process_gone(one.session)]


class Rounds:
    """Rounds of one kind, one in `every` seconds. Each has a thread of its own, so the loop does not wait for it.

    `open_store` opens a store for the thread. While the daemon is `stopping`, a round records nothing: the file of the
    store may be gone, and opening it would make a new one.
    """

    def __init__(self, name: str, every: float, open_store: Callable[[], Store], stopping: Callable[[], bool]) -> None:
        self._name, self._every, self._open, self._stopping = name, every, open_store, stopping
        self._next = 0.0  # monotonic seconds
        self._thread: threading.Thread | None = None

    def begin(
        self,
        store: Store,
        find: Callable[[Tx], Sequence[T]],
        see: Callable[[Sequence[T]], Sequence[T]],
        note: Callable[[Tx, T], object],
        after: Callable[[T], object] | None = None,
    ) -> None:
        """Begin a round if one is due and `find` finds anything. `see` selects from that, and `note` records each.

        After the commit, `after` is called for each. Raises the StoreErrors.
        """
        now = time.monotonic()
        if now < self._next or (self._thread and self._thread.is_alive()):
            return
        self._next = now + self._every
        found = store.read(find)
        if not found:
            return

        def work() -> None:
            try:
                self._go(see(found), note, after)
            except StoreError as problem:
                log.debug("%s: %s", self._name, problem)
            except Exception:
                log.exception("%s", self._name)

        self._thread = threading.Thread(target=work, name=self._name, daemon=True)
        self._thread.start()

    def _go(
        self, seen: Sequence[T], note: Callable[[Tx, T], object], after: Callable[[T], object] | None = None
    ) -> None:
        if not seen or self._stopping():
            return
        store = self._open()
        try:
            store.write(lambda tx: [note(tx, one) for one in seen])
        finally:
            store.close()
        if after:
            for one in seen:
                after(one)
