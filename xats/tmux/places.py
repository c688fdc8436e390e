"""New panes in a user's own tmux server, in which xats starts agent programs.

libtmux makes them. It has no time limit, so xats first asks the server something by `server.run`, which has one, and
which checks whose server it is. Nothing here changes the window that a person looks at: each pane is made detached.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager, suppress

from xats.base.errors import Usage
from xats.base.record import record
from xats.tmux import pane as panes
from xats.tmux import program, socket_path, trust
from xats.tmux.errors import NoPane, TmuxGone, TmuxMissing, TmuxUnavailable
from xats.tmux.server import TIMEOUT, argument, is_number, is_older, number, quote, run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    import libtmux

    from xats.base.pane import Pane

SIZE = (200, 50)  # columns and rows of a session that no terminal shows yet
NO_SPACE = "no space for"  # what tmux says where a pane is too small
NOTICE = 2.0  # seconds in which tmux has surely seen that a program has ended
LOOK = 0.02  # seconds between two looks
KEEP = "remain-on-exit"  # a window option that panes have too
SIGNALS = (3, 3)  # the first release that says which signal has ended a program
DEAD = "Pane is dead"  # how tmux begins the line that it adds to the screen of a program that has ended
_LEFT = "#{pid}|#{start_time}|#{pane_dead}|#{pane_dead_status}|#{pane_dead_signal}|#{pane_id}|#{pane_pid}|#{version}|"


@record
class Remains:
    """The pane of a start, as tmux has it now."""

    pane_id: str
    pane_pid: int | None
    dead: bool  #: whether its program has ended
    code: int | None  #: with which the program has ended
    by_signal: int | None  #: that has ended it; None in a tmux older than SIGNALS
    pending: bool  #: whether tmux has seen the end of its output, but not yet how it ended


def window(around: Pane, name: str, folder: str, command: str) -> Pane:
    """Run `command` in `folder`, in a new window `name` of the session of the pane `around`; return its pane.

    Raises NoPane, TmuxUnavailable.
    """
    with _tmux(around.socket, around.pane_id) as (server, session):
        said = _made(server, "new-window", f"{session}:", folder, command, "-n", name)
    return _pane(around.socket, said)


def split(around: Pane, folder: str, command: str) -> Pane:
    """Run `command` in `folder`, in a new pane beside the pane `around`; return it.

    Where that pane is too small to be split, all panes of its window get the same size first. Raises NoPane,
    TmuxUnavailable.
    """
    with _tmux(around.socket, around.pane_id) as (server, _):
        try:
            said = _made(server, "split-window", around.pane_id, folder, command)
        except TmuxUnavailable as problem:
            if NO_SPACE not in str(problem):
                raise
            server.cmd("select-layout", "tiled", target=around.pane_id)
            said = _made(server, "split-window", around.pane_id, folder, command)
    return _pane(around.socket, said)


def in_session(socket: str, session: str, name: str, folder: str, command: str) -> Pane:
    """Run `command` in `folder`, in a new window `name` of the `session`; return its pane.

    A session or a server that does not exist is started. Raises NoPane, TmuxUnavailable.
    """
    from libtmux.exc import LibTmuxException

    with _tmux(socket) as (server, _):
        if not server.has_session(session):
            try:
                made = server.new_session(
                    session,
                    start_directory=_folder(folder),
                    window_name=name,
                    window_command=command,
                    x=SIZE[0],
                    y=SIZE[1],
                )
                pane = made.active_pane
                if pane is None or pane.pane_id is None:
                    raise TmuxUnavailable("tmux made no pane")
                return panes.find(socket, pane.pane_id)
            except LibTmuxException:
                if not server.has_session(session):  # otherwise another command has just made it
                    raise
        said = _made(server, "new-window", f"={session}:", folder, command, "-n", name)
    return _pane(socket, said)


def check_session(name: str) -> str:
    """Return `name` if tmux takes it as the name of a session unchanged. Raises Usage."""
    if not name or not name.isprintable() or set(name) & set(".:#") or name[0] in "=$@%-" or len(name) > 64:
        msg = f"A tmux session cannot have the name {name[:80]!r}."
        raise Usage(msg, "--session crew; a name has no dot, no colon and no #")
    return name


def find(socket: str, text: str) -> Pane | None:
    """Return the pane of the server at `socket` that was started with a command that contains `text`, or None.

    A pane whose program has ended does not count. Raises TmuxUnavailable where tmux cannot tell.
    """
    try:
        said = run(socket, "list-panes", "-a", "-F", "#{pane_dead}|#{pane_id}|#{pane_start_command}")
        for line in said.splitlines():
            dead, pane_id, command = line.split("|", 2)
            if dead == "0" and text in command:
                return panes.find(socket, pane_id)
    except (NoPane, TmuxGone):
        pass
    return None


def left(socket: str, text: str) -> tuple[tuple[int, int], Remains | None]:
    """Return the server at `socket` as (pid, start time), and its pane that was started with a command with `text`.

    Raises TmuxGone where there is no server, TmuxUnavailable where tmux cannot tell.
    """
    server = (0, 0)
    for line in run(socket, "list-panes", "-a", "-F", f"{_LEFT}#{{pane_start_command}}").splitlines():
        fields = line.split("|", 8)
        if len(fields) != 9:
            continue
        server = number(fields[0], "server"), number(fields[1], "server's start")
        if text in fields[8]:
            code, by_signal, pane_pid = (int(one) if is_number(one) else None for one in (*fields[3:5], fields[6]))
            dead = fields[2] == "1"
            pending = dead and code is None and by_signal is None and not is_older(fields[7], SIGNALS)
            return server, Remains(fields[5], pane_pid, dead, code, by_signal, pending)
    return server, None


def remind(server: int) -> None:
    """Let the tmux server with that pid look for children that have ended: it can miss the signal that says so.

    tmux 3.3a then shows a dead pane without a status, until the next one of its children ends. SIGCHLD only makes it
    call waitpid(2).
    """
    with suppress(OSError):
        os.kill(server, signal.SIGCHLD)


def respawn(socket: str, pane_id: str, folder: str, command: str) -> Pane:
    """Run `command` in `folder`, in the pane whose program has ended; return it.

    tmux refuses it while a program runs there. Raises NoPane, TmuxUnavailable.
    """
    with _tmux(socket) as (server, _):
        pane = server.panes.get(pane_id=pane_id, default=None)
        if pane is None:
            raise NoPane(f"can't find pane: {pane_id}")
        pane.respawn(shell=command, start_directory=_folder(folder))
    return panes.find(socket, pane_id)


def keep(pane: Pane, *, always: bool) -> None:
    """Let `pane` stay where its program ends with an error, or `always`, so that a person can read why. Raises NoPane.

    xats can start the program again in a pane that has stayed.
    """
    panes.act(pane, f"set-option -p -t {quote(pane.pane_id)} {KEEP} {'on' if always else 'failed'}")


def close_ended(pane: Pane) -> bool:
    """Close `pane`, whose program has just ended, if the pane stays; tell whether it has stayed.

    It takes tmux a moment to see that a program has ended.
    """
    until = time.monotonic() + NOTICE
    while not close_dead(pane):
        try:
            panes.find(pane.socket, pane.pane_id)
        except (NoPane, TmuxUnavailable):
            return False
        if time.monotonic() >= until:
            return False
        time.sleep(LOOK)
    return True


def close_dead(pane: Pane) -> bool:
    """Close `pane` if its program has ended and the pane has stayed; tell whether it was there."""
    with suppress(NoPane, TmuxUnavailable):
        said = run(
            pane,
            "if-shell",
            "-F",
            "-t",
            pane.pane_id,
            f"#{{&&:#{{==:#{{pane_pid}},{pane.pane_pid}}},#{{pane_dead}}}}",
            f"kill-pane -t {quote(pane.pane_id)} ; display-message -p DONE",
            "display-message -p REFUSED",
        )
        return "DONE" in said.split()
    return False


def last_lines(pane: Pane, most: int) -> list[str]:
    """Return the last `most` lines that `pane` shows, without empty ones; none if it is gone."""
    try:
        said = run(pane, "capture-pane", "-p", "-t", pane.pane_id)
    except (NoPane, TmuxUnavailable):
        return []
    lines = [line.rstrip() for line in said.splitlines() if line.strip()]
    if lines and lines[-1].startswith(DEAD):
        lines.pop()
    return lines[-most:]


@contextmanager
def _tmux(socket: str, pane_id: str = "") -> Iterator[tuple[libtmux.Server, str]]:
    """Connect libtmux to the server at `socket`, which answers; with the id of the session of the pane `pane_id`.

    Without a pane, the server may be started.
    """
    import libtmux
    from libtmux.exc import LibTmuxException

    from xats.tmux.stage import utf8

    session = ""
    try:
        session = run(socket, "display-message", "-p", *(("-t", pane_id) if pane_id else ()), "#{session_id}").strip()
    except TmuxGone:
        if pane_id:
            raise
        with suppress(FileExistsError):  # tmux makes this folder only where it chooses the socket itself
            os.mkdir(os.path.dirname(socket), 0o700)
        socket_path.check(socket)
    if pane_id and not session:  # some versions print an empty field for a missing pane
        raise NoPane(f"can't find pane: {pane_id}")
    tmux = program.find(os.environ)
    if tmux is None:
        raise TmuxMissing(program.missing(os.environ))
    try:
        with utf8():
            yield libtmux.Server(socket_path=socket, tmux_bin=tmux), session
    except ValueError as problem:  # it splits what tmux says at line breaks
        raise TmuxUnavailable(
            "tmux made no pane: a folder in this tmux server has a line break in its name"
        ) from problem
    except LibTmuxException as problem:
        said = str(problem).strip() or type(problem).__name__
        raise TmuxUnavailable(f"tmux made no pane: {said}") from problem


def _folder(path: str) -> str:
    """Return the `path` of a folder as tmux takes it.

    tmux expands formats in the name of a folder, and those run commands: https://man.openbsd.org/tmux#FORMATS
    """
    return path.replace("#", "##")


def _made(server: libtmux.Server, word: str, target: str, folder: str, command: str, *more: str) -> str:
    """Make a pane by the tmux command `word`; return what tmux says of it, in one call. Raises TmuxUnavailable."""
    where = argument(_folder(folder))
    done = server.cmd(word, "-d", "-P", "-F", panes.FORMAT, *more, "-c", where, argument(command), target=target)
    if done.returncode or not done.stdout:
        raise TmuxUnavailable(f"tmux made no pane: {' '.join(done.stderr).strip() or word}")
    return done.stdout[0]


def _pane(socket: str, said: str) -> Pane:
    """Return the pane that was made, if the server that listens at `socket` has made it. Raises TmuxUnavailable."""
    pane = panes.parse(socket, said)
    trust.check_listener(socket, trust.listener(socket, TIMEOUT), pane.server_pid)
    return pane
