"""Events: the outbox, read in the order of its ids."""

from __future__ import annotations

from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

NEWER = """
select id, at, team, type, actor, subject, data from events
where id > :since and team = :team and (:type is null or type = :type) order by id limit :limit
"""
LATEST = """
select id, at, team, type, actor, subject, data from events
where team = :team and (:type is null or type = :type) order by id desc limit :limit
"""


@record
class Event:
    """One thing that happened."""

    id: int
    at: int
    team: str
    type: str
    actor: str | None
    subject: str
    data: str  #: JSON


def after(tx: Tx, team: str, since: int | None, kind: str | None, limit: int) -> tuple[list[Event], bool]:
    """Return the events of `team` above the id `since` (None: the latest), oldest first, and whether more follow."""
    values = {"team": team, "type": kind, "limit": limit + 1}
    if since is None:
        rows = tx.all(LATEST, **values)
        return [Event(*row) for row in reversed(rows[:limit])], False
    rows = tx.all(NEWER, since=since, **values)
    return [Event(*row) for row in rows[:limit]], len(rows) > limit
