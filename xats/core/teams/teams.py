"""Teams, and the projects that have them.

A project is found by its machine and path, or, after it was moved, by its stamp. The first project with a name gets
the team of that name, the next one gets the name with a number. A team without a project, as made with --team or by
earlier releases, belongs to the first project of its name. The row of a team that was renamed or merged stays, and
leads to the team that it became.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.address import LONGEST, RESERVED, plain_slug, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from xats.store import Row, Tx

    class Project(Protocol):
        """What a team is found by; `xats.identity.project.Project` is one."""

        @property
        def path(self) -> str:
            """The real path by which it is known on its machine."""

        @property
        def top(self) -> str:
            """The folder of the main worktree, or the folder without git."""

        @property
        def here(self) -> str:
            """The top folder of the worktree that the command runs in."""

        @property
        def name(self) -> str:
            """The name after which its team is named."""

        @property
        def stamp(self) -> str | None:
            """What it is recognised by after it was moved."""

        @property
        def remote(self) -> str | None:
            """The URL of the repository that it was cloned from."""

        def worktrees(self) -> Iterator[str]:
            """Yield the folders of its linked worktrees."""

        def was_at(self, path: str) -> bool:
            """Tell whether a project with this stamp that was at `path` is this one."""

        def is_gone(self, path: str) -> bool:
            """Tell whether nothing is at `path` any more, which this project has left."""


LONGEST_CHAIN = 50  # renames of one team that are followed

MOVED_TO = "select moved_to from teams where name = :name"
RENAMED = """
select a.team, a.name from former_addresses f join agents a on a.id = f.agent_id
where f.team = :team and f.name_key = :key
"""
MERGED = """
select f.team, f.name_key, a.name from teams t join former_addresses f on f.team = t.name
join agents a on a.id = f.agent_id where t.moved_to = :team and a.unregistered_at is null order by f.team, f.name_key
"""
ADD = "insert into teams (name, created_at) values (:name, :now) on conflict (name) do nothing"
COLUMNS = "id, host, path, file_id, remote, team"
BY_PATH = f"select {COLUMNS} from projects where path = :path order by id"
BY_STAMP = f"select {COLUMNS} from projects where host = :host and file_id = :stamp order by id"
OWNED = "select path from projects where team = :team order by id limit 1"
TEAM = """
select t.moved_to, t.archived_at, (select min(p.id) from projects p where p.team = t.name) as project
from teams t where t.name = :name
"""
NUMBERED = "select name from teams where name >= :low and name < :high"
RECORD = """
insert into projects (host, path, file_id, remote, team, created_at)
values (:host, :path, :stamp, :remote, :team, :now)
"""
MOVE_TEAMS = """
update project_teams set host = :host, path = :path where host = :old_host and path = :old
    and team not in (select j.team from project_teams j where j.host = :host and j.path = :path)
"""
UPDATE = "update projects set host = :host, path = :path, file_id = :stamp, remote = :remote where id = :id"
SAME_REMOTE = """
select team, path from projects where remote = :remote and team <> :team order by id limit 1
"""
PEOPLED = """
select 1 from agents a where a.team = :team and a.unregistered_at is null
    and not exists (select 1 from projects p where p.team = a.team) limit 1
"""

FOREIGN = """
select p.path from projects p where p.team = :team
    and not exists (select 1 from project_teams j where j.host = :host and j.path = :path and j.team = :team)
