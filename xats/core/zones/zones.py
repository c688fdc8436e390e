"""Zones: an agent or a role has a part of a repository for itself, in all worktrees and in each clone of it.

A clone is known by the URL of its origin, and a repository without one by its path on its machine. Where zones of
different owners overlap, one contains the other, and the inner one applies: see `assign`. The zone of an agent that has
left the team does not apply until the agent is back.
"""

from __future__ import annotations

from xats.base.errors import InvalidName, Usage
from xats.base.record import record, replace
from xats.core.address import parse
from xats.core.agents import agents
from xats.core.zones import patterns
from xats.core.zones.errors import NotYourZone, UnknownZone, ZonesOverlap, ZoneTaken
from xats.core.zones.places import Place, origin
from xats.core.zones.stored import FROM, ZONE, Owner, relate, zone_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.core.zones.patterns import Pattern
    from xats.core.zones.stored import Zone
    from xats.store import Tx

LEFT = "Nothing was changed."
EVERY = 1_000_000  # more zones than a team has
# By its path, by its origin, or by the origin that it had when xats last recorded it: see places.follow.
PLACE = """
((z.host = :host and z.repository = :path) or (z.host = '' and z.repository in (:remote, :before)))
"""
BEFORE = "select remote from projects where host = :host and path = :path"
# The innermost zone comes first; the patterns of the team that may match are found by the index.
CANDIDATES = f"""
select {ZONE} {FROM} and z.prefix in ({{keys}}) and {PLACE} and o.unregistered_at is null order by z.level desc, z.id
"""
IN_PLACE = f"select {ZONE} {FROM} and {PLACE} order by z.pattern"
ONE = f"select {ZONE} {FROM} and z.id = :id"
OF_TEAM = f"select {ZONE} {FROM} order by z.repository, z.host, z.pattern limit :limit"
STRAY = "select 1 from zones where team = :team and host = :host and repository = :path limit 1"
ADD = """
insert into zones (team, host, repository, pattern, prefix, level, owner_id, role, assigned_by, assigned_at)
values (:team, :host, :repository, :pattern, :prefix, :level, :owner, :role, :me, :now)
returning id
"""


@record
class Assigned:
    """The result of `assign` for one pattern."""

    zone: Zone
    created: bool  #: False: the owner had that zone already
    outer: tuple[Zone, ...]  #: the zones of other owners that contain it, the innermost first
    inner: tuple[Zone, ...]  #: the zones of other owners in it, which still apply


# -- whose file --------------------------------------------------------------------------------------------------------


def owner(tx: Tx, team: str, file: File) -> Zone | None:
    """Return the innermost zone of `team` that covers `file`, or None."""
    for repository, path in _places(file):
        keys = {f"k{number}": key for number, key in enumerate(patterns.keys(path))}
        sql = CANDIDATES.format(keys=", ".join(f":{name}" for name in keys))
        rows = tx.all(sql, team=team, **_known(tx, Place(file.host, repository, file.remote)), **keys)
        for row in rows:
            if patterns.parse(row["pattern"]).matches(path):
                return zone_of(row)
    return None


def others(tx: Tx, me: Agent, file: File) -> Zone | None:
    """Return the zone of another agent or role that covers `file`; None if there is none, or if it is mine."""
    found = owner(tx, me.team, file)
    return None if found is None or found.is_of(me) else found


def refuse(tx: Tx, me: Agent, files: Iterable[File], left: str) -> None:
    """Raise ZoneTaken if one of `files` is in the zone of another owner than `me`; `left` says what was not done."""
    files = list(files)
    settle(tx, me.team, files)
    found = [(file, zone) for file in files if (zone := others(tx, me, file))]
    if found:
        from xats.base.calling import quoted

        file, zone = found[0]
        more = f", and {len(found) - 1} more of these files are in zones of others" if len(found) > 1 else ""
        msg = f"{file.path} is in the zone {zone.pattern} of {zone.owner.address}{more}. {left}"
        paths = [one.path for one, _ in found]
        hint = f"ask the owner: xats send {zone.owner.address} {quoted(f'May I change {file.path}?')}"
        raise ZoneTaken(msg, hint, zone=zone.pattern, owner=zone.owner.address, paths=paths)


def settle(tx: Tx, team: str, files: Iterable[File]) -> None:
    """Move the zones of the repositories of `files` to their origins, where these are new: see joining.settle."""
    for place in {Place(one.host, one.repository, one.remote) for one in files if one.remote}:
        if tx.one(STRAY, team=team, host=place.host, path=place.path):
            from xats.core.zones import joining

            joining.settle(tx, team, place)


