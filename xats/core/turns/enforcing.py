"""What a guard before a file change asks: whether another agent has the turn."""

from __future__ import annotations

from xats.core.turns import expiry, turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.turns.turns import Turn
    from xats.store import Tx


def others(tx: Tx, me: Agent) -> Turn | None:
    """Return a turn of the team of `me` that another agent has now; None if there is none, or if `me` has a turn.

    This is what `turn.enforce` asks before `me` changes a file.
    """
    held = [one for one in turns.of_team(tx, me.team) if one.state == "held"]
    if not held or any(one.holder_id == me.id for one in held):
        return None
    return next((one for one in held if expiry.over(tx, one) is None), None)
