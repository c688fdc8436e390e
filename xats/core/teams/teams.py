"""Teams, and the projects that have them.

xats finds a project by its machine and path, or, after a move, by its stamp. The first project with a name gets the
team of that name, and the next one gets the name with a number. The file xats.toml of a project may name another team:
see `_first`. A team without a project was made with --team or by an earlier release. It belongs to the first project of
its name. A renamed or merged team keeps its row, which leads to the team that it became.
"""

from __future__ import annotations

from xats.base.record import record
from xats.core.address import LONGEST, RESERVED, is_forgotten, plain_slug, slug

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from xats.store import Row, Tx

    class Project(Protocol):
        """A project, as `xats.identity.project.Project` implements it."""

        @property
        def path(self) -> str:
            """Its real path, which is the same in each worktree."""

        @property
        def top(self) -> str:
            """The folder of the main worktree, or the folder without git."""

        @property
        def here(self) -> str:
            """The top folder of the worktree that the command runs in."""

        @property
        def name(self) -> str:
            """The name that its team is named after."""

        @property
        def team(self) -> str | None:
            """The team that its file xats.toml names, or None."""

        @property
        def stamp(self) -> str | None:
            """A text that stays the same when the project is moved, or None."""

        @property
        def remote(self) -> str | None:
            """The URL of the repository that it is a clone of."""

        def worktrees(self) -> Iterator[str]:
            """Yield the folders of its linked worktrees."""

        def was_at(self, path: str) -> bool:
            """Tell whether this project was at `path`, where a project with the same stamp was."""

        def is_gone(self, path: str) -> bool:
            """Tell whether `path`, where this project was, does not exist any more."""


LONGEST_CHAIN = 50  # renames of one team that xats follows
ROOM = 8  # characters that a name keeps free for the number after it

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
CLONE = "select 1 from projects where team = :team and remote = :remote limit 1"
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
    """Return the team that `name` means today: the team itself, or the one that it was renamed to or merged into."""
    for _ in range(LONGEST_CHAIN):
        row = tx.one(MOVED_TO, name=name)
        if row is None or row["moved_to"] is None:
            break
        name = row["moved_to"]
    return name


def address(tx: Tx, team: str, name: str) -> tuple[str, str]:
    """Return the team and the name that the agent `name` of `team` has today, after renames and merges of the team."""
    now = current(tx, team)
    row = tx.one(RENAMED, team=team, key=name.lower()) if now != team else None
    return (row["team"], row["name"]) if row else (now, name)


def renamed_by_merge(tx: Tx, team: str) -> dict[str, tuple[str, str]]:
    """Return {name in lower case: (former address, name today)} of the agents that merges into `team` have renamed."""
    return {row["name_key"]: (f"{row['name_key']}@{row['team']}", row["name"]) for row in tx.all(MERGED, team=team)}


def of(tx: Tx, host: str, project: Project) -> str:
    """Return the team of `project` on the machine `host`, or the team that `claim` would give it."""
    row = _at(tx, host, project, stored(project.path)) or _before(tx, host, project)
    return row["team"] if row else _first(tx, project)


def claim(tx: Tx, host: str, project: Project) -> str:
    """Record `project` of the machine `host`, unless it is recorded, and return its team.

    This adds notices for the people of the team.
    """
    row = _at(tx, host, project, stored(project.path))
    if row is None and (row := _before(tx, host, project)):
        old, new = folder_of(row["path"]), folder_of(stored(project.path))
        if old != new and row["path"] != stored(project.top):
            if not project.is_gone(row["path"]):  # the same folder by another path, as in a container
                return str(row["team"])
            add_notice(tx, row["team"], f"this project was moved from {old} to {new}; it keeps its team {row['team']}")
    if row:
        found = {"host": host, "path": stored(project.path), "stamp": project.stamp, "remote": _remote(project)}
        if tuple(found.values()) != (row["host"], row["path"], row["file_id"], row["remote"]):
            tx.run(UPDATE, id=row["id"], **found)
            tx.run(MOVE_TEAMS, host=host, path=stored(project.path), old_host=row["host"], old=row["path"])
            _move_zones(tx, row, found)
        return str(row["team"])
    team = _first(tx, project)
    ensure(tx, team)
    remote = _remote(project)
    tx.run(RECORD, host=host, path=stored(project.path), stamp=project.stamp, remote=remote, team=team, now=tx.now)
    _note_other_teams(tx, host, project, team, remote)
    return team


