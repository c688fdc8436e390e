"""Changes of a team as a whole: rename, archive, forget, adopt a project. See core/teams/merge.py for merge.

Everything with a team's name follows a rename: agents, mail, tasks, contracts, subscriptions, pauses, limits, projects
and the history of events. The former name stays as a row of `teams` that leads to the new one. So XATS_TEAM=old and the
address bob@old still work. Each change is one transaction.
"""

from __future__ import annotations

from xats.base.errors import InvalidName, TeamInUse, TeamTaken, Usage
from xats.base.record import record
from xats.core.address import FORGOTTEN, LONGEST, check_name, is_forgotten
from xats.core.agents import agents, registration
from xats.core.mail import recipients, removed, sending
from xats.core.mail.sending import Draft
from xats.core.teams import teams
from xats.core.teams.views import TEAM, Summary, summary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent, Session
    from xats.core.teams.teams import Project
    from xats.core.teams.views import Place
    from xats.store import Tx

MARKED = (  # tables with a column `team`
    "agents",
    "tasks",
    "contracts",
    "contract_subscribers",
    "zones",
    "notes",
    "turns",
    "pauses",
    "limits",
    "events",
    "projects",
    "project_teams",
    "team_notices",
    "locks",
)
INSERT = "insert into teams (name, created_at) values (:name, :at) on conflict (name) do nothing"
LEAD_ON = "update teams set moved_to = :new, archived_at = null where name = :old or moved_to = :old"
IN_USE = "update teams set moved_to = null, archived_at = :archived where name = :name"
MEMBERS = f"""
select {agents.AGENT} from agents a where a.team = :team and a.unregistered_at is null order by a.id
"""
TWICE = (  # rows of :old that :new has too, and that a team has only once
    """
    delete from project_teams where team = :old and exists (
        select 1 from project_teams o
        where o.team = :new and o.host = project_teams.host and o.path = project_teams.path
    )
    """,
    "delete from team_notices where team = :old and text in (select text from team_notices where team = :new)",
    """
    delete from zones where team = :old and exists (
        select 1 from zones o where o.team = :new and o.host = zones.host and o.repository = zones.repository
            and o.pattern = zones.pattern
    )
    """,
    # Of two limits of the same name the stricter stays: the one that pauses before the one that spaces, before the one
    # that warns; of the same action the lower one. (The actions are in this order by the alphabet, too.)
    """
    delete from limits where team in (:old, :new) and exists (
        select 1 from limits o
        where o.team in (:old, :new) and o.team <> limits.team and o.name = limits.name and (
            o.action < limits.action
            or (o.action = limits.action and o.value < limits.value)
            or (o.action = limits.action and o.value = limits.value and o.team = :new)
        )
    )
    """,
)
OWN = """
delete from project_teams where team = :team and exists (
    select 1 from projects p
    where p.host = project_teams.host and p.path = project_teams.path and p.team = project_teams.team
)
"""
LED_ELSEWHERE = "select 1 from former_addresses where team = :team limit 1"


# -- what all changes share --------------------------------------------------------------------------------------------


def carry(tx: Tx, old: str, new: str) -> None:
    """Move everything of the team `old` to the team `new`, which has a row, and let the old name lead there."""
    tx.write_events()  # the events of this transaction with the old name
    _drop_followed(tx, old, new)
    for sql in TWICE:
        tx.run(sql, old=old, new=new)
    for table in MARKED:
        tx.run(f"update {table} set team = :new where team = :old", old=old, new=new)
    tx.run(OWN, team=new)
    tx.run(LEAD_ON, old=old, new=new)


def _drop_followed(tx: Tx, old: str, new: str) -> None:
    """Drop the notices of both teams that advise this very rename or merge."""
    for row in tx.all("select id, text from team_notices where team = :old or team = :new", old=old, new=new):
        if f"xats team merge {old} {new}" in row["text"] or f"xats team rename {old} " in row["text"]:
            tx.run("delete from team_notices where id = :id", id=row["id"])


