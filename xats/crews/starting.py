"""Start an agent program in a pane of its own: write what the command in it needs, and make the pane.

The start is in the store before (core/crews/starts.py). The command in the pane uses its token, and becomes the program
(cli/crews/arrive.py).
"""

from __future__ import annotations

import os
import shlex

from xats.base import host, process
from xats.base.record import record
from xats.core.crews.starts import READY, New
from xats.crews import startfile
from xats.tmux import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.base.pane import Pane
    from xats.core.crews.starts import Start
    from xats.core.states import StartPlace


@record
class Where:
    """Where a program gets its pane."""

    place: StartPlace
    socket: str  #: of the tmux server
    around: Pane | None = None  #: the pane beside which a window or a split is made
    session: str | None = None  #: the name of the session, for that place


@record
class Program:
    """What the command in the new pane becomes, and with what."""

    client: str  #: the name of a profile
    arguments: tuple[str, ...]
    variables: dict[str, str]  #: to add to the environment
    environ: dict[str, str]  #: the environment of the command that starts it
    db: str  #: the path or URL of the store
    team: str | None  #: as it was asked for
    xats: tuple[str, ...]  #: the words that run xats
    writable: bool = False  #: whether its sandbox may write the store
    prompt: str | None = None  #: the first prompt, if it is to be typed
    session: str | None = None  #: the session of the client that it continues after a restart
    command: str | None = None  #: the program, by its name in PATH or its path; None: that of the profile


def own_process() -> tuple[int, int]:
    """Return this process as (pid, start time)."""
    return os.getpid(), process.started(os.getpid()) or 0


def new(client: str, place: StartPlace, folder: str, *, pending: bool, **more: Any) -> New:
    """Return a new start of `client` in `folder` by this process; `pending` tells whether a prompt is to be typed."""
    return New(
        token=os.urandom(16).hex(),
        client=client,
        host=host.id(),
        host_name=host.name(),
        place=place,
        folder=folder,
        starter=own_process(),
        prompt="pending" if pending else None,
        **more,
    )


def is_over(one: Start, age: int) -> bool:
    """Tell whether `one`, which began `age` ms ago, has surely ended, or can be replaced: its token was never used."""
    if one.host != host.id():
        return False
    if one.process is None:
        return process.ended(*one.starter) or age > READY
    return process.ended(*one.process)


def pane_of(start: Start) -> Pane | None:
    """Return the pane that was made for `start` before its command stopped, by its token, or None."""
    return places.find(start.socket, start.token) if start.socket else None


def open_pane(begun: Start, program: Program, where: Where) -> Pane:
    """Write the file of the start `begun`, and make its pane, in which xats becomes the program.

    Raises Unsafe, OSError, NoPane, TmuxUnavailable. Then there is no file.
    """
    line = prepare(begun, program)
    try:
        if where.place == "session":
            assert where.session
            return places.in_session(where.socket, where.session, begun.agent.name, begun.folder, line)
        assert where.around
        if where.place == "window":
            return places.window(where.around, begun.agent.name, begun.folder, line)
        return places.split(where.around, begun.folder, line)
    except BaseException:
        startfile.remove(startfile.path_of(program.environ, begun.token))
        raise


def reopen_pane(begun: Start, program: Program, socket: str, pane_id: str) -> Pane:
    """Do what `open_pane` does, in the pane `pane_id`, whose program has ended."""
    line = prepare(begun, program)
    try:
        return places.respawn(socket, pane_id, begun.folder, line)
    except BaseException:
        startfile.remove(startfile.path_of(program.environ, begun.token))
        raise


def prepare(begun: Start, program: Program) -> str:
    """Write the file of the start `begun`; return the command line by which xats becomes the program in its pane."""
    said = {**program.__dict__, "token": begun.token, "folder": begun.folder, "policy": begun.policy}
    path = startfile.write(program.environ, begun.token, said)
    return f"exec {shlex.join((*program.xats, 'launch', program.client, '--start', path))}"
