"""Join the zones of two places, or of two teams: which of them stay, and which applies first."""

from __future__ import annotations

from xats.base.record import record
from xats.core.zones import patterns
from xats.core.zones.errors import PatternTooComplex
from xats.core.zones.stored import FROM, ZONE, relate, zone_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.zones.patterns import Pattern
    from xats.core.zones.places import Place
    from xats.core.zones.stored import Zone
    from xats.store import Tx

AT = f"""
select {ZONE} {FROM} and z.host = :host and z.repository = :repository order by z.pattern
"""
MOVE = "update zones set host = :host, repository = :repository where id = :id"
SHARED = """
select distinct z.host, z.repository from zones z
join zones o on o.team = :into and o.host = z.host and o.repository = z.repository where z.team = :old
"""


@record
class Overlap:
    """Two zones that have files in common after a join."""

    zone: Zone  #: the one that came
    other: Zone  #: the one that was there
    relation: str  #: how `zone` lies to `other`: see stored.relate


def at(tx: Tx, team: str, key: tuple[str, str]) -> list[Zone]:
    """Return the zones of `team` that are stored under `key`: a host and a repository."""
    return [zone_of(row) for row in tx.all(AT, team=team, host=key[0], repository=key[1])]


def strays(tx: Tx, team: str, place: Place) -> list[Zone]:
    """Return the zones of `team` from before the repository `place` had an origin."""
    return at(tx, team, (place.host, place.path)) if place.remote else []


def settle(tx: Tx, team: str, place: Place) -> list[Overlap]:
    """Move the zones of `team` from the path of `place` to its origin, if it has one; return what `move` returns."""
    return move(tx, team, (place.host, place.path), place.key) if strays(tx, team, place) else []


def move(tx: Tx, team: str, old: tuple[str, str], new: tuple[str, str]) -> list[Overlap]:
    """Move the zones of `team` from one key to another; return their overlaps with zones of other owners there.

    Where two zones overlap, the inner one applies, else the one that was there. A zone that means the same files as one
    of another owner keeps its key.
    """
    if old == new:
        return []
    going, standing = at(tx, team, old), at(tx, team, new)
    met = meet(tx, going, standing)
    same = [one for one in met if one.relation == "same"]
    staying = {one.zone.id for one in same if one.zone.owner != one.other.owner}
    twice = {one.zone.id for one in same if one.zone.pattern == one.other.pattern} - staying
    for zone in going:
        if zone.id in twice:
            tx.run("delete from zones where id = :id", id=zone.id)
        elif zone.id not in staying:
            tx.run(MOVE, id=zone.id, host=new[0], repository=new[1])
    return [one for one in met if one.zone.owner != one.other.owner]


def meet(tx: Tx, going: Sequence[Zone], standing: Sequence[Zone]) -> list[Overlap]:
    """Give `going` and `standing` zones levels in one order, and return the overlaps of the two groups."""
    if not going or not standing:
        return []
    found, order = [], []
    both, first = [*standing, *going], len(standing)
    for number, zone in enumerate(both):
        pattern = patterns.parse(zone.pattern)
        for before, other in enumerate(both[:number]):
            relation = _relation(pattern, other)
            across = number >= first > before
            if relation and across:
                found.append(Overlap(zone, other, relation))
            if relation == "in":
                order.append((other.id, zone.id))
            elif relation == "around" or (relation and across):
                order.append((zone.id, other.id))
            elif relation and zone.level != other.level:
                low, high = sorted((zone, other), key=lambda one: one.level)
                order.append((low.id, high.id))
    levels = _levels((zone.id for zone in both), order)
    for zone in both:
        if levels[zone.id] != zone.level:
            tx.run("update zones set level = :level where id = :id", id=zone.id, level=levels[zone.id])
    return found


def same(tx: Tx, old: str, into: str) -> list[Zone]:
    """Return the zones of the team `old` that mean the same files as a zone of the team `into`."""
    found = {}
    for row in tx.all(SHARED, old=old, into=into):
        key = (row["host"], row["repository"])
        there = at(tx, into, key)
        for zone in at(tx, old, key):
            pattern = patterns.parse(zone.pattern)
            if any(_relation(pattern, other) == "same" for other in there):
                found[zone.id] = zone
    return list(found.values())


def merge(tx: Tx, old: str, into: str, ended: Iterable[Zone]) -> None:
    """End the zones `ended`, and let the other zones of the team `old` apply after those of the team `into`.

    Of two zones one of which contains the other, the inner one applies.
    """
    for zone in ended:
        tx.run("delete from zones where id = :id", id=zone.id)
    for row in tx.all(SHARED, old=old, into=into):
        key = (row["host"], row["repository"])
        meet(tx, at(tx, old, key), at(tx, into, key))


def _relation(pattern: Pattern, zone: Zone) -> str:
    """Return what `relate` returns, and "across" where xats cannot tell."""
    try:
        return relate(pattern, zone)
    except PatternTooComplex:
        return "across"


def _levels(ids: Iterable[int], order: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return a level for each of `ids`: in each pair of `order` the second has a higher one, as far as that can be."""
    levels = dict.fromkeys(ids, 0)
    for _ in range(len(levels)):
        low = [(one, other) for one, other in order if levels[other] <= levels[one]]
        if not low:
            break
        for one, other in low:
            levels[other] = max(levels[other], levels[one] + 1)
    return levels
