"""Whether the process or the pane of a session is gone, and which sessions belong to this host."""

from __future__ import annotations

from xats.base import host, occupancy, process
from xats.core import hosts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Session
    from xats.store import Tx


def process_gone(session: Session) -> bool | None:
    """Tell whether the process of `session` has surely ended; without a known process, whether its pane is gone.

    None: xats cannot know, as on another host or in another pid namespace.
    """
    seat = session.seat
    if seat.process is None:
        return pane_gone(session) if seat.pane and seat.host == host.id() else None
    lives = occupancy.living(seat)
    return None if lives is None else not lives


def pane_gone(session: Session) -> bool:
    """Tell whether the pane of `session` is surely gone, by its process and without tmux."""
    pane = session.seat.pane
    if pane is None or session.seat.host != host.id():
        return False
    if pane.pane_pid == session.seat.pid:  # its start time is known; the pid alone may be another process now
        return occupancy.living(session.seat) is False
    return process.absent(pane.pane_pid)


def bind_sessions(tx: Tx) -> int:
    """Give this host's id to its sessions that are marked only with its name; return how many (core/hosts.py)."""
    return hosts.settle(tx, host.id(), host.name(), lambda session: occupancy.sits_here(session.seat) is True)