def members(tx: Tx, team: str) -> list[Agent]:
    """Return the registered agents of `team`."""
    return [agents.agent_of(row) for row in tx.all(MEMBERS, team=team)]


def send_notice(tx: Tx, team: str, whom: Sequence[Agent], by: str, subject: str, *lines: str) -> None:
    """Send mail from xats to the agents `whom` of `team`, except the person `by`, without waking them."""
    found = [one for one in whom if not (one.client == "human" and one.name.lower() == by.lower())]
    if found:
        text = "\n".join(lines)
        draft = Draft(f"all@{team}", text, subject, "team", need_reply=False, wake=False)
        sending.post_from_xats(tx, team, draft, [recipients.recipient_of(one) for one in found])


def check_team(name: str) -> str:
    """Return the name of a team as it is stored. Raises InvalidName."""
    return check_name(name, "team").lower()


def refuse_forgotten(team: str) -> None:
    """Raise InvalidName if `team` is the history of a forgotten team, which takes nothing new."""
    if is_forgotten(team):
        msg = f"Team {team} is the history of a forgotten team, so it takes nothing new. Nothing was changed."
        raise InvalidName(msg, "take another name", name=team)


def at_work(tx: Tx, team: str, holds: Callable[[Session], bool]) -> list[Agent]:
    """Return the agents of `team`, without persons, with a session whose process `holds` says can still live."""
    found = []
    for one in members(tx, team):
        session = agents.current_session(tx, one) if one.client != "human" else None
        if session and holds(session):
            found.append(one)
    return found


def refuse_at_work(team: str, found: Sequence[Agent], why: str, command: str) -> None:
    """Raise TeamInUse if there are agents of `team` at work, which are in `found`."""
    if found:
        names = ", ".join(one.name for one in found[:5]) + (f" and {len(found) - 5} more" if len(found) > 5 else "")
        msg = f"{names} {'is' if len(found) == 1 else 'are'} at work in team {team}. {why}"
        raise TeamInUse(msg, command, team=team, agents=[one.address for one in found])


# -- rename ------------------------------------------------------------------------------------------------------------


def check_rename(tx: Tx, old: str, new: str) -> Summary:
    """Return the team `old` as it is before it is renamed to `new`. Raises UnknownTeam, TeamTaken, Usage."""
    if old == new:
        msg = f"The team already has the name {old}."
        raise Usage(msg, "xats team list")
    refuse_forgotten(new)
    found = summary(tx, old)
    row = tx.one(TEAM, name=new)
    if row is None:
        return found
    if row["moved_to"] is None:
        archived = ", which is archived" if row["archived_at"] is not None else ""
        msg = f"There is a team {new} already{archived}. Nothing was changed."
        raise TeamTaken(msg, f"to make one team of the two: xats team merge {old} {new}", name=new)
    if row["moved_to"] != old:
        msg = f"{new} is a former name of team {row['moved_to']}, and its addresses lead there. Nothing was changed."
        raise TeamTaken(msg, f"to free the name: xats team forget {new}", name=new, now=row["moved_to"])
    if tx.one(LED_ELSEWHERE, team=new):
        msg = f"Agents of the former team {new} were renamed, and their addresses lead on. Nothing was changed."
        raise TeamTaken(msg, f"to free the name: xats team forget {new}", name=new, now=old)
    return found


def rename(tx: Tx, by: str, old: str, new: str) -> None:
    """Rename the team `old` to `new`. Raises UnknownTeam, TeamTaken, Usage."""
    found = check_rename(tx, old, new)
    tx.run(INSERT, name=new, at=found.created_at)
    tx.run(IN_USE, name=new, archived=found.archived_at)
    carry(tx, old, new)
    for one in members(tx, new):
        lines = (
            f"{by} renamed team {old} to {new}. You are {one.address}.",
            f"The old name still works: XATS_TEAM={old} and addresses such as {one.name}@{old} lead to team {new}.",
        )
        send_notice(tx, new, [one], by, f"team {old} is {new} now", *lines)
    tx.event("team_renamed", new, by, f"team:{new}", old_name=old, agents=found.agents)


