"""What a crew works on: the starts of the agents, their claimed tasks, and their turns."""

from __future__ import annotations

from xats.base.record import record
from xats.core.crews import restarts, starts
from xats.core.turns import turns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.core.crews.starts import Start
    from xats.store import Tx

CLAIMED = """
select id from tasks where owner_id = :agent and state in ('claimed', 'review') order by id
"""


@record
class Work:
    """What xats knows of the work of an agent."""

    start: Start | None  #: its newest start
    tasks: list[int]  #: the ids of its claimed tasks
    turns: list[str]  #: the names of the turns that it has
    again_in: int | None = None  #: in how many ms the daemon starts it again; None: it does not


def of_agents(tx: Tx, ids: Iterable[int]) -> dict[int, Work]:
    """Return the work of each agent, by the `ids` of the agents."""
    return {one: _of(tx, one) for one in ids}


def _of(tx: Tx, agent: int) -> Work:
    start = starts.of_agent(tx, agent)
    return Work(
        start,
        [row["id"] for row in tx.all(CLAIMED, agent=agent)],
        [turn.name for turn in turns.held_by(tx, agent)],
        restarts.left(tx, start) if start and start.waits else None,
    )
