"""Which projects a team has: in their folders the daemon finds the settings that hold for the team's agents."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

PATHS = "select path from projects where team = :team and host in (:host, :machine) order by id limit :limit"
MOST = 20  # projects of one team that are looked at


def paths(tx: Tx, team: str, host: str, machine: str) -> tuple[str, ...]:
    """Return the paths of the projects of `team` on `host`, an id, or on its `machine`: see the table `projects`."""
    rows = tx.all(PATHS, team=team, host=host, machine=machine, limit=MOST)
    return tuple(row["path"] for row in rows)
