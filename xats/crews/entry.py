"""One agent of a crew file, as a record: `xats.crews.file` reads it, and a start is made from it."""

from __future__ import annotations

from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.states import RestartPolicy, StartPlace


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
