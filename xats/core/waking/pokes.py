"""Pokes: that a person had something typed into an agent's pane, and what came of it. Not what it was."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx


def note(tx: Tx, by: str | None, agent: Agent, length: int, state: str, reason: str | None) -> None:
    """Note that `by` poked `agent` with a text of `length` characters, and how that ended."""
    tx.event("poked", agent.team, by, f"agent:{agent.name}", length=length, outcome=state, reason=reason)
