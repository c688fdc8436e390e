"""Watched wakes: those whose last refusal will pass, so that the daemon watches the panes of their agents.

These are open wakes that wait for their next rung, and failed wakes with mail still unread. When the pane changes, the
daemon makes an early attempt at an open wake (`attempts.lease_early`), or opens a new wake instead of a failed one.
"""

from __future__ import annotations

from xats.core.waking import wakes
from xats.core.waking.reasons import PASSING
from xats.core.waking.wakes import SELECT, Wake, wake_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

IN_A_PANE = """
exists (
    select 1 from sessions s
    where s.agent_id = w.agent_id and s.ended_at is null and s.host = :host and s.pane_id is not null
)
"""
WAITING = f"""
select {SELECT} from wakes w
where w.next_attempt_at is not null and w.next_attempt_at > :now
    and w.state in ('queued', 'retrying') and w.lease_token is null and {IN_A_PANE}
order by w.next_attempt_at limit :limit
"""
GIVEN_UP = f"""
select distinct {SELECT} from sessions s cross join deliveries d join wakes w on w.id = d.wake_id
join messages m on m.id = d.message_id
where s.ended_at is null and s.host = :host and s.pane_id is not null and d.agent_id = s.agent_id
    and d.state = 'unread' and d.dropped_at is null and {wakes.FRESH}
    and w.state = 'failed' and w.reason = 'retry_exhausted'
    and not exists (select 1 from wakes o where o.agent_id = w.agent_id and o.closed_at is null)
order by w.id desc limit :limit
"""


def waiting(tx: Tx, host: str, limit: int) -> list[Wake]:
    """Return up to `limit` wakes of agents in a pane of `host` that wait for their next rung, the next due first."""
    found = [wake_of(row) for row in tx.all(WAITING, host=host, now=tx.now, limit=limit)]
    return [wake for wake in found if wake.reason in PASSING]


def given_up(tx: Tx, host: str, limit: int) -> list[Wake]:
    """Return up to `limit` wakes that ran out of rungs, of agents in a pane of `host` with that mail still unread."""
    found = [wake_of(row) for row in tx.all(GIVEN_UP, host=host, limit=limit, **wakes.fresh(tx))]
    return [wake for wake in found if wake.last_refusal in PASSING]


def retry_soon(tx: Tx, agent_id: int) -> bool:
    """Open a new wake after a failed one; return False if the agent has an open wake, or no unread mail."""
    if wakes.is_open(tx, agent_id):
        return False
    wakes.retry_now(tx, agent_id, "new_session")
    return wakes.is_open(tx, agent_id)
