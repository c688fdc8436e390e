"""The inboxes that agent programs have themselves. Each is a module that xats/clients/NAME.py names (`inbox`).

    NAME                     what it is called, as in XATS_WAKE_OFF
    RESTS                    after its person has broken a turn off it keeps what it takes until that one's next prompt
    reach(session)           where a line would be handed over, in words for people; None: not there now. It reads
                             files, is quick and never raises
    deliver(request)         a Result: `delivered`: the inbox took the line, or may have; `not_taken`: it surely did
                             not; `skipped/already_read`: the line was None. A few seconds at the most

They run on the host of the session alone.
"""

from __future__ import annotations

from importlib import import_module

from xats.clients import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from xats.core.agents.agents import Session
    from xats.delivery.transports import Transport

    class Native(Transport, Protocol):
        """What such a module holds."""

        RESTS: bool

        reach: Callable[[Session], str | None]


def of(client: str) -> Native | None:
    """Return the inbox of `client`, None when it has none that xats knows."""
    described = model.load(client)
    if described is None or not described.inbox:
        return None
    found: Native = import_module(described.inbox)
    return found