order by p.id limit 1
"""
BESIDE = """
insert into project_teams (host, path, team, kind, since) values (:host, :path, :team, :kind, :now)
on conflict (host, path, team) do nothing
"""


# -- which team --------------------------------------------------------------------------------------------------------


def current(tx: Tx, name: str) -> str:
    """Return the team that `name`, said by somebody, means today: what it was renamed to or merged into, if it was."""
    for _ in range(LONGEST_CHAIN):
        row = tx.one(MOVED_TO, name=name)
        if row is None or row["moved_to"] is None:
            break
        name = row["moved_to"]
    return name


def address(tx: Tx, team: str, name: str) -> tuple[str, str]:
    """Return the team and name that the agent `name` of `team` has today, where the team was renamed or merged."""
    now = current(tx, team)
    row = tx.one(RENAMED, team=team, key=name.lower()) if now != team else None
    return (row["team"], row["name"]) if row else (now, name)


def renamed_by_merge(tx: Tx, team: str) -> dict[str, tuple[str, str]]:
    """Return {name in lower case: (former address, name today)} of the agents that merges into `team` have renamed."""
    return {row["name_key"]: (f"{row['name_key']}@{row['team']}", row["name"]) for row in tx.all(MERGED, team=team)}


def of(tx: Tx, host: str, project: Project) -> str:
    """Return the team of `project` on the machine `host`; if it has none yet, the one that `claim` would give it."""
    row = _at(tx, host, project, stored(project.path)) or _before(tx, host, project)
    return row["team"] if row else _free(tx, project.name)


def claim(tx: Tx, host: str, project: Project) -> str:
    """Record `project` of the machine `host`, if it is not yet, and return its team.

    What its people should know of that is kept for `notices`.
    """
    row = _at(tx, host, project, stored(project.path))
    if row is None and (row := _before(tx, host, project)):
        old, new = folder_of(row["path"]), folder_of(stored(project.path))
        if old != new and row["path"] != stored(project.top):
            if not project.is_gone(row["path"]):  # the same folder by another path, as in a container
                return str(row["team"])
            tell(tx, row["team"], f"this project was moved from {old} to {new}; it keeps its team {row['team']}")
    if row:
        found = {"host": host, "path": stored(project.path), "stamp": project.stamp, "remote": _remote(project)}
        if tuple(found.values()) != (row["host"], row["path"], row["file_id"], row["remote"]):
            tx.run(UPDATE, id=row["id"], **found)
            tx.run(MOVE_TEAMS, host=host, path=stored(project.path), old_host=row["host"], old=row["path"])
        return str(row["team"])
    team = _free(tx, project.name)
    ensure(tx, team)
    remote = _remote(project)
    tx.run(RECORD, host=host, path=stored(project.path), stamp=project.stamp, remote=remote, team=team, now=tx.now)
    _tell_of_others(tx, host, project, team, remote)
    return team


def is_recorded(tx: Tx, host: str, project: Project) -> bool:
    """Tell whether the store has a team for `project` of the machine `host` where it is now."""
    return any(row["host"] == host for row in tx.all(BY_PATH, path=stored(project.path)))


def ensure(tx: Tx, team: str) -> None:
    """Make the row of `team`, if there is none."""
    tx.run(ADD, name=team, now=tx.now)


def _at(tx: Tx, host: str, project: Project, path: str) -> Row | None:
    """Return the row of `project` at `path`.

    Without a machine id, as in many images of containers, a machine has another id after each boot (xats/base/host.py).
    So a row of another machine counts where the stamp, or that there is none, shows that it is the same project.
    """
    rows = tx.all(BY_PATH, path=path)
    own = next((row for row in rows if row["host"] == host), None)
    return own or next((row for row in rows if row["file_id"] == project.stamp), None)


def _before(tx: Tx, host: str, project: Project) -> Row | None:
    """Return the row of `project` under the path that it had before.

    That is without git, with git, with a git directory elsewhere that did not name its worktree, or in another folder.
    """
    path, top = stored(project.path), stored(project.top)
    folder = folder_of(path)
    others = [
        folder if folder != path else f"{folder}/.git",
        *([] if f"{path}/".startswith(f"{top.rstrip('/')}/") else [top]),
    ]
    found = (row for other in others for row in tx.all(BY_PATH, path=other))
    if row := next((row for row in found if row["host"] == host), None):
        return row
    stamp = project.stamp
    rows = tx.all(BY_STAMP, host=host, stamp=stamp) if stamp else []
    return next((row for row in rows if project.was_at(row["path"])), None)


def _names(name: str) -> list[str]:
    """Return the names that a team of a project called `name` may have, without a number.

    Earlier releases took each letter with an accent for a `-`: a team that was made so keeps its name.
    """
    plain = plain_slug(name)
    found = [plain] if plain and plain not in RESERVED and not name.isascii() else []
    return [*found, slug(name)]


def _free(tx: Tx, name: str) -> str:
    """Return the team of the next project with that `name`."""
    *earlier, wanted = _names(name)
    for one in earlier:
        row = tx.one(TEAM, name=one)
        if row and row["project"] is None and row["moved_to"] is None:
            return one
    row = tx.one(TEAM, name=wanted)
    if row is None or (row["project"] is None and row["moved_to"] is None and row["archived_at"] is None):
        return wanted
    taken = {row["name"] for row in tx.all(NUMBERED, low=f"{wanted[: LONGEST - 8]}", high=f"{wanted[: LONGEST - 8]}~")}
    number = 2
    while (team := _numbered(wanted, number)) in taken:
        number += 1
    return team


def _numbered(team: str, number: int) -> str:
    end = f"-{number}"
    return team[: LONGEST - len(end)] + end


WITH_AGENT = """
select a.team from agents a where a.name_key = :key and a.team <> :team and a.unregistered_at is null
order by a.seen_at desc
"""
# The teams of other clones with the same remote, and those that an earlier release made of its worktrees.
SAME_REPOSITORY = """
select p.team from projects p join projects mine on mine.remote = p.remote where mine.team = :team
union select j.team from project_teams j join projects p on p.host = j.host and p.path = j.path
    where p.team = :team and j.kind = 'former'
union select p.team from project_teams j join projects p on p.host = j.host and p.path = j.path
    where j.team = :team and j.kind = 'former'
