"""Messages: what was said, and to whom. A message does not change once it is stored.

`sending` accepts messages. `inbox` has what each recipient does with its delivery.
"""

from __future__ import annotations

from xats.base.errors import UnknownMessage
from xats.base.record import from_row, record

# `held` and `stops` are imported where they are needed: most mail needs neither.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Row, Tx


@record
class Message:
    """A message as it is stored."""

    id: int
    thread_id: int
    sender: str  #: name@team
    sender_client: str
    evidence: str
    address: str
    subject: str | None
    body: str
    kind: str
    need_reply: bool
    reply_to: int | None
    sent_at: int
    expires_at: int | None
    contract: tuple[str, int] | None = None  #: the name, in its sender's team, and the version that the body satisfies


MESSAGE = """
m.id, coalesce(m.thread_id, m.id) as thread, m.sender_id, m.evidence, m.address, m.subject, m.body, m.kind,
m.need_reply, m.reply_to, m.sent_at, m.expires_at, m.thread_id, f.name as sender_name, f.team as sender_team,
f.client as sender_client, (select k.name from contracts k where k.id = m.contract_id) as contract, m.contract_version
"""
BY_ID = f"select {MESSAGE} from messages m join agents f on f.id = m.sender_id where m.id = :id"


def message_of(row: Row) -> Message:
    """Return the Message in a row that has the MESSAGE columns."""
    version = row["contract_version"]
    return from_row(
        Message,
        row,
        thread_id=row["thread"],
        sender=f"{row['sender_name']}@{row['sender_team']}",
        need_reply=bool(row["need_reply"]),
        contract=(row["contract"], version) if version is not None else None,
    )


STORED = """
select 1 from messages m join agents f on f.id = m.sender_id
where m.id = :id and m.sent_at = :at and m.body = :body and f.name = :name and f.team = :team
"""


def is_stored(tx: Tx, message: Message) -> bool:
    """Tell whether the transaction that wrote `message` was committed; another one may have its id otherwise."""
    name, _, team = message.sender.partition("@")
    return tx.one(STORED, id=message.id, at=message.sent_at, body=message.body, name=name, team=team) is not None


VISIBLE = f"""
select {MESSAGE}, d.state, d.read_at, d.shown_at from messages m join agents f on f.id = m.sender_id
left join deliveries d on d.message_id = m.id and d.agent_id = :me
where m.id = :id and (m.sender_id = :me or d.agent_id is not null)
"""


def visible(tx: Tx, me: Agent, message_id: int) -> Row:
    """Return message `message_id` if `me` sent it or got it. Raises UnknownMessage."""
    row = tx.one(VISIBLE, id=message_id, me=me.id)
    if row is None:
        msg = f"There is no message {message_id} to or from {me.name}."
        raise UnknownMessage(msg, id=message_id)
    return row
