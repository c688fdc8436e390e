"""The verbs of teams: list, show, rename, merge, archive, forget, adopt."""

from __future__ import annotations

import os
from functools import partial

from xats.base import host, occupancy
from xats.base.durations import ago, iso
from xats.base.errors import NotFound, Usage
from xats.cli.agents import states
from xats.cli.kit import people, render
from xats.cli.kit.scope import team_of
from xats.core.agents import agents as core_agents
from xats.core.agents import listing
from xats.core.teams import changes, teams, views
from xats.core.teams import merge as team_merge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Here
    from xats.core.agents.agents import Details, Session
    from xats.core.teams.changes import Forgotten
    from xats.core.teams.merge import Plan
    from xats.core.teams.views import Place, Summary
    from xats.identity.project import Project
    from xats.store import Tx

ASK = "ask the person you work for to run it in a shell"  # what an agent can do


# -- looking -----------------------------------------------------------------------------------------------------------


def list_(here: Here, *, archived: params.ArchivedOption = False) -> int:
    """List the teams, with what belongs to each.

    Archived teams are left out, and so are the former names of teams.

    Example: xats team list

    Example: xats team list --archived --json
    """

    def work(tx: Tx) -> tuple[list[Summary], list[Details]]:
        return views.listing(tx, archived=archived), listing.agents(tx, None, None)

    found, everybody = here.store.read(work)
    now = here.store.clock()
    online = _online(everybody, now)
    if here.json:
        teams = [team_json(one, online.get(one.name, 0)) for one in found]
        render.document({"teams": teams, "has_more": False})
        return 0
    if not found:
        render.say("no teams yet")
        return 0
    rows = [
        (
            one.name,
            f"{one.agents}, {online[one.name]} online" if online.get(one.name) else one.agents,
            f"{one.unread}{_left(one)}",
            one.open_tasks,
            one.contracts,
            "; ".join(_place(place) for place in one.projects),
            f"archived {ago(one.archived_at, now)}" if one.archived_at is not None else "",
        )
        for one in found
    ]
    headers = ("TEAM", "AGENTS", "UNREAD", "TASKS", "CONTRACTS", "PROJECT", "ARCHIVED")
    shown = len(headers) if archived or not render.on_terminal() else len(headers) - 1
    render.table(headers[:shown], [row[:shown] for row in rows], stretch=("PROJECT",))
    return 0


def show(here: Here, name: params.OptionalTeamArg = None) -> int:
    """Show one team with its projects, its former names and its agents.

    Example: xats team show

    Example: xats team show shop
    """
    team = changes.check_team(name) if name else team_of(here)

    def work(tx: Tx) -> tuple[Summary, list[Details]]:
        today = teams.current(tx, team)
        return views.summary(tx, today), listing.agents(tx, today, None)

    found, members = here.store.read(work)
    now = here.store.clock()
    if found.name != team and not (here.json or here.quiet):
        render.say(f"team {team} is team {found.name} now")
    seen = [(one, states.of(one, now)) for one in members]
    if here.json:
        listed = [
            {
                "name": one.agent.name,
                "role": one.agent.role,
                "client": one.agent.client,
                "online": state.online,
                "detail": state.words,
            }
            for one, state in seen
        ]
        about = team_json(found, sum(state.online for _, state in seen))
        render.document({"team": {**about, "members": listed}})
        return 0
    archived = f", archived {ago(found.archived_at, now)}" if found.archived_at is not None else ""
    render.put(f"team {found.name}{archived}: {_counted(found, sum(state.online for _, state in seen))}")
    for place in found.projects:
        render.put(f"  project {render.one_line(_place(place))}")
    if found.former:
        render.put(f"  formerly {', '.join(found.former)}")
    if seen:
        columns = {
            "  AGENT": [f"  {one.agent.name}" for one, _ in seen],
            "ROLE": [one.agent.role or "" for one, _ in seen],
            "CLIENT": [one.agent.client for one, _ in seen],
            "STATE": [state.words for _, state in seen],
        }
        if render.on_terminal() and not any(columns["ROLE"]):
            del columns["ROLE"]
        render.table(tuple(columns), list(zip(*columns.values(), strict=True)), stretch=("STATE",))
    return 0


