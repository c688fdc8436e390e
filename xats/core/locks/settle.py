"""The end of locks: their time is over, or the process of the holder has ended.

The daemon calls `settle`, which also sends mail to the agents that wait for a file. A lock whose time is over is free
before that (locks.py).
"""

from __future__ import annotations

from xats.core import clock
from xats.core.leases import holders, tables
from xats.core.leases.tables import Table
from xats.core.locks import locks, waits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.leases.holders import Gone, Holder
    from xats.core.locks.locks import Lock
    from xats.core.locks.waits import Ended
    from xats.store import Tx

LOCKS = Table(
    "locks",
    holder="holder_id",
    fence="id",
    held="true",
    select=f"select {locks.LOCK} {locks.FROM}",
    grace=0,
)
# A sweep is soon enough for the rows of automatic locks for which no agent waits.
LAPSED = """
select 1 from locks t where t.lease_until <= :now and t.lease_until - t.lease_ms >= :since and (
    t.kind = 'explicit' or exists (
        select 1 from lock_waits w where w.host = t.host and w.worktree = t.worktree and w.path_key = t.path_key
    )
) limit 1
"""
REMEMBER = 3600_000  # ms that xats remembers an edit which an automatic lock has refused
FORGET = """
delete from refused_edits where at <= :before or not exists (select 1 from locks t where t.id = refused_edits.lock_id)
"""


def due(tx: Tx, ended: Ended) -> bool:
    """Tell whether `settle` has work that must not wait for a sweep, apart from the locks of holders that are gone."""
    if tx.one(LAPSED, now=tx.now, since=clock.since(tx)):
        return True
    return bool(waits.next_in_line(tx, ended))


def unmarked(tx: Tx) -> list[Holder]:
    """Return the holders of locks with a known process or pane that are not marked as gone."""
    return [one for one in holders.holders(tx, LOCKS) if one.unmarked]


def settle(tx: Tx, gone: Gone, ended: Ended) -> list[Lock]:
    """End the locks that are over, and those of holders that are gone; return the explicit ones.

    Their holders get mail. The first agent in the queue for a file that is free gets mail too. Places of processes that
    have ended go, and so do refused edits that do not matter any more. `gone` tells whether the process of a session
    has ended, and `ended` whether the process of a mark has.
    """
    for one in holders.holders(tx, LOCKS):
        holders.mark(tx, LOCKS, one, holders.has_ended(one.agent, one.session, gone))
    explicit = locks.lapse(tx, [(locks.lock_of(row), why) for row, why in tables.over(tx, LOCKS)])
    waits.drop_ended(tx, ended)
    waits.tell(tx, ended)
    tx.run(FORGET, before=tx.now - REMEMBER)
    return explicit


def set_right(tx: Tx) -> None:
    """Restart locks that the clock has made wrong. Otherwise no agent could take these files (leases/tables.py)."""
    tables.set_right(tx, LOCKS)
