"""Ctrl-C in a verb that sends: whether the message is stored, and the command that goes on."""

from __future__ import annotations

from xats.base import output
from xats.base.errors import Interrupted
from xats.core.mail import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.cli.kit.context import Context
    from xats.core.mail.sending import Sent


def error(here: Context, stored: int | Sequence[Sent], then: str, again: Callable[[int], str]) -> Interrupted:
    """Return the error for a Ctrl-C in a verb that sends; it says whether the message is stored.

    `stored` is the id of an earlier message, or holds the message as soon as it was written, perhaps before the commit.
    `then` says what else is true of a stored message, and `again` returns the command that goes on with that id.
    """
    output.drop()  # what was just written may still count as unwritten, and must not come twice
    number = stored if isinstance(stored, int) else _committed(here, stored)
    if number is None:
        msg = "Interrupted. Nothing was sent."
        return Interrupted(msg)
    here.rouse_daemon()
    return Interrupted(f"Interrupted. #{number} is sent{then}.", again(number), id=number)


def _committed(here: Context, stored: Sequence[Sent]) -> int | None:
    """Return the id of the message in `stored`; None if there is none, or if it was not committed."""
    if not stored:
        return None
    message = stored[0].message
    return message.id if here.store.read(lambda tx: messages.is_stored(tx, message)) else None
