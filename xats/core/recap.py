"""Recap: what an agent did last and what waits for it. This only looks: no mail is marked as read.

core/mail/owed.py has the requests that wait for its reply, and core/tasks/recap.py its tasks. A hook runs this at every
start of a session, so each query reads few rows.
"""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.agents.agents import AGENT, SESSION, Details, agent_of, session_of
from xats.core.agents.presence import Presence
from xats.core.mail.threads import NEWEST, SEEN
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import DeliveryState
    from xats.store import Tx

WINDOW = 1000  # newest messages of an agent among which xats looks for those that another agent may see
WORDS = 200  # characters of a body that are read for a line about it


@record
class Item:
    """A message to or from an agent, for one line."""

    id: int
    sent: bool  #: whether the agent sent it
    other: str  #: name@team of the sender, or the address to which the agent sent it
    about: str  #: its subject, else the first words of its body; text of its sender
    sent_at: int  #: ms UTC
    state: DeliveryState | None  #: the state of the agent's own copy; None: it has none
    need_reply: bool


MAIL = f"""
select m.id, m.sender_id, m.address, m.subject, substr(m.body, 1, {WORDS}) as body, m.sent_at,
    f.name, f.team, {wakes.STATE} as state, coalesce(d.need_reply, m.need_reply) as asks
from {NEWEST}
where {SEEN} order by m.id desc limit :most
"""
OTHERS = f"""
select {AGENT}, {SESSION}, h.state, h.at, h.client_session as told_by, h.continued, h.broken_off_at
from agents a join sessions s on s.agent_id = a.id and s.ended_at is null
left join presence h on h.agent_id = a.id
where a.team = :team and a.id <> :agent and a.unregistered_at is null
order by a.seen_at desc, a.id limit :most
"""


def mail(tx: Tx, agent: Agent, viewer: Agent | None, most: int) -> list[Item]:
    """Return the `most` newest messages to and from `agent` that `viewer` may see, the newest first.

    `viewer` None is a person or the agent itself, who may see all of them.
    """
    window = WINDOW if viewer else most
    values = {"agent": agent.id, "viewer": viewer.id if viewer else None, "window": window, "most": most}
    return [
        from_row(
            Item,
            row,
            sent=row["sender_id"] == agent.id,
            other=row["address"] if row["sender_id"] == agent.id else f"{row['name']}@{row['team']}",
            about=row["subject"] or row["body"],
            need_reply=bool(row["asks"]),
        )
        for row in tx.all(MAIL, **values, **wakes.fresh(tx))
    ]


def others(tx: Tx, agent: Agent, most: int) -> list[Details]:
    """Return the other agents of the team of `agent` that have a session, the one seen last first, at most `most`.

    Their labels and their mail are left out. The caller looks whether their programs live.
    """
    return [
        Details(
            agent_of(row),
            tags=(),
            capabilities=(),
            session=session_of(row),
            presence=from_row(Presence, row, client_session=row["told_by"], reminded_at=None) if row["state"] else None,
        )
        for row in tx.all(OTHERS, team=agent.team, agent=agent.id, most=most)
    ]
