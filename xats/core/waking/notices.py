"""Notices: the panes whose terminals show a notice of unread mail, and how much is unread."""

from __future__ import annotations

from xats.core.agents import agents
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.base.pane import Pane
    from xats.core.agents.agents import Agent, Session
    from xats.store import Tx

PANES = f"""
select {agents.AGENT}, {agents.SESSION} from agents a join sessions s on s.agent_id = a.id and s.ended_at is null
where a.wake_by = 'notice' and a.unregistered_at is null and s.host = :host and s.pane_id is not null
"""
SOCKETS = """
select distinct s.pane_socket, s.server_pid from sessions s
where s.ended_at is null and s.host = :host and s.pane_id is not null
"""


def servers(tx: Tx, host: str) -> list[tuple[str, int]]:
    """Return the tmux servers (socket, pid) that have panes of agents on `host`."""
    return [(row["pane_socket"], row["server_pid"]) for row in tx.all(SOCKETS, host=host)]


def unread(tx: Tx, host: str, ours: Callable[[Agent, Session], bool]) -> dict[Pane, int]:
    """Return, by pane, how many messages are unread by each agent on `host` that a notice wakes.

    `ours` tells whether commands of this host registered an agent in its session (xats/base/seats.py).
    """
    found = {}
    for row in tx.all(PANES, host=host):
        session = agents.session_of(row)
        if session.seat.pane and ours(agents.agent_of(row), session):
            found[session.seat.pane] = wakes.pending(tx, session.agent_id, 0).unread
    return found
