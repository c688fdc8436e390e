"""A turn in one line, and as JSON in a list of other things. Several verbs import this, so it imports little."""

from __future__ import annotations

from xats.base.durations import iso, left, rough
from xats.cli.kit.views import near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.turns.summaries import Summary
    from xats.core.turns.turns import Turn


def turn_json(turn: Turn) -> dict[str, Any]:
    """Return the JSON form of a turn without its members."""
    return {
        "name": turn.name,
        "team": turn.team,
        "state": turn.state,
        "number": turn.number,
        "holder": turn.holder,
        "taken_at": iso(turn.taken_at),
        "lease_until": iso(turn.lease_until),
        "holder_gone_at": iso(turn.gone_at),
        "offered_to": turn.offered_to,
        "offer_until": iso(turn.offer_until),
        "named": turn.named,
    }


def summary_json(found: Summary) -> dict[str, Any]:
    """Return the JSON form of a turn in a list of other things."""
    return {**turn_json(found.turn), "waiting": list(found.waiting)}


def state(turn: Turn, now: int, team: str, me: str | None = None) -> str:
    """Return who has a turn, in words that follow its name; `me` is the address of the reader."""
    if turn.state == "held":
        assert turn.holder and turn.taken_at is not None and turn.lease_until is not None
        gone = "; its process has ended" if turn.gone_at is not None else ""
        who = "you have it" if turn.holder == me else f"{near(turn.holder, team)} has it"
        return f"{who} since {rough(max(now - turn.taken_at, 0))} (number {turn.number}{gone})"
    if turn.state == "offered":
        assert turn.offered_to and turn.offer_until is not None
        whom = "you" if turn.offered_to == me else near(turn.offered_to, team)
        return f"it is offered to {whom}, for {left(turn.offer_until - now)} more"
    return "it is free"


def line(found: Summary, now: int, team: str, me: str | None = None) -> str:
    """Return a turn and who waits for it, in one line; `team` is the reader's."""
    turn = found.turn
    name = turn.name if turn.team == team else f"{turn.name}@{turn.team}"
    waiting = ", ".join(near(one, team) for one in found.waiting)
    return f"turn {name}: {state(turn, now, team, me)}" + (f"; waiting: {waiting}" if waiting else "")