def team_json(found: Summary, online: int) -> dict[str, Any]:
    """Return the JSON form of a team."""
    return {
        "name": found.name,
        "created_at": iso(found.created_at),
        "archived_at": iso(found.archived_at),
        "agents": found.agents,
        "online": online,
        "unread": found.unread,
        "open_tasks": found.open_tasks,
        "contracts": found.contracts,
        "projects": [_place_json(one) for one in found.projects],
        "former_names": found.former,
    }


def _place_json(place: Place) -> dict[str, Any]:
    local = place.host == host.machine()
    exists = os.path.exists(place.path) if local else None
    return {"path": place.path, "host": None if local else place.host_name, "here": local, "exists": exists}


def _place(place: Place) -> str:
    """Return where a project is, and on which host if that is another one."""
    folder = teams.folder_of(place.path)
    if place.host != host.machine():
        return f"{folder} on {place.host_name or 'another host'}"
    return folder if os.path.exists(place.path) else f"{folder} (gone)"


def _online(everybody: Sequence[Details], now: int) -> dict[str, int]:
    """Return how many agents of each team are online."""
    found: dict[str, int] = {}
    for one in everybody:
        if states.of(one, now).online:
            found[one.agent.team] = found.get(one.agent.team, 0) + 1
    return found


def _left(found: Summary) -> str:
    """Return in words how many of the unread letters are those of agents that have left; "" if there are none."""
    return f" ({found.unread_of_left} of agents that left)" if found.unread_of_left else ""


def _counted(found: Summary, online: int) -> str:
    """Return in words what belongs to a team."""
    counts = (
        (found.agents, "agent"),
        (found.unread, "unread letter"),
        (found.open_tasks, "open task"),
        (found.contracts, "contract"),
        (len(found.projects), "project"),
    )
    words = [f"{number} {what if number == 1 else f'{what}s'}" for number, what in counts]
    if online:
        words[0] += f" ({online} online)"
    words[1] += _left(found)
    return ", ".join(words)


# -- changing ----------------------------------------------------------------------------------------------------------


