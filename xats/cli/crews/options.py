"""What the options of `xats launch` mean: the place, the folder, the variables, and the first prompt."""

from __future__ import annotations

import os

from xats.base.errors import InvalidBody, NotFound, Refused, Usage
from xats.crews import command_line
from xats.crews.entry import OURS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.cli.kit.context import Context
    from xats.clients.profile import Profile
    from xats.core.agents.agents import Agent
    from xats.core.states import StartPlace
    from xats.store import Tx

LEFT = command_line.LEFT
arguments = command_line.arguments


def place(*, window: bool, split: bool, session: str | None) -> StartPlace:
    """Return where the program is to run. Raises Usage if several places are named."""
    named: list[StartPlace] = []
    if window:
        named.append("window")
    if split:
        named.append("split")
    if session is not None:
        from xats.tmux import places

        places.check_session(session)
        named.append("session")
    if len(named) > 1:
        msg = f"--{named[0]} and --{named[1]} exclude each other. {LEFT}"
        raise Usage(msg, "name one place")
    return named[0] if named else "pane"


def prompt(here: Context, said: str | None) -> str | None:
    """Return the first prompt, as it can be typed. Raises InvalidBody for one that is empty or too long."""
    if said is None:
        return None
    from xats.cli.kit import reading, render
    from xats.delivery import poke

    text = reading.document(here, said, None, "prompt", InvalidBody, LEFT) or ""
    clean, removed = poke.sanitise(text)
    if removed and not here.quiet and not here.json:
        render.say(f"  removed from the prompt: {', '.join(removed)}")
    if not clean.strip():
        msg = f"The first prompt is empty. {LEFT}"
        raise InvalidBody(msg, "--prompt 'Read AGENTS.md and wait for mail'")
    if len(clean.encode()) > poke.LARGEST:
        msg = f"The first prompt has more than {poke.LARGEST} bytes. {LEFT}"
        raise InvalidBody(msg, "put it into a file, and let the prompt name that file")
    return clean


def variables(said: Sequence[str] | None) -> dict[str, str]:
    """Return the variables of --env. Raises Usage for a word that sets none, and for a variable of xats or tmux."""
    found = {}
    for one in said or ():
        name, equals, value = one.partition("=")
        if not equals or not (name.isascii() and name.isidentifier()):
            msg = f"--env does not take {(name if name else one)[:80]!r}. {LEFT}"
            raise Usage(msg, "--env NAME=VALUE")
        if name.startswith(OURS):
            msg = f"xats or tmux sets {name}, so --env cannot. {LEFT}"
            raise Usage(msg, "leave it out")
        found[name] = value
    return found


def enter(folder: str | None, where: StartPlace) -> None:
    """Make `folder` the working directory: the program runs there. Raises NotFound, Refused.

    In a new pane it cannot have a line break in its name, because of how libtmux reads what tmux says.
    """
    if folder == "":
        msg = f"--cwd needs a folder. {LEFT}"
        raise Usage(msg, "--cwd ~/src/shop")
    if folder is not None:
        _enter(folder)
    if where != "pane" and "\n" in os.getcwd():
        msg = f"xats makes no pane in a folder with a line break in its name. {LEFT}"
        raise Refused(msg, "name another --cwd, or start the program in this pane, without a place")


def _enter(folder: str) -> None:
    from xats.base import folders

    path = folders.expanded(folder, os.environ)
    try:
        os.chdir(path)
    except (FileNotFoundError, NotADirectoryError) as problem:
        msg = f"There is no folder {path}. {LEFT}"
        raise NotFound(msg, f"mkdir -p {path}") from problem
    except OSError as problem:
        msg = f"xats cannot use the folder {path}: {problem.strerror}. {LEFT}"
        raise Refused(msg, "name another --cwd") from problem
    os.environ["PWD"] = path


def can_have_worktree(name: str | None, *, only_print: bool) -> None:
    """Raise Usage unless --worktree has what it needs."""
    if only_print or not name:
        msg = f"--worktree {'and --print exclude each other' if only_print else 'needs --name'}. {LEFT}"
        raise Usage(msg, "xats launch claude --name bob --window --worktree")


def worktree(here: Context, name: str, known: Profile, branch: str | None, where: StartPlace) -> dict[str, str | None]:
    """Make the worktree of the agent `name` the working directory; return its path, its branch and the one before.

    In a place of its own, nothing is made if the program of the agent runs. Raises AlreadyStarted, and what
    `worktrees.prepare` raises.
    """
    path, tree = prepared(here, os.getcwd(), name, known, branch, ended=where != "pane")
    os.chdir(path)
    os.environ["PWD"] = path
    return tree


def prepared(
    here: Context, folder: str, name: str, known: Profile, branch: str | None, *, ended: bool = False
) -> tuple[str, dict[str, str | None]]:
    """Make the worktree of the agent `name`, or use its own again; return its path, and what a start says of it.

    `known` is the profile of its program, which must have `ended`, if so. Raises AlreadyStarted, and what
    `worktrees.prepare` raises.
    """
    from xats.base import host
    from xats.cli.agents import program
    from xats.cli.kit import render
    from xats.core.agents import agents
    from xats.core.crews import starts
    from xats.crews import starting, worktrees

    def look(tx: Tx) -> tuple[str, str, Agent | None]:
        team, called = program.whom(here, tx, name, known, None)
        found = agents.find(tx, team, called)
        start = starts.of_agent(tx, found.id) if found and ended else None
        if start and start.open and not starting.is_over(start, tx.now - start.created_at):
            raise starts.already_started(start, host.id())
        return team, called, found

    team, called, agent = here.store.read(look)
    whom = f"{called}@{team}"

    def leads(address: str) -> bool:
        return agent is not None and here.store.read(lambda tx: agents.leads_to(tx, address, agent))

    say: Callable[[str], None] = (lambda _: None) if here.json else render.say
    path = worktrees.prepare(folder, called, whom, branch, here.settings, say, leads)
    made = worktrees.of_folder(path, whom)
    assert made
    return path, {"worktree": path, "branch": made.branch, "base": made.base}
