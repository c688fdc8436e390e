"""The verbs that show teams: list, show."""

from __future__ import annotations

import os

from xats.base import host
from xats.base.durations import ago, iso
from xats.cli.agents import states
from xats.cli.kit import render
from xats.cli.kit.scope import team_of
from xats.core.agents import listing
from xats.core.teams import changes, teams, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Details
    from xats.core.teams.views import Place, Summary
    from xats.store import Tx


def list_(here: Context, *, archived: params.ArchivedOption = False) -> int:
    """List the teams, with what belongs to each.

    Archived teams and the former names of teams are not listed.

    Example: xats team list

    Example: xats team list --archived --json
    """

    def work(tx: Tx) -> tuple[list[Summary], list[Details]]:
        return views.listing(tx, archived=archived), listing.agents(tx, None, None)

    found, everybody = here.store.read(work)
    now = here.store.clock()
    online = online_in(everybody, now)
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


def show(here: Context, name: params.OptionalTeamArg = None) -> int:
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
    render.put(f"team {found.name}{archived}: {counted(found, sum(state.online for _, state in seen))}")
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
        "notes": found.notes,
        "projects": [_place_json(one) for one in found.projects],
        "former_names": found.former,
    }


def _place_json(place: Place) -> dict[str, Any]:
    local = place.host == host.machine()
    exists = os.path.exists(place.path) if local else None
    return {"path": place.path, "host": None if local else place.host_name, "here": local, "exists": exists}


def _place(place: Place) -> str:
    """Return the folder of a project, with the host if that is another one."""
    folder = teams.folder_of(place.path)
    if place.host != host.machine():
        return f"{folder} on {place.host_name or 'another host'}"
    return folder if os.path.exists(place.path) else f"{folder} (gone)"


def online_in(everybody: Sequence[Details], now: int) -> dict[str, int]:
    """Return how many agents of each team are online."""
    found: dict[str, int] = {}
    for one in everybody:
        if states.of(one, now).online:
            found[one.agent.team] = found.get(one.agent.team, 0) + 1
    return found


def _left(found: Summary) -> str:
    """Return in words how many of the unread letters are those of agents that have left; "" if there are none."""
    return f" ({found.unread_of_left} of agents that left)" if found.unread_of_left else ""


def counted(found: Summary, online: int) -> str:
    """Return in words how much belongs to a team."""
    counts = [
        (found.agents, "agent"),
        (found.unread, "unread letter"),
        (found.open_tasks, "open task"),
        (found.contracts, "contract"),
        (len(found.projects), "project"),
    ]
    if found.notes:
        counts.append((found.notes, "note"))
    words = [f"{number} {what if number == 1 else f'{what}s'}" for number, what in counts]
    if online:
        words[0] += f" ({online} online)"
    words[1] += _left(found)
    return ", ".join(words)
