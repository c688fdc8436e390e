"""What an agent holds that others wait for. A hook reminds it once when it ends a turn of its program."""

from __future__ import annotations

from xats.base.record import record
from xats.base.visible import one_line
from xats.core.agents import presence
from xats.core.locks import locks
from xats.core.turns import turns
from xats.hooks import letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent
    from xats.store import Tx


@record
class Thing:
    """Something that an agent holds."""

    keys: tuple[str, ...]  #: what identifies this grant; stored with commas between them
    text: str  #: what it is, and how to let it go


def _turns(tx: Tx, me: Agent, xats: str) -> list[Thing]:
    return [
        Thing(
            (f"turn:{one.id}:{one.number}",),
            f"{one.called} of team {one.team}. To pass it on: "
            f"{one.call('pass next', xats)} --status 'what is done' --next 'what is to do'. "
            f"To give it back: {one.call('release', xats)}",
        )
        for one in turns.held_by(tx, me.id)
    ]


def _locks(tx: Tx, me: Agent, xats: str) -> list[Thing]:
    held = locks.held_by(tx, me.id, explicit=True)
    if not held:
        return []
    first = held[0].file.path
    more = f" and {len(held) - 1} more" if len(held) > 1 else ""
    keys = tuple(f"lock:{one.id}" for one in held)
    return [Thing(keys, f"a lock on {one_line(first)}{more}. To release: {xats} lock release --all")]


SOURCES: tuple[Callable[[Tx, Agent, str], list[Thing]], ...] = (_turns, _locks)


def things(tx: Tx, me: Agent, xats: str) -> list[Thing]:
    """Return what `me` holds. `xats` is how its shell calls xats."""
    return [one for source in SOURCES for one in source(tx, me, xats)]


def unreminded(tx: Tx, me: Agent, xats: str) -> list[Thing]:
    """Return what `me` holds, [] if xats reminded it of all of it before. `xats` is how its shell calls xats."""
    found = things(tx, me, xats)
    before = presence.reminded_of(tx, me.id)
    return [] if all(key in before for one in found for key in one.keys) else found


def remind(tx: Tx, me: Agent, found: Sequence[Thing]) -> str:
    """Return a reminder of what `me` holds, and note it. The presence of `me` is recorded already."""
    presence.remind_of(tx, me.id, [key for one in found for key in one.keys])
    head = f"{letters.HOLDS}you are about to stop, but you still hold this, and other agents may wait for it:"
    end = "To keep it, stop again. xats sends this reminder once."
    return "\n".join([head, *(f"- {one.text}" for one in found), end])