def _move_zones(tx: Tx, row: Row, found: dict[str, str | None]) -> None:
    """Let the zones of a project follow from its old `row` to what was `found`."""
    from xats.core.zones import places

    was = places.Place(row["host"], row["path"], row["remote"])
    now = places.Place(str(found["host"]), str(found["path"]), found["remote"])
    places.follow(tx, row["team"], row["id"], was, now)


def may_belong(tx: Tx, team: str, project: Project) -> bool:
    """Tell whether `of` may return `team` for a `project` that is not recorded. This costs less than `of`."""
    if tx.one(OWNED, team=team) or team == project.team:
        return True
    return any(team.startswith(name[: LONGEST - ROOM]) for name in _names(project.name))


def is_recorded(tx: Tx, host: str, project: Project) -> bool:
    """Tell whether the store has a team for `project` at its present path on the machine `host`."""
    return any(row["host"] == host for row in tx.all(BY_PATH, path=stored(project.path)))


def ensure(tx: Tx, team: str) -> None:
    """Make the row of `team`, unless it exists."""
    tx.run(ADD, name=team, now=tx.now)


def _at(tx: Tx, host: str, project: Project, path: str) -> Row | None:
    """Return the row of `project` at `path`.

    Many container images have no machine id, and then the machine has another id after each boot (xats/base/host.py).
    So a row of another machine counts too if it has the same stamp, or if neither has one.
    """
    rows = tx.all(BY_PATH, path=path)
    own = next((row for row in rows if row["host"] == host), None)
    return own or next((row for row in rows if row["file_id"] == project.stamp), None)


def _before(tx: Tx, host: str, project: Project) -> Row | None:
    """Return the row of `project` under its path before.

    Its path changes with `git init`, without its git directory, when a git directory elsewhere begins to name its
    worktree, and when it is moved.
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
    """Return the possible names, without a number, for the team of a project called `name`.

    Earlier releases replaced each letter with an accent by a `-`. A team of theirs keeps its name.
    """
    plain = plain_slug(name)
    found = [plain] if plain and plain not in RESERVED and not name.isascii() else []
    return [*found, slug(name)]


def _first(tx: Tx, project: Project) -> str:
    """Return the team for a new `project`: the one that its xats.toml names, or a free one of its own name.

    The named team must be free, or have a project with the same remote, as a clone on another machine. A file of a
    repository leads nobody into the team of another repository.
    """
    named = project.team
    if named is None or is_forgotten(named):
        return _free(tx, project.name)
    remote = _remote(project)
    if _is_free(tx.one(TEAM, name=named)) or (remote and tx.one(CLONE, team=named, remote=remote)):
        return named
    return _free(tx, project.name)


def _is_free(row: Row | None) -> bool:
    """Tell whether a new project may have the team with the `row` of TEAM."""
    return row is None or (row["project"] is None and row["moved_to"] is None and row["archived_at"] is None)


def _free(tx: Tx, name: str) -> str:
    """Return a free team for a new project with that `name`."""
    *earlier, wanted = _names(name)
    for one in earlier:
        row = tx.one(TEAM, name=one)
        if row and row["project"] is None and row["moved_to"] is None:
            return one
    if _is_free(tx.one(TEAM, name=wanted)):
        return wanted
    low = wanted[: LONGEST - ROOM]
    taken = {row["name"] for row in tx.all(NUMBERED, low=low, high=f"{low}~")}
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
# The teams of other clones with the same remote, and the teams that an earlier release made for its worktrees.
SAME_REPOSITORY = """
select p.team from projects p join projects mine on mine.remote = p.remote where mine.team = :team
union select j.team from project_teams j join projects p on p.host = j.host and p.path = j.path
    where p.team = :team and j.kind = 'former'
union select p.team from project_teams j join projects p on p.host = j.host and p.path = j.path
    where j.team = :team and j.kind = 'former'
