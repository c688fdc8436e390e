"""Tables with leases: which of their leases are over, and which the clock has made wrong.

The rows of such a table have the columns id, lease_ms, lease_until (the stored end) and owner_gone_at (when xats saw
that the process of the holder had ended), the id of the holder, and a number that changes with each lease.
"""

from __future__ import annotations

from xats.core import clock
from xats.core.agents.agents import AGENT, SESSION
from xats.core.leases import leases

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.core.clock import Standing
    from xats.store import Row, Tx

BATCH = 1000  # leases that one transaction looks at
FAR = 5 * 60_000  # ms; a time that is further in the future is from before the clock was set back


class Table:
    """A table with leases, and the SQL for it.

    In the SQL `t` is a row of the table, and `o` its holder. `holder` is the column with the id of the holder, and
    `fence` the column with the number of the lease. `held` is the condition of a row that has a lease now. `select` is
    the beginning of a query, with its joins; its columns are those of `leases.of`, id and `fence`. `grace` is how long
    (ms) a holder that is gone keeps its leases.
    """

    def __init__(self, name: str, holder: str, fence: str, held: str, select: str, grace: int) -> None:
        self.name, self.fence, self.grace = name, fence, grace
        rows, gone = f"{name} as t", "t.owner_gone_at <= :before and o.seen_at <= t.owner_gone_at"
        # Leases that may be over. Each part uses an index.
        self.any_over = f"""
        select 1 from {rows} where {held} and t.lease_until <= :now
        union all
        select 1 from {rows} join agents o on o.id = t.{holder} where {gone}
        limit 1
        """
        self.lapsed = f"""
        {select} where {held} and t.lease_until <= :now and t.lease_until - t.lease_ms >= :since
        order by t.lease_until, t.id limit :limit
        """
        self.gone_long = f"""
        {select} where {gone} and t.owner_gone_at >= :since order by t.owner_gone_at, t.id limit :limit
        """
        self.stretch = f"update {rows} set lease_until = :until where t.id = :id and {held} and t.{fence} = :fence"
        # After the clock was set back.
        self.seen_now = f"""
        update agents set seen_at = :now where seen_at > :far and id in (select t.{holder} from {rows} where {held})
        """
        self.from_now = f"""
        update {rows} set lease_until = :now + lease_ms where {held} and t.lease_until - t.lease_ms > :far
        """
        self.gone_now = f"update {rows} set owner_gone_at = :now where t.owner_gone_at > :far"
        # Holders with a known process or pane; see holders.py.
        mine = f"select 1 from {rows} where t.{holder} = a.id and {held}"
        self.holders = f"""
        select {AGENT}, {SESSION}, exists ({mine} and t.owner_gone_at is null) as unmarked
        from agents a join sessions s on s.agent_id = a.id and s.ended_at is null
        where (s.pid is not null or s.pane_id is not null) and a.client <> 'human' and exists ({mine})
        order by a.id
        """
        self.mark = f"""
        update {rows} set owner_gone_at = :now where t.{holder} = :id and {held} and t.owner_gone_at is null
        returning id
        """
        self.unmark = f"update {rows} set owner_gone_at = null where t.{holder} = :id and t.owner_gone_at is not null"


def any_over(tx: Tx, table: Table) -> bool:
    """Tell whether `over` may find a lease of `table`, whether or not ages are right."""
    return tx.one(table.any_over, now=tx.now, before=tx.now - table.grace) is not None


def over(tx: Tx, table: Table) -> Iterator[tuple[Row, str]]:
    """Yield the rows of `table` whose leases are over, at most some BATCH, each with the reason (leases.over).

    Write the ends of leases that their holders have renewed.
    """
    trust: Standing = clock.observe(tx)
    lapsed = tx.all(table.lapsed, now=tx.now, since=trust.since, limit=BATCH)
    gone = tx.all(table.gone_long, before=tx.now - table.grace, since=trust.upset_at, limit=BATCH)
    ended = set()
    for row in (*lapsed, *gone):
        lease = leases.of(row)
        if row["id"] in ended:
            continue
        if why := leases.over(lease, tx.now, trust, table.grace):
            ended.add(row["id"])
            yield row, why
        elif lease.until and lease.until > tx.now:
            tx.run(table.stretch, id=row["id"], until=lease.until, fence=row[table.fence])


def set_right(tx: Tx, table: Table) -> None:
    """Restart leases that began, or whose holders were last seen, at a time far in the future.

    Those times are from before the clock was set back. Otherwise these leases would hold until the clock is there
    again. This looks at every lease, so callers run it rarely. It does nothing while the clock may be wrong.
    """
    if clock.observe(tx).upset_at:
        return
    far = tx.now + FAR
    tx.run(table.seen_now, now=tx.now, far=far)
    tx.run(table.from_now, now=tx.now, far=far)
    tx.run(table.gone_now, now=tx.now, far=far)
