"""The other end of a start: the command in the new pane uses the token, and becomes the program."""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base import calling, occupancy
from xats.base.errors import Refused, XatsError
from xats.base.record import replace
from xats.core.agents import registration
from xats.core.crews import restarts, starts
from xats.core.crews.errors import StartSuperseded
from xats.core.crews.restarts import Exit
from xats.crews import startfile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.registration import Registered
    from xats.store import Tx

# Variables that belong to a pane and not to the command that started the program.
OF_PANE = frozenset(
    ("TMUX", "TMUX_PANE", "TERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLORTERM", "COLUMNS", "LINES", "SHLVL")
) | {"WINDOWID", "STY", "SSH_TTY", "_", "OLDPWD"}


def arrive(path: str) -> NoReturn:
    """Become the program of the start whose file is at `path`.

    Raises StartSuperseded if its token was used or replaced, and what a launch raises. Then the start has failed.
    """
    said = startfile.read(path)
    if not said:
        msg = "This start is over: its file is gone. Nothing was started."
        raise Refused(msg, "xats launch PROGRAM --name NAME --window")
    here = _context(said)
    try:
        _become(here, said, path)
    except StartSuperseded:  # it says nothing of the program that has used the token
        raise
    except XatsError as problem:
        why = str(problem)
        with suppress(XatsError):
            here.store.write(lambda tx: restarts.ended(tx, said["token"], Exit(), why))
        startfile.remove(path)
        raise


def _context(said: dict[str, Any]) -> Context:
    """Return the context in which the program runs: the environment and the folder of the command that started it."""
    from xats.cli.kit.context import Context

    own = {name: value for name, value in os.environ.items() if name in OF_PANE}
    given = {name: value for name, value in said["environ"].items() if name not in OF_PANE}
    os.environ.clear()
    os.environ.update(given | own)
    with suppress(OSError):  # tmux has begun in that folder, or said so
        os.chdir(said["folder"])
    return Context(team=said["team"], db=said["db"])


def _program(here: Context, said: dict[str, Any]) -> tuple[Profile, str]:
    """Return the profile and the path of the program. Raises ProgramMissing, NotFound, Usage."""
    from xats.cli.agents import program

    command = said.get("command")
    if command is None:
        found = program.profile(said["client"], here.environ)
        return found, program.find_program(found, here.environ)
    from xats.clients import registry

    found = registry.find_or_generic(said["client"], here.environ)
    return found, program.find_command(command, found, said["folder"], here.environ)


def _become(here: Context, said: dict[str, Any], path: str) -> NoReturn:
    from xats.cli.agents import program
    from xats.crews import starting
    from xats.tmux import pane as panes
    from xats.tmux import places

    found, runs = _program(here, said)
    values = said["variables"]
    how = program.plan(here, found, runs, said["arguments"], writable=said["writable"], variables=values)
    pane = panes.here(here.environ)
    if pane is None:
        msg = "This start must run in the tmux pane that xats made for it. Nothing was started."
        raise Refused(msg, "xats launch PROGRAM --name NAME --window")
    with suppress(XatsError):
        places.keep(pane, always=said.get("policy") == "always")
    seat = program.own_seat(here, pane)
    if said.get("session") and found.resume_keeps_id:  # its inbox works at once; its hook is silent before a prompt
        seat = replace(seat, client_session=said["session"])
    calls = calling.path_for(here.environ, login=program.in_login_shell(found.name))
    program.write_files(how)

    def work(tx: Tx) -> Registered:
        start = starts.use(tx, said["token"], starting.own_process(), pane)
        return registration.register(
            tx,
            start.agent.team,
            start.agent.name,
            registration.Changes(client=found.name),
            seat,
            lambda one: occupancy.holds(one.seat),
            xats_path=calls,
        )

    done = here.store.write(work)
    if said["prompt"]:
        startfile.replace(path, {"prompt": said["prompt"]})
    else:
        startfile.remove(path)
    program.forget_files(here, how)
    program.become(here, replace(done, created=False), how, said["token"], waited=True)
