"""How zones look: as JSON for scripts, and in words for people."""

from __future__ import annotations

from xats.base.durations import iso
from xats.cli.kit.render import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.zones.stored import Zone


def zone_json(zone: Zone) -> dict[str, Any]:
    """Return the JSON form of a zone."""
    return {
        "pattern": zone.pattern,
        "owner": f"{zone.owner.address}@{zone.team}",
        "team": zone.team,
        "repository": zone.repository,
        "active": not zone.left,
        "assigned_by": f"{zone.by}@{zone.team}" if zone.by else None,
        "assigned_at": iso(zone.assigned_at),
    }


def named(zone: Zone) -> str:
    """Return a zone with its owner: `src/ of bob`."""
    return f"{one_line(zone.pattern)} of {zone.owner.address}"
