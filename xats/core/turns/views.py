"""A turn with its members, its line and its handoff, and the log of a turn."""

from __future__ import annotations

from xats.base.record import record
from xats.core.turns import handoffs, members
from xats.core.turns.handoffs import Handoff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.states import TurnEntry
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Row, Tx

# What happened to the turn after the handoff: who took it since, and how that ended.
SINCE = """
select l.kind, l.at, l.reason, a.name, o.name as other from turn_log l
left join agents a on a.id = l.agent_id left join agents o on o.id = l.other_id
where l.turn_id = :turn and l.id > :after and l.number > :number
    and (l.kind in ('lapsed', 'released', 'stolen')
        or (l.kind in ('left', 'kicked') and l.reason like '%it had the turn'))
order by l.id desc limit 1
"""
LOG = """
select l.id, l.at, l.kind, l.number, l.reason, l.status, l.next, l.artifacts, a.name, o.name as other from turn_log l
left join agents a on a.id = l.agent_id left join agents o on o.id = l.other_id
where l.turn_id = :turn order by l.id desc limit :limit
"""


@record
class Place:
    """A member of a turn. Times are ms UTC, agents are name@team."""

    agent: str
    joined_at: int
    last_number: int | None  #: of the last grant to it
    waits_since: int | None  #: since when one of its processes waits
    unreachable: str | None  #: why xats cannot get its attention now


@record
class Entry:
    """An entry of the log of a turn."""

    id: int
    at: int  #: ms UTC
    kind: TurnEntry
    number: int  #: of the last grant at that time
    agent: str | None  #: name@team of the one who did it, or to whom it happened
    other: str | None
    reason: str | None
    handoff: Handoff | None  #: of the kind passed


@record
class Details:
    """A turn with everything about it."""

    turn: Turn
    members: tuple[Place, ...]  #: in the order in which they joined
    line: tuple[str, ...]  #: the members that come next, in their order, without the holder
    handoff: Handoff | None
    since: Entry | None  #: how the last grant after the handoff ended, if there was one


def details(tx: Tx, turn: Turn, probe: Probe) -> Details:
    """Return `turn` with everything about it."""
    found = members.all_of(tx, turn)
    handoff = handoffs.newest(tx, turn)
    places = []
    for one in found:
        waits = [since for process, since in one.waits if not probe.ended(process)]
        places.append(
            Place(
                agent=one.agent.address,
                joined_at=one.joined_at,
                last_number=one.last_number,
                waits_since=min(waits) if waits else None,
                unreachable=None if one.agent.id == turn.holder_id else one.unreachable(probe, tx.now),
            )
        )
    line = tuple(one.agent.address for one in members.in_line(turn, found))
    return Details(turn, tuple(places), line, handoff, _since(tx, turn, handoff))


def _since(tx: Tx, turn: Turn, handoff: Handoff | None) -> Entry | None:
    after, number = (handoff.id, handoff.number) if handoff else (0, 0)
    row = tx.one(SINCE, turn=turn.id, after=after, number=number)
    if row is None:
        return None
    return Entry(0, row["at"], row["kind"], 0, *_names(row, turn), row["reason"], None)


def log(tx: Tx, turn: Turn, limit: int) -> tuple[list[Entry], bool]:
    """Return the newest `limit` entries of the log of `turn`, the newest last, and whether there are older ones."""
    rows = tx.all(LOG, turn=turn.id, limit=limit + 1)
    return [_entry(row, turn) for row in reversed(rows[:limit])], len(rows) > limit


def _names(row: Row, turn: Turn) -> tuple[str | None, str | None]:
    at = f"@{turn.team}"
    return (row["name"] + at if row["name"] else None), (row["other"] + at if row["other"] else None)


def _entry(row: Row, turn: Turn) -> Entry:
    agent, other = _names(row, turn)
    handoff = None
    if row["status"] is not None:
        files = handoffs.artifacts(row["artifacts"])
        handoff = Handoff(row["id"], agent or "", row["at"], row["number"], row["status"], row["next"], files)
    return Entry(row["id"], row["at"], row["kind"], row["number"], agent, other, row["reason"], handoff)
