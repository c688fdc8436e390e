"""Owners of tasks whose process has ended: the task is marked, and the agent that added it is told at once.

The claim stays for a while (task_claims.GRACE): an agent that starts again in that time keeps its tasks. Others may
claim such a task at once, by its id.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import agents
from xats.core.agents.agents import AGENT, SESSION
from xats.core.tasks import leaving, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx

    #: Tells whether a session has surely ended; None where that cannot be known.
    Gone = Callable[[Session], bool | None]

CLAIMED = "select 1 from tasks t where t.owner_id = a.id and t.state = 'claimed'"
OWNERS = f"""
select {AGENT}, {SESSION}, exists ({CLAIMED} and t.owner_gone_at is null) as unmarked
from agents a join sessions s on s.agent_id = a.id and s.ended_at is null
where (s.pid is not null or s.pane_id is not null) and a.client <> 'human' and exists ({CLAIMED})
order by a.id
"""
UNMARKED = f"""
select {tasks.TASK} {tasks.FROM}
where t.owner_id = :id and t.state = 'claimed' and t.owner_gone_at is null order by t.id
"""
MARK = "update tasks set owner_gone_at = :now where owner_id = :id and state = 'claimed' and owner_gone_at is null"
GONE = """
select count(*) as n from tasks t join agents o on o.id = t.owner_id
where t.owner_gone_at is not null and o.seen_at <= t.owner_gone_at and t.team = :team
"""


@record
class Owner:
    """An agent that has claimed tasks, and its session, of which the process or the pane is known."""

    agent: Agent
    session: Session
    unmarked: bool  #: whether one of its tasks has no mark


def owners(tx: Tx) -> list[Owner]:
    """Return the agents that have claimed tasks, and of which a process or a pane is known.

    Not the persons: a person whose shell has ended is still there.
    """
    return [Owner(agents.agent_of(row), agents.session_of(row), bool(row["unmarked"])) for row in tx.all(OWNERS)]


def count_gone(tx: Tx, team: str) -> int:
    """Return how many tasks of `team` have an owner that is gone."""
    row = tx.one(GONE, team=team)
    return row["n"] if row else 0


def outdated(one: Owner, gone: Gone) -> bool:
    """Tell whether `note` would change the marks of the tasks of `one`."""
    said = gone(one.session)
    return said is not None and said is one.unmarked


def note(tx: Tx, one: Owner, gone: Gone, grace: int) -> None:
    """Mark the tasks that `one` has claimed if its session is `gone`; take the marks away if it surely is not.

    The agents that added these tasks are told, once for each claim, and also that they are open again in `grace` ms.
    """
    agent, session = one.agent, one.session
    said = gone(session)
    if said is False:
        agents.unmark(tx, agent.id)
    elif said and one.unmarked:
        found = [tasks.task_of(row) for row in tx.all(UNMARKED, id=agent.id)]
        tx.run(MARK, id=agent.id, now=tx.now)
        why = "its process has ended" if session.seat.process else "its pane is gone"
        for task in found:
            tasks.note(tx, task, "owner_gone", agent, why)
            tasks.say(tx, task, "owner_gone", None, agent=agent.address, claim=task.claims, reason=why)
        leaving.owner_gone(tx, agent, found, why, grace)
