"""What one transaction writes: its events, and the wakes that it queues or changes. `--verbose` shows this."""

from __future__ import annotations

from xats.base.record import record
from xats.core import events
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from xats.core.events import Event
    from xats.core.waking.wakes import Wake
    from xats.store import Tx

    T = TypeVar("T")

NEWEST = """
select (select coalesce(max(id), 0) from events) as event, (select coalesce(max(id), 0) from messages) as message
"""
# New mail joins an open wake, which may change nothing in it.
CHANGED = f"""
select {wakes.SELECT}, a.name as name, a.team as team from wakes w join agents a on a.id = w.agent_id
where w.updated_at = :now or w.id in (select d.wake_id from deliveries d where d.message_id > :message)
order by w.id
"""
MANY = 1000  # more events of one transaction are not shown


@record
class Written:
    """What a transaction wrote: its events in their order, and the wakes, each with the address of its agent."""

    events: list[Event]
    wakes: list[tuple[str, Wake]]


def traced(tx: Tx, work: Callable[[Tx], T]) -> tuple[T, Written]:
    """Run `work` in the write transaction `tx`; return what it returned, and what it wrote.

    Nothing else writes meanwhile, so every new row comes from `work`.
    """
    before = tx.one(NEWEST)
    assert before is not None
    result = work(tx)
    tx.write_events()
    found, _, _ = events.after(tx, events.Query(since=before["event"]), MANY)
    changed = tx.all(CHANGED, now=tx.now, message=before["message"])
    return result, Written(found, [(f"{row['name']}@{row['team']}", wakes.wake_of(row)) for row in changed])
