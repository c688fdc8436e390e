"""Stops: two agents that woke each other too often without a person in between no longer wake each other.

xats still stores and shows their mail, and sends one message to every person of their teams. A person restarts the
pair: by mail or a prompt to one of the two, or with `xats resume AGENT`. Mail that is still unread then gets a wake.
"""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.waking.limits import Pair
    from xats.store import Row, Tx

STOP = """
insert into pairs (low_id, high_id, stopped_at) values (:low, :high, :now)
on conflict (low_id, high_id) do update set stopped_at = :now
"""
OF_AGENT = """
select low_id, high_id, stopped_at from pairs where low_id = :agent and (wakes > 0 or stopped_at is not null)
union all
select low_id, high_id, stopped_at from pairs where high_id = :agent and (wakes > 0 or stopped_at is not null)
"""
RESET = "update pairs set wakes = 0, stopped_at = null where low_id = :low and high_id = :high"
SILENT = f"""
select 1 from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and d.no_wake_reason = 'hop_limit' and m.sender_id = :sender
    and {wakes.FRESH}
limit 1
"""
COVER = """
update deliveries set wake_id = :wake, no_wake_reason = null
where agent_id = :agent and state = 'unread' and no_wake_reason = 'hop_limit'
    and (select m.sender_id from messages m where m.id = deliveries.message_id) = :sender
"""
LISTING = """
select a.name as low_name, a.team as low_team, b.name as high_name, b.team as high_team, p.wakes, p.stopped_at
from pairs p join agents a on a.id = p.low_id join agents b on b.id = p.high_id
where p.stopped_at is not null order by p.stopped_at, p.low_id, p.high_id
"""


@record
class Stop:
    """Two agents (name@team) that no longer wake each other, after how many wakes, and since when (ms UTC)."""

    agents: tuple[str, str]
    wakes: int
    at: int


@record
class Notice:
    """Mail from xats to the people of a team that a pair of agents was stopped."""

    team: str
    people: tuple[Agent, ...]
    subject: str
    text: str


def may_wake(tx: Tx, pair: Pair, agent_id: int, most: int) -> bool:
    """Tell whether mail between `pair` may wake `agent_id`, one of the two. Stop the pair if it has reached the limit.

    An open wake that is counted already may cover more mail. `stop` stops a pair that has reached the limit.
    """
    if pair.stopped_at is not None:
        return False
    if pair.wakes < most:
        return True
    current = wakes.open_id(tx, agent_id)
    return current is not None and pair.has_counted(agent_id, current)


def stop(tx: Tx, pair: Pair, agent_id: int) -> list[Notice]:
    """Stop `pair` because of mail to the agent; return what the people of both teams must be told."""
    tx.run(STOP, low=pair.low, high=pair.high, now=tx.now)
    to = agents.by_id(tx, agent_id)
    sender = agents.by_id(tx, pair.high if agent_id == pair.low else pair.low)
    tx.event("pair_stopped", sender.team, sender.name, f"agent:{to.name}", agent=to.address, wakes=pair.wakes)
    notices = []
    for team in dict.fromkeys((sender.team, to.team)):
        found = tuple(agents.people(tx, team))
        local = sender if sender.team == team else to
        lines = (
            f"{sender.address} and {to.address} have woken each other {pair.wakes} times without a person in between.",
            "xats stores mail between them, but it wakes neither of them until a person restarts them:",
            f"  xats resume {local.name}",
            "Mail or a prompt from a person to one of the two does the same.",
        )
        if found:
            notices.append(Notice(team, found, f"stopped: {sender.name} and {to.name}", "\n".join(lines)))
    return notices


def restart(tx: Tx, agent_id: int) -> int:
    """Reset the counts of the agent's pairs, because a person acted; return how many stopped pairs restart.

    Unread mail that could not wake an agent of a stopped pair gets a wake.
    """
    restarted = 0
    for row in tx.all(OF_AGENT, agent=agent_id):
        low, high = row["low_id"], row["high_id"]
        tx.run(RESET, low=low, high=high)
        if row["stopped_at"] is not None:
            restarted += 1
            _wake_for(tx, low, high)
            _wake_for(tx, high, low)
            _say(tx, agent_id, low + high - agent_id)
    return restarted


def _wake_for(tx: Tx, agent_id: int, sender_id: int) -> None:
    """Open a wake of `agent_id` for unread mail from `sender_id`."""
    if not tx.one(SILENT, agent=agent_id, sender=sender_id, **wakes.fresh(tx)):
        return
    woken = wakes.join(tx, agent_id)
    covered = tx.run(COVER, wake=woken.id, agent=agent_id, sender=sender_id)
    wakes.cover_more(tx, {woken.id: covered - 1})


def _say(tx: Tx, agent_id: int, other_id: int) -> None:
    agent, other = agents.by_id(tx, agent_id), agents.by_id(tx, other_id)
    tx.event("pair_resumed", agent.team, None, f"agent:{agent.name}", agent=agent.address, other=other.address)


def listing(tx: Tx) -> list[Stop]:
    """Return the stopped pairs of all teams, the earliest stop first."""
    return [_listed(row) for row in tx.all(LISTING)]


def of_agent(tx: Tx, agent: Agent) -> list[Stop]:
    """Return the stopped pairs of `agent`."""
    return [one for one in listing(tx) if agent.address in one.agents]


def _listed(row: Row) -> Stop:
    names = (f"{row['low_name']}@{row['low_team']}", f"{row['high_name']}@{row['high_team']}")
    return from_row(Stop, row, agents=names, at=row["stopped_at"])
