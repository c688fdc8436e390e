"""Zones that were assigned before their repository had an origin: each verb of zones moves them there."""

from __future__ import annotations

from xats.cli.kit import render, scope
from xats.cli.zones import text
from xats.core.zones import joining

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.zones.joining import Overlap
    from xats.core.zones.places import Place

HOW = {"in": "is in", "around": "contains", "across": "overlaps with", "same": "means the same files as"}


def settle(here: Context, place: Place) -> None:
    """Move the zones of the team in the repository `place` to its origin, and say which overlap with others there."""
    if not place.remote:
        return
    team = scope.team_of(here)
    if here.store.read(lambda tx: joining.strays(tx, team, place)):
        found = here.store.write(lambda tx: joining.settle(tx, team, place))
        if not (here.json or here.quiet):
            for one in found:
                render.say(_sentence(here, one))


def _sentence(here: Context, one: Overlap) -> str:
    head = (
        f"the zone {text.named(one.zone)} {HOW[one.relation]} the zone {text.named(one.other)}, which another clone has"
    )
    if one.relation == "same":
        drop = here.command("zone", "drop", one.zone.pattern, "--of", one.zone.owner.address)
        return f"{head}; it counts in this clone alone. To end it: {drop}"
    return f"{head}; {'the inner one applies' if one.relation in ('in', 'around') else 'that one applies first'}"
