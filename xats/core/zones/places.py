"""The repositories that have zones, and what happens when one of them is moved or gets another origin."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

FOLLOW = """
update zones set host = :host, repository = :repository
where team = :team and host = :old_host and repository = :old and pattern not in (
    select o.pattern from zones o where o.team = :team and o.host = :host and o.repository = :repository
)
"""
ANOTHER = "select 1 from projects where team = :team and remote = :remote and id <> :id limit 1"


@record
class Place:
    """A repository, as zones know it."""

    host: str  #: the id of the machine
    path: str  #: the real path of the git common directory, or of the folder without git
    remote: str | None  #: the URL of `origin`

    @property
    def key(self) -> tuple[str, str]:
        """What is stored of it: a host and a repository."""
        return ("", self.remote) if self.remote else (self.host, self.path)


def follow(tx: Tx, team: str, project_id: int, was: Place, now: Place) -> None:
    """Let the zones of `team` follow a project that was moved, or has another origin.

    A URL that another clone of the team still has keeps its zones.
    """
    if was.key != now.key and not (was.remote and tx.one(ANOTHER, team=team, remote=was.remote, id=project_id)):
        (old_host, old), (host, repository) = was.key, now.key
        tx.run(FOLLOW, team=team, old_host=old_host, old=old, host=host, repository=repository)
