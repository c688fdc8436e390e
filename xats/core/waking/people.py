"""What xats tells people: that they have mail, and that an agent of their team waits for a person.

xats does not wake a person, so this mail has no wake, unless the person registered with --wake notice or command.
daemon/people.py tells them. This module only looks.
"""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.waking.wakes import Pending
    from xats.store import Row, Tx

# `wake_by` is null for the default. A person who has chosen none is told nothing. With a notice, their mail has wakes.
PEOPLE = f"""
select a.id, a.name, a.team, {wakes.paused("a.id", "a.team")} as paused, a.wake_by is null as by_line,
    s.pane_socket as socket, s.server_pid
from agents a left join sessions s
    on s.agent_id = a.id and s.ended_at is null and s.host = :host and s.pane_id is not null
where a.client = 'human' and (a.wake_by is null or a.wake_by = 'notice') and a.unregistered_at is null order by a.id
"""
IS_TOLD = "select 1 from agents where id = :id and client = 'human' and wake_by is null"
NEWEST = f"""
select max(m.id) as id from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and m.wake = 1 and m.sender_id <> :agent and {wakes.FRESH}
"""
WAITING = """
select a.id, a.name, a.team, h.at, s.pane_id, s.pane_socket as socket, s.server_pid
from presence h join agents a on a.id = h.agent_id
join sessions s on s.agent_id = a.id and s.ended_at is null
where h.state = 'waiting' and h.broken_off_at is null and h.client_session = s.client_session and s.host = :host
    and s.gone_at is null and a.unregistered_at is null
order by a.id
"""


@record
class Person:
    """A person whom xats tells things. `server` is the tmux server (socket, pid) of their pane, if they have one."""

    id: int
    name: str
    team: str
    paused: bool
    by_line: bool  #: whether a line tells them of mail
    server: tuple[str, int] | None


@record
class Waiting:
    """An agent that waits for a person, since `at` (ms UTC), and its pane with the tmux server (socket, pid) of it."""

    id: int
    name: str
    team: str
    at: int
    server: tuple[str, int] | None
    pane_id: str | None


@record
class Mail:
    """The unread mail of a person. `newest` is the newest message (id) that was not sent with --no-wake, or 0."""

    pending: Pending
    newest: int


def people(tx: Tx, host: str) -> list[Person]:
    """Return the registered people whom xats tells; `host` is where their panes count."""
    rows = tx.all(PEOPLE, host=host)
    return [
        from_row(Person, row, paused=bool(row["paused"]), by_line=bool(row["by_line"]), server=_server(row))
        for row in rows
    ]


def is_told(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id is a person whom a line in tmux tells of mail."""
    return tx.one(IS_TOLD, id=agent_id) is not None


def mail(tx: Tx, person: Person) -> Mail:
    """Return the unread mail of `person`."""
    row = tx.one(NEWEST, agent=person.id, **wakes.fresh(tx))
    return Mail(wakes.pending(tx, person.id), row["id"] or 0 if row else 0)


def waiting(tx: Tx, host: str) -> list[Waiting]:
    """Return the agents on `host` whose programs ask their users for something."""
    return [from_row(Waiting, row, server=_server(row)) for row in tx.all(WAITING, host=host)]


def _server(row: Row) -> tuple[str, int] | None:
    return (row["socket"], row["server_pid"]) if row["socket"] else None
