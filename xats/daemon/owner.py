"""Whose lease it is, and whether he is gone: what the daemon and `deliver --once` mark their attempts with."""

from __future__ import annotations

import os

from xats import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents import Session


def owner_name() -> str:
    """Return what a lease of this process is marked with."""
    return f"{os.uname().nodename}:{os.getpid()}:{process.started(os.getpid())}"


def owner_gone(token: str) -> bool:
    """Tell whether the process that a lease is marked with has ended. On another host only time tells."""
    host, pid, started = token.rsplit(":", 2)
    return host == os.uname().nodename and not process.alive(int(pid), int(started))


def process_gone(session: Session) -> bool:
    """Tell whether the process of `session` has surely ended. On another host nobody can tell."""
    seat = session.seat
    return seat.host == os.uname().nodename and seat.process is not None and not process.alive(*seat.process)
