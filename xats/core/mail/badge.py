"""The badge: how much mail a person or an agent has not read, and how many requests wait for a reply."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.record import Row
    from xats.core.agents.routine import Reader

# The condition of `owed` is the one of core/mail/owed.py. A prompt cannot wait for the check of the clock.
COUNTS = """
select
    (select count(*) from deliveries d where d.agent_id in ({whose}) and d.state = 'unread'
        and (d.expires_at is null or d.expires_at > :now)) as unread,
    (select count(*) from deliveries d join messages m on m.id = d.message_id
        where d.agent_id in ({whose}) and d.need_reply = 1 and d.state = 'read' and d.acked_at is null
        and m.sender_id <> d.agent_id and (m.expires_at is null or m.expires_at > :now)
        and not exists (
            select 1 from pairs p where p.stopped_at is not null
            and p.low_id = case when m.sender_id < d.agent_id then m.sender_id else d.agent_id end
            and p.high_id = case when m.sender_id < d.agent_id then d.agent_id else m.sender_id end
        )) as owed
"""
AGENT = "select a.id from agents a where a.id = :id"
PERSON = """
select a.id from agents a where a.client = 'human' and a.name_key = :key and a.unregistered_at is null
    and (:team is null or a.team = :team)
"""
# Of a pane whose shell is an agent itself. An agent program in a pane is a process of its own, which has no prompt.
IN_PANE = """
select s.agent_id as id from sessions s join agents a on a.id = s.agent_id
where s.pane_id = :pane and s.pane_socket = :socket and s.server_pid = :server and s.ended_at is null
    and s.pid = s.pane_pid and a.unregistered_at is null
"""


@record
class Badge:
    """The numbers of a badge."""

    unread: int = 0
    owed: int = 0  #: requests that were read, and not answered or acknowledged


def of_agent(tx: Reader, agent_id: int) -> Badge:
    """Return the badge of the agent with that id."""
    return _counted(tx.one(COUNTS.format(whose=AGENT), id=agent_id, now=tx.now))


def of_person(tx: Reader, name: str, team: str | None = None) -> Badge:
    """Return the badge of the person `name` in `team`; None: in all teams of the store."""
    values = {"key": name.lower(), "team": team, "now": tx.now}
    return _counted(tx.one(COUNTS.format(whose=PERSON), **values))


def in_pane(tx: Reader, socket: str, server: int, pane: str) -> int | None:
    """Return the id of the agent that the shell of a pane is, or None. `server` is the pid of the tmux server."""
    row = tx.one(IN_PANE, socket=socket, server=server, pane=pane)
    return row["id"] if row else None


def _counted(row: Row | None) -> Badge:
    assert row
    return Badge(row["unread"], row["owed"])
