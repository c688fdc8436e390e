"""Owners that are gone: xats marks their tasks, and tells the agents that added those tasks at once.

The claim stays for a while (GRACE): an agent that starts again in that time keeps its tasks. Other agents may claim
such a task at once, by its id.
"""

from __future__ import annotations

from xats.core.leases import holders
from xats.core.leases.tables import Table
from xats.core.tasks import leaving, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.leases.holders import Gone, Holder
    from xats.store import Tx

GRACE = 5 * 60_000  # ms after xats saw that an owner is gone until its tasks are open again
CLAIMS = Table(
    "tasks",
    holder="owner_id",
    fence="claims",
    held="t.state = 'claimed'",
    select=f"select {tasks.TASK} {tasks.FROM}",
    grace=GRACE,
)
GONE = """
select count(*) as n from tasks t join agents o on o.id = t.owner_id
where t.owner_gone_at is not null and o.seen_at <= t.owner_gone_at and t.team = :team
"""


def count_gone(tx: Tx, team: str) -> int:
    """Return the number of tasks of `team` with an owner that is gone."""
    row = tx.one(GONE, team=team)
    return row["n"] if row else 0


def note(tx: Tx, one: Holder, gone: Gone) -> None:
    """Mark the tasks that `one` has claimed if its session is `gone`; unmark them if it certainly is not.

    The agents that added these tasks get one message for each claim, which says that they open again after GRACE.
    """
    agent = one.agent
    found = [tasks.find(tx, agent.team, task_id) for task_id in holders.mark(tx, CLAIMS, one, gone(one.session))]
    for task in found:
        tasks.note(tx, task, "owner_gone", agent, one.why)
        tasks.say(tx, task, "owner_gone", None, agent=agent.address, claim=task.claims, reason=one.why)
    if found:
        leaving.owner_gone(tx, agent, found, one.why, GRACE)