def rename(
    here: Here,
    old: params.OldTeamArg,
    new: params.NewTeamArg,
    *,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Give a team another name; the old one goes on leading to it.

    Agents, mail, tasks, contracts, pauses, projects and the history move along. Agents that run with XATS_TEAM=OLD and
    mail to bob@OLD go on working. Each agent of the team gets one letter that wakes nobody. For people only; it asks
    first.

    Example: xats team rename api-2 billing
    """
    old, new = changes.check_team(old), changes.check_team(new)
    change = Change(here, old, ("team", "rename", old, new), yes=yes, dry_run=dry_run)

    def look(tx: Tx) -> Summary:
        return changes.check_rename(tx, old, new)

    found = change.look(look)
    if not change.agreed(f"Rename team {old} to {new}?", found):
        return change.report(found, new, f"would rename team {old} to {new}")
    here.store.write(lambda tx: changes.rename(tx, change.by, old=old, new=new))
    return change.report(found, new, f"team {old} is team {new} now")


def merge(
    here: Here,
    old: params.OldTeamArg,
    into: params.IntoTeamArg,
    *,
    suffix: params.SuffixOption = None,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Make a team a part of another one; nothing of either is lost.

    Agents, mail, tasks, contracts, pauses, projects and the history move along. If both teams have an agent of the same
    name, --suffix renames that of OLD, and its old address leads to it. A person who is in both is one agent
    afterwards. Contracts of the same name must be the same. Each agent gets one letter that wakes nobody. For people
    only; it asks first.

    Example: xats team merge shop-fix shop

    Example: xats team merge shop-fix shop --suffix fix
    """
    old, into = changes.check_team(old), changes.check_team(into)
    words = ("team", "merge", old, into, *(("--suffix", suffix) if suffix is not None else ()))
    change = Change(here, old, words, yes=yes, dry_run=dry_run)
    planned = change.look(lambda tx: team_merge.plan(tx, old, into=into, suffix=suffix))
    change.say_first(f"team {into}: {_counted(planned.into, change.online(into))}", *_clashes(planned))
    if change.agreed(f"Merge team {old} into {into}?", planned.old):
        planned = here.store.write(lambda tx: team_merge.merge(tx, change.by, old=old, into=into, suffix=suffix))
        here.rouse_daemon()
        _mark_panes(here, planned)
    more = {
        "into": team_json(planned.into, change.online(into)),
        "renamed": [{"agent": f"{name}@{into}", "old_address": one.address} for one, name in planned.renamed],
        "merged_people": [name for _, _, name in planned.joined if name != core_agents.SYSTEM],
    }
    said = f"would merge team {old} into {into}" if dry_run else f"team {old} is a part of team {into} now"
    return change.report(planned.old, into, said, **more)


def _mark_panes(here: Here, planned: Plan) -> None:
    """Note the new names in the panes of the agents that were renamed, for a status line."""
    from contextlib import suppress

    from xats.base.errors import XatsError
    from xats.cli.agents import pane_mark

    for one, name in planned.renamed:
        session = here.store.read(partial(core_agents.current_session, agent=one))
        if session and session.seat.host == here.host:
            with suppress(XatsError):  # the pane may be gone
                pane_mark.put(session, name)


def _clashes(planned: Plan) -> list[str]:
    """Return in words what of a merge is more than moving."""
    lines = [f"{one.address} becomes {name}@{planned.into.name}" for one, name in planned.renamed]
    lines += [
        f"{name} is a person in both teams, and one agent afterwards"
        for _, _, name in planned.joined
        if name != core_agents.SYSTEM
    ]
    return lines


def archive(
    here: Here,
    name: params.TeamArg,
    *,
    undo: params.UndoOption = False,
    force: params.ArchiveForceOption = False,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Leave a team out of the list until its project is used again.

    Nothing is removed, and mail goes on arriving. The team is listed again as soon as an agent registers in it, or a
    seat or a task is added to it. It is refused while agents of the team are at work. For people only; it asks first.

    Example: xats team archive shop

    Example: xats team archive shop --undo
    """
    name = changes.check_team(name)
    words = ("team", "archive", name, "--undo" if undo else None, "--force" if force else None)
    change = Change(here, name, words, yes=yes or undo, dry_run=dry_run)

    def look(tx: Tx) -> Summary:
        found = views.summary(tx, name)
        if not (undo or force or found.archived_at is not None):
            working = changes.at_work(tx, name, _holds)
            command = f"xats team archive {name} --force"
            changes.refuse_at_work(name, working, why="Nothing was changed.", command=command)
        return found

    found = change.look(look)
    if (found.archived_at is None) == undo:
        return change.report(
            found, name, f"team {name} {'is not' if undo else 'was'} archived{'' if undo else ' already'}"
        )
    if not change.agreed(f"Archive team {name}?", found):
        return change.report(
            found, name, f"would {'list' if undo else 'archive'} team {name}{' again' if undo else ''}"
        )
    if undo:
        here.store.write(lambda tx: changes.restore(tx, change.by, name))
    else:
        here.store.write(lambda tx: changes.archive(tx, change.by, name=name, holds=_holds, force=force))
    return change.report(found, name, f"team {name} is {'listed again' if undo else 'archived'}")


def forget(
    here: Here,
    name: params.TeamArg,
    *,
    force: params.ForgetForceOption = False,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """End a team that is not used any more, and free its name.

    Its agents are unregistered; its projects and its name become free. The history stays in the archived team
    NAME.forgotten until it is pruned. xats refuses while agents are at work, mail is unread or tasks are open. With
    --force tasks are cancelled and unread mail expires: letters to agents by name become dead letters, and xats tells
    their senders in other teams. A former name of a team is only freed. For people only; it asks first.

    Example: xats team forget shop-fix --dry-run
    """
    name = changes.check_team(name)
    change = Change(here, name, ("team", "forget", name, "--force" if force else None), yes=yes, dry_run=dry_run)

    def look(tx: Tx) -> Summary | str:
        row = tx.one(views.TEAM, name=name)
        if row and row["moved_to"]:
            now: str = row["moved_to"]
            return now
        found = views.summary(tx, name)
        if not force:
            changes.refuse_forget(tx, found, _holds)
        return found

    found = change.look(look)
    if isinstance(found, str):
        return _forget_former(here, change, name, found)
    if not change.agreed(f"Forget team {name}?", found):
        return change.report(found, None, f"would forget team {name}", dead_letters=0, dropped=0, cancelled=0)
    done = here.store.write(lambda tx: changes.forget(tx, change.by, name=name, holds=_holds, force=force))
    here.rouse_daemon()
    counts = {"dead_letters": done.dead, "dropped": done.dropped, "cancelled": done.cancelled}
    return change.report(found, done.kept_as, f"team {name} is forgotten{_forgotten(done)}", **counts)


def _forget_former(here: Here, change: Change, name: str, now: str) -> int:
    """Free the former name `name` of the team `now`."""
    found = here.store.read(lambda tx: views.summary(tx, now))
    counts = {"dead_letters": 0, "dropped": 0, "cancelled": 0}
    if not change.agreed(f"Let {name} no longer lead to team {now}?", found):
        return change.report(found, now, f"would free the name {name}, which leads to team {now}", **counts)
    here.store.write(lambda tx: changes.forget_former(tx, change.by, name))
    return change.report(found, now, f"the name {name} is free; it no longer leads to team {now}", **counts)


def _forgotten(done: Forgotten) -> str:
    """Return in words what became of what a forgotten team had."""
    parts = [
        f"{number} {one if number == 1 else several}"
        for number, one, several in (
            (done.cancelled, "task was cancelled", "tasks were cancelled"),
            (done.dead, "unread letter is a dead letter", "unread letters are dead letters"),
            (done.dropped, "unread copy was dropped", "unread copies were dropped"),
        )
        if number
    ]
    kept = [f"its history is in team {done.kept_as}"] if done.kept_as else []
    return "".join(f"; {part}" for part in (*parts, *kept))


def adopt(
    here: Here,
    which: params.AdoptArg = None,
    *,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Let the project of this folder belong to a team.

    For a repository that was moved to another file system or cloned again, and for a second clone. Its agents, and
    commands in its folder, are in that team from then on; agents that are registered in another team stay there. Name
    the team, or the folder where the project was. For people only; it asks first.

    Example: xats team adopt shop

    Example: xats team adopt ~/old/shop
    """
    project, places = here.project, _places(here)
    name = _team_to_adopt(project, places, which)
    change = Change(here, name, ("team", "adopt", which), yes=yes, dry_run=dry_run)
    found = change.look(lambda tx: views.summary(tx, name))
    machine, stored = host.machine(), teams.stored(project.path)
    local = [one for one in found.projects if one.host == machine and one.path != stored]
    gone = [one for one in local if not os.path.lexists(one.path)]
    was = next((team for team, one in places if (one.host, one.path) == (machine, stored)), None)
    more, path = {"project": stored, "old_team": was}, render.one_line(teams.folder_of(stored))
    if was == name:
        return change.report(found, name, f"{path} belongs to team {name} already", **more)
    for one in local:
        folder = teams.folder_of(one.path)
        change.say_first(
            f"it was at {folder}, which is gone" if one in gone else f"it belongs to {folder} too, which is still there"
        )
    if not change.agreed(f"Let {path} belong to team {name}?", found):
        return change.report(found, name, f"would let {path} belong to team {name}", **more)
    here.store.write(lambda tx: changes.adopt(tx, change.by, name=name, host=machine, project=project, gone=gone))
    change.report(found, name, f"{path} belongs to team {name} now", **more)
    if was and not (here.json or here.quiet):
        render.say(f"  agents of team {was} stay there; to make one team of both: xats team merge {was} {name}")
    return 0


def _places(here: Here) -> list[tuple[str, Place]]:
    """Return every recorded project, with its team."""
    found = here.store.read(lambda tx: views.listing(tx, archived=True))
    return [(team.name, place) for team in found for place in team.projects]


def _team_to_adopt(project: Project, places: Sequence[tuple[str, Place]], which: str | None) -> str:
    """Return the team that `which` names, by its name or by the folder where the project was.

    None: the team of the one project that is gone and has the same name or remote. Raises NotFound, Usage.
    """
    local = [(team, one) for team, one in places if one.host == host.machine()]
    if which is not None and "/" in which:
        folder = os.path.abspath(os.path.expanduser(which))
        paths = [teams.stored(one) for one in (folder, os.path.realpath(folder), os.path.join(folder, ".git"))]
        found = [team for team, one in local if one.path in paths]
        if not found:
            msg = f"No team has a project at {folder}."
            raise NotFound(msg, "xats team list", path=folder)
        return found[0]
    if which is not None:
        return changes.check_team(which)
    alike = [
        team
        for team, one in local
        if not os.path.lexists(one.path)
        and (one.remote == project.remote if project.remote else project.name in one.path.split("/")[-2:])
    ]
    if len(set(alike)) == 1:
        return alike[0]
    msg = "Name the team to which this project belongs."
    if alike:
        msg = f"Several teams had a project like this one: {', '.join(dict.fromkeys(alike))}. {msg}"
    raise Usage(msg, f"xats team adopt {alike[0] if alike else 'TEAM'}")


def _holds(session: Session) -> bool:
    return occupancy.holds(session.seat)


class Change:
    """One change of a team: who makes it, what is said before, and what it came to."""

    def __init__(self, here: Here, team: str, words: Sequence[str | None], *, yes: bool, dry_run: bool) -> None:
        """`words` are those of the command. Raises PeopleOnly."""
        self.here, self.team, self.words, self.yes, self.dry_run = here, team, words, yes, dry_run
        self.by = people.person(here, "change a team", ASK)
        self.changed = False
        self._said: list[str] = []
        self._online: dict[str, int] = {}

    def look(self, work: Any) -> Any:
        """Return what `work` finds on a snapshot, and count who is online meanwhile."""

        def both(tx: Tx) -> tuple[Any, list[Details]]:
            return work(tx), listing.agents(tx, None, None)

        found, everybody = self.here.store.read(both)
        self._online = _online(everybody, self.here.store.clock())
        return found

    def online(self, team: str) -> int:
        """Return how many agents of `team` were online before the change."""
        return self._online.get(team, 0)

    def say_first(self, *lines: str) -> None:
        """Say `lines` before the question, after what the team has."""
        self._said.extend(lines)

    def agreed(self, question: str, found: Summary) -> bool:
        """Say what there is of the team, and ask; return False for a dry run. Raises Refused where that is no yes."""
        lines = [f"team {found.name}: {_counted(found, self.online(found.name))}", *(f"  {one}" for one in self._said)]
        if self.dry_run:
            for line in lines if not self.here.json else ():
                render.say(line)
            return False
        if not self.yes:
            people.confirm(question, self.here.command(*self.words, "--yes"), *lines)
        self.changed = True
        return True

    def report(self, found: Summary, name: str | None, said: str, **more: Any) -> int:
        """Print what the change came to: `found` is the team as it was, `name` what has everything of it now."""
        if self.here.json:
            before = team_json(found, self.online(found.name))
            now: dict[str, Any] | None = before
            if self.changed:
                left = self.look(lambda tx: views.summary(tx, name)) if name else None
                now = team_json(left, self.online(left.name)) if left else None
            about = {"team": now, "name": name, "old_name": self.team, "before": before}
            render.document({**about, "changed": self.changed, "dry_run": self.dry_run, **more})
        elif not self.here.quiet:
            render.put(said)
        return 0
