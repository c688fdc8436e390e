"""Pauses: xats stores mail for a paused agent or team, and wakes no agent for it until the pause ends.

A pause takes effect at once: an attempt under way loses its lease and types nothing more. When the pause ends, each
agent gets one wake for all its unread mail. A person who resumes an agent also restarts its stopped pairs
(core/waking/stops.py).

A limit of a team can begin a pause too (core/crews/limits.py). It holds the wakes of the agents and not the notices of
persons, and only a person ends it. Then the limit begins to count again.
"""

from __future__ import annotations

from xats.base.errors import PeopleOnly, UnknownRecipient
from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.waking import stops, wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Row, Tx


@record
class Pause:
    """A pause of an agent or a team. `at` is when it began (ms UTC)."""

    team: str
    agent: str | None  #: name@team; None: the whole team
    reason: str | None
    by: str
    at: int
    limit: str | None = None  #: the limit of the team that began it; then only a person ends it


PAUSE = """
insert into pauses (team, agent_id, reason, paused_by, paused_at, limit_name)
values (:team, :agent, :reason, :by, :now, :limit)
on conflict do nothing
"""
RESUME = """
delete from pauses where team = :team and (agent_id = :agent or (agent_id is null and :agent is null))
"""
COLUMNS = "p.team, p.reason, p.paused_by, p.paused_at, p.limit_name, a.name as agent_name"
LISTING = f"""
select {COLUMNS} from pauses p left join agents a on a.id = p.agent_id
where :team is null or p.team = :team order by p.team, p.agent_id is not null, a.name_key
"""
OF_AGENT = f"""
select {COLUMNS} from pauses p left join agents a on a.id = p.agent_id
where p.agent_id = :agent
    or (p.agent_id is null and p.team = :team and (p.limit_name is null or :person = 0))
order by p.agent_id is null limit 1
"""
OWN = "select limit_name from pauses where team = :team and coalesce(agent_id, 0) = coalesce(:agent, 0)"
# The limits that can have begun the pause count from now on.
COUNT_AGAIN = """
update limits set counted_from = :now, warned_at = null, reached_at = null
where team = :team and action = 'pause' and reached_at is not null and name in ('wakes', 'mails', 'minutes')
"""
BY_LIMIT = "select limit_name from pauses where team = :team and agent_id is null"


def pause(tx: Tx, by: Agent, team: str, agent: Agent | None, reason: str | None) -> bool:
    """Pause `agent`, or with None all of `team`; return False if it was paused already, which changes nothing.

    Raises UnknownRecipient for a team that never had an agent: its name is probably mistyped.
    """
    affected = _affected(tx, team, agent)
    if not affected:
        msg = f"There is no agent in team {team}. Nothing was paused."
        raise UnknownRecipient(msg, "xats agents --all-teams", team=team)
    values = {"team": team, "agent": agent.id if agent else None, "reason": reason, "by": by.address}
    if not tx.run(PAUSE, **values, limit=None, now=tx.now):
        return False
    held = sum(wakes.hold(tx, one) and current for one, current in affected)
    tx.event("paused", team, by.name, _subject(agent, team), reason=reason, held=held)
    return True


def pause_for_limit(tx: Tx, team: str, limit: str, reason: str) -> bool:
    """Pause all agents of `team`, without its persons, because of that `limit`; return False if it was paused already.

    Only a person ends this pause.
    """
    by = agents.system(tx, team)
    values = {"team": team, "agent": None, "reason": reason, "by": by.address, "limit": limit}
    if not tx.run(PAUSE, **values, now=tx.now):
        return False
    held = sum(wakes.hold(tx, one) and current for one, current in _affected(tx, team, None))
    tx.event("paused", team, None, _subject(None, team), reason=reason, held=held)
    return True


def by_limit(tx: Tx, team: str) -> str | None:
    """Return the limit that has paused all of `team`, or None."""
    row = tx.one(BY_LIMIT, team=team)
    return row["limit_name"] if row else None


def resume(tx: Tx, by: Agent, team: str, agent: Agent | None) -> tuple[bool, int]:
    """End the pause of `agent`, or with None that of `team`. If `by` is a person, also restart their stopped pairs.

    Returns whether there was a pause or a stopped pair, and how many registered agents have a wake that fell due.
    Raises PeopleOnly if `by` is no person, and a limit of the team began the pause.
    """
    _refuse_agent(tx, by, team, agent)
    affected = _affected(tx, team, agent)
    ended = tx.run(RESUME, team=team, agent=agent.id if agent else None) > 0
    due = sum(_release(tx, one, current) for one, current in affected) if ended else 0
    if ended and agent is None and by.client == "human":
        tx.run(COUNT_AGAIN, team=team, now=tx.now)
    pairs = sum(stops.restart(tx, one) for one, _ in affected) if by.client == "human" else 0
    if not ended and not pairs:
        return False, 0
    due += sum(wakes.is_open(tx, one) and current for one, current in affected) if pairs and not ended else 0
    tx.event("resumed", team, by.name, _subject(agent, team), due=due, pairs=pairs)
    return True, due


def _refuse_agent(tx: Tx, by: Agent, team: str, agent: Agent | None) -> None:
    """Raise PeopleOnly if a limit began the pause of `agent`, or of `team`, and `by` is no person."""
    if by.client == "human":
        return
    row = tx.one(OWN, team=team, agent=agent.id if agent else None)
    if row and row["limit_name"]:
        msg = f"The limit of {row['limit_name']} of team {team} began this pause, so only a person may end it."
        raise PeopleOnly(f"{msg} Nothing was changed.", "ask a person; mail is stored meanwhile")


def _release(tx: Tx, agent_id: int, current: bool) -> bool:
    """Release the held wake of an agent; tell whether it fell due. If the agent has left, suspend the wake."""
    due = wakes.release(tx, agent_id)
    if due and not current:
        wakes.suspend(tx, agent_id, "no_pane")
    return due and current


def listing(tx: Tx, team: str | None) -> list[Pause]:
    """Return the pauses of `team` (None: of all teams); the pause of a whole team comes before those of its agents."""
    return [_pause(row) for row in tx.all(LISTING, team=team)]


def of_agent(tx: Tx, agent: Agent) -> Pause | None:
    """Return the pause that holds the wakes of `agent`, or None."""
    row = tx.one(OF_AGENT, agent=agent.id, team=agent.team, person=int(agent.client == "human"))
    return _pause(row) if row else None


def _affected(tx: Tx, team: str, agent: Agent | None) -> list[tuple[int, bool]]:
    """Return the ids of the agents that a pause affects, each with whether it is registered now."""
    if agent:
        return [(agent.id, agent.registered)]
    rows = tx.all("select id, unregistered_at from agents where team = :team order by id", team=team)
    return [(row["id"], row["unregistered_at"] is None) for row in rows]


def _pause(row: Row) -> Pause:
    agent = f"{row['agent_name']}@{row['team']}" if row["agent_name"] else None
    return from_row(Pause, row, agent=agent, by=row["paused_by"], at=row["paused_at"], limit=row["limit_name"])


def _subject(agent: Agent | None, team: str) -> str:
    return f"agent:{agent.name}" if agent else f"team:{team}"
