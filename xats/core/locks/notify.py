"""Mail about locks, from xats itself: one was lost, or a file is free."""

from __future__ import annotations

from xats.core.mail import recipients, sending
from xats.core.mail.sending import Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx


def tell(tx: Tx, to: Agent, subject: str, *lines: str) -> int | None:
    """Send `lines` from xats to `to`, if `to` is registered; return the id of the message."""
    if not to.registered:
        return None
    draft = Draft(to.address, "\n".join(lines), subject[: sending.LARGEST_SUBJECT], "lock", need_reply=False)
    return sending.post_from_xats(tx, to.team, draft, [recipients.recipient_of(to)]).message.id