def _known(tx: Tx, place: Place) -> dict[str, str | None]:
    """Return the values of PLACE for `place`."""
    row = tx.one(BEFORE, host=place.host, path=place.path)
    before = row["remote"] if row else None
    return {
        "host": place.host,
        "path": place.path,
        "remote": origin(place.remote) if place.remote else None,
        "before": origin(before) if before else None,
    }


def _places(file: File) -> Iterator[tuple[str, str]]:
    """Yield the repositories that may have zones for `file`, each with the path of the file in it.

    A folder without git is part of the folders above it, and each of them can have zones.
    """
    yield file.repository, file.path
    if file.repository != file.worktree:
        return
    top, path = file.worktree, file.path
    while top != "/":
        top, _, name = top.rpartition("/")
        top, path = top or "/", f"{name}/{path}"
        yield top, path


# -- assigning ---------------------------------------------------------------------------------------------------------


def assign(
    tx: Tx, me: Agent, address: str, place: Place, given: Sequence[str], *, nested: bool = False
) -> list[Assigned]:
    """Give the `given` patterns of the repository `place` to the agent or role `address`, all or none.

    The new owner gets mail. With `nested`, a pattern may be in the zone of another owner, or contain it; then the inner
    zone applies. Raises InvalidPattern, InvalidName, UnknownAgent, Usage, ZonesOverlap, PatternTooComplex.
    """
    new_owner = find_owner(tx, me, address)
    read = list({one.text: one for one in map(patterns.parse, given)}.values())
    standing = {zone.id: zone for zone in in_place(tx, me.team, place)}
    done = [_assign(tx, me, new_owner, place, pattern, standing, nested=nested) for pattern in read]
    new = [one.zone for one in done if one.created]
    if new:
        from xats.core.zones import notify

        notify.assigned(tx, me, new_owner, new)
    return done


def find_owner(tx: Tx, me: Agent, address: str, *, left: bool = False) -> Owner:
    """Return the agent or the role of my team that `address` means; with `left`, also an agent that left the team.

    Raises InvalidName, UnknownAgent, Usage.
    """
    meant = parse(address)
    if meant.team not in (None, me.team):
        msg = f"A zone belongs to an agent or a role of your own team {me.team}, not of {meant.team}. {LEFT}"
        raise Usage(msg, f"xats zone assign ADDRESS PATTERN --team {meant.team}")
    if meant.kind == "role":
        return Owner(None, meant.name)
    if meant.kind not in ("agent", "me"):
        msg = f"A zone belongs to one agent or one role, not to {address}. {LEFT}"
        raise InvalidName(msg, "xats zone assign bob 'src/*', or xats zone assign role:backend src/")
    known = me if meant.kind == "me" else agents.find(tx, me.team, meant.name) if left else None
    agent = known or agents.by_name(tx, me.team, meant.name)
    return Owner(agent.id, agent.name)


def _assign(
    tx: Tx, me: Agent, new: Owner, place: Place, pattern: Pattern, standing: dict[int, Zone], *, nested: bool
) -> Assigned:
    """Add one zone beside those that are `standing` in the repository, by their ids; keep these up to date."""
    same = next((one for one in standing.values() if one.pattern == pattern.text and one.owner == new), None)
    if same:
        return Assigned(same, created=False, outer=(), inner=())
    around, inside = [], []
    for zone in standing.values():
        relation = relate(pattern, zone)
        if zone.owner != new and relation:
            _refuse_overlap(new, pattern, zone, relation, nested=nested)
        if relation in ("in", "same"):
            around.append(zone)
        elif relation == "around":
            inside.append(zone)
    level = max((zone.level + 1 for zone in around), default=0)
    lift = level + 1 - min((zone.level for zone in inside), default=level + 1)
    for zone in inside if lift > 0 else ():
        tx.run("update zones set level = level + :lift where id = :id", lift=lift, id=zone.id)
        standing[zone.id] = replace(zone, level=zone.level + lift)
    host, repository = place.key
    row = tx.one(
        ADD,
        team=me.team,
        host=host,
        repository=repository,
        pattern=pattern.text,
        prefix=pattern.prefix,
        level=level,
        owner=new.agent_id,
        role=new.name if new.agent_id is None else None,
        me=me.id,
        now=tx.now,
    )
    tx.event("zone_assigned", me.team, me.name, f"zone:{pattern.text}", to=new.address, repository=repository)
    assert row
    (row,) = tx.all(ONE, team=me.team, id=row["id"])
    zone = zone_of(row)
    standing[zone.id] = zone
    outer = sorted((one for one in around if one.owner != new), key=lambda one: -one.level)
    return Assigned(zone, created=True, outer=tuple(outer), inner=tuple(one for one in inside if one.owner != new))


