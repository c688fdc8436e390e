"""Waking early: after a refusal for a state that passes, the daemon watches the pane until the state has passed.

The daemon then makes the attempt within a second instead of at its next rung; another refusal costs no rung. It also
wakes an agent that it had given up, once the pane of that agent falls quiet. An attempt knows for how long the watch
has seen the pane quiet, and waits only for the rest of its quiet window.

While no wake waits, tmux is not called. Otherwise one tmux command in 0.4 s asks a server about all watched panes; it
attaches no client. Including the work of tmux, this takes 1.1 % of a core for one pane and 1.6 % for ten.
"""

from __future__ import annotations

import collections
import logging
import selectors
import threading
import time

from xats.base import host, seats
from xats.core.agents import agents
from xats.core.waking import watched
from xats.delivery import routing, watcher
from xats.delivery import target as targets
from xats.delivery.watcher import PaneWatcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.delivery.watcher import Capture
    from xats.store import Tx
    from xats.tmux.screen import Look

MOST = 200  # watched panes with an open wake, and as many of agents that were given up
FIRST, LONGEST = 5.0, 300.0  # seconds before the next early attempt for an agent: doubled each time, until a delivery

log = logging.getLogger("xats.daemon")


class Watch:
    """The watchers of all panes worth watching, by agent, and the thread that drives them.

    `settings` returns the settings for the agents of a team. The thread calls `ring` when `called` has a wake. `path`
    is the location of the store.
    """

    def __init__(self, settings: Callable[[Tx, str], Settings], ring: Callable[[], None], path: str) -> None:
        self._settings, self._ring, self._path = settings, ring, path
        self._watchers: dict[int, PaneWatcher] = {}  # replaced as a whole: two threads read it
        self._former: dict[int, PaneWatcher] = {}  # those whose agent has an attempt under way
        self._given_up: list[Wake] = []
        self._called: collections.deque[Wake] = collections.deque()
        self._delays: dict[
            int, tuple[float, float]
        ] = {}  # by agent: the next wait (s), and the earliest time (monotonic)
        self._more, self._closing = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, name="watch", daemon=True)

    # -- for the daemon's loop -----------------------------------------------------------------------------------------

    def find_given_up(self, tx: Tx) -> None:
        """Search the store for agents that were given up. `refresh` watches their panes from then on."""
        self._given_up = watched.given_up(tx, host.id(), MOST)

    def refresh(self, tx: Tx) -> None:
        """Watch the panes of the wakes that wait now, and of the agents that were given up."""
        wanted = {wake.agent_id: wake for wake in (*self._given_up, *watched.waiting(tx, host.id(), MOST))}
        watchers = {}
        for agent_id, wake in wanted.items():
            found = self._watchers.get(agent_id)
            if found and _is_same(tx, found, wake) and found.settings == self._settings(tx, found.target.agent.team):
                watchers[agent_id] = found
                continue
            target = targets.find(tx, wake)
            settings = self._settings(tx, target.agent.team)
            session = target.session
            if session is None or session.seat.pane is None or not _is_pasted(target, settings):
                continue
            if seats.ours(self._path, target.agent, session):
                # After an attempt of ours a quiet pane is not enough: something must have changed since.
                fresh = agent_id not in self._delays
                token = targets.token(wake, session)
                watchers[agent_id] = PaneWatcher(wake, target, token, settings, changed=fresh)
        self._former = {agent: one for agent, one in (*self._former.items(), *self._watchers.items()) if one.recent()}
        self._watchers = watchers
        if watchers:
            if not self.thread.ident and not self._closing.is_set():
                self.thread.start()
            self._more.set()

    def called(self) -> Wake | None:
        """Return the next wake whose pane has become clear. A failed wake stands for an agent that was given up."""
        return self._called.popleft() if self._called else None

    @property
    def calls(self) -> bool:
        """Whether `called` has a wake to return."""
        return bool(self._called)

    def quiet_for(self, agent_id: int, look: Look) -> int:
        """Return for how long (ms) the agent's pane has looked as in `look`."""
        found = self._watchers.get(agent_id) or self._former.get(agent_id)
        return found.quiet_for(look) if found else 0

    def echoed(self, agent_id: int, look: Look) -> bool:
        """Tell whether the agent's program showed the last key that a person pressed before `look`."""
        found = self._watchers.get(agent_id) or self._former.get(agent_id)
        return found is not None and found.echoed(look)

    def forget_delay(self, agent_id: int) -> None:
        """Forget the early attempts that were refused: the agent has its mail."""
        self._delays.pop(agent_id, None)

    def close(self) -> None:
        """End the thread within half a second."""
        self._closing.set()
        self._more.set()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        captures: dict[tuple[str, int], Capture] = {}  # under way, by server
        while not self._closing.is_set():
            try:
                self._turn(captures)
            except Exception:
                log.exception("watching panes failed")
                captures.clear()
                self._closing.wait(FIRST)
        for capture in captures.values():
            capture.give_up()

    def _turn(self, captures: dict[tuple[str, int], Capture]) -> None:
        """Begin the looks that are due, and read the output of those under way."""
        if not self._watchers and not captures:
            self._more.wait()
            self._more.clear()
        servers: dict[tuple[str, int], list[PaneWatcher]] = {}
        for one in self._watchers.values():
            servers.setdefault((one.pane.socket, one.pane.server_pid), []).append(one)
        now = time.monotonic()
        for socket, watchers in servers.items():
            watchers.sort(key=lambda one: one.due)
            if socket not in captures and watchers[0].due <= now:
                together = [one for one in watchers if one.due - now <= one.every / 2]
                if begun := watcher.begin_capture(together):
                    captures[socket] = begun
        ends = [
            captures[socket].overdue if socket in captures else watchers[0].due for socket, watchers in servers.items()
        ]
        with selectors.DefaultSelector() as answers:
            for capture in captures.values():
                answers.register(capture, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in answers.select(max(0.0, min([*ends, now + watcher.POLL]) - now))]
        for socket, capture in list(captures.items()):
            if capture in ready:
                over = capture.advance()
            elif over := time.monotonic() >= capture.overdue:
                capture.give_up()
            if over:
                del captures[socket]
        for agent_id, one in self._watchers.items():
            if one.clear:
                self._call(agent_id, one)

    def _call(self, agent_id: int, one: PaneWatcher) -> None:
        wait, until = self._delays.get(agent_id, (FIRST, 0.0))
        now = time.monotonic()
        if now < until:
            return
        self._delays[agent_id] = (min(2 * wait, LONGEST), now + wait)
        self._called.append(one.wake)
        self._ring()


def _is_pasted(target: Target, settings: Settings) -> bool:
    """Tell whether an attempt would paste into the agent's pane."""
    by_tmux = target.agent.wake_by in (routing.AUTO, routing.TMUX) and routing.TMUX not in settings.off
    return by_tmux and not routing.is_blind(target.agent.client)


def _is_same(tx: Tx, one: PaneWatcher, wake: Wake) -> bool:
    """Tell whether the watcher `one` has the current state of `wake` and the current session of its agent."""
    if (one.wake.id, one.wake.updated_at) != (wake.id, wake.updated_at):
        return False
    return agents.current_session(tx, one.target.agent) == one.target.session
