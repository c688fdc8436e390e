"""The verb that goes to the pane of an agent: attach."""

from __future__ import annotations

import os

from xats.base.errors import Refused, Usage
from xats.cli.agents import pane_of
from xats.cli.kit import people, render
from xats.tmux import visit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.cli.kit import params
    from xats.cli.kit.context import Context


def attach(here: Context, agent: params.AgentArg) -> int:
    """Go to the pane of an agent; for people only.

    Inside the same tmux server it switches your tmux client to the pane. Elsewhere it attaches your terminal to the
    tmux session of the pane; detach with your prefix and d. Inside another tmux server press the prefix twice for the
    inner one.

    If the program of the agent has ended, xats goes to its pane all the same, and says so.

    Example: xats attach bob
    """
    if here.json:
        msg = "xats attach prints no JSON."
        raise Usage(msg, f"xats peek {agent} --json")
    people.person(here, "go to an agent's pane", "an agent looks at it: xats peek AGENT")
    whom, session, pane = pane_of.find(here, agent)
    ended = pane_of.has_ended(whom, session, pane_of.look(here, whom, pane))
    place = pane_of.about(here, whom, pane, ended=ended)
    around, mine = _around(here)
    if mine and mine.pane_id == pane.pane_id and around == pane.server_pid:
        render.say(f"this is {place}" if ended else f"{place} is this pane")
        return 0
    if around == pane.server_pid:
        if not visit.switch(pane, mine.pane_id if mine else None):
            msg = "This pane is in no tmux client that could go elsewhere: no client is attached to its server."
            raise Refused(msg, f"xats peek {agent}")
        if not here.quiet:
            render.say(f"now at {place}")
        return 0
    if not (os.isatty(0) and os.isatty(1)):
        msg = "xats attach needs a terminal."
        raise Refused(msg, f"xats peek {agent}")
    if ended and not here.quiet:
        render.say(f"going to {place}")
    return visit.attach(pane)


def _around(here: Context) -> tuple[int | None, Pane | None]:
    """Return the pid of the tmux server around this process, and its own pane there; None where there is none.

    A terminal that was started from a pane inherits the environment of the pane, and is not in tmux.
    """
    from xats.tmux import pane as panes
    from xats.tmux.address import address, server

    if address(here.environ):
        mine = panes.here(here.environ)
        return (mine.server_pid, mine) if mine else (None, None)
    found = server(here.environ)  # a popup, or a key binding
    return (found[1], None) if found else (None, None)
