"""What an agent gave back when it left or its program was ended: in words, and as JSON."""

from __future__ import annotations

from xats.core.agents import holdings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.agents.holdings import Released


def said(released: Released) -> str:
    """Return what follows in a line about the agent; "" if it held nothing."""
    words = f"; open again: {', '.join(f'#{one}' for one in released.tasks)}" if released.tasks else ""
    words += f"; unlocked: {holdings.paths(released.locks)}" if released.locks else ""
    for turn in released.turns:
        to = f"offered to {turn.offered_to.partition('@')[0]}" if turn.offered_to else "free"
        words += f"; {turn.called} is {to}"
    return words


def fields(released: Released) -> dict[str, Any]:
    """Return the fields of a JSON document."""
    return {
        "released": list(released.tasks),
        "released_locks": list(released.locks),
        "released_turns": [one.name for one in released.turns],
    }
