"""Mail about zones, from xats itself: an agent got one, or lost one. It wakes nobody."""

from __future__ import annotations

from xats.core.agents import agents
from xats.core.mail import from_xats, recipients
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.zones.stored import Owner, Zone
    from xats.store import Tx

SHOWN = 30  # patterns that one piece of mail names


def assigned(tx: Tx, me: Agent, owner: Owner, zones: Sequence[Zone]) -> None:
    """Send mail about new `zones` to their `owner`, unless that is `me`."""
    whose = "You own" if owner.agent_id is not None else f"The role {owner.name} owns"
    head = f"{me.name} assigned {_counted(zones)} of {teams.folder_of(zones[0].repository)}:"
    rule = f"{whose} these files now: others cannot lock them, and get a warning before they edit one."
    _tell(tx, me, owner, f"{_counted(zones)} for {owner.address}", [head, *_lines(zones), "", rule])


def dropped(tx: Tx, me: Agent, zones: Sequence[Zone]) -> None:
    """Send mail about ended `zones` to their owners, except to `me`."""
    by_owner: dict[Owner, list[Zone]] = {}
    for zone in zones:
        by_owner.setdefault(zone.owner, []).append(zone)
    for owner, theirs in by_owner.items():
        head = f"{me.name} dropped {_counted(theirs)} of {owner.address}:"
        _tell(tx, me, owner, f"{_counted(theirs)} of {owner.address} ended", [head, *_lines(theirs)])


def _counted(zones: Sequence[Zone]) -> str:
    return "a zone" if len(zones) == 1 else f"{len(zones)} zones"


def _lines(zones: Sequence[Zone]) -> list[str]:
    more = [f"  and {len(zones) - SHOWN} more: xats zone list"] if len(zones) > SHOWN else []
    return [f"  {zone.pattern}" for zone in zones[:SHOWN]] + more


def _tell(tx: Tx, me: Agent, owner: Owner, subject: str, lines: Sequence[str]) -> None:
    if owner.agent_id is None:
        whom = [one for one in recipients.with_role(tx, me.team, owner.name) if one.id != me.id]
    else:
        agent = agents.by_id(tx, owner.agent_id)
        whom = [recipients.recipient_of(agent)] if agent.id != me.id and agent.registered else []
    if whom:
        from_xats.post(tx, me.team, owner.address, whom, "zone", subject, lines, wake=False)
