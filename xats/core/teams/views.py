"""Teams as a person sees them: the numbers of their agents, mail, tasks, contracts and notes, and their projects."""

from __future__ import annotations

from xats.base.errors import UnknownTeam
from xats.base.host import machine_of
from xats.base.record import from_row, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Tx


@record
class Place:
    """A project of a team, on the machine with the id `host` and the name `host_name`."""

    id: int
    host: str
    host_name: str | None
    path: str
    remote: str | None  #: the URL of the repository that it is a clone of


@record
class Summary:
    """A team with the numbers of what belongs to it."""

    name: str
    created_at: int
    archived_at: int | None
    agents: int  #: registered ones
    unread: int  #: messages, also for agents that have left
    unread_of_left: int  #: those of them for agents that have left
    open_tasks: int
    contracts: int  #: without the retired ones
    notes: int  #: without the removed ones
    projects: tuple[Place, ...]
    former: tuple[str, ...]  #: names that lead to it, such as its name before a rename

    @property
    def empty(self) -> bool:
        """Whether the team has no agents, unread mail, open tasks, contracts or notes."""
        return not (self.agents or self.unread or self.open_tasks or self.contracts or self.notes)


SUMMARY = """
select t.name, t.created_at, t.archived_at,
    (select count(*) from agents a where a.team = t.name and a.unregistered_at is null) as agents,
    (select count(*) from agents a cross join deliveries d
        where a.team = t.name and d.agent_id = a.id and d.state = 'unread') as unread,
    (select count(*) from agents a cross join deliveries d where a.team = t.name and a.unregistered_at is not null
        and d.agent_id = a.id and d.state = 'unread') as unread_of_left,
    (select count(*) from tasks k where k.team = t.name and k.state in ('open', 'claimed', 'review')) as open_tasks,
    (select count(*) from contracts c where c.team = t.name and c.retired_at is null) as contracts,
    (select count(*) from notes n where n.team = t.name and n.removed = 0) as notes
from teams t
where t.moved_to is null and (:name is null or t.name = :name) and (:archived = 1 or t.archived_at is null)
order by t.name
"""
PROJECTS = "select id, host, path, team, remote from projects where :name is null or team = :name order by team, path"
HOSTS = "select host, host_name from sessions where host_name is not null group by host, host_name order by max(id)"
FORMER = (
    "select name, moved_to from teams where moved_to is not null and (:name is null or moved_to = :name) order by name"
)
TEAM = "select name, created_at, archived_at, moved_to from teams where name = :name"
# A team without a row is of an earlier release, or has only got mail or tasks.
KNOWN = """
select 1 from teams where name = :name
union all select 1 from agents where team = :name
union all select 1 from tasks where team = :name
union all select 1 from contracts where team = :name
union all select 1 from notes where team = :name
union all select 1 from events where team = :name
limit 1
"""
LISTED = "select name, archived_at from teams where moved_to is null order by name"
SHOWN = 5  # teams that an error lists


def listing(tx: Tx, *, archived: bool = False) -> list[Summary]:
    """Return all teams in the order of their names, with `archived` the archived ones too."""
    return _summaries(tx, None, archived=archived)


def summary(tx: Tx, name: str) -> Summary:
    """Return the team `name`, archived or not. Raises UnknownTeam, also for a former name."""
    found = _summaries(tx, name, archived=True)
    if not found:
        raise unknown(tx, name)
    return found[0]


def exists(tx: Tx, name: str) -> bool:
    """Tell whether a project, an agent, a task, a contract, a note or an event has or had the team `name`."""
    return tx.one(KNOWN, name=name) is not None


def check(tx: Tx, name: str) -> None:
    """Raise UnknownTeam unless the team `name` `exists`."""
    if not exists(tx, name):
        raise unknown(tx, name)


def unknown(tx: Tx, name: str) -> UnknownTeam:
    """Return the error for a team that does not exist, which names others, or for one that has another name now."""
    from difflib import get_close_matches

    row = tx.one(TEAM, name=name)
    if row and row["moved_to"]:
        msg = f"Team {name} is team {row['moved_to']} now."
        return UnknownTeam(msg, f"xats team show {row['moved_to']}", name=name, now=row["moved_to"])
    rows = tx.all(LISTED)
    near = get_close_matches(name, [one["name"] for one in rows], 1)
    names = list(dict.fromkeys((*near, *(one["name"] for one in rows if one["archived_at"] is None))))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    msg = f"No team is called {name}." + (f" Teams: {', '.join(names[:SHOWN])}{more}." if names else "")
    hint = f"did you mean {near[0]}?" if near else f"to begin a new team: xats register NAME --team {name}"
    return UnknownTeam(msg, hint, name=name)


def _summaries(tx: Tx, name: str | None, *, archived: bool) -> list[Summary]:
    rows = tx.all(PROJECTS, name=name)
    hosts = {machine_of(row["host"]): row["host_name"] for row in tx.all(HOSTS)} if rows else {}
    projects: dict[str, list[Place]] = {}
    for row in rows:
        place = from_row(Place, row, host_name=hosts.get(machine_of(row["host"])))
        projects.setdefault(row["team"], []).append(place)
    former: dict[str, list[str]] = {}
    for row in tx.all(FORMER, name=name):
        former.setdefault(row["moved_to"], []).append(row["name"])
    found = tx.all(SUMMARY, name=name, archived=int(archived))
    return [
        from_row(Summary, row, projects=tuple(projects.get(row["name"], ())), former=tuple(former.get(row["name"], ())))
        for row in found
    ]
