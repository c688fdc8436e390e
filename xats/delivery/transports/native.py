"""The inboxes of agent programs. Each is a module, which xats/clients/NAME.py names as `inbox`.

    NAME                name of the transport, as in XATS_WAKE_OFF
    RESTS               whether it keeps a line until the user's next prompt, after the user has broken a turn off
    reach(session)      place of the inbox, in words for people; None: it cannot be used now. This reads files, is quick
                        and never raises an error
    deliver(request)    a Result: `Delivered`: the inbox took the line, or may have; `not_taken`: it surely did not;
                        `Skipped("already_read")`: the line was None. It takes a few seconds at most

They are called only on the host of the session.
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
        """What the module of an inbox holds."""

        RESTS: bool

        reach: Callable[[Session], str | None]


def of(client: str) -> Native | None:
    """Return the inbox of `client`; None: it has none, or none that xats knows."""
    described = model.load(client)
    if described is None or not described.inbox:
        return None
    found: Native = import_module(described.inbox)
    return found
