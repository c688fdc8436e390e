"""The transport to a waiter: a process of xats that an agent program keeps, and that ends or prints when a line comes.

The program then starts a turn: at once if it is idle, or after its work or its question to the user. Nothing is typed,
and a draft stays. clients/waiters.py has the FIFO, and hooks/wait.py the process.
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
    """Return the place of the waiter of `session`, in words for people; None: it has no waiter now."""
    path = _path(session, store)
    return os.path.basename(path) if waiters.listens(path) else None


def deliver(request: Request) -> Result:
    """Give the line to the waiter of the session, or say why not."""
    pipe = fifo.reach(_path(request.session, request.store))
    if pipe is None:
        return not_taken("no waiter listens")
    try:
        text = request.line()
        if text is None:
            return Skipped("already_read")
        if not waiters.tell(pipe, text):
            return not_taken("the waiter does not read")
    finally:
        os.close(pipe)
    return Delivered("the waiter has the line")


def _path(session: Session, store: str) -> str:
    return waiters.path_for(store, session.id, session.started_at, session.seat.client_session)
