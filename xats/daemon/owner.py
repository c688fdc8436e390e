"""Whether an owner is gone: what he holds for his session is free then."""

from __future__ import annotations

import os

from xats import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents import Session


def process_gone(session: Session) -> bool:
    """Tell whether the process of `session` has surely ended. On another host nobody can tell."""
    seat = session.seat
    return seat.host == os.uname().nodename and seat.process is not None and process.ended(*seat.process)
