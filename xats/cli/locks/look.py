"""The verb that lists locks: lock list."""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago
from xats.cli.kit import render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.locks import text
from xats.core.locks import locks
from xats.core.teams import teams
from xats.identity import files
from xats.identity.files import BadPath

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.locks.locks import Lock

ALL = ("PATH", "HOLDER", "FOR", "TAKEN", "KIND", "TOKEN", "REASON")  # in a pipe
LAID_OUT = (  # from how many columns of a terminal, which columns of the table
    (100, ALL),
    (76, ("PATH", "HOLDER", "FOR", "TOKEN", "REASON")),
    (0, ("PATH", "HOLDER", "FOR", "REASON")),
)


def list_(here: Context, *, mine: params.MyLocksOption = False, limit: params.LimitOption = 50) -> int:
    """List the files that agents of this team hold, with the holder, the reason and the time that is left.

    It lists the files of this worktree that agents of other teams hold too.
    An automatic lock belongs to the last edit of a file and lasts two minutes.

    Example: xats lock list --mine
    """
    check_limit(limit, "xats lock list -n 10")
    if mine:
        team, found = here.read(lambda tx, me: (me.agent.team, locks.held_by(tx, me.agent.id)))
    else:
        team = team_of(here)
        top = _top()
        found = here.store.read(
            lambda tx: locks.in_sight(tx, team, host.machine(), top) if top else locks.of_team(tx, team)
        )
    page, has_more = found[:limit], len(found) > limit
    if here.json:
        render.document({"locks": [text.lock_json(lock) for lock in page], "has_more": has_more})
        return 0
    if page:
        now, top = here.store.clock(), text.top_of(here)
        width = render.width()
        headers = next(columns for room, columns in LAID_OUT if width >= room) if width else ALL
        cells = [_cells(lock, team, top, now) for lock in page]
        render.table(headers, [[one[header] for header in headers] for one in cells], stretch=("PATH", "REASON"))
    elif not here.quiet:
        render.say("you hold no locks" if mine else "no file is locked")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('lock', 'list', '--mine' if mine else None, '-n', limit * 2)}")
    return 0


def _top() -> str | None:
    """Return the top folder of this worktree as the store has it, None if the working directory was removed."""
    try:
        return teams.stored(files.repository()[1])
    except BadPath:
        return None


def _cells(lock: Lock, team: str, top: str | None, now: int) -> dict[str, object]:
    """Return the cells of a lock, by the headers of their columns."""
    return {
        "PATH": text.path_of(lock.file, top),
        "HOLDER": views.near(lock.holder, team) + (" (gone)" if lock.gone_at is not None else ""),
        "FOR": locks.left(lock, now),
        "TAKEN": ago(lock.taken_at, now),
        "KIND": lock.kind,
        "TOKEN": lock.id,
        "REASON": lock.reason or "",
    }
