"""Waking early: the panes in which an attempt was refused for something that will pass are watched until it has.

Then the attempt is made within a second instead of at its next rung; if it is refused once more, that costs no rung.
An agent that was given up is woken anew when its pane falls quiet. An attempt is told how long the watch has seen the
pane quiet, and waits only for the rest of its quiet window.

Nothing is asked while nobody waits. Else every server with such panes is asked once in 0.4 s about all of them, by one
invocation of tmux that attaches no client. With all that tmux does for it this takes 1.1 % of a core for one pane and
1.6 % for ten.
"""

from __future__ import annotations

import collections
import logging
import selectors
import threading
import time

from xats.base import host
from xats.core.agents import agents
from xats.core.waking import watched
from xats.delivery import routing, watcher
from xats.delivery import target as targets
from xats.delivery.watcher import Eye

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target
    from xats.delivery.watcher import Glance
    from xats.store import Tx
    from xats.tmux.screen import Look

MOST = 200  # panes that are watched, and as many of agents that were given up
FIRST, LONGEST = 5.0, 300.0  # seconds before an agent is hastened again: doubled each time, until it is delivered to

log = logging.getLogger("xats.daemon")


class Watch:
    """The eyes on all panes worth watching, by agent, and the thread that looks through them.

    `settings` gives those for the agents of a team, and `ring` is called when `called` has something to give.
    """

    def __init__(self, settings: Callable[[Tx, str], Settings], ring: Callable[[], None]) -> None:
        self._settings, self._ring = settings, ring
        self._eyes: dict[int, Eye] = {}  # replaced as a whole: two threads read it
        self._former: dict[int, Eye] = {}  # those whose agent is being tried just now
        self._given_up: list[Wake] = []
        self._called: collections.deque[Wake] = collections.deque()
        self._patience: dict[int, tuple[float, float]] = {}  # agent: the next wait, and not before when (monotonic)
        self._more, self._closing = threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self._run, name="watch", daemon=True)

    # -- what the daemon's loop says and asks --------------------------------------------------------------------------

    def refresh(self, tx: Tx, *, given_up: bool) -> None:
        """Watch whom the store knows to wait now; look for agents that were given up only with `given_up`."""
        here = host.id()
        if given_up:
            self._given_up = watched.given_up(tx, here, MOST)
        wanted = {wake.agent_id: wake for wake in (*self._given_up, *watched.waiting(tx, here, MOST))}
        eyes = {}
        for agent_id, wake in wanted.items():
            found = self._eyes.get(agent_id)
            if found and _is_same(tx, found, wake) and found.settings == self._settings(tx, found.target.agent.team):
                eyes[agent_id] = found
                continue
            target = targets.find(tx, wake)
            settings = self._settings(tx, target.agent.team)
            if _is_pasted(target, settings) and target.session and target.session.seat.pane:
                # After an attempt of ours it takes more than a quiet pane: something must have changed since.
                fresh = agent_id not in self._patience
                token = targets.token(wake, target.session)
                eyes[agent_id] = Eye(wake, target, token, settings, stirred=fresh)
        self._former = {agent: one for agent, one in (*self._former.items(), *self._eyes.items()) if one.recent()}
        self._eyes = eyes
        if eyes:
            if not self.thread.ident and not self._closing.is_set():
                self.thread.start()
            self._more.set()

    def called(self) -> Wake | None:
        """Return a wake whose pane has become clear, each once; a failed one stands for an agent to be woken anew."""
        return self._called.popleft() if self._called else None

    @property
    def calls(self) -> bool:
        """Whether `called` has something to give."""
        return bool(self._called)

    def quiet_for(self, agent_id: int, look: Look) -> int:
        """Return for how long (ms) the agent's pane has been seen to be as `look` shows it."""
        found = self._eyes.get(agent_id) or self._former.get(agent_id)
        return found.quiet_for(look) if found else 0

    def echoed(self, agent_id: int, look: Look) -> bool:
        """Tell whether the agent's program was seen to show the key that a person pressed last before `look`."""
        found = self._eyes.get(agent_id) or self._former.get(agent_id)
        return found is not None and found.echoed(look)

    def calm(self, agent_id: int) -> None:
        """Forget how often the agent was hastened in vain: it has its mail."""
        self._patience.pop(agent_id, None)

    def close(self) -> None:
        """Have the thread end, within half a second."""
        self._closing.set()
        self._more.set()

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        glances: dict[tuple[str, int], Glance] = {}  # under way, by server
        while not self._closing.is_set():
            try:
                self._turn(glances)
            except Exception:
                log.exception("the watch")
                glances.clear()
                self._closing.wait(FIRST)
        for glance in glances.values():
            glance.give_up()

    def _turn(self, glances: dict[tuple[str, int], Glance]) -> None:
        """Begin the looks that are due, and take in what tmux has said to those under way."""
        if not self._eyes and not glances:
            self._more.wait()
            self._more.clear()
        servers: dict[tuple[str, int], list[Eye]] = {}
        for one in self._eyes.values():
            servers.setdefault((one.pane.socket, one.pane.server_pid), []).append(one)
        now = time.monotonic()
        for socket, eyes in servers.items():
            eyes.sort(key=lambda one: one.due)
            if socket not in glances and eyes[0].due <= now:
                together = [one for one in eyes if one.due - now <= one.every / 2]
                if begun := watcher.glance(together):
                    glances[socket] = begun
        ends = [glances[socket].overdue if socket in glances else eyes[0].due for socket, eyes in servers.items()]
        with selectors.DefaultSelector() as answers:
            for glance in glances.values():
                answers.register(glance, selectors.EVENT_READ)
            ready = [key.fileobj for key, _ in answers.select(max(0.0, min([*ends, now + watcher.POLL]) - now))]
        for socket, glance in list(glances.items()):
            if glance in ready:
                over = glance.advance()
            elif over := time.monotonic() >= glance.overdue:
                glance.give_up()
            if over:
                del glances[socket]
        for agent_id, one in self._eyes.items():
            if one.clear:
                self._call(agent_id, one)

    def _call(self, agent_id: int, one: Eye) -> None:
        wait, until = self._patience.get(agent_id, (FIRST, 0.0))
        now = time.monotonic()
        if now < until:
            return
        self._patience[agent_id] = (min(2 * wait, LONGEST), now + wait)
        self._called.append(one.wake)
        self._ring()


def _is_pasted(target: Target, settings: Settings) -> bool:
    """Tell whether anything would be pasted for the agent."""
    by_tmux = target.agent.wake_by in (routing.AUTO, routing.TMUX) and routing.TMUX not in settings.off
    return by_tmux and not routing.is_blind(target.agent.client)


def _is_same(tx: Tx, one: Eye, wake: Wake) -> bool:
    """Tell whether the eye `one` looks after `wake` as it is now, and after the session that its agent has now."""
    if (one.wake.id, one.wake.updated_at) != (wake.id, wake.updated_at):
        return False
    return agents.current_session(tx, one.target.agent) == one.target.session
