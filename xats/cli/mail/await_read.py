"""`xats send --wait` and `xats status --wait`: wait until the recipients have seen a message."""

from __future__ import annotations

from xats.base.errors import TimedOut
from xats.cli.kit.views import near
from xats.cli.kit.waiting import await_change
from xats.cli.mail.copies import Obstacles
from xats.core.mail.status import status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.context import Context


def await_read(here: Context, message_id: int, deadline: float, again: str, known: Sequence[str] = ()) -> None:
    """Wait until every recipient of message `message_id`, which I sent, has seen it.

    `known` are the recipients of which xats has said that they are not running. Raises TimedOut after `deadline` (s,
    monotonic clock), with `again` as the command that goes on waiting; and UnknownMessage, Refused.
    """
    obstacles = Obstacles(here, known)
    while True:
        generation = here.store.generation()
        found = here.read(lambda tx, me: status(tx, me.agent, message_id))[1]
        unread = [one for one in found if one.state == "unread"]
        if not unread:
            break
        obstacles.say(unread, "; still waiting")
        if not await_change(here, generation, deadline):
            names = ", ".join(near(one.agent, here.team) for one in unread[:5])
            msg = f"#{message_id} is sent, but not read yet by {names}."
            raise TimedOut(msg, again, id=message_id, agents=obstacles.of(unread))
    expired = [near(one.agent, here.team) for one in found if one.state == "expired"]
    if expired:
        msg = f"#{message_id} has expired, unread by {', '.join(expired[:5])}."
        raise TimedOut(msg, f"xats status {message_id}", id=message_id)
