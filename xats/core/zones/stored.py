"""Zones as they are stored, and how two of them lie to each other."""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.zones import patterns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.zones.patterns import Pattern
    from xats.store import Row

ZONE = """
z.id, z.team, z.host, z.repository, z.pattern, z.prefix, z.level, z.owner_id, z.role,
z.assigned_at, o.name as owner_name, o.unregistered_at as owner_left_at, b.id as by_id, b.name as by_name
"""
FROM = """
from zones z left join agents o on o.id = z.owner_id left join agents b on b.id = z.assigned_by where z.team = :team
"""


@record
class Owner:
    """The owner of a zone: an agent of the team, or a role."""

    agent_id: int | None
    name: str  #: of the agent, or of the role

    @property
    def address(self) -> str:
        """Its address in its team."""
        return self.name if self.agent_id is not None else f"role:{self.name}"


@record
class Zone:
    """A zone as it is stored."""

    id: int
    team: str
    host: str  #: "" if the repository is a URL
    repository: str
    pattern: str
    prefix: str
    level: int
    owner: Owner
    left: bool  #: whether its owner has left the team, so that it does not apply
    by_id: int | None  #: the agent that assigned it
    by: str | None
    assigned_at: int

    def is_of(self, me: Agent) -> bool:
        """Tell whether `me`, or the role of `me`, owns it."""
        if self.owner.agent_id is not None:
            return self.owner.agent_id == me.id
        return me.role is not None and me.role.lower() == self.owner.name


def zone_of(row: Row) -> Zone:
    """Return the zone in `row`."""
    owner = Owner(row["owner_id"], row["owner_name"] if row["owner_id"] is not None else row["role"])
    left = row["owner_id"] is not None and row["owner_left_at"] is not None
    return from_row(Zone, row, owner=owner, left=left, by=row["by_name"])


def relate(pattern: Pattern, zone: Zone) -> str:
    """Return how `pattern` lies to `zone`: "in" it, "around" it, the "same", "across" it, or "" for nothing in common.

    Raises PatternTooComplex.
    """
    from xats.core.zones import compare

    if compare.apart(pattern.prefix, zone.prefix):
        return ""
    other = patterns.parse(zone.pattern)
    if compare.common(pattern, other) is None:
        return ""
    within = compare.outside(other, pattern) is None
    around = compare.outside(pattern, other) is None
    return {(True, True): "same", (True, False): "in", (False, True): "around", (False, False): "across"}[
        (within, around)
    ]
