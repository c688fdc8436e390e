"""Waking: by what each agent of this host could be woken now. Looking rouses nobody."""

from __future__ import annotations

from xats import sandbox
from xats.delivery import order
from xats.delivery.settings import turned_off
from xats.health import OK, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from xats.core.agents import Details
    from xats.health.facts import Facts

SECTION = "waking"


def checks(path: str, facts: Facts | None, environ: Mapping[str, str]) -> list[Check]:
    """Return what is found for the store at `path`; `facts` is None when it could not be read.

    Raises Usage when the environment turns off what there is not.
    """
    off = turned_off(environ)
    if (inside := sandbox.around(environ)) and sandbox.hides_processes():
        return [Check(SECTION, "look", OK, f"cannot be seen from {inside.name}")] if facts and facts.agents else []
    found = [one for one in facts.agents if facts.here(one) and one.agent.wake_by != order.NONE] if facts else []
    return [_agent(one, path, off) for one in sorted(found, key=lambda one: one.agent.address.lower())]


def _agent(one: Details, path: str, off: Collection[str]) -> Check:
    ways = order.ways(one.agent, one.session, one.presence, path, off)
    if ways:
        return Check(SECTION, one.agent.address, OK, "; ".join(f"{way.name}: {way.place}" for way in ways))
    why = (
        "all is turned off"
        if order.ways(one.agent, one.session, one.presence, path)
        else "no pane, no waiter, no inbox"
    )
    return Check(SECTION, one.agent.address, OK, f"by nothing now: {why}; it has to look itself")
