"""The tasks of an agent, for the start of its session. This is cheap, because a hook runs it at every start."""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.leases import leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import TaskState
    from xats.store import Tx


@record
class Todo:
    """A task that an agent has claimed or submitted, or that is for it and ready."""

    id: int
    title: str
    state: TaskState  #: "claimed", "review" or "open"
    lease_until: int | None  #: of a claimed one, in ms UTC


# It uses two indexes: tasks_held and tasks_work.
TODO = """
select t.id, t.title, t.state, t.lease_until, t.lease_ms, count(*) over () as n from (
    select h.id, h.title, h.state, h.lease_until, h.lease_ms, h.priority from tasks h
    where h.owner_id = :me and h.state in ('claimed', 'review')
    union all
    select w.id, w.title, w.state, w.lease_until, w.lease_ms, w.priority from tasks w
    where w.team = :team and w.assignee_id = :me and w.state = 'open' and w.waits_for = 0
) t
order by case t.state when 'claimed' then 0 when 'open' then 1 else 2 end, t.priority, t.id limit :most
"""


def todo(tx: Tx, me: Agent, most: int) -> tuple[list[Todo], int]:
    """Return the first `most` tasks of `me`, claimed ones first, and the number of all."""
    rows = tx.all(TODO, me=me.id, team=me.team, most=most)
    found = []
    for row in rows:
        until = row["lease_until"]
        if until is not None:
            until = leases.end(until, row["lease_ms"], me.seen_at)
        found.append(from_row(Todo, row, lease_until=until))
    return found, rows[0]["n"] if rows else 0
