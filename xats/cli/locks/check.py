"""The verb that tells whether files are locked: lock check. It starts fast, because agents ask before each edit."""

from __future__ import annotations

from xats.base.errors import REFUSED, XatsError
from xats.cli.kit import render
from xats.cli.kit.context import FirstUse
from xats.cli.kit.scope import known_team
from xats.cli.locks import text
from xats.core.locks import locks
from xats.core.zones import zones
from xats.identity import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.locks.locks import Lock
    from xats.core.zones.stored import Zone
    from xats.store import Tx

    Place = tuple[str, str, str]


def check(here: Context, paths: params.LockPathsArg) -> int:
    """Show whether files are locked: exit 0 if you can edit them, 4 if another agent holds one.

    It locks nothing. Of a folder or a pattern, it prints only the files that are locked. It also says in whose zone a
    file is, which does not change the exit code.

    Example: xats lock check src/parser.py
    """
    asked, folders = files.expand(paths, empty=True), files.folders(paths)

    def look(tx: Tx, me: Agent | None) -> tuple[Agent | None, dict[Place, Lock], dict[Place, Zone]]:
        held = {lock.file.order: lock for lock in locks.find(tx, [*asked, *folders])}
        of_others = ((file, zones.others(tx, me, file)) for file in asked if me)
        return me, held, {file.order: zone for file, zone in of_others if zone}

    try:
        me, found, areas = here.read(lambda tx, me: look(tx, me.agent), register=False)
    except (XatsError, FirstUse):  # a session or a person without a name may ask too
        if here.asked_team:
            known_team(here)
        me, found, areas = here.store.read(lambda tx: look(tx, None))
    asked += [file for file in folders if file.order in found]
    if not asked:
        raise files.no_files(paths[0])
    standing = [(file, found.get(file.order)) for file in asked]
    taken = any(lock is not None and not _is_mine(lock, me) for _, lock in standing)
    if here.json:
        render.document(
            {
                "files": [
                    {
                        "path": file.path,
                        "worktree": file.worktree,
                        "state": "free" if lock is None else "mine" if _is_mine(lock, me) else "held",
                        "lock": lock and text.lock_json(lock),
                        "zone": _zone_json(areas.get(file.order)),
                    }
                    for file, lock in standing
                ]
            }
        )
    elif not here.quiet:
        now, team = here.store.clock(), me.team if me else here.team
        top = text.top_of(here)
        listed = [(file, lock) for file, lock in standing if lock or len(asked) <= len(paths)]
        for file, lock in listed:
            what = "free" if lock is None else _mine(lock, now) if _is_mine(lock, me) else text.held(lock, team, now)
            zone = areas.get(file.order)
            area = f"; in the zone {render.one_line(zone.pattern)} of {zone.owner.address}" if zone else ""
            render.put(f"{text.path_of(file, top)}: {what}{area}")
        if not listed:
            render.say(f"none of these {len(asked)} files is locked")
    return REFUSED if taken else 0


def _zone_json(zone: Zone | None) -> dict[str, str] | None:
    return {"pattern": zone.pattern, "owner": zone.owner.address} if zone else None


def _is_mine(lock: Lock, me: Agent | None) -> bool:
    return me is not None and lock.holder_id == me.id


def _mine(lock: Lock, now: int) -> str:
    return (
        f"you hold it, for {locks.left(lock, now)} more"
        if lock.explicit
        else f"you edit it, for {locks.left(lock, now)} more"
    )
