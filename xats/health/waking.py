"""Waking: the transports that could wake each agent now. For an agent on another host only the host is known."""

from __future__ import annotations

from xats.base import sandbox
from xats.base.durations import ago, rough
from xats.core.agents import expectations
from xats.core.waking import reasons
from xats.delivery import routing
from xats.delivery.settings import turned_off
from xats.health import FAIL, OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from xats.core.agents.agents import Details
    from xats.core.agents.expectations import Expectation
    from xats.delivery.routing import Route
    from xats.health.facts import Facts

SECTION = "waking"
IN_PANE = (routing.TMUX, routing.NOTICE)  # the transports that need the pane of the agent


def checks(path: str, facts: Facts | None, environ: Mapping[str, str], of_tmux: Sequence[Check] = ()) -> list[Check]:
    """Return a check for each agent of the store at `path`; `facts` is None when it could not be read.

    `of_tmux` are the checks of tmux: what they object to a pane is an objection here too. Raises Usage when the
    environment turns off a transport that xats does not know.
    """
    off = turned_off(environ)
    seen = None if sandbox.around(environ) else of_tmux  # in a sandbox they are no objection
    found = []
    for one in sorted(facts.agents, key=lambda one: one.agent.address.lower()) if facts else ():
        if facts and one.expected:
            found.append(_expected(one.expected, facts.now))
        elif facts and one.agent.id in facts.displaced:
            fix = f"in the pane of {one.agent.name}: xats register {one.agent.name} --team {one.agent.team}"
            found.append(Check(SECTION, one.agent.address, FAIL, reasons.words("not_ours"), fix))
        elif one.agent.wake_by != routing.NONE and facts and facts.here(one):
            found.append(_agent(one, path, off, seen))
        elif one.agent.wake_by != routing.NONE and facts and (place := facts.elsewhere(one)):
            found.append(Check(SECTION, one.agent.address, OK, f"by the daemon on {place}"))
    return found


def _expected(one: Expectation, now: int) -> Check:
    """Return the check of an agent whose program is expected, or did not appear in time."""
    if one.ended_at is None and not expectations.is_late(one, now):
        detail = f"{one.client} is expected in pane {one.pane.pane_id}, {rough(max(0, one.expires_at - now))} left"
        return Check(SECTION, one.agent.address, OK, detail)
    ended = one.ended_at or one.expires_at
    detail = f"{expectations.words(one, one.end_reason or 'expired', ended)}, {ago(ended, now)}; nothing wakes it"
    remove = f"xats unregister {one.agent.name} --team {one.agent.team}"
    return Check(SECTION, one.agent.address, WARN, detail, f"{expectations.again(one)}; or: {remove}")


def _agent(one: Details, path: str, off: Collection[str], seen: Sequence[Check] | None) -> Check:
    """Return the check of an agent with a session; `seen` are the checks of tmux."""
    if one.agent.expected:
        return Check(SECTION, one.agent.address, OK, "by nothing yet; its program is expected")
    routes = routing.routes(one.agent, one.session, one.presence, path, off)
    if seen is not None and (refused := [route for route in routes if route.name in IN_PANE]):
        address = one.agent.address
        own = next((check for check in seen if check.name == address), None)
        pane = own or next((check for check in seen if check.state != OK and address in check.detail), None)
        if pane and pane.state != OK:
            others = [route for route in routes if route not in refused]
            said = own.detail if own else f"{refused[0].place}: its tmux server cannot be used"
            detail = "; ".join((*_named(others), f"{refused[0].name}: {said}"))
            waits = all(route.name == routing.HOOK for route in others)
            return Check(SECTION, address, WARN if waits else OK, detail, pane.fix if waits else "")
    if routes:
        return Check(SECTION, one.agent.address, OK, "; ".join(_named(routes)))
    without_settings = routing.routes(one.agent, one.session, one.presence, path)
    why = "its transports are turned off" if without_settings else "no pane, no waiter, no inbox"
    return Check(SECTION, one.agent.address, OK, f"by nothing now: {why}; it must run xats inbox itself")


def _named(routes: Sequence[Route]) -> list[str]:
    return [f"{route.name}: {route.place}" for route in routes]
