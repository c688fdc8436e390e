"""How locks look: as JSON for scripts, and in words for people."""

from __future__ import annotations

from xats.base.durations import iso
from xats.cli.kit.render import one_line
from xats.cli.kit.views import near
from xats.core.locks import locks
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.core.locks.files import File
    from xats.core.locks.locks import Lock


def lock_json(lock: Lock) -> dict[str, Any]:
    """Return the JSON form of a lock."""
    return {
        "path": lock.file.path,
        "worktree": lock.file.worktree,
        "owner": lock.holder,
        "kind": lock.kind,
        "reason": lock.reason,
        "taken_at": iso(lock.taken_at),
        "expires_at": iso(lock.until),
        "token": lock.id,
    }


def top_of(here: Context) -> str | None:
    """Return the top folder of the worktree of the working directory as the store has it, None if that was removed."""
    project = here.find_project()
    return teams.stored(project.here) if project else None


def path_of(file: File, top: str | None) -> str:
    """Return `file` as people see it: from the top folder of its worktree, whole if that is not the folder `top`."""
    return one_line(file.path if file.worktree == top else file.absolute)


def held(lock: Lock, team: str, now: int) -> str:
    """Return who holds a lock, why, and for how long."""
    why = f" ({one_line(lock.reason)})" if lock.reason else ""
    what = "holds it" if lock.explicit else "edits it"
    return f"{near(lock.holder, team)} {what}{why}, for {locks.left(lock, now)} more"
