"""The folders of a team's projects, where the daemon looks for the settings of the team's agents."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

PATHS = "select path from projects where team = :team and host in (:host, :machine) order by id limit :limit"
MOST = 20  # projects of one team that the daemon looks at


def paths(tx: Tx, team: str, host: str, machine: str) -> tuple[str, ...]:
    """Return the paths of the projects of `team` on the host with the id `host`, or on its `machine`."""
    rows = tx.all(PATHS, team=team, host=host, machine=machine, limit=MOST)
    return tuple(row["path"] for row in rows)
