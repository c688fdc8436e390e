"""What the options of `xats launch` mean: the place, the folder, the variables, and the first prompt."""

from __future__ import annotations

import os

from xats.base.errors import InvalidBody, NotFound, Refused, Usage
from xats.crews import command_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.cli.kit.context import Context
    from xats.core.states import StartPlace

LEFT = command_line.LEFT
arguments = command_line.arguments
OURS = ("XATS_", "TMUX")  # variables that xats and tmux set


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
            msg = f"--env does not take {name[:80]!r}. {LEFT}"
            raise Usage(msg, "--env NAME=VALUE")
        if name.startswith(OURS):
            msg = f"xats or tmux sets {name}, so --env cannot. {LEFT}"
            raise Usage(msg, "leave it out")
        found[name] = value
    return found


def enter(folder: str | None) -> None:
    """Make `folder` the working directory: the program runs there. Raises NotFound, Refused."""
    if folder is None:
        return
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


def person(here: Context) -> None:
    """Raise PeopleOnly if an agent runs this."""
    from xats.cli.kit import people

    people.person(here, "start an agent in a pane of its own", "ask a person to start it", in_left_pane=True)


def worktree(
    here: Context, name: str | None, branch: str | None, where: StartPlace, *, only_print: bool
) -> dict[str, str | None]:
    """Make the worktree of the agent `name` the working directory; return its path, its branch and the one before.

    Raises Usage, PeopleOnly, and what `worktrees.prepare` raises.
    """
    from xats.cli.kit import render
    from xats.crews import worktrees

    if only_print or not name:
        msg = f"--worktree {'and --print exclude each other' if only_print else 'needs --name'}. {LEFT}"
        raise Usage(msg, "xats launch claude --name bob --window --worktree")
    if where != "pane":
        person(here)
    whom = f"{name}@{here.team}"
    path = worktrees.prepare(name, whom, branch, here.settings, lambda text: None if here.json else render.say(text))
    found = worktrees.of_folder(path, whom)
    assert found
    return {"worktree": path, "branch": found.branch, "base": found.base}
