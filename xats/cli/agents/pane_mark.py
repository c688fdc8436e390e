"""The name of an agent in its pane: the pane option @xats_agent, for a status line of tmux."""

from __future__ import annotations

from xats.base.errors import XatsError
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Session

OPTION = "@xats_agent"


def put(session: Session | None, name: str) -> None:
    """Write `name` into the pane of `session`, if it has one. Raises XatsError if tmux cannot do it."""
    from xats.tmux import pane as panes

    if session and session.seat.pane:
        panes.mark(session.seat.pane, OPTION, name)


def put_or_warn(session: Session | None, name: str) -> None:
    """Do what `put` does, and warn if tmux cannot do it: the name in the pane is no reason to fail."""
    try:
        put(session, name)
    except XatsError as problem:
        render.warn(f"the pane could not be marked: {problem}")


def remove(session: Session | None) -> None:
    """Remove the name from the pane of `session`, which has ended, if the pane still exists."""
    from contextlib import suppress

    from xats.tmux import pane as panes

    if session and session.seat.pane:
        with suppress(XatsError):
            panes.unmark(session.seat.pane, OPTION)
