"""Threads: the conversations of an agent, for a viewer. Nothing is marked as read.

Every query is bounded: threads come from the newest messages of an agent, and a long thread shows its newest messages.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.mail.messages import MESSAGE, Message, message_of
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.core.agents.agents import Agent
    from xats.core.states import DeliveryState
    from xats.store import Row, Tx

WINDOW = 1000  # newest messages of an agent that a query looks at
RECIPIENTS = 8  # recipients of one message that are named, those with problems first


@record
class Headline:
    """A thread of one agent: its newest message, without the body, and the number of its messages."""

    message: Message
    state: DeliveryState | None  #: the state of the agent's own copy; None: it has none, or the viewer may not know
    messages: int


@record
class Copy:
    """The state of one recipient's copy."""

    agent: str  #: name@team
    state: DeliveryState | Literal["acked"]
    at: int | None  #: since when
    given_up: bool = False  #: whether its wake failed, and it is still unread


@record
class ThreadMessage:
    """A message of a thread, with the copies of its first recipients if the viewer may see their states."""

    message: Message
    copies: tuple[Copy, ...]  #: problems first
    recipients: int = 0  #: all of them but the sender; 0 if the viewer may not see states
    read: int = 0  #: recipients that have read their copy
    shown: int = 0  #: recipients whose copy is only shown


# A viewer sees messages that it sent or got. Null stands for a person, who sees everything.
SEEN = """(:viewer is null or m.sender_id = :viewer or exists (
    select 1 from deliveries v where v.agent_id = :viewer and v.message_id = m.id
))"""
# The newest messages to and from the agent :agent, :window of each, with their senders and its own copies.
NEWEST = """(
    select sent.id from (
        select m.id from messages m where m.sender_id = :agent order by m.sent_at desc, m.id desc limit :window
    ) as sent
    union
    select got.id from (
        select d.message_id as id from deliveries d where d.agent_id = :agent order by d.message_id desc limit :window
    ) as got
) as mail join messages m on m.id = mail.id join agents f on f.id = m.sender_id
left join deliveries d on d.agent_id = :agent and d.message_id = m.id"""
BODILESS = MESSAGE.replace("m.body", "'' as body")
HEADLINES = f"""
select {BODILESS}, {wakes.STATE} as state from {NEWEST}
where {SEEN} order by m.id desc
"""
CONVERSATION = f"""
select {MESSAGE} from (
    select :root as id
    union
    select answers.id from (
        select m.id from messages m where m.thread_id = :root order by m.id desc limit :limit
    ) as answers
) as said join messages m on m.id = said.id join agents f on f.id = m.sender_id
where {SEEN} order by m.id desc limit :limit
"""
COPIES = f"""
select a.name, a.team, {wakes.STATE} as state, d.acked_at,
    coalesce(d.replied_at, d.acked_at, d.read_at, d.shown_at) as at,
    case when d.state = 'unread' and w.state = 'failed' then 1 else 0 end as given_up
from deliveries d join agents a on a.id = d.agent_id left join wakes w on w.id = d.wake_id where d.message_id = :id
order by case d.state when 'unread' then 1 when 'expired' then 0 when 'shown' then 2 else 3 end,
    case w.state when 'failed' then 0 else 1 end, a.id
limit :limit
"""
COUNT = """
select count(*) as n, sum(case when d.state in ('read', 'replied') then 1 else 0 end) as done,
    sum(case when d.state = 'shown' then 1 else 0 end) as shown
from deliveries d join messages m on m.id = d.message_id where d.message_id = :id and d.agent_id <> m.sender_id
"""
SUBJECT = f"select m.subject from messages m where m.id = :id and {SEEN}"


def headlines(tx: Tx, agent: Agent, viewer: Agent | None, limit: int) -> list[Headline]:
    """Return the newest threads among the newest messages of `agent` that `viewer` may see.

    `viewer` None is a person, who may see everything.
    """
    values = {"agent": agent.id, "viewer": viewer.id if viewer else None, "window": WINDOW, **wakes.fresh(tx)}
    newest: dict[int, Row] = {}
    count: dict[int, int] = {}
    for row in tx.all(HEADLINES, **values):
        newest.setdefault(row["thread"], row)
        count[row["thread"]] = count.get(row["thread"], 0) + 1
    found = []
    for thread, row in [*newest.items()][:limit]:
        may_see = viewer is None or viewer.id in (agent.id, row["sender_id"])
        found.append(Headline(message_of(row), row["state"] if may_see else None, count[thread]))
    return found


def conversation(tx: Tx, thread_id: int, viewer: Agent | None, limit: int) -> list[ThreadMessage]:
    """Return the newest messages of a thread that `viewer` may see, oldest first.

    Only a person (None) and the sender of a message see the states of its copies.
    """
    rows = tx.all(CONVERSATION, root=thread_id, viewer=viewer.id if viewer else None, limit=limit)
    return [
        _with_copies(tx, message_of(row))
        if viewer is None or viewer.id == row["sender_id"]
        else ThreadMessage(message_of(row), ())
        for row in reversed(rows)
    ]


def _with_copies(tx: Tx, message: Message) -> ThreadMessage:
    row = tx.one(COUNT, id=message.id)
    assert row
    return ThreadMessage(message, _copies(tx, message.id), row["n"], row["done"] or 0, row["shown"] or 0)


def _copies(tx: Tx, message_id: int) -> tuple[Copy, ...]:
    return tuple(
        Copy(
            agent=f"{row['name']}@{row['team']}",
            state="acked" if row["acked_at"] and row["state"] == "read" else row["state"],
            at=row["at"],
            given_up=bool(row["given_up"]) and row["state"] == "unread",
        )
        for row in tx.all(COPIES, id=message_id, limit=RECIPIENTS, **wakes.fresh(tx))
    )


def subject(tx: Tx, message_id: int, viewer: Agent | None) -> str | None:
    """Return the subject of a message if it has one that `viewer` may see."""
    row = tx.one(SUBJECT, id=message_id, viewer=viewer.id if viewer else None)
    return row["subject"] if row else None
