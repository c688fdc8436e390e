"""Processes that wait for a turn in `xats turn take --wait`, each only as long as it lives."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Tx

BEGIN = """
insert into turn_waits (turn_id, agent_id, process, since) values (:turn, :agent, :process, :now)
on conflict (turn_id, agent_id, process) do nothing
"""
END = "delete from turn_waits where turn_id = :turn and agent_id = :agent and process = :process"
END_ALL = "delete from turn_waits where turn_id = :turn and agent_id = :agent"
MARKS = "select distinct process from turn_waits order by process"
DROP = "delete from turn_waits where process = :process"


def begin(tx: Tx, me: Agent, turn: Turn, process: str) -> None:
    """Note that the process with the mark `process` waits for `turn` as `me`."""
    tx.run(BEGIN, turn=turn.id, agent=me.id, process=process, now=tx.now)


def end(tx: Tx, me: Agent, turn: Turn, process: str | None = None) -> None:
    """Note that the process with the mark `process` waits no more for `turn`; None: no process of `me` does."""
    if process is None:
        tx.run(END_ALL, turn=turn.id, agent=me.id)
    else:
        tx.run(END, turn=turn.id, agent=me.id, process=process)


def ended(tx: Tx, probe: Probe) -> list[str]:
    """Return the marks of processes that have ended and are still noted as waiting."""
    return [row["process"] for row in tx.all(MARKS) if probe.ended(row["process"])]


def drop(tx: Tx, marks: list[str]) -> None:
    """Remove the waits of the processes with these `marks`."""
    tx.many(DROP, [{"process": one} for one in marks])
