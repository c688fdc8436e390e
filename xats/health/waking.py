"""Waking: by what each agent could be woken now. Looking rouses nobody. Of one on another host only that is known."""

from __future__ import annotations

from xats.base.durations import ago, rough
from xats.core.agents import expectations
from xats.delivery import routing
from xats.delivery.settings import turned_off
from xats.health import OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xats.core.agents.agents import Details
    from xats.core.agents.expectations import Expectation
    from xats.health.facts import Facts

SECTION = "waking"


def checks(path: str, facts: Facts | None, environ: Mapping[str, str]) -> list[Check]:
    """Return what is found for the store at `path`; `facts` is None when it could not be read.

    Raises Usage when the environment turns off what there is not.
    """
    off = turned_off(environ)
    found = []
    for one in sorted(facts.agents, key=lambda one: one.agent.address.lower()) if facts else ():
        if facts and one.expected:
            found.append(_expected(one.expected, facts.now))
        elif one.agent.wake_by != routing.NONE and facts and facts.here(one):
            found.append(_agent(one, path, off))
        elif one.agent.wake_by != routing.NONE and facts and (place := facts.elsewhere(one)):
            found.append(Check(SECTION, one.agent.address, OK, f"by the daemon on {place}"))
    return found


def _expected(one: Expectation, now: int) -> Check:
    """Return how an agent is whose program is expected, or was in vain."""
    if one.ended_at is None and not expectations.is_late(one, now):
        detail = f"{one.client} is expected in pane {one.pane.pane_id}, {rough(max(0, one.expires_at - now))} left"
        return Check(SECTION, one.agent.address, OK, detail)
    ended = one.ended_at or one.expires_at
    detail = f"{expectations.words(one, one.end_reason or 'expired', ended)}, {ago(ended, now)}; nothing wakes it"
    remove = f"xats unregister {one.agent.name} --team {one.agent.team}"
    return Check(SECTION, one.agent.address, WARN, detail, f"{expectations.again(one)}; or: {remove}")


def _agent(one: Details, path: str, off: Collection[str]) -> Check:
    if one.agent.expected:
        return Check(SECTION, one.agent.address, OK, "by nothing yet: its seat waits for its program")
    ways = routing.routes(one.agent, one.session, one.presence, path, off)
    if ways:
        return Check(SECTION, one.agent.address, OK, "; ".join(f"{way.name}: {way.place}" for way in ways))
    if routing.routes(one.agent, one.session, one.presence, path):
        why = "all is turned off"
    elif one.session and one.session.seat.pane and routing.is_blind(one.agent.client):
        why = f"no waiter, no inbox, and xats does not know yet how the composer of {one.agent.client} looks"
    else:
        why = "no pane, no waiter, no inbox"
    return Check(SECTION, one.agent.address, OK, f"by nothing now: {why}; it has to look itself")
