"""Presence: what an agent's own program says it is doing, as its hooks tell. It is written only when it changes.

idle: it waits for a prompt; busy: it is at work; waiting: it asks its user for leave; ended: its session is over.
"""

from __future__ import annotations

from xats.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

STATES = ("idle", "busy", "waiting", "ended")


@record
class Presence:
    """What an agent does, since when, and what has been done to keep it at work."""

    state: str  #: one of `STATES`
    at: int  #: ms UTC
    client_session: str | None = None
    continued: int = 0  #: turns in a row that were gone on with because of mail, without a prompt in between


GET = "select state, at, client_session, continued from presence where agent_id = :agent"
PUT = """
insert into presence (agent_id, client_session, state, at, continued)
values (:agent, :client_session, :state, :now, :continued)
on conflict (agent_id) do update set
    at = case when presence.state = :state and presence.client_session = :client_session then presence.at else :now end,
    client_session = :client_session, state = :state, continued = :continued
"""
HAS_MAIL = "select 1 from deliveries where agent_id = :agent and state = 'unread' limit 1"
LAST_SENT = """
select m.id, m.address, m.subject, m.sent_at from messages m where m.sender_id = :agent
order by m.sent_at desc, m.id desc limit 1
"""


def get(tx: Tx, agent_id: int) -> Presence | None:
    """Return what the agent with that id does, or None when its program has never said."""
    row = tx.one(GET, agent=agent_id)
    return Presence(*row) if row else None


def has_mail(tx: Tx, agent_id: int) -> bool:
    """Tell whether there may be mail for the agent with that id: some of it can have expired since."""
    return tx.one(HAS_MAIL, agent=agent_id) is not None


def put(tx: Tx, agent_id: int, state: str, client_session: str | None, continued: int = 0) -> None:
    """Note what the agent with that id does. The time stays when it is the same state of the same session."""
    tx.run(PUT, agent=agent_id, state=state, client_session=client_session, continued=continued, now=tx.now)


def last_sent(tx: Tx, agent_id: int) -> tuple[int, str, str | None, int] | None:
    """Return (id, address, subject, time in ms UTC) of the last message that the agent sent, or None."""
    row = tx.one(LAST_SENT, agent=agent_id)
    return tuple(row) if row else None