"""


@record
class Elsewhere:
    """The other teams that have an agent of the same name; teams of the same repository come first."""

    name: str
    teams: tuple[str, ...]
    same: bool  #: whether the first one is of the same repository

    def __str__(self) -> str:
        named = ", ".join(self.teams[:3]) + (f" and {len(self.teams) - 3} more" if len(self.teams) > 3 else "")
        what = "team" if len(self.teams) == 1 else "the teams"
        return f"{self.name} is in {what} {named}{' (same repository)' if self.same and len(self.teams) == 1 else ''}"


def elsewhere(tx: Tx, name: str, team: str) -> Elsewhere | None:
    """Return the other teams than `team` that have an agent `name`, or None."""
    found = [row["team"] for row in tx.all(WITH_AGENT, key=name.lower(), team=team)]
    if not found:
        return None
    same = {row["team"] for row in tx.all(SAME_REPOSITORY, team=team)}
    found.sort(key=lambda one: one not in same)
    return Elsewhere(name, teams=tuple(found), same=found[0] in same)


USED = "update teams set archived_at = null where name = :team and archived_at is not null"


def use(tx: Tx, team: str, by: str | None) -> None:
    """List `team` again if it was archived, because `by` works in it now; add a notice for its people."""
    if tx.run(USED, team=team):
        tx.event("team_restored", team, by, f"team:{team}")
        add_notice(tx, team, in_use_again(team))


def in_use_again(team: str) -> str:
    """Return the notice for the people of an archived `team` that is in use again."""
    return f"team {team} was archived; it is listed again"


# -- notices for people ------------------------------------------------------------------------------------------------

NOTICES = "select text from team_notices where team = :team order by id"
ADD_NOTICE = "insert into team_notices (team, text, at) values (:team, :text, :now) on conflict (team, text) do nothing"


def add_notice(tx: Tx, team: str, text: str) -> None:
    """Keep the notice `text` for the people of `team`, who see it once."""
    tx.run(ADD_NOTICE, team=team, text=text, now=tx.now)


def drop_notice(tx: Tx, team: str, text: str) -> None:
    """Drop the notice `text` for the people of `team`, if they have not seen it yet."""
    tx.run("delete from team_notices where team = :team and text = :text", team=team, text=text)


def notices(tx: Tx, team: str) -> tuple[str, ...]:
    """Return the notices that the people of `team` have not seen, the oldest first."""
    return tuple(row["text"] for row in tx.all(NOTICES, team=team))


def take_notices(tx: Tx, team: str) -> tuple[str, ...]:
    """Remove the notices for the people of `team`, and return them to show them now."""
    found = notices(tx, team)
    if found:
        tx.run("delete from team_notices where team = :team", team=team)
    return found


def stored(path: str) -> str:
    """Return `path` as the store has it: with a backslash sequence for each byte that is not UTF-8."""
    return path if path.isascii() else path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _remote(project: Project) -> str | None:
    url = project.remote
    return url if url is None else stored(url)


def folder_of(path: str) -> str:
    """Return the folder of the project with the stored `path`, as people know it."""
    return path.removesuffix("/.git")


def _note_other_teams(tx: Tx, host: str, project: Project, team: str, remote: str | None) -> None:
    """Add notices for the people of a new project about other teams of its name and of its repository."""
    wanted = slug(project.name)
    if project.team and project.team != team:
        text = f"xats.toml names team {project.team}, which belongs to another project, so this one is team {team}"
        add_notice(tx, team, f"{text}; to join it: xats team adopt {project.team}")
    other = f"another name: xats team rename {team} NAME"
    clone = tx.one(SAME_REMOTE, remote=remote, team=team) if remote else None
    if clone:
        theirs = f"{clone['team']} ({folder_of(clone['path'])})"
        text = f"another clone of {remote} is team {theirs}, and this one is team {team}"
        add_notice(tx, team, f"{text}; one team for both: xats team merge {team} {clone['team']}; {other}")
    elif team not in (project.team, *_names(project.name)):
        holder = tx.one(OWNED, team=wanted)
        where = f" ({folder_of(holder['path'])})" if holder else ""
        add_notice(tx, team, f"team {wanted} belongs to another project{where}, so this one is team {team}; {other}")
    for folder in dict.fromkeys((project.here, *project.worktrees())):
        split = former(folder)
        if split != team and tx.one(PEOPLED, team=split):
            text = f"agents of this project are still in team {split}: xats team merge {split} {team}"
            add_notice(tx, team, text)
            add_notice(tx, split, text)
            tx.run(BESIDE, host=host, path=stored(project.path), team=split, kind="former", now=tx.now)


def former(folder: str) -> str:
    """Return the team that earlier releases gave a repository with the top `folder`."""
    name = plain_slug(folder.rpartition("/")[2])
    return name if name and name not in RESERVED else "default"


# -- the team of another project ---------------------------------------------------------------------------------------


def owner_path(tx: Tx, host: str, project: Project, team: str) -> str | None:
    """Return the path of another project that `team` belongs to, or None.

    None also if `project` has joined that team, or if the team belongs to no project.
    """
    if of(tx, host, project) == team:
        return None
    row = tx.one(FOREIGN, host=host, path=stored(project.path), team=team)
    return row["path"] if row else None


def join(tx: Tx, host: str, project: Project, team: str) -> None:
    """Record that `project` has joined the `team` of another project, so that xats does not ask again."""
    ensure(tx, team)
    tx.run(BESIDE, host=host, path=stored(project.path), team=team, kind="joined", now=tx.now)
