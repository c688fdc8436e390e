"""One agent of a crew file, as a record: `xats.crews.file` reads it, and a start is made from it."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xats.core.states import RestartPolicy, StartPlace

OURS = ("XATS_", "TMUX")  # variables that xats and tmux set


@record
class Entry:
    """One agent of a crew file. A table with `count = 3` makes three of them."""

    name: str  #: of the agent: the name of the table, with -1, -2 and so on if it makes several
    table: str  #: the name of the table in the file
    program: str | None  #: a name that `xats launch` knows; None: there is a command
    command: tuple[str, ...] = ()  #: the words of a program that xats does not know
    args: tuple[str, ...] = ()
    role: str | None = None
    tags: tuple[str, ...] = ()
    place: StartPlace = "window"
    session: str | None = None  #: the name of the tmux session, for that place
    cwd: str | None = None  #: the folder, absolute; None: that of the file
    worktree: bool = False
    branch: str | None = None  #: of the worktree; None: xats/NAME
    prompt: str | None = None  #: the first prompt; an @FILE is read already
    prompt_file: str | None = None  #: the path of that @FILE, as the crew file says it
    env: tuple[tuple[str, str], ...] = ()
    writable: bool = False  #: whether its sandbox may write the store
    restart: RestartPolicy = "never"
    order: int = 0  #: lower numbers start first


@record
class CrewFile:
    """A crew file, or the trusted copy of one."""

    path: str  #: the real path of the file
    entries: tuple[Entry, ...]  #: in the order in which they start
    digest: str  #: of everything that trust covers, as hexadecimal digits


def said(entry: Entry) -> dict[str, Any]:
    """Return the fields of `entry` that differ from their defaults.

    A later field with a default changes no digest then, so an update of xats does not ask a person again.
    """
    return {name: value for name, value in entry.__dict__.items() if value != getattr(Entry, name, ...)}


def digest(path: str, entries: Sequence[Entry]) -> str:
    """Return the SHA-256 of the real `path` of a crew file and of its `entries`, as hexadecimal digits."""
    import hashlib
    import json

    whole = [path, sorted((said(one) for one in entries), key=lambda one: str(one["name"]))]
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
