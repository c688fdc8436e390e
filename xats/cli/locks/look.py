"""The verb that lists locks: lock list."""

from __future__ import annotations

from xats.base.durations import ago
from xats.cli.kit import render, views
from xats.cli.kit.paging import check_limit
from xats.cli.kit.scope import team_of
from xats.cli.locks import text
from xats.core.locks import locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.locks.locks import Lock


def list_(here: Context, *, mine: params.MyLocksOption = False, limit: params.LimitOption = 50) -> int:
    """List the files that agents of this team hold, with the holder, the reason and the time that is left.

    An automatic lock belongs to the last edit of a file and lasts two minutes.

    Example: xats lock list --mine
    """
    check_limit(limit, "xats lock list -n 10")
    if mine:
        team, found = here.read(lambda tx, me: (me.agent.team, locks.held_by(tx, me.agent.id)))
    else:
        team = team_of(here)
        found = here.store.read(lambda tx: locks.of_team(tx, team))
    page, has_more = found[:limit], len(found) > limit
    if here.json:
        render.document({"locks": [text.lock_json(lock) for lock in page], "has_more": has_more})
        return 0
    if page:
        now, top = here.store.clock(), text.top_of(here)
        headers = ("PATH", "HOLDER", "FOR", "TAKEN", "KIND", "TOKEN", "REASON")
        rows = [_row(lock, team, top, now) for lock in page]
        render.table(headers, rows, stretch=("PATH", "REASON"))
    elif not here.quiet:
        render.say("you hold no locks" if mine else "no file is locked")
    if has_more and not here.quiet:
        render.say(f"more: {here.command('lock', 'list', '--mine' if mine else None, '-n', limit * 2)}")
    return 0


def _row(lock: Lock, team: str, top: str | None, now: int) -> tuple[object, ...]:
    holder = views.near(lock.holder, team) + (" (gone)" if lock.gone_at is not None else "")
    path, left = text.path_of(lock.file, top), locks.left(lock, now)
    return path, holder, left, ago(lock.taken_at, now), lock.kind, lock.id, lock.reason or ""
