"""The order in which ways to wake an agent are gone through, and which of them it has now. It only looks.

    1. its own hooks: while it is in a turn the next of them hands its mail over
    2. a waiter, which its program hears of when it ends
    3. the inbox that its program has itself
    4. the line, pasted into its tmux pane behind guards

Those before the last need no key, keep what somebody has half written, and are safe beside a dialog. Whether what they
took was read, only reading tells; so the next one follows where it was not (core/wakes.py). An agent for which a way
was chosen when it was registered has that alone.
"""

from __future__ import annotations

from xats import host, process
from xats.delivery.transports import native, waiter
from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from xats.core.agents import Agent, Session
    from xats.core.presence import Presence

HOOK, WAITER, TMUX = "hook", waiter.NAME, "tmux"
AUTO, NOTICE, COMMAND, NONE = "auto", "notice", "command", "none"
SEEN = (TMUX, NOTICE, COMMAND)  # of these it is known at once whether the agent, or somebody, has got the line


@record
class Way:
    """A way to wake an agent: the name of the transport, and where it leads, in words for people."""

    name: str
    place: str


def ways(
    agent: Agent, session: Session | None, told: Presence | None, store: str, off: Collection[str] = ()
) -> tuple[Way, ...]:
    """Return the ways that `agent`, who sits in `session`, has now, but for those that are `off`, first to last.

    `told` is what its program says it is doing. `store` is the path of the store.
    """
    if session is None:
        return ()
    seat, by, found = session.seat, agent.wake_by, []
    if by == COMMAND:
        return (Way(COMMAND, "a program of its user's"),)
    if by == AUTO:
        if hooked(session, told) and not killed(session):
            found.append(Way(HOOK, "its own hooks, in a turn"))
        if seat.host == host.id():
            found += _inboxes(agent, session, told, store, off)
    if seat.pane and by in (AUTO, TMUX, NOTICE):
        found.append(Way(NOTICE if by == NOTICE else TMUX, seat.pane.pane_id))
    return tuple(one for one in found if one.name not in off)


def _inboxes(agent: Agent, session: Session, told: Presence | None, store: str, off: Collection[str]) -> list[Way]:
    found = []
    place = None if waiter.NAME in off else waiter.reach(session, store)
    if place:
        found.append(Way(waiter.NAME, place))
    inbox = native.of(agent.client)
    rests = inbox is not None and inbox.RESTS and told is not None and told.broken_off_at is not None
    place = None if inbox is None or inbox.NAME in off or rests else inbox.reach(session)
    if inbox and place:
        found.append(Way(inbox.NAME, place))
    return found


def hooked(session: Session, told: Presence | None) -> bool:
    """Tell whether the hooks of this very session work: they have `told` what it is doing, and that it goes on."""
    mine = session.seat.client_session
    return told is not None and mine is not None and told.client_session == mine and told.state != "ended"


def killed(session: Session | None) -> bool:
    """Tell whether its program has surely ended on this host: one that was killed has told no end of its session."""
    return session is not None and process.living(session.seat) is False


def in_turn(session: Session, told: Presence | None) -> bool:
    """Tell whether the session is in a turn, as its hooks have `told`; so another of them is still to come.

    One that was seen to be broken off is over.
    """
    return hooked(session, told) and told is not None and told.doing[0] in ("busy", "waiting")
