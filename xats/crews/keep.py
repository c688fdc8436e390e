"""What a restart needs, in a file of this user alone: the program, its environment, and the agent of the crew file.

`xats up` writes it for each start, and the daemon makes a restart from nothing else: neither from the store, which
other hosts may be able to write, nor from a crew file that has changed. The token of the start is in the name of the
file. `xats down` and the next start of the agent remove it.
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base import sidefile
from xats.base.folders import kept as home
from xats.base.record import record, replace
from xats.crews import startfile
from xats.crews.entry import Entry
from xats.crews.starting import Program

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any

    from xats.core.crews.starts import Start
    from xats.crews.starting import Where

FOLDER = "crews"


@record
class Kept:
    """What a restart of one start needs."""

    token: str  #: of the start
    agent: int  #: its id
    program: Program
    socket: str  #: of the tmux server
    folder: str
    entry: Entry
    file: str  #: the path of the crew file
    digest: str  #: of the crew file to which a person has agreed
    before: str | None = None  #: the token of the start before, in whose pane this one is made
    session: str | None = None  #: the session of the client that this start continues


def write(environ: Mapping[str, str], begun: Start, program: Program, where: Where, entry: Entry, digest: str) -> None:
    """Keep what a restart of the start `begun` needs, in place of what was kept for the agent before.

    Raises Unsafe, OSError, NoHome.
    """
    file = begun.crew_file or ""
    put(environ, Kept(begun.token, begun.agent.id, program, where.socket, begun.folder, entry, file, digest))
    only(environ, begun.agent.id, program.db, begun.token)


def put(environ: Mapping[str, str], kept: Kept) -> None:
    """Write `kept` to the file of its start. Raises Unsafe, OSError, NoHome."""
    path = _path(environ, kept.token)
    sidefile.folder(os.path.dirname(path))
    startfile.replace(path, {**kept.__dict__, "program": kept.program.__dict__, "entry": kept.entry.__dict__})


def read(environ: Mapping[str, str], start: Start) -> Kept | None:
    """Return what is kept for `start`, None if there is nothing that this user can trust. Raises NoHome."""
    found = _of(startfile.read(_path(environ, start.token)))
    return found if found and (found.token, found.agent) == (start.token, start.agent.id) else None


def remove(environ: Mapping[str, str], token: str) -> None:
    """Remove what is kept for the start with that `token`. Raises NoHome."""
    startfile.remove(_path(environ, token))


def only(environ: Mapping[str, str], agent: int, db: str, token: str | None = None) -> None:
    """Remove what is kept for the agent with that id in the store `db`, except for the start with that `token`."""
    for path in _paths(environ):
        found = _of(startfile.read(path))
        if found and found.agent == agent and found.token != token and is_in(found, db):
            startfile.remove(path)


def forget(environ: Mapping[str, str], db: str, known: Collection[str]) -> None:
    """Remove what is kept for starts in the store `db` whose tokens are not `known`. Raises NoHome."""
    for path in _paths(environ):
        found = _of(startfile.read(path))
        if found and found.token not in known and is_in(found, db):
            startfile.remove(path)


def is_in(kept: Kept, db: str) -> bool:
    """Tell whether `kept` is about a start in the store at `db`, a path or a URL."""
    return kept.program.db == db or sidefile.key(kept.program.db) == sidefile.key(db)


def again(kept: Kept, token: str, session: str | None) -> Kept:
    """Return what is kept for the restart with that `token`, which continues the `session` of the client."""
    return replace(kept, token=token, before=kept.token, session=session)


def agreed(environ: Mapping[str, str], kept: Kept) -> bool:
    """Tell whether a person still agrees to the crew file of `kept`, and the file is the same as at its start."""
    from xats.crews import file, trust

    known = trust.trusted(environ, kept.file)
    if known is None or known.digest != kept.digest:
        return False
    try:
        return file.load(kept.file).digest == kept.digest
    except (file.NoCrew, file.CrewFileInvalid):
        return False


def _path(environ: Mapping[str, str], token: str) -> str:
    return os.path.join(home(environ), FOLDER, f"kept-{token}.json")


def _paths(environ: Mapping[str, str]) -> Iterator[str]:
    with suppress(FileNotFoundError):
        for entry in os.scandir(os.path.join(home(environ), FOLDER)):
            if entry.name.startswith("kept-"):
                yield entry.path


def _of(said: dict[str, Any]) -> Kept | None:
    try:
        program, entry = dict(said["program"]), dict(said["entry"])
        for name in ("arguments", "xats"):
            program[name] = tuple(program[name])
        for name in ("command", "args", "tags"):
            entry[name] = tuple(entry[name])
        entry["env"] = tuple((name, value) for name, value in entry["env"])
        return Kept(**{**said, "program": Program(**program), "entry": Entry(**entry)})
    except (KeyError, TypeError, ValueError):  # another release wrote it
        return None
