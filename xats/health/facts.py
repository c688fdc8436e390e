"""What the store says about mail, wakes and agents at one moment; several sections use it."""

from __future__ import annotations

from xats.base import host, seats
from xats.base.record import record
from xats.core import clock
from xats.core.agents import listing
from xats.core.clock import Standing
from xats.core.crews import limits, starts
from xats.core.mail import alerts, dead
from xats.core.turns import summaries
from xats.core.waking import attempts, pauses, stops
from xats.store.sqlite import inspect

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details
    from xats.core.crews.limits import Level
    from xats.core.crews.starts import Start
    from xats.core.turns.summaries import Summary
    from xats.core.waking.pauses import Pause
    from xats.core.waking.stops import Stop
    from xats.core.waking.wakes import Wake
    from xats.store import Tx


@record
class Facts:
    """One snapshot of a store, of all its teams."""

    now: int  #: ms UTC
    host: str  #: the id of this host
    agents: tuple[Details, ...]
    overdue: Wake | None  #: the wake that has been due the longest, of those that this host's daemon must try now
    next_due: int | None  #: when this host's daemon must try a wake, ms UTC
    dead: int
    alerted: int  #: unread messages about which xats alerted the sender
    pauses: tuple[Pause, ...]
    stops: tuple[Stop, ...] = ()
    limits: tuple[Level, ...] = ()  #: those that are reached
    turns: tuple[Summary, ...] = ()  #: the turns that an agent has, that are offered to one, or that one waits for
    crew: tuple[Start, ...] = ()  #: the starts on this host that are open, wait for a restart, or have had too many
    clock: Standing = Standing(0)
    displaced: frozenset[int] = frozenset()  #: agents (ids) that this host has registered elsewhere than their rows say

    def here(self, one: Details) -> bool:
        """Tell whether an agent is on this host."""
        return one.session is not None and one.session.seat.host == self.host

    def outside(self, one: Details) -> bool:
        """Tell whether this is a container or sandbox, and an agent is outside of it on the same machine."""
        machine = host.machine_of(self.host)
        return self.host != machine and one.session is not None and one.session.seat.host == machine

    def elsewhere(self, one: Details) -> str | None:
        """Return in words on which other host an agent is; None if it is on this host, or has no session."""
        if one.session is None or self.here(one):
            return None
        seat = one.session.seat
        if not host.is_id(seat.host) or host.machine_of(seat.host) != host.machine_of(self.host):
            return f"{seat.where} (this host is {host.name()})"
        return f"{seat.where}, {'outside this' if self.outside(one) else 'in a'} container or sandbox"


def gather(path: str) -> Facts:
    """Return the facts of the store at `path`. Raises NotFound and the StoreErrors."""
    here = host.id()

    def work(tx: Tx) -> Facts:
        due = attempts.due(tx, 1, host=here)
        found = tuple(listing.agents(tx, None, None))
        return Facts(
            now=tx.now,
            host=here,
            agents=found,
            overdue=due[0] if due else None,
            next_due=attempts.next_due(tx, here),
            crew=tuple(one for one in starts.of_team(tx, None) if one.host == here and one.is_up),
            dead=dead.count(tx),
            alerted=alerts.standing(tx),
            pauses=tuple(pauses.listing(tx, None)),
            stops=tuple(stops.listing(tx)),
            limits=tuple(one for one in limits.listing(tx, None) if one.state == "reached"),
            turns=tuple(summaries.find(tx, None)),
            clock=clock.standing(tx),
            displaced=frozenset(one.agent.id for one in found if _is_displaced(path, one, here)),
        )

    return inspect.snapshot(path, work)


def _is_displaced(path: str, one: Details, here: str) -> bool:
    """Tell whether the row of an agent names a place on this host where its commands did not register the agent."""
    return one.session is not None and one.session.seat.host == here and not seats.ours(path, one.agent, one.session)
