"""How turns look, as JSON for scripts and in words for people; and what the verbs of turns share."""

from __future__ import annotations

from xats.base.durations import ago, iso
from xats.cli.kit import render, views
from xats.cli.turns.lines import state, turn_json
from xats.core.turns import expiry
from xats.core.turns.turns import MAIN
from xats.daemon.probe import PROBE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.core.turns.handoffs import Handoff
    from xats.core.turns.turns import Turn
    from xats.core.turns.views import Details, Entry

# What an entry of the log says, of {agent} and {other}.
WORDS = {
    "joined": "{agent} joined",
    "left": "{agent} left",
    "kicked": "{agent} removed {other}",
    "taken": "{agent} took it",
    "passed": "{agent} passed it to {other}",
    "released": "{agent} released it",
    "offered": "it was offered to {agent}",
    "skipped": "{agent} was skipped",
    "missed": "{agent} did not take it",
    "owner_gone": "the process of {agent} had ended",
    "lapsed": "{agent} lost it",
    "stolen": "{agent} took it from {other}",
}


def settle(here: Context) -> None:
    """Move on the turns whose time is over, before a verb does anything else.

    It is a transaction of its own: a verb that is refused afterwards must not undo it, and must not renew a lease that
    is over already.
    """
    if here.store.read(lambda tx: expiry.due(tx, PROBE)):
        here.store.write(lambda tx: expiry.settle(tx, PROBE))


# -- JSON --------------------------------------------------------------------------------------------------------------


def handoff_json(handoff: Handoff | None) -> dict[str, Any] | None:
    """Return the JSON form of a handoff."""
    if handoff is None:
        return None
    return {
        "from": handoff.sender,
        "at": iso(handoff.at),
        "number": handoff.number,
        "status": handoff.status,
        "next": handoff.next,
        "artifacts": [{"path": path, "planned": planned} for path, planned in handoff.artifacts],
    }


def details_json(found: Details) -> dict[str, Any]:
    """Return the JSON form of a turn with everything about it."""
    return {
        **turn_json(found.turn),
        "members": [
            {
                "agent": one.agent,
                "joined_at": iso(one.joined_at),
                "last_number": one.last_number,
                "waits_since": iso(one.waits_since),
                "unreachable": one.unreachable,
            }
            for one in found.members
        ],
        "line": list(found.line),
        "handoff": handoff_json(found.handoff),
    }


def entry_json(one: Entry) -> dict[str, Any]:
    """Return the JSON form of an entry of the log."""
    return {
        "id": one.id,
        "at": iso(one.at),
        "kind": one.kind,
        "number": one.number,
        "agent": one.agent,
        "other": one.other,
        "reason": one.reason,
        "handoff": handoff_json(one.handoff),
    }


# -- words -------------------------------------------------------------------------------------------------------------


def handoff_lines(handoff: Handoff, now: int, team: str, *, me: str | None = None) -> Iterator[str]:
    """Yield a handoff in lines, each line of its texts with the mark of a quotation."""
    whose = "your own handoff" if handoff.sender == me else f"the handoff of {views.near(handoff.sender, team)}"
    yield f"{whose}, {ago(handoff.at, now)}:"
    for word, text in (("status", handoff.status), ("next", handoff.next)):
        yield f"  {word}:"
        yield from quoted(text)
    for path, planned in handoff.artifacts:
        yield f"  {'planned' if planned else 'artifact'}: {render.one_line(path)}"


def quoted(text: str) -> list[str]:
    """Return a text of another agent as lines with the mark of a quotation."""
    columns = render.width()
    return views.quoted(text, max(20, columns - 2) if columns else 0)


def entry(one: Entry, team: str) -> str:
    """Return what an entry of the log says, in one line."""
    names = {
        "agent": views.near(one.agent, team) if one.agent else "xats",
        "other": views.near(one.other, team) if one.other else "the next in line",
    }
    reason = f": {render.one_line(one.reason)}" if one.reason else ""
    return WORDS[one.kind].format(**names) + reason


def show(here: Context, found: Details, head: str = "") -> None:
    """Print a turn with its handoff; `head` is what was done."""
    turn, now = found.turn, here.store.clock()
    name = "" if turn.name == MAIN else f" {turn.name}"
    render.put(head or render.bold(f"turn{name} of team {turn.team}: {state(turn, now, turn.team)}"))
    if found.since:
        render.put(f"after the handoff: {entry(found.since, turn.team)}, {ago(found.since.at, now)}")
    if found.handoff:
        for text in handoff_lines(found.handoff, now, turn.team):
            render.put(text)


def command(here: Context, turn: Turn, *words: object) -> str:
    """Return the command `xats turn` of `words` for `turn`, as it is printed."""
    return here.command("turn", *words, *turn.words)
