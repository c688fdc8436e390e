"""Whether the process of an agent's seat may still live, so that the seat is occupied.

A pid has a meaning on one host and in one pid namespace only, so the answer may be "unknown".
"""

from __future__ import annotations

from xats.base import host, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Seat


def living(seat: Seat) -> bool | None:
    """Tell whether the process of `seat` lives; None where that cannot be known.

    A pid means nothing on another host or in another pid namespace, and a process that xats cannot read may be the one.
    Older releases marked a seat with the name of its host; for such a seat the answer is True or None: see `sits_here`.
    """
    if seat.process is None:
        return None
    if process.alive(*seat.process) and (seat.host == host.id() or not host.is_id(seat.host)):
        return True
    return False if seat.host == host.id() and process.ended(*seat.process) else None


def holds(seat: Seat) -> bool:
    """Tell whether the process of `seat` may still live, which keeps others from taking the seat.

    It may live where xats cannot read it, and outside the container or sandbox of this process. On another host it
    counts as ended, because xats can never find that out from here.
    """
    if seat.process is None:
        return False
    lives = living(seat)
    return seat.host in (host.id(), host.machine()) if lives is None else lives


def occupied(seat: Seat) -> bool:
    """Tell whether the process of `seat`, or the one of its pane, may still live, as in `holds`."""
    return holds(seat) or (seat.pane is not None and seat.host == host.id() and not process.absent(seat.pane.pane_pid))


def sits_here(seat: Seat) -> bool | None:
    """Tell whether `seat`, which is marked with the name of its host, is on this host, whose name may have changed.

    It is if its process lives here, or if the host has that name; but a sandbox also has the name of the machine. A
    seat without a process is here if the process in its pane is the child of its tmux server. None: it has no pane.
    """
    if seat.process and process.alive(*seat.process):
        return True
    if seat.host == host.name() and not host.nested():
        return True
    if seat.process or seat.pane is None:
        return False if seat.process else None
    inside = process.read(seat.pane.pane_pid)
    above = process.read(seat.pane.server_pid) if inside and inside.ppid == seat.pane.server_pid else None
    return above is not None and above.name.startswith("tmux")
