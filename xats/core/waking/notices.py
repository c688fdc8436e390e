"""Notices: the panes whose terminals show a notice of unread mail, and how much is unread."""

from __future__ import annotations

from xats.core.agents import agents
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.store import Tx

PANES = f"""
select {agents.SESSION} from agents a join sessions s on s.agent_id = a.id and s.ended_at is null
where a.wake_by = 'notice' and a.unregistered_at is null and s.host = :host and s.pane_id is not null
"""
SOCKETS = """
select distinct s.pane_socket from sessions s where s.ended_at is null and s.host = :host and s.pane_id is not null
"""


def sockets(tx: Tx, host: str) -> list[str]:
    """Return the sockets of the tmux servers that have panes of agents on `host`."""
    return [row["pane_socket"] for row in tx.all(SOCKETS, host=host)]


def unread(tx: Tx, host: str) -> dict[Pane, int]:
    """Return, by pane, how many messages are unread by each agent on `host` that a notice wakes."""
    found = {}
    for row in tx.all(PANES, host=host):
        session = agents.session_of(row)
        if session.seat.pane:
            found[session.seat.pane] = wakes.pending(tx, session.agent_id, 0).unread
    return found
