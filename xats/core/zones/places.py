"""The repositories that have zones, and what happens when one of them is moved or gets another origin."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx

KEEP = """
update zones set host = :host, repository = :repository
where team = :team and host = :old_host and repository = :old and pattern not in (
    select o.pattern from zones o where o.team = :team and o.host = :host and o.repository = :repository
)
"""
TEAMS = """
select distinct team from zones
where (host = :host and repository = :path) or (host = '' and repository = :remote) order by team
"""
OTHERS = "select remote, team from projects where remote is not null and id <> :id"
USUAL = {"ssh": "22", "https": "443", "http": "80", "git": "9418"}  # the port of each scheme


@record
class Place:
    """A repository, as zones know it."""

    host: str  #: the id of the machine
    path: str  #: the real path of the git common directory, or of the folder without git
    remote: str | None  #: the URL of `origin`

    @property
    def key(self) -> tuple[str, str]:
        """What is stored of it: a host and a repository."""
        return ("", origin(self.remote)) if self.remote else (self.host, self.path)


def origin(url: str) -> str:
    """Return what the forms of the URL of one repository have in common: `example.org/shop`.

    That is without the scheme, user, usual port, `.git` and a slash at the end, and with the host in lower case. A path
    on this machine stays as it is. See "GIT URLS" in git-fetch(1).
    """
    scheme, mark, rest = url.partition("://")
    if mark and scheme.lower() != "file":
        server, _, path = rest.partition("/")
    elif not mark and ":" in (start := url.partition("/")[0]):
        at = start.find("]:") + 1 or start.find(":")
        scheme, server, path = "ssh", url[:at], url[at + 1 :]
    else:
        return url
    server = server.rpartition("@")[2].lower().removesuffix(f":{USUAL.get(scheme.lower(), '')}")
    return f"{server}/{path.strip('/').removesuffix('.git').rstrip('/')}".rstrip("/")


def follow(tx: Tx, own: str, project_id: int, was: Place, now: Place) -> None:
    """Let the zones of all teams follow a project of the team `own` that was moved, or has another origin.

    A URL that another clone still has keeps its zones; for the team `own` only the clones of that team count. A zone
    that cannot follow to the URL counts at the path.
    """
    if (was.host, was.path, was.key) == (now.host, now.path, now.key):
        return
    from xats.core.zones import joining

    url = was.key[1] if was.remote else None
    users = [row["team"] for row in tx.all(OTHERS, id=project_id) if url and origin(row["remote"]) == url]
    path = {"host": now.host, "repository": now.path}
    for row in tx.all(TEAMS, host=was.host, path=was.path, remote=url):
        team = row["team"]
        if was.key != now.key and not (own in users if team == own else users):
            joining.move(tx, team, was.key, now.key)
            tx.run(KEEP, team=team, old_host=was.key[0], old=was.key[1], **path)
        if (was.host, was.path) != (now.host, now.path):
            tx.run(KEEP, team=team, old_host=was.host, old=was.path, **path)
