"""The verb that gives the project of a folder to a team: adopt."""

from __future__ import annotations

import os

from xats.base import host
from xats.base.errors import NotFound, Usage
from xats.cli.kit import render
from xats.cli.teams.change import Change
from xats.core.teams import changes, teams, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.teams.views import Place
    from xats.identity.project import Project


def adopt(
    here: Context,
    which: params.AdoptArg = None,
    *,
    yes: params.YesOption = False,
    dry_run: params.TeamDryRunOption = False,
) -> int:
    """Assign the project of this folder to a team.

    Use it after a repository was moved to another file system or cloned again, and for a second clone. New agents and
    commands in its folder then belong to that team. Agents that are registered in another team stay there. Name the
    team, or the folder where the project was. For people only; xats asks first.

    Example: xats team adopt shop

    Example: xats team adopt ~/old/shop
    """
    project, places = here.project, _places(here)
    name = _team_to_adopt(project, places, which)
    change = Change(here, name, ("team", "adopt", which), yes=yes, dry_run=dry_run)
    found = change.look(lambda tx: views.summary(tx, name))
    machine, stored = host.machine(), teams.stored(project.path)
    local = [one for one in found.projects if one.host == machine]
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
    if not change.agreed(f"Assign {path} to team {name}?", found):
        return change.report(found, name, f"would assign {path} to team {name}", **more)
    here.store.write(lambda tx: changes.adopt(tx, change.by, name=name, host=machine, project=project, gone=gone))
    change.report(found, name, f"{path} belongs to team {name} now", **more)
    if was and not (here.json or here.quiet):
        render.say(f"  agents of team {was} stay there; to make one team of both: xats team merge {was} {name}")
    return 0


def _places(here: Context) -> list[tuple[str, Place]]:
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
