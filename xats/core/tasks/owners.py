"""Owners that are gone: xats marks their tasks, and tells the agents that added those tasks at once.

The claim stays for a while (claims.GRACE): an agent that starts again in that time keeps its tasks. Other agents may
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

    #: Tells whether a session has certainly ended; None if xats cannot know.
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
    """An agent that has claimed tasks, and its session, which has a known process or pane."""

    agent: Agent
    session: Session
    unmarked: bool  #: whether one of its tasks is not marked as gone


def owners(tx: Tx) -> list[Owner]:
    """Return the agents that have claimed tasks and have a known process or pane.

    Persons are left out: a person whose shell has ended is still there.
    """
    return [Owner(agents.agent_of(row), agents.session_of(row), bool(row["unmarked"])) for row in tx.all(OWNERS)]


def count_gone(tx: Tx, team: str) -> int:
    """Return the number of tasks of `team` with an owner that is gone."""
    row = tx.one(GONE, team=team)
    return row["n"] if row else 0


def outdated(one: Owner, gone: Gone) -> bool:
    """Tell whether `note` would change the marks of the tasks of `one`."""
    said = gone(one.session)
    return said is not None and said is one.unmarked


def note(tx: Tx, one: Owner, gone: Gone, grace: int) -> None:
    """Mark the tasks that `one` has claimed if its session is `gone`; unmark them if it certainly is not.

    The agents that added these tasks get one message for each claim, which says that they open again in `grace` ms.
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
