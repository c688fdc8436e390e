"""An agent leaves its team, is removed, or its program is ended: its locks end, and its places in the queues too."""

from __future__ import annotations

from xats.core.agents.cascade import LOCK_ROWS
from xats.core.locks import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.locks.locks import Lock
    from xats.store import Tx


def leave(tx: Tx, agent: Agent) -> list[Lock]:
    """Release the locks of `agent` and end its places in the queues; return its explicit locks.

    The agents that wait for these files get them in their order.
    """
    found = [lock for lock in locks.release_all(tx, agent) if lock.explicit]
    for sql in LOCK_ROWS:
        tx.run(sql, id=agent.id)
    return found
