"""`xats send --wait`: wait until the recipients have read."""

from __future__ import annotations

from xats.base.errors import TimedOut
from xats.cli.kit import render, views
from xats.cli.kit.waiting import await_change
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.context import Context
    from xats.core.mail.sending import Sent
    from xats.store import Tx


def await_read(here: Context, sent: Sent, deadline: float) -> None:
    """Wait until every recipient of `sent` has seen it. Raises TimedOut after `deadline` (s, monotonic clock)."""
    from xats.core.mail.status import status as look

    said: set[str] = set()
    while True:
        generation = here.store.generation()
        found = here.read(lambda tx, me: look(tx, me.agent, sent.message.id))[1]
        unread = [one.agent for one in found if one.state == "unread"]
        if not unread:
            break
        say_gone(here, unread, said)
        if not await_change(here, generation, deadline):
            msg = f"#{sent.message.id} is sent, but not read yet by {', '.join(unread[:5])}."
            raise TimedOut(msg, f"xats status {sent.message.id}", id=sent.message.id)
    expired = [one.agent for one in found if one.state == "expired"]
    if expired:
        msg = f"#{sent.message.id} has expired, unread by {', '.join(expired[:5])}."
        raise TimedOut(msg, f"xats status {sent.message.id}", id=sent.message.id)


def say_gone(here: Context, addresses: Sequence[str], said: set[str]) -> None:
    """Say on stderr which agents of `addresses` are gone, each once: `said` has those of earlier calls.

    With --json it says nothing, because stderr is for one document, which says what failed.
    """
    new = [address for address in addresses if address not in said]
    if here.json or not new:
        return
    from xats.cli.agents import states

    def look(tx: Tx) -> list[tuple[str, str]]:
        parts = [address.partition("@") for address in new]
        found = [agents.find(tx, team, name) for name, _, team in parts]
        return [(one.address, why) for one in found if one and (why := states.why_gone(tx, one))]

    for address, why in here.store.read(look):
        render.say(f"{views.near(address, here.team)} is gone ({why}); still waiting")
        said.add(address)
