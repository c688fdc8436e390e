"""One xats process at a time for a pane: a lock on its terminal (flock(2)), which the kernel releases at its end.

All processes of this user open the same device for a pane, whatever their store, environment and path to the tmux
socket are. So they cannot disagree about the place of the lock. There is no file that another user could create first,
hold or replace, because the terminal belongs to this user. No lock remains: a later terminal of that name is a new one.

Up to schema 10 the locks were files in `/tmp/xats-UID`. Another user could create that folder first, and then xats
refused every paste. Another folder has the same fault: XDG_RUNTIME_DIR is not set for every process, and two stores can
have an agent in the same pane.
"""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager

from xats.base.errors import Refused
from xats.tmux import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from xats.base.pane import Pane


class PaneBusy(Refused):
    """Another xats process is at work in that pane."""

    code = "busy"


class NoTerminal(Refused):
    """The terminal of that pane cannot be opened."""

    code = "no_terminal"


@contextmanager
def locked(pane: Pane, wait: float = 0.5) -> Iterator[None]:
    """Hold the lock of `pane` inside a `with`.

    Raises PaneBusy after `wait` seconds, and NoTerminal where the terminal is gone or is not this user's.
    """
    with terminal.opened(pane) as file:
        if file is None:
            raise NoTerminal
        deadline = time.monotonic() + wait
        while not _take(file):
            if time.monotonic() >= deadline:
                raise PaneBusy
            time.sleep(0.02)
        yield


def _take(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