def _refuse_overlap(new: Owner, pattern: Pattern, zone: Zone, relation: str, *, nested: bool) -> None:
    """Raise ZonesOverlap unless one of the two contains the other and `nested` is given."""
    from xats.base.calling import quoted
    from xats.core.zones import compare

    whose = f"the zone {zone.pattern} of {zone.owner.address}{', who has left the team' if zone.left else ''}"
    drop = f"to end that zone: xats zone drop {quoted(zone.pattern)}"
    if relation == "same":
        msg = f"{pattern.text} means the same files as {whose}. {LEFT}"
        hint = drop
    elif relation == "across":
        example = compare.common(pattern, patterns.parse(zone.pattern))
        msg = f"{pattern.text} and {whose} overlap, and neither contains the other: both match {example}. {LEFT}"
        hint = f"choose a pattern without these files, or {drop}"
    elif not nested:
        how = "is in" if relation == "in" else "contains"
        msg = f"{pattern.text} {how} {whose}. {LEFT}"
        command = f"xats zone assign {new.address} {quoted(pattern.text)} --nested"
        hint = f"to have both, with the inner one for its files: {command}"
    else:
        return
    raise ZonesOverlap(msg, hint, pattern=pattern.text, zone=zone.pattern, owner=zone.owner.address)


# -- lists and ends ----------------------------------------------------------------------------------------------------


def in_place(tx: Tx, team: str, place: Place) -> list[Zone]:
    """Return the zones of `team` in the repository `place`, by their patterns."""
    return [zone_of(row) for row in tx.all(IN_PLACE, team=team, **_known(tx, place))]


def of_team(tx: Tx, team: str, limit: int) -> tuple[list[Zone], bool]:
    """Return the zones of `team` in all repositories, by repository and pattern, and whether more follow."""
    found = [zone_of(row) for row in tx.all(OF_TEAM, team=team, limit=limit + 1)]
    return found[:limit], len(found) > limit


def drop(tx: Tx, me: Agent, place: Place, given: Sequence[str], of: str | None = None) -> list[Zone]:
    """End the zones with the `given` patterns in the repository `place`, all or none, and return them.

    With `of`, only those of that agent or role; without patterns, all of its zones in every repository. The owner, the
    agent that assigned a zone, and a person may end it. Raises UnknownZone, NotYourZone, InvalidPattern, and what
    `find_owner` raises.
    """
    whose = find_owner(tx, me, of, left=True) if of is not None else None
    here = in_place(tx, me.team, place) if given else of_team(tx, me.team, EVERY)[0]
    found = [zone for zone in here if whose is None or zone.owner == whose]
    if given:
        wanted = list(dict.fromkeys(patterns.parse(one).text for one in given))
        by_text = {text: _first_mine(me, [zone for zone in found if zone.pattern == text]) for text in wanted}
        for text, those in by_text.items():
            if not those:
                owned = f" of {whose.address}" if whose else ""
                msg = f"There is no zone {text}{owned} in this repository. {LEFT}"
                raise UnknownZone(msg, pattern=text)
        found = [zone for those in by_text.values() for zone in those]
    elif not found:
        msg = f"{whose.address if whose else me.team} has no zone. {LEFT}"
        raise UnknownZone(msg)
    for zone in found:
        if not _may_drop(me, zone):
            from xats.base.calling import quoted

            by = zone.by or "a former agent"
            msg = f"{zone.owner.address} has the zone {zone.pattern}, and {by} assigned it. {LEFT}"
            hint = f"ask the owner: xats send {zone.owner.address} {quoted(f'Please drop the zone {zone.pattern}.')}"
            raise NotYourZone(msg, hint, pattern=zone.pattern, owner=zone.owner.address)
    for zone in found:
        tx.run("delete from zones where id = :id", id=zone.id)
        about = {"to": zone.owner.address, "repository": zone.repository}
        tx.event("zone_dropped", me.team, me.name, f"zone:{zone.pattern}", **about)
    if found:
        from xats.core.zones import notify

        notify.dropped(tx, me, found)
    return found


def _may_drop(me: Agent, zone: Zone) -> bool:
    return zone.is_of(me) or zone.by_id == me.id or me.client == "human"


def _first_mine(me: Agent, found: list[Zone]) -> list[Zone]:
    """Return those of the zones `found` with one pattern that `me` means: my own, else those that I may drop, else all.

    There are several if a zone could not follow to the origin of its repository.
    """
    return [zone for zone in found if zone.is_of(me)] or [zone for zone in found if _may_drop(me, zone)] or found
