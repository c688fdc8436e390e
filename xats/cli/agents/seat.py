"""The process and the pane of a registration: never the short-lived shell that ran `xats register`."""

from __future__ import annotations

import os

from xats.base import calling, host, process, program, sandbox
from xats.base.errors import PaneUnusable
from xats.base.record import replace
from xats.cli.kit import render
from xats.clients import occupants, processes, sessions
from xats.core.agents.agents import Seat
from xats.identity import binding
from xats.tmux import pane as panes
from xats.tmux.address import is_pane_id, server, socket_folder
from xats.tmux.errors import NoPane, NotPermitted, TmuxGone, TmuxUnavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from xats.base.pane import Pane
    from xats.base.process import Process
    from xats.base.program import Kept
    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile


def find(
    here: Context, pane_id: str | None, *, no_pane: bool, wanted: Profile | None = None
) -> tuple[Seat, str, Kept | None]:
    """Return the seat of the agent to register, its client, and the program of its process.

    `pane_id` names another pane than this one. `wanted` is the client, if that pane has several. Raises NoPane,
    PaneUnusable.
    """
    if pane_id is None and not no_pane and not sessions.pane_is_trusted(here.environ):
        seen = _behind_shared(here)
        if seen:
            return *seen, program.look(seen[0].pid) if seen[0].pid else None
    pane = None if no_pane else _pane(here, pane_id)
    elsewhere = pane_id is not None and not (pane and _above(pane.pane_pid))
    found = None if pane and elsewhere else here.circumstances.program()
    who: Process | None
    if pane and elsewhere:
        occupant = occupants.find(pane, wanted)
        who, client = occupant.process, occupant.client
    elif found:
        who, client = found
    else:
        client = "generic" if elsewhere or here.person() is None else "human"
        who = _unrecognised(pane)
    session = None if elsewhere else here.circumstances.session
    if hidden(pane):  # xats cannot wake an agent in here, only outside, on the machine itself
        return (
            Seat(
                host=host.machine(),
                pid=None,
                pid_started=None,
                client_session=session,
                pane=None,
                host_name=host.name(),
            ),
            client,
            None,
        )
    pid, started = (who.pid, who.started) if who else (None, None)
    place = Seat(host=here.host, pid=pid, pid_started=started, client_session=session, pane=pane, host_name=host.name())
    if found and pane and pane_id is None and (other := here.store.read(lambda tx: binding.starter(tx, place))):
        if not (here.quiet or here.json):
            render.say(f"  pane {pane.pane_id} stays with {other.name}: its program has started this one")
        pane, place = None, replace(place, pane=None)
    return place, client, _programs(who, pane, elsewhere=elsewhere) if who else None


def xats_path(here: Context, place: Seat, pane_id: str | None) -> str | None:
    """Return how the agent at `place` calls xats (xats/base/calling.py), None if that is not known.

    This command runs in the agent's own shell, unless `pane_id` names another pane. Then the environment counts with
    which the agent's program was started.
    """
    if pane_id is None or (place.pane and _above(place.pane.pane_pid)):
        return calling.path_for(here.environ)
    runs = process.read(place.pid) if place.pid else None
    return occupants.xats_path(runs) if runs else None


def _programs(who: Process, pane: Pane | None, *, elsewhere: bool) -> Kept | None:
    """Return the program of `who` and the interpreter that runs it, seen above us or in the foreground of the pane."""
    if not elsewhere:
        return program.look(who.pid, processes.inner(process.ancestors(), who))
    return occupants.programs(who, pane) if pane else program.look(who.pid)


def _behind_shared(here: Context) -> tuple[Seat, str] | None:
    """Return the seat and client of the agent that runs this as a tool in a shared process, which has no pane.

    None if its terminal is unknown or in no pane.
    """
    from importlib import import_module

    from xats.base.errors import XatsError

    sharer = sessions.sharer(here.environ)
    if sharer is None or sharer.sharing is None:
        return None
    session = here.circumstances.session or ""
    terminal = import_module(sharer.sharing.terminals).around(session, os.getcwd())
    try:
        pane = terminal.pane() if terminal else None
    except XatsError:  # a tmux that does not answer, or a pane that has just gone
        return None
    found = processes.nearest([terminal.at, *process.ancestors(terminal.at.pid)]) if terminal and pane else None
    if found is None:
        return None
    return Seat(
        host=here.host,
        pid=found[0].pid,
        pid_started=found[0].started,
        client_session=session,
        pane=pane,
        host_name=host.name(),
    ), found[1]


