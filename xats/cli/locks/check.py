"""The verb that tells whether files are locked: lock check. It starts fast, because agents ask before each edit."""

from __future__ import annotations

from xats.base.errors import REFUSED, XatsError
from xats.cli.kit import render
from xats.cli.kit.context import FirstUse
from xats.cli.locks import text
from xats.core.locks import locks
from xats.identity import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.locks.locks import Lock
    from xats.store import Tx


def check(here: Context, paths: params.LockPathsArg) -> int:
    """Show whether files are locked: exit 0 if you can edit them, 4 if another agent holds one.

    It locks nothing. Of a folder or a pattern, it prints only the files that are locked.

    Example: xats lock check src/parser.py
    """
    asked = files.expand(paths)

    def look(tx: Tx, me: Agent | None) -> tuple[Agent | None, dict[tuple[str, str, str], Lock]]:
        return me, {lock.file.order: lock for lock in locks.find(tx, asked)}

    try:
        me, found = here.read(lambda tx, me: look(tx, me.agent), register=False)
    except (XatsError, FirstUse):  # a session or a person without a name may ask too
        me, found = here.store.read(lambda tx: look(tx, None))
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
                    }
                    for file, lock in standing
                ]
            }
        )
    elif not here.quiet:
        now, team = here.store.clock(), me.team if me else ""
        top = text.top_of(here)
        listed = [(file, lock) for file, lock in standing if lock or len(asked) <= len(paths)]
        for file, lock in listed:
            what = "free" if lock is None else _mine(lock, now) if _is_mine(lock, me) else text.held(lock, team, now)
            render.put(f"{text.path_of(file, top)}: {what}")
        if not listed:
            render.say(f"none of these {len(asked)} files is locked")
    return REFUSED if taken else 0


def _is_mine(lock: Lock, me: Agent | None) -> bool:
    return me is not None and lock.holder_id == me.id


def _mine(lock: Lock, now: int) -> str:
    return (
        f"you hold it, for {locks.left(lock, now)} more" if lock.explicit else f"you edited it; {locks.left(lock, now)}"
    )
