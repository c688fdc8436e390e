"""Pokes: the record of each prompt that a person had xats type into a pane. The text itself is not kept."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx


def note(tx: Tx, by: str | None, agent: Agent, length: int, state: str, reason: str | None) -> None:
    """Record that `by` poked `agent` with a text of `length` characters, and the outcome (`state`, `reason`)."""
    tx.event("poked", agent.team, by, f"agent:{agent.name}", length=length, outcome=state, reason=reason)
