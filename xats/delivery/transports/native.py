"""The inboxes that agent programs have themselves. Each is a module beside this one, imported when an agent needs it.

    NAME                     what it is called, as in XATS_WAKE_OFF
    CLIENTS                  the clients that have it
    RESTS                    after its person has broken a turn off it keeps what it takes until that one's next prompt
    reach(session)           where a line would be handed over, in words for people; None: not there now. It reads
                             files, is quick and never raises
    deliver(session, line)   a Result: `delivered`: the inbox took the line, or may have; `refused/inbox_failed`: it
                             surely did not; `skipped/already_read`: `line()` was None. A few seconds at the most

They run on the host of the session alone.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from xats.core.agents import Session
    from xats.delivery.transports import Result

    class Native(Protocol):
        """What such a module holds."""

        NAME: str
        CLIENTS: tuple[str, ...]
        RESTS: bool

        reach: Callable[[Session], str | None]
        deliver: Callable[[Session, Callable[[], str | None]], Result]


MODULES = {
    "claude-code": "claude_inbox",
    "codex": "codex_queue",
    "opencode": "opencode_http",
    "qwen": "qwen_inbox",
}


def of(client: str) -> Native | None:
    """Return the inbox of `client`, None when it has none that xats knows."""
    name = MODULES.get(client)
    if name is None:
        return None
    path = f"{__package__}.{name}"
    try:
        found: Native = import_module(path)
    except ModuleNotFoundError as problem:
        if problem.name != path:
            raise
        return None
    return found if client in found.CLIENTS else None
