"""The terminal of a pane: how it takes input (termios(3)), and how much input its program has not read yet.

A row of the store may name any path, so xats opens it only if it is the terminal of the pane's process. Nothing here
waits.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from xats.base import process
from xats.tmux.pane import device

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal

    from xats.base.pane import Pane

    Mode = Literal["line", "editor", "silent", "raw", "unknown"]


def mode(pane: Pane) -> Mode:
    """Return how the pane's terminal takes input, or "unknown" if xats cannot open it.

    `line`: the system collects a line and echoes it. `silent`: it does so without echo, as for a password. `editor`:
    a program reads each key and draws it, and leaves signals to the system, as GNU readline sets a terminal
    (rltty.c); since 8.1 readline asks for pastes in brackets. `raw`: every key goes to the program, whatever it does.
    """
    import termios

    with opened(pane) as terminal:
        if terminal is None:
            return "unknown"
        try:
            took, _, _, local, *_ = termios.tcgetattr(terminal)
        except (OSError, termios.error):
            return "unknown"
    if local & termios.ICANON:
        return "line" if local & termios.ECHO else "silent"
    edits = local & termios.ISIG and not local & termios.ECHO and not took & termios.ICRNL
    return "editor" if edits else "raw"


def unread(pane: Pane) -> int | None:
    """Return how many bytes of input the pane's program has not read yet; None where xats cannot know that.

    FIONREAD counts them (tty_ioctl(4)). While the terminal collects lines (canonical mode), it counts only
    finished lines (inq_canon in Linux's n_tty.c, ttnread in XNU). An unfinished line is on the screen, because the
    terminal itself echoes it. Without that echo it is invisible, and the answer is None.
    """
    import fcntl
    import struct
    import termios

    with opened(pane) as terminal:
        if terminal is None:
            return None
        try:
            modes = termios.tcgetattr(terminal)[3]
            answer = fcntl.ioctl(terminal, termios.FIONREAD, bytes(4))
        except (OSError, termios.error):
            return None
    if modes & termios.ICANON and not modes & termios.ECHO:
        return None
    return int(struct.unpack("i", answer)[0])


@contextmanager
def opened(pane: Pane) -> Iterator[int | None]:
    """Open the pane's terminal to ask it something; None unless it is this user's and that of the pane's process."""
    root = process.read(pane.pane_pid)
    if not device(pane) or root is None or root.tty != device(pane):
        yield None
        return
    try:
        terminal = os.open(pane.tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield terminal if os.isatty(terminal) and os.fstat(terminal).st_rdev == root.tty else None
    finally:
        os.close(terminal)