"""


@record
class Elsewhere:
    """The other teams that have an agent of some name, those of the same repository first."""

    name: str
    teams: tuple[str, ...]
    same: bool  #: whether the first one is of the same repository

    def __str__(self) -> str:
        named = ", ".join(self.teams[:3]) + (f" and {len(self.teams) - 3} more" if len(self.teams) > 3 else "")
        what = "team" if len(self.teams) == 1 else "the teams"
        return f"{self.name} is in {what} {named}{' (same repository)' if self.same and len(self.teams) == 1 else ''}"


def elsewhere(tx: Tx, name: str, team: str) -> Elsewhere | None:
    """Return the teams besides `team` that have an agent `name`, or None."""
    found = [row["team"] for row in tx.all(WITH_AGENT, key=name.lower(), team=team)]
    if not found:
        return None
    same = {row["team"] for row in tx.all(SAME_REPOSITORY, team=team)}
    found.sort(key=lambda one: one not in same)
    return Elsewhere(name, tuple(found), found[0] in same)


USED = "update teams set archived_at = null where name = :team and archived_at is not null"


def use(tx: Tx, team: str, by: str | None) -> None:
    """List `team` again if it was archived, because `by` works in it now; its people are told once."""
    if tx.run(USED, team=team):
        tx.event("team_restored", team, by, f"team:{team}")
        tell(tx, team, in_use_again(team))


def in_use_again(team: str) -> str:
    """Return what the people of a `team` are told that was archived."""
    return f"team {team} was archived; it is listed again"


# -- what people are told once -----------------------------------------------------------------------------------------

NOTICES = "select text from team_notices where team = :team order by id"
TELL = "insert into team_notices (team, text, at) values (:team, :text, :now) on conflict (team, text) do nothing"


def tell(tx: Tx, team: str, text: str) -> None:
    """Keep `text` for the people of `team`: they are told once."""
    tx.run(TELL, team=team, text=text, now=tx.now)


def untell(tx: Tx, team: str, text: str) -> None:
    """Drop `text`, which the people of `team` were not told yet."""
    tx.run("delete from team_notices where team = :team and text = :text", team=team, text=text)


def notices(tx: Tx, team: str) -> tuple[str, ...]:
    """Return what the people of `team` are still to be told, the oldest first."""
    return tuple(row["text"] for row in tx.all(NOTICES, team=team))


def take_notices(tx: Tx, team: str) -> tuple[str, ...]:
    """Return what the people of `team` are still to be told; they are told it now, so it is not kept."""
    found = notices(tx, team)
    if found:
        tx.run("delete from team_notices where team = :team", team=team)
    return found


def stored(path: str) -> str:
    """Return `path` as the store has it: bytes of it that are not UTF-8 are written with a backslash."""
    return path if path.isascii() else path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _remote(project: Project) -> str | None:
    url = project.remote
    return url if url is None else stored(url)


def folder_of(path: str) -> str:
    """Return the folder that people know a project by, whose path in the store is `path`."""
    return path.removesuffix("/.git")


def _tell_of_others(tx: Tx, host: str, project: Project, team: str, remote: str | None) -> None:
    """Keep for the people of a new project what they should know of other teams: of its name, and of its repository."""
    wanted = slug(project.name)
    other = f"another name: xats team rename {team} NAME"
    clone = tx.one(SAME_REMOTE, remote=remote, team=team) if remote else None
    if clone:
        theirs = f"{clone['team']} ({folder_of(clone['path'])})"
        text = f"another clone of {remote} is team {theirs}, and this one is team {team}"
        tell(tx, team, f"{text}; one team for both: xats team merge {team} {clone['team']}; {other}")
    elif team not in _names(project.name):
        holder = tx.one(OWNED, team=wanted)
        where = f" ({folder_of(holder['path'])})" if holder else ""
        tell(tx, team, f"team {wanted} belongs to another project{where}, so this one is team {team}; {other}")
    for folder in dict.fromkeys((project.here, *project.worktrees())):
        split = former(folder)
        if split != team and tx.one(PEOPLED, team=split):
            text = f"agents of this project are still in team {split}: xats team merge {split} {team}"
            tell(tx, team, text)
            tell(tx, split, text)
            tx.run(BESIDE, host=host, path=stored(project.path), team=split, kind="former", now=tx.now)


def former(folder: str) -> str:
    """Return the team that earlier releases took for a repository with the top `folder`."""
    name = plain_slug(folder.rpartition("/")[2])
    return name if name and name not in RESERVED else "default"


# -- the team of another project ---------------------------------------------------------------------------------------


def host_of(tx: Tx, host: str, project: Project, team: str) -> str | None:
    """Return the path of the other project that `team` belongs to, unless `project` has joined that team.

    None as well for a team that belongs to no project.
    """
    if of(tx, host, project) == team:
        return None
    row = tx.one(FOREIGN, host=host, path=stored(project.path), team=team)
    return row["path"] if row else None


def join(tx: Tx, host: str, project: Project, team: str) -> None:
    """Record that `project` has joined the `team` of another one: the question is not asked again."""
    ensure(tx, team)
    tx.run(BESIDE, host=host, path=stored(project.path), team=team, kind="joined", now=tx.now)
