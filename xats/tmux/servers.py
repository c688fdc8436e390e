"""All tmux servers of this user and their panes. A look starts no server, and does not wait for one that hangs.

tmux makes the socket of a server in TMUX_TMPDIR/tmux-UID, under the name that -L gives it, see tmux(1). A server with a
socket elsewhere (-S) is only found if this process runs in it, or an agent does.

libtmux is not used here. It has no time limit. It cannot connect to the socket whose owner was checked (trust.py). It
runs the tmux in PATH, and the server may be of another release. It cannot read a list where the locale is C, nor one
with a line break in the name of a folder.
"""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from xats.base.errors import XatsError
from xats.base.pane import Pane
from xats.base.record import record
from xats.tmux import trust
from xats.tmux.address import server, socket_folder
from xats.tmux.errors import TmuxGone, TmuxUnavailable
from xats.tmux.server import number, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LIMIT = 1.0  # seconds for the answer of a server, which takes some milliseconds
AT_ONCE = 8  # servers that xats asks at the same time
NUMBERS = ("pid", "start_time", "pane_pid", "window_index")
FIELDS = ("pane_id", "pane_tty", *NUMBERS, "session_name", "pane_current_path", "pane_title")


@record
class Sighted:
    """A pane as its server lists it. The programs in it set `folder` and `title`, which may hold any text."""

    pane: Pane
    session: str
    window: int
    folder: str
    title: str


@record
class Listed:
    """The answer of one server: its panes, or the problem."""

    socket: str
    panes: tuple[Sighted, ...]
    problem: XatsError | None = None


def sockets(environ: Mapping[str, str], known: Iterable[str] = ()) -> list[str]:
    """Return the paths of the sockets of this user's servers, each file once: ours first, then by name, then `known`.

    There may be no server at such a socket.
    """
    ours = server(environ)
    folders = [socket_folder(environ)]
    if ours and os.path.basename(os.path.dirname(ours[0])) == os.path.basename(folders[0]):
        folders.append(os.path.dirname(ours[0]))  # the folder of the TMUX_TMPDIR with which our server was started
    beside = (os.path.join(folder, name) for folder in folders for name in _names(folder))
    found: dict[tuple[int, int], str] = {}
    for path in (*([ours[0]] if ours else ()), *beside, *known):
        with suppress(OSError, ValueError):
            about = os.stat(path)
            if stat.S_ISSOCK(about.st_mode):
                found.setdefault((about.st_dev, about.st_ino), path)
    return list(found.values())


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder), key=lambda name: (name != "default", name))
    except OSError:  # there is no such folder, or it is another user's
        return []


def look(paths: Iterable[str], timeout: float = LIMIT) -> list[Listed]:
    """Ask the servers at `paths` for their panes, all at once and each for `timeout` seconds.

    The result leaves out a server that has ended. One that does not answer, or that xats must not trust
    (tmux/trust.py), has a problem.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda path: _ask(path, timeout), paths)
        return [one for one in found if one]


def _ask(socket: str, timeout: float) -> Listed | None:
    try:
        return Listed(socket, tuple(panes(socket, timeout)))
    except TmuxGone:
        return None
    except XatsError as problem:
        return Listed(socket, (), problem)


def panes(socket: str, timeout: float = LIMIT) -> list[Sighted]:
    """Return the panes with a running program of the server at `socket`, each once.

    Raises TmuxGone, ServerUntrusted, NotPermitted, TmuxUnavailable.
    """
    listening = trust.listener(socket, timeout)
    mark = os.urandom(16).hex()  # between two fields; no title and no folder holds it
    form = mark.join(f"#{{{name}}}" for name in FIELDS) + mark
    said = run(socket, "list-panes", "-a", "-F", form, timeout=timeout)
    found: dict[str, Sighted] = {}
    every = said.split(mark)[:-1]
    if len(every) % len(FIELDS):
        raise TmuxUnavailable(f"xats does not understand the list of panes of tmux at {socket}")
    for at in range(0, len(every), len(FIELDS)):
        values = dict(zip(FIELDS, every[at : at + len(FIELDS)], strict=True))
        pane_id = values["pane_id"].lstrip("\n")
        if not values["pane_pid"] or pane_id in found:  # its program has ended; its window is in two sessions
            continue
        numbers = {name: number(values[name], f"{name} of pane {pane_id}") for name in NUMBERS}
        trust.check_listener(socket, listening, numbers["pid"])
        pane = Pane(socket, numbers["pid"], numbers["start_time"], pane_id, numbers["pane_pid"], values["pane_tty"])
        found[pane_id] = Sighted(
            pane, values["session_name"], numbers["window_index"], values["pane_current_path"], values["pane_title"]
        )
    return list(found.values())