# -- archive -----------------------------------------------------------------------------------------------------------


def archive(tx: Tx, by: str, name: str, holds: Callable[[Session], bool], *, force: bool) -> bool:
    """Hide the team `name` from lists until its project is used again; return False if it was archived already.

    Raises UnknownTeam, or without `force` TeamInUse while a process of its agents can still live.
    """
    found = summary(tx, name)
    if found.archived_at is not None:
        return False
    if not force:
        command = f"xats team archive {name} --force"
        refuse_at_work(name, at_work(tx, name, holds), "Nothing was changed.", command)
    tx.run(IN_USE, name=name, archived=tx.now)
    teams.drop_notice(tx, name, teams.in_use_again(name))
    tx.event("team_archived", name, by, f"team:{name}")
    return True


def restore(tx: Tx, by: str | None, name: str) -> bool:
    """List the team `name` again; return False if it was not archived. Raises UnknownTeam."""
    if summary(tx, name).archived_at is None:
        return False
    tx.run(IN_USE, name=name, archived=None)
    tx.event("team_restored", name, by, f"team:{name}")
    return True


# -- forget ------------------------------------------------------------------------------------------------------------

LIVE_TASKS = "select id from tasks where team = :team and state in ('open', 'claimed', 'review') order by id desc"
# Mail from xats itself, such as about a rename, does not count.
MISSED = """
select count(*) as n
from agents a cross join deliveries d join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where a.team = :team and d.agent_id = a.id and d.state = 'unread' and f.client <> 'system'
"""
IDS = "select id from agents where team = :team order by id"
OF_PROJECTS = ("projects", "project_teams", "team_notices", "zones")
LEFTOVERS = ("agents", "tasks", "contracts", "notes")


@record
class Forgotten:
    """The result of forgetting a team."""

    kept_as: str | None  #: the archived team that has its history; None if it had none
    dead: int  #: unread messages to agents by name, which are dead letters now
    dropped: int  #: other unread messages, such as copies of broadcasts
    cancelled: int  #: tasks


def forget_former(tx: Tx, by: str, name: str) -> str | None:
    """Free the former `name` of a team; return that team, or None if `name` is not a former name."""
    row = tx.one(TEAM, name=name)
    if row is None or row["moved_to"] is None:
        return None
    now: str = row["moved_to"]
    tx.run("delete from former_addresses where team = :name", name=name)
    tx.run("delete from teams where name = :name", name=name)
    tx.event("team_name_freed", now, by, f"team:{now}", old_name=name)
    return now


def refuse_forget(tx: Tx, found: Summary, holds: Callable[[Session], bool]) -> None:
    """Raise TeamInUse if the team has agents at work, unread mail or open tasks."""
    name = found.name
    refuse_at_work(name, at_work(tx, name, holds), "Nothing was changed.", f"xats team forget {name} --force")
    row = tx.one(MISSED, team=name)
    unread = row["n"] if row else 0
    if unread or found.open_tasks:
        left = " and ".join(
            f"{number} {what if number == 1 else f'{what}s'}"
            for number, what in ((unread, "unread letter"), (found.open_tasks, "open task"))
            if number
        )
        msg = f"Team {name} has {left}. Nothing was changed."
        hint = f"xats team archive {name}; or, to end them: xats team forget {name} --force"
        raise TeamInUse(msg, hint, team=name, unread=unread, open_tasks=found.open_tasks)