def hidden(pane: Pane | None) -> bool:
    """Tell whether a sandbox hides the agent's program. A sandbox around its whole `pane` hides nothing."""
    return pane is None and sandbox.hides_processes()


def other_terminal(seat: Seat) -> Process | None:
    """Return the process of `seat` if it has another terminal than the pane: a key typed there may not reach it."""
    found = process.read(seat.pid) if seat.pane and seat.pid else None
    return found if found and seat.pane and found.tty not in (0, panes.device(seat.pane)) else None


def too_old(pane: Pane) -> str | None:
    """Return the version of the tmux server of `pane` if that is too old for the paste, else None."""
    from xats.base.errors import XatsError
    from xats.tmux.server import run, too_old

    try:
        version = run(pane, "display-message", "-p", "#{version}").strip()
    except XatsError:  # a tmux that does not answer just now
        return None
    return version if too_old(version) else None


def behind(pane: Pane) -> bool:
    """Tell whether this command runs in `pane`, but on another terminal: one of a sandbox, of script, of a tool."""
    own = process.read(os.getpid())
    return own is not None and own.tty not in (0, panes.device(pane)) and _above(pane.pane_pid)


def _pane(here: Context, pane_id: str | None) -> Pane | None:
    if pane_id is not None:
        return pane_by_id(here, pane_id)
    claim = here.pane
    if claim is None:
        return None
    inside = sandbox.around(here.environ)
    if not process.serves_here(claim[1]) and not inside:
        msg = "This is a container or a sandbox with process ids of its own, so xats cannot tell what runs in "
        msg += f"pane {claim[2]}, which is outside of it."
        raise PaneUnusable(msg, f"outside of it: xats register NAME --pane {claim[2]}; or here: --no-pane")
    try:
        return panes.here(here.environ)
    except TmuxUnavailable:
        if inside:
            return None
        raise


def pane_by_id(here: Context, pane_id: str) -> Pane:
    """Return the pane `pane_id` of the tmux server around us, else of the default one.

    Raises NoPane, PaneUnusable, TmuxGone or TmuxUnavailable.
    """
    if not is_pane_id(pane_id):
        msg = f"--pane must be a pane id such as %3, not {pane_id[:40]!r}."
        raise PaneUnusable(msg, "tmux list-panes -a shows the ids")
    socket = socket_around(here.environ)
    try:
        return panes.find(socket, pane_id)
    except NoPane as problem:
        msg = f"There is no pane {pane_id}."
        raise NoPane(msg, "tmux list-panes -a shows the ids") from problem
    except TmuxUnavailable as problem:
        inside = sandbox.around(here.environ)
        if inside:
            msg = f"tmux cannot be reached from {inside.name}."
            raise NotPermitted(msg, "run this outside the sandbox") from problem
        if not isinstance(problem, TmuxGone):
            raise
        msg = f"There is no tmux server at {socket}, so there is no pane {pane_id}."
        raise TmuxGone(msg, "run this inside the tmux that the pane is in") from problem


def socket_around(environ: Mapping[str, str]) -> str:
    """Return the path of the socket of the tmux server around us, else of the default one."""
    around = server(environ)
    return around[0] if around else os.path.join(socket_folder(environ), "default")


def _above(pid: int) -> bool:
    return any(one.pid == pid for one in process.ancestors())


def _unrecognised(pane: Pane | None) -> Process | None:
    """Return the process of a program that no client profile knows: the first in `pane` that is no shell.

    In a pane with only a shell it is that shell. Outside tmux it is unknown.
    """
    if pane is None:
        return None
    above = list(reversed(process.ancestors()))
    pids = [one.pid for one in above]
    inside = above[pids.index(pane.pane_pid) :] if pane.pane_pid in pids else []
    programs = [one for one in inside if not process.is_shell(one.name)]
    return programs[0] if programs else process.read(pane.pane_pid)
