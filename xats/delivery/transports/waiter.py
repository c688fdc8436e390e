"""The transport to an agent program that keeps a waiter: a process of ours that ends, or says so, when a line comes.

The program takes that for something to do: it wakes if it is idle, and does it afterwards if it is at work or asks its
user something. Nothing is typed, and a draft stays. See clients/waiters.py, and hooks/wait.py for the process.
"""

from __future__ import annotations

import os

from xats.base import fifo
from xats.clients import waiters
from xats.delivery.transports import Delivered, Skipped, not_taken

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Session
    from xats.delivery.transports import Request, Result

NAME = "waiter"


def reach(session: Session, store: str) -> str | None:
    """Return where the waiter of `session` waits, in words for people; None when there is none now."""
    path = _path(session, store)
    return os.path.basename(path) if waiters.listens(path) else None


def deliver(request: Request) -> Result:
    """Give the line to the waiter of the session, or say why not: `inbox_failed` is surely not taken."""
    pipe = fifo.reach(_path(request.session, request.store))
    if pipe is None:
        return not_taken("nobody waits")
    try:
        text = request.line()
        if text is None:
            return Skipped("already_read")
        if not waiters.tell(pipe, text):
            return not_taken("the waiter takes nothing")
    finally:
        os.close(pipe)
    return Delivered("the waiter has the line")


def _path(session: Session, store: str) -> str:
    return waiters.path_for(store, session.id, session.started_at, session.seat.client_session)
