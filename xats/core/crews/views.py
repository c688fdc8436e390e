"""What a crew works on: the starts of the agents, and the tasks that they have claimed."""

from __future__ import annotations

from xats.core.crews import starts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.core.crews.starts import Start
    from xats.store import Tx

CLAIMED = """
select id from tasks where owner_id = :agent and state in ('claimed', 'review') order by id
"""


def of_agents(tx: Tx, ids: Iterable[int]) -> dict[int, tuple[Start | None, list[int]]]:
    """Return the newest start and the ids of the claimed tasks of each agent, by the `ids` of the agents."""
    return {one: (starts.of_agent(tx, one), [row["id"] for row in tx.all(CLAIMED, agent=one)]) for one in ids}
