"""The routes to an agent: which of them it has now, in which order an attempt tries them, and which it leaves out.

    1. its own hooks: while it is in a turn the next of them hands its mail over
    2. a waiter, which its program hears of when it ends
    3. the inbox that its program has itself
    4. the line, pasted into its tmux pane behind guards

Those before the last need no key, keep what somebody has half written, and are safe beside a dialog. Whether what they
took was read, only reading tells; so the next one follows where it was not (core/waking/wakes.py). An agent for which a
route was chosen when it was registered has that alone.

This module only looks.
"""

from __future__ import annotations

import os

from xats.base import host, occupancy
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
CONFIRMED = (TMUX, NOTICE, COMMAND)  # of these it is known at once whether the agent, or somebody, has got the line
SETTLE = 500  # ms after the end of a turn in which a waiter may come
FRESH = 3000  # ms after the beginning of a turn in which its program may not have drawn it yet


@record
class Route:
    """A route to an agent: the name of the transport, and where it leads, in words for people."""

    name: str
    place: str


# -- which there are ---------------------------------------------------------------------------------------------------


def routes(
    agent: Agent, session: Session | None, presence: Presence | None, store: str, off: Collection[str] = ()
) -> tuple[Route, ...]:
    """Return the routes that lead to `agent` in `session` now, except those that are `off`, in their order.

    `presence` is what its program says it is doing. `store` is the path of the store. The pane of a program whose
    composer is not described is no route: xats types nothing there.
    """
    blind = is_blind(agent.client)
    return tuple(one for one in _tried(agent, session, presence, store, off) if not (blind and one.name == TMUX))


def is_blind(client: str) -> bool:
    """Tell whether the composer of `client` is not described yet, so that nothing is typed into its pane."""
    return registry.find_or_generic(client, os.environ).composer_unknown


def _tried(
    agent: Agent, session: Session | None, presence: Presence | None, store: str, off: Collection[str]
) -> tuple[Route, ...]:
    """Return the routes that an attempt tries.

    With them is the pane of a program whose composer is not described: the attempt is refused there, and the reason
    names the dialog that is open.
    """
    if session is None:
        return ()
    seat, by, found = session.seat, agent.wake_by, []
    if by == COMMAND:
        return (Route(COMMAND, "a program of its user's"),)
    if by == AUTO:
        if has_hooks(session, presence) and not has_ended(session):
            found.append(Route(HOOK, "its own hooks, in a turn"))
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
    """Tell whether the hooks of this very session work: they say what it is doing, and that it goes on."""
    mine = session.seat.client_session
    return presence is not None and mine is not None and presence.client_session == mine and presence.state != "ended"


def has_ended(session: Session | None) -> bool:
    """Tell whether its program has surely ended on this host: one that was killed has told no end of its session."""
    return session is not None and occupancy.living(session.seat) is False


def in_turn(session: Session, presence: Presence | None) -> bool:
    """Tell whether the session is in a turn, as its hooks say; so another of them is still to come.

    One that was seen to be broken off is over.
    """
    return has_hooks(session, presence) and presence is not None and presence.doing[0] in ("busy", "waiting")


# -- which an attempt tries --------------------------------------------------------------------------------------------


def plan(wake: Wake, target: Target, settings: Settings, store: str, now: int) -> tuple[str, ...]:
    """Return the names of the routes that an attempt at `wake` would try, first to last.

    The hook is the only one while it is waited for, which ends READ_WITHIN after the wake was opened: `now` is the time
    in ms UTC. `store` is the path of the store.
    """

    def names(presence: Presence | None) -> tuple[str, ...]:
        return tuple(one.name for one in _tried(target.agent, target.session, presence, store, settings.off))

    found, presence, session = names(target.presence), target.presence, target.session
    waits = 0 <= now - wake.opened_at < settings.read_within  # below 0: the clock was set back, its age is not known
    if presence and session and HOOK in found and in_turn(session, presence):
        if not at_work(session, target.agent.client, presence, now):
            found = names(presence.over(now))
        elif waits:
            return (HOOK,)
    return tuple(name for name in found if name != HOOK)


def at_work(session: Session, client: str, presence: Presence, now: int) -> bool:
    """Tell whether the turn that `presence` speaks of goes on, so that a hook of `client` is still to come.

    A program tells when a turn ends, but not always when its user breaks one off: then an idle composer is in its pane.
    """
    from xats.delivery import screens

    if occupancy.living(session.seat) is False:
        return False
    return 0 <= now - presence.at < FRESH or not screens.idle(session, client)


def waiter_delay(target: Target, now: int) -> int:
    """Return how long (ms) to wait for a waiter at `now` (ms UTC).

    The agent's program starts one at the end of a turn, beside the hook that reports this end.
    """
    session, presence = target.session, target.presence
    if target.agent.wake_by != AUTO or session is None or presence is None or presence.state != "idle":
        return 0
    if not has_hooks(session, presence):
        return 0
    return max(0, min(SETTLE, presence.at + SETTLE - now))
