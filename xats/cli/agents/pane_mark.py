"""The name of an agent in its pane: the pane option @xats_agent, for a status line of tmux."""

from __future__ import annotations

from xats.base import seats
from xats.base.errors import XatsError
from xats.cli.kit import render

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.base.pane import Pane
    from xats.core.agents.agents import Session

OPTION = "@xats_agent"


def put(store: str, session: Session | None, name: str) -> None:
    """Write `name` into the pane of `session`, if this host has registered an agent on that tmux server.

    `store` is the location of the store. Raises XatsError if tmux cannot do it.
    """
    from xats.tmux import pane as panes

    if session and session.seat.pane and _is_known(store, session.seat.pane):
        panes.mark(session.seat.pane, OPTION, name)


def put_or_warn(store: str, session: Session | None, name: str) -> None:
    """Do what `put` does, and warn if tmux cannot do it: the name in the pane is no reason to fail."""
    try:
        put(store, session, name)
    except XatsError as problem:
        render.warn(f"the pane could not be marked: {problem}")


def remove(store: str, session: Session | None) -> None:
    """Remove the name from the pane of `session`, which has ended, if the pane still exists."""
    from contextlib import suppress

    from xats.tmux import pane as panes

    if session and session.seat.pane and _is_known(store, session.seat.pane):
        with suppress(XatsError):
            panes.unmark(session.seat.pane, OPTION)


def _is_known(store: str, pane: Pane) -> bool:
    """Tell whether `pane` is in a tmux server in which commands of this host registered an agent."""
    return bool(seats.known(store, [(pane.socket, pane.server_pid)]))
