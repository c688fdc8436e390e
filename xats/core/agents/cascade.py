"""Cascade: the rows that go with an agent, because they are about it alone.

Its sessions and its wakes are not among them. An ended session may still have a process, and xats must refuse what that
process writes. Wakes are pruned by their age (core/prune.py).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

LOCK_ROWS = (
    "delete from locks where holder_id = :id",
    "delete from lock_waits where agent_id = :id",
    "delete from refused_edits where agent_id = :id",
)
OWN_ROWS = (
    *LOCK_ROWS,
    "delete from labels where agent_id = :id",
    "delete from presence where agent_id = :id",
    # Two statements for pairs: each of them uses an index.
    "delete from pairs where low_id = :id",
    "delete from pairs where high_id = :id",
    "delete from pauses where agent_id = :id",
    "delete from contract_subscribers where agent_id = :id",
    "delete from zones where owner_id = :id",
    "delete from former_names where agent_id = :id",
    "delete from former_addresses where agent_id = :id",
    "delete from expectations where agent_id = :id",
    "delete from turn_members where agent_id = :id",
    "delete from turn_waits where agent_id = :id",
    "delete from starts where agent_id = :id",
    "delete from start_log where agent_id = :id",
)


def delete(tx: Tx, agent_id: int) -> None:
    """Delete the rows that are about the agent with that id alone."""
    for sql in OWN_ROWS:
        tx.run(sql, id=agent_id)