def forget(tx: Tx, by: str, name: str, holds: Callable[[Session], bool], *, force: bool) -> Forgotten:
    """End the agents and tasks of the team `name`, and free its name and its projects.

    The history goes to an archived team of another name until it is pruned. With `force`, unread mail to agents by name
    becomes dead letters, and other unread mail expires. The senders in other teams get a list of their requests that
    will not be answered. Raises UnknownTeam, TeamInUse.
    """
    found = summary(tx, name)
    if not force:
        refuse_forget(tx, found, holds)
    for table in OF_PROJECTS:
        tx.run(f"delete from {table} where team = :name", name=name)
    kept_as, mail, cancelled = None, removed.Ended(0, 0, 0), 0
    if any(tx.one(f"select 1 from {table} where team = :name limit 1", name=name) for table in LEFTOVERS):
        cancelled = _cancel(tx, name)
        _leave(tx, name)
        whom = [row["id"] for row in tx.all(IDS, team=name)]
        head = f"Team {name} was forgotten, and these requests will not be answered:"
        mail = removed.end(tx, whom, head, whom)
        kept_as = _free_name(tx, name)
        tx.run(INSERT, name=kept_as, at=found.created_at)
        tx.run(IN_USE, name=kept_as, archived=tx.now)
        carry(tx, name, kept_as)
    tx.run(
        "delete from former_addresses where team in (select name from teams where name = :name or moved_to = :kept)",
        name=name,
        kept=kept_as or name,
    )
    tx.run("delete from teams where name = :name or moved_to = :kept", name=name, kept=kept_as or name)
    counts = {"agents": found.agents, "dead_letters": mail.letters, "dropped": mail.copies, "cancelled": cancelled}
    tx.event("team_forgotten", kept_as or name, by, f"team:{name}", kept_as=kept_as, **counts)
    return Forgotten(kept_as, dead=mail.letters, dropped=mail.copies, cancelled=cancelled)


def _free_name(tx: Tx, name: str) -> str:
    """Return a free name for the history of the team `name`."""
    number, end = 1, FORGOTTEN
    while tx.one(TEAM, name=f"{name[: LONGEST - len(end)]}{end}"):
        number += 1
        end = f"{FORGOTTEN}-{number}"
    return f"{name[: LONGEST - len(end)]}{end}"


def _cancel(tx: Tx, team: str) -> int:
    """Cancel the tasks of `team` that have not ended, the newest first: parts come before their parent."""
    from xats.core.tasks import endings, tasks

    rows = tx.all(LIVE_TASKS, team=team)
    for row in rows:
        task = tasks.find(tx, team, row["id"])
        if task.live:
            endings.end(tx, task, "cancelled", agents.system(tx, team), f"team {team} was forgotten")
    return len(rows)


def _leave(tx: Tx, team: str) -> None:
    """Unregister the agents of `team`, and end its turns and pauses."""
    from xats.core.turns import membership

    membership.dissolve(tx, team)
    for one in members(tx, team):
        registration.unregister(tx, one)
    tx.run("delete from contract_subscribers where team = :team", team=team)
    tx.run("delete from pauses where team = :team", team=team)
    tx.run("delete from limits where team = :team", team=team)


# -- adopt -------------------------------------------------------------------------------------------------------------

PROJECT = "select team from projects where host = :host and path = :path"
ADOPT = """
insert into projects (host, path, file_id, remote, team, created_at)
values (:host, :path, :file_id, :remote, :team, :now)
on conflict (host, path) do update set team = :team, file_id = :file_id, remote = :remote
"""


def adopt(tx: Tx, by: str, name: str, host: str, project: Project, gone: Sequence[Place]) -> str | None:
    """Record that `project` on the machine `host` belongs to the team `name`; return the team that it was in, or None.

    This deletes the records `gone` of the team, whose folders do not exist any more. Raises UnknownTeam.
    """
    refuse_forgotten(name)
    summary(tx, name)
    restore(tx, by, name)
    path, remote = teams.stored(project.path), project.remote
    before = tx.one(PROJECT, host=host, path=path)
    for place in gone:
        tx.run("delete from projects where id = :id and team = :team", id=place.id, team=name)
    found = {"host": host, "path": path, "file_id": project.stamp, "remote": remote and teams.stored(remote)}
    tx.run(ADOPT, **found, team=name, now=tx.now)
    was: str | None = before["team"] if before else None
    tx.event("project_adopted", name, by, f"team:{name}", path=path, old_team=was)
    return was
