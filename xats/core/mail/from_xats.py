"""Mail from xats itself about tasks, locks, zones, turns, limits and crews. It needs no reply."""

from __future__ import annotations

from xats.core.mail import recipients, sending
from xats.core.mail.sending import Draft

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.mail.recipients import Recipient
    from xats.store import Tx


def tell(tx: Tx, to: Agent, kind: str, subject: str, lines: Iterable[str], *, wake: bool = True) -> int | None:
    """Send `lines` to `to`, if `to` is registered; return the id of the message. `wake`: wake `to` for it."""
    if not to.registered:
        return None
    return post(tx, to.team, to.address, [recipients.recipient_of(to)], kind, subject, lines, wake=wake)


def post(
    tx: Tx,
    team: str,
    address: str,
    whom: Sequence[Recipient],
    kind: str,
    subject: str,
    lines: Iterable[str],
    *,
    wake: bool = True,
) -> int:
    """Send `lines` to `whom` in `team`; return the id. `address` is only displayed; a long `subject` is cut."""
    short = subject[: sending.LARGEST_SUBJECT]
    draft = Draft(address, "\n".join(lines), short, kind, need_reply=False, wake=wake)
    return sending.post_from_xats(tx, team, draft, whom).message.id
