"""Status: what happened to a message, for its sender."""

from __future__ import annotations

from xats.base.errors import Refused, UnknownMessage
from xats.base.record import from_row, record
from xats.core.agents import listing
from xats.core.mail.messages import Message, message_of, visible
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent, Details
    from xats.core.states import DeliveryState
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx


@record
class DeliveryStatus:
    """The state of one recipient's copy, and its wake."""

    agent: str
    client: str
    state: DeliveryState
    read_at: int | None
    replied_at: int | None
    acked_at: int | None
    wake: wakes.Wake | None
    no_wake_reason: Reason | None  #: why there is no wake: "self", "no_wake" or "hop_limit"
    host: str | None = None  #: the id of the host of the recipient's session
    host_name: str | None = None  #: the name of that host
    shown_at: int | None = None
    need_reply: bool = False  #: whether this recipient still has to reply
    agent_id: int = 0  #: of the recipient
    joined: bool = False  #: whether the wake is older than the message
    details: Details | None = None  #: the recipient, with its session and what its program reports


STATUS = f"""
select a.name as agent_name, a.team as agent_team, a.id as recipient_id, a.client, d.state as delivery_state, d.read_at,
    d.shown_at, d.replied_at, d.acked_at, d.no_wake_reason, d.need_reply, s.host,
    coalesce(s.host_name, s.host) as host_name,
    {wakes.SELECT}
from deliveries d join agents a on a.id = d.agent_id left join wakes w on w.id = d.wake_id
left join sessions s on s.agent_id = a.id and s.ended_at is null
where d.message_id = :id order by a.id
"""
LAST_SENT = "select id from messages where sender_id = :me order by id desc limit 1"


def status(tx: Tx, me: Agent, message_id: int | None) -> tuple[Message, list[DeliveryStatus]]:
    """Return a message that `me` sent (None: the last one) and the state of each recipient's copy.

    Raises UnknownMessage, or Refused for a message that another agent sent.
    """
    if message_id is None:
        row = tx.one(LAST_SENT, me=me.id)
        if row is None:
            msg = f"{me.name} has sent nothing yet."
            raise UnknownMessage(msg, "xats send ADDRESS TEXT")
        message_id = row["id"]
    found = visible(tx, me, message_id)
    message = message_of(found)
    if found["sender_id"] != me.id:
        msg = f"Message {message_id} is from {message.sender}; only its sender can see its status."
        raise Refused(msg, f"xats show {message_id}", id=message_id)
    details = listing.recipients(tx, message_id)
    rows = tx.all(STATUS, id=message_id)
    return message, [_status_of(tx, message, row, me, details[row["recipient_id"]]) for row in rows]


def _status_of(tx: Tx, message: Message, row: Row, me: Agent, details: Details) -> DeliveryStatus:
    state = row["delivery_state"]
    if state == "unread" and wakes.is_over(tx, message.sent_at, message.expires_at):
        state = "expired"
    wake = wakes.wake_of(row) if row["id"] is not None else None
    reason = None if wake else row["no_wake_reason"] or ("self" if row["recipient_id"] == me.id else "no_wake")
    address = f"{row['agent_name']}@{row['agent_team']}"
    owes = bool(row["need_reply"]) and state not in ("replied", "expired") and row["acked_at"] is None
    about = {"agent": address, "agent_id": row["recipient_id"], "wake": wake, "no_wake_reason": reason}
    about["joined"] = wake is not None and wake.opened_at < message.sent_at
    about["details"] = details
    return from_row(DeliveryStatus, row, state=state, need_reply=owes, **about)
