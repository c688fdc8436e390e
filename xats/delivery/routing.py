"""The routes to an agent: which it has now, in which order an attempt tries them, and which an attempt leaves out.

    1. hook: while the agent is in a turn, its next hook delivers the mail
    2. waiter: a process of xats that its program has started; its end tells the program of mail
    3. inbox: the agent's program has an inbox of its own
    4. tmux: the line is pasted into the agent's pane, behind guards

The first three press no key, keep a draft and are safe beside a dialog. That one of them took the line does not prove
that the agent read it, so the next one follows if nothing is read in time (core/waking/wakes.py). An agent that was
registered with one transport has only that.

This module only looks.
"""

from __future__ import annotations

import os

from xats.base import host, occupancy, seats
from xats.base.record import record
from xats.clients import registry
from xats.delivery.transports import native, waiter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from xats.core.agents.agents import Agent, Session
    from xats.core.agents.presence import Presence
    from xats.core.waking.wakes import Wake
    from xats.delivery.settings import Settings
    from xats.delivery.target import Target

HOOK, WAITER, TMUX = "hook", waiter.NAME, "tmux"
AUTO, NOTICE, COMMAND, NONE = "auto", "notice", "command", "none"
CONFIRMED = (TMUX, NOTICE, COMMAND)  # they tell at once whether the line arrived
SETTLE = 500  # ms after the end of a turn in which a waiter may start
FRESH = 3000  # ms after the beginning of a turn in which the program may not have drawn it yet


@record
class Route:
    """A route to an agent: the name of the transport, and its place, in words for people."""

    name: str
    place: str


# -- which routes an agent has -----------------------------------------------------------------------------------------


def routes(
    agent: Agent, session: Session | None, presence: Presence | None, store: str, off: Collection[str] = ()
) -> tuple[Route, ...]:
    """Return the routes to `agent` in `session` now, in their order, without those that are `off`.

    `presence` is what its program reports that it is doing. `store` is the path of the store. The pane of a program
    whose composer is not described is no route: xats types nothing there.
    """
    blind = is_blind(agent.client)
    return tuple(one for one in _tried(agent, session, presence, store, off) if not (blind and one.name == TMUX))


def is_blind(client: str) -> bool:
    """Tell whether the composer of `client` is not described yet. xats types nothing into its pane then."""
    return registry.find_or_generic(client, os.environ).composer_unknown


def _tried(
    agent: Agent, session: Session | None, presence: Presence | None, store: str, off: Collection[str]
) -> tuple[Route, ...]:
    """Return the routes that an attempt tries.

    They include the pane of a program whose composer is not described. The guards refuse the attempt there, and their
    reason tells the user which dialog is open.
    """
    if session is None or (session.seat.host == host.id() and not seats.ours(store, agent, session)):
        return ()
    seat, by, found = session.seat, agent.wake_by, []
    if by == COMMAND:
        return (Route(COMMAND, "the user's own program"),)
    if by == AUTO:
        if has_hooks(session, presence) and not has_ended(session):
            found.append(Route(HOOK, "its own hooks, during a turn"))
        if seat.host == host.id():
            found += _inboxes(agent, session, presence, store, off)
    if seat.pane and by in (AUTO, TMUX, NOTICE):
        found.append(Route(NOTICE if by == NOTICE else TMUX, seat.pane.pane_id))
    return tuple(one for one in found if one.name not in off)


def _inboxes(
    agent: Agent, session: Session, presence: Presence | None, store: str, off: Collection[str]
) -> list[Route]:
    found = []
    place = None if waiter.NAME in off else waiter.reach(session, store)
    if place:
        found.append(Route(waiter.NAME, place))
    inbox = native.of(agent.client)
    rests = inbox is not None and inbox.RESTS and presence is not None and presence.broken_off_at is not None
    place = None if inbox is None or inbox.NAME in off or rests else inbox.reach(session)
    if inbox and place:
        found.append(Route(inbox.NAME, place))
    return found


def has_hooks(session: Session, presence: Presence | None) -> bool:
    """Tell whether the hooks of this session work: they report what it is doing, and not that it has ended."""
    mine = session.seat.client_session
    return presence is not None and mine is not None and presence.client_session == mine and presence.state != "ended"


def has_ended(session: Session | None) -> bool:
    """Tell whether the program of `session` has surely ended on this host. A killed program reports no end."""
    return session is not None and occupancy.living(session.seat) is False


def in_turn(session: Session, presence: Presence | None) -> bool:
    """Tell whether the hooks of the session report a turn, so that another hook will follow.

    A turn that xats saw broken off is over.
    """
    return has_hooks(session, presence) and presence is not None and presence.doing[0] in ("busy", "waiting")


# -- which routes an attempt tries -------------------------------------------------------------------------------------


def plan(wake: Wake, target: Target, settings: Settings, store: str, now: int) -> tuple[str, ...]:
    """Return the names of the routes that an attempt at `wake` would try, first to last.

    While the wake waits for a hook, that is the only one. The wait ends XATS_READ_WITHIN after the wake was opened.
    `now` is the time in ms UTC. `store` is the path of the store.
    """

    def names(presence: Presence | None) -> tuple[str, ...]:
        return tuple(one.name for one in _tried(target.agent, target.session, presence, store, settings.off))

    found, presence, session = names(target.presence), target.presence, target.session
    waits = 0 <= now - wake.opened_at < settings.read_within  # below 0: the clock was set back, so the age is not known
    if presence and session and HOOK in found and in_turn(session, presence):
        if not at_work(session, target.agent.client, presence, now):
            found = names(presence.over(now))
        elif waits:
            return (HOOK,)
    return tuple(name for name in found if name != HOOK)


def at_work(session: Session, client: str, presence: Presence, now: int) -> bool:
    """Tell whether the turn in `presence` goes on, so that another hook of `client` will follow.

    A program reports the end of a turn, but not always that its user broke one off. Its pane then shows an idle
    composer.
    """
    from xats.delivery import screens

    if occupancy.living(session.seat) is False:
        return False
    return 0 <= now - presence.at < FRESH or not screens.idle(session, client)


def waiter_delay(target: Target, now: int) -> int:
    """Return how long (ms) to wait for a waiter at `now` (ms UTC).

    The agent's program starts a waiter at the end of a turn, at the same time as the hook that reports this end.
    """
    session, presence = target.session, target.presence
    if target.agent.wake_by != AUTO or session is None or presence is None or presence.state != "idle":
        return 0
    if not has_hooks(session, presence):
        return 0
    return max(0, min(SETTLE, presence.at + SETTLE - now))
