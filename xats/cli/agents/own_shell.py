"""A person's own shell: `xats register NAME` gives it another name, so xats asks the person first."""

from __future__ import annotations

import os

from xats.base import process
from xats.base.errors import Refused, UnknownAgent
from xats.base.record import replace
from xats.cli.kit import render
from xats.core.agents import agents, shells, unused
from xats.core.agents.agents import Seat
from xats.core.agents.shells import Shell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context
    from xats.core.agents.agents import Agent
    from xats.core.agents.registration import Registered
    from xats.store import Tx


def find(here: Context) -> Shell | None:
    """Return the shell that stays open on our terminal: the outermost one above us. A tool of an agent has none.

    An agent program may run each tool in a shell of its own, and that shell ends with the tool.
    """
    own = process.read(os.getpid())
    if own is None or not own.tty or here.circumstances.inside():
        return None
    above = [one for one in process.ancestors() if one.tty == own.tty and process.is_shell(one.name)]
    return Shell(above[-1].pid, above[-1].started, _terminal(own.tty)) if above else None


def _terminal(device: int) -> str | None:
    """Return the path of our terminal with that device number, if one of our standard streams is that terminal."""
    for stream in (0, 1, 2):
        try:
            if os.fstat(stream).st_rdev == device:
                return os.ttyname(stream)
        except OSError:  # closed, or no terminal
            continue
    return None


def is_persons(here: Context, name: str, found: str) -> bool:
    """Tell whether a person who registers `name` would give another name to their own shell.

    `found` is the client that was detected: "human" where a person types on a terminal, and no agent program is there.
    """
    person = here.person()
    return found == "human" and person is not None and person.lower() != name.lower()


def agree(here: Context, name: str, *, yes: bool) -> None:
    """Ask whether this shell shall become `name`, unless `yes` or without a terminal. Raises Refused if not."""
    if yes or not render.can_ask() or _is_person(here, name):
        return
    command = here.command("launch", "claude", "--name", name)
    render.say(f"You are {here.person()} here. To start an agent program as {name}: {command}")
    left = "Nothing was registered."
    if not render.ask(f"Make this shell {name}?", left):
        raise Refused(left, command, reason="declined")


def _is_person(here: Context, name: str) -> bool:
    """Tell whether `name` is a person of this team already."""
    found = here.store.read(lambda tx: agents.find(tx, *here.address(tx, name)))
    return found is not None and found.registered and found.client == "human"


def seat(place: Seat, shell: Shell | None) -> Seat:
    """Return the seat of a person who has agreed: outside tmux its process is the shell itself."""
    if shell is None or place.process or place.pane:
        return place
    return replace(place, pid=shell.pid, pid_started=shell.started)


def check(here: Context, tx: Tx, known: Agent | None, place: Seat, shell: Shell | None, *, takeover: bool) -> None:
    """Raise NameTaken if another shell has registered `known`, and is still open.

    A person is one agent in all shells under the login name.
    """
    person = here.person()
    if known is None or shell is None or takeover or (person is not None and person.lower() == known.name.lower()):
        return
    shells.refuse_other(tx, known, host=place.host, shell=shell, ended=process.ended)


def settle(here: Context, tx: Tx, done: Registered, shell: Shell | None, *, is_persons: bool) -> str | None:
    """Record the shell in which an agent was registered.

    If the shell `is_persons` own, remove an unused agent with the login name. Return the login name if it was used.
    """
    agent, session = done.details.agent, done.details.session
    if session:
        shells.note(tx, session, shell)
    if not is_persons:
        return None
    try:
        person = agents.by_name(tx, agent.team, here.person() or "")
    except UnknownAgent:
        return None
    session = agents.current_session(tx, person)
    has_seat = session and (session.seat.pane or session.seat.process)
    if person.client != "human" or has_seat or person.address == done.unseated:
        return None
    return None if unused.remove(tx, person) else person.name
