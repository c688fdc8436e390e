"""The turns of a team in one line each, for lists of other things. Several verbs read it, so it imports little."""

from __future__ import annotations

from xats.base.record import record
from xats.core.turns import turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.turns.turns import Turn
    from xats.store import Tx


@record
class Summary:
    """A turn in one line, for lists of other things."""

    turn: Turn
    waiting: tuple[str, ...]  #: the members that wait, name@team


WAITING = """
select distinct a.name from turn_waits w join agents a on a.id = w.agent_id where w.turn_id = :turn order by a.name
"""
EVERY = f"{turns.SELECT} order by t.team, t.id"


def find(tx: Tx, team: str | None) -> list[Summary]:
    """Return the turns of `team` (None: of all teams) that are held, offered or waited for."""
    every = turns.of_team(tx, team) if team is not None else [turns.turn_of(row) for row in tx.all(EVERY)]
    found = [Summary(one, tuple(f"{row['name']}@{one.team}" for row in tx.all(WAITING, turn=one.id))) for one in every]
    return [one for one in found if one.turn.state != "free" or one.waiting]
