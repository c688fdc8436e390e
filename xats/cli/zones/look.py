"""The verbs that show zones: list, check."""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base.durations import rough
from xats.base.errors import REFUSED
from xats.base.record import replace
from xats.cli.kit import render, scope
from xats.cli.kit.paging import check_limit
from xats.cli.zones import text
from xats.cli.zones.settled import settle
from xats.core.teams import teams
from xats.core.zones import zones
from xats.core.zones.places import Place
from xats.identity import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.core.zones.stored import Zone
    from xats.store import Tx


def list_(here: Context, *, limit: params.LimitOption = 50) -> int:
    """List the zones of the team in all repositories.

    Example: xats zone list
    """
    check_limit(limit, "xats zone list -n 10")
    with suppress(files.BadPath):  # the working directory was removed
        settle(here, files.repository()[0])
    team = scope.team_of(here)
    found, has_more = here.store.read(lambda tx: zones.of_team(tx, team, limit))
    if here.json:
        render.document({"zones": list(map(text.zone_json, found)), "has_more": has_more})
        return 0
    now = here.store.clock()
    if found:
        rows = [
            (
                one.pattern,
                f"{one.owner.address}{' (left)' if one.left else ''}",
                one.by,
                rough(now - one.assigned_at),
                teams.folder_of(one.repository) if one.host else one.repository,
            )
            for one in found
        ]
        render.table(("PATTERN", "OWNER", "BY", "AGE", "REPOSITORY"), rows, stretch=("PATTERN", "REPOSITORY"))
    elif not here.quiet:
        render.say(f"no zones in team {team}: {here.command('zone', 'assign', 'ADDRESS', 'PATTERN')}")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('zone', 'list', '-n', limit * 2)}")
    return 0


def check(here: Context, path: params.ZoneFileArg) -> int:
    """Show in whose zone a file is: exit 4 if it is the zone of another owner, else 0.

    Example: xats zone check src/auth/login.py
    """
    file = files.locate(path)
    settle(here, Place(file.host, file.repository, file.remote))
    asked = file
    if os.path.isdir(path):  # a folder is where a new file in it would be
        asked = replace(file, path=f"{file.path}/-", key=f"{file.key}/-")

    def look(tx: Tx) -> tuple[Agent | None, Zone | None]:
        me = scope.me_or_none(here, tx)
        team = me.agent.team if me else here.team_in(tx)
        if not me:
            here.refuse_unknown(tx, team)
        return me.agent if me else None, zones.owner(tx, team, asked)

    me, zone = here.store.read(look)
    mine = zone is not None and me is not None and zone.is_of(me)
    if here.json:
        found = text.zone_json(zone) if zone else None
        render.document({"path": file.path, "worktree": file.worktree, "zone": found, "mine": mine})
    elif not here.quiet:
        render.put(_sentence(file, zone, mine=mine))
    return REFUSED if zone and not mine else 0


def _sentence(file: File, zone: Zone | None, *, mine: bool) -> str:
    path = render.one_line(file.path)
    if zone is None:
        return f"{path} is in no zone"
    return f"{path} is in {'your ' if mine else 'the '}zone {text.named(zone)}"
