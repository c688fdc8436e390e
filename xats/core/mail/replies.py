"""Replies to one message: whether its sender has one, and which recipients may still send one."""

from __future__ import annotations

from xats.base.record import record
from xats.core.mail import inbox, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.core.agents.agents import Agent
    from xats.core.mail.inbox import Letter
    from xats.core.mail.messages import Message
    from xats.core.mail.status import DeliveryStatus
    from xats.store import Tx

    Ending = Literal["acked", "replied", "expired"]


@record
class Asked:
    """A message, its first reply, and its recipients.

    `owing` are the copies of those that may still reply. `ended` (name@team) will not, each with the reason: it
    acknowledged the message, it replied to others than its sender, or its copy expired.
    """

    message: Message
    reply: Letter | None
    owing: tuple[DeliveryStatus, ...]
    ended: tuple[tuple[str, Ending], ...]


# Mail of xats itself is no reply. `m.reply_to` has an index.
FIRST = """
select m.id from messages m join agents f on f.id = m.sender_id
join deliveries d on d.message_id = m.id and d.agent_id = :me
where m.reply_to = :id and f.client <> 'system' order by m.id limit 1
"""


def look(tx: Tx, me: Agent, message_id: int) -> Asked:
    """Return what became of message `message_id`, which `me` sent; it changes nothing.

    Raises UnknownMessage, or Refused for a message that another agent sent.
    """
    message, copies = status.status(tx, me, message_id)
    row = tx.one(FIRST, me=me.id, id=message_id)
    owing: list[DeliveryStatus] = []
    ended: list[tuple[str, Ending]] = []
    for one in copies:
        if one.state in ("replied", "expired"):
            ended.append((one.agent, one.state))
        elif one.acked_at is not None:
            ended.append((one.agent, "acked"))
        else:
            owing.append(one)
    return Asked(message, inbox.show(tx, me, row["id"]) if row else None, tuple(owing), tuple(ended))
