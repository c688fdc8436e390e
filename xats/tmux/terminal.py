"""How a pane's terminal takes what is typed: the mode that its program has put it into (termios(3))."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.pane import Pane

    Mode = Literal["line", "editor", "silent", "raw", "unknown"]


def mode(pane: Pane) -> Mode:
    """Return how the pane's terminal takes input, or "unknown" if it cannot be asked.

    `line`: the system collects a line and echoes it. `silent`: it does so without echo, as for a password. `editor`:
    a program reads each key and draws it, and leaves signals to the system, as GNU readline sets a terminal
    (rltty.c); since 8.1 readline asks for pastes in brackets. `raw`: every key goes to the program, whatever it does.
    """
    import termios

    try:
        terminal = os.open(pane.tty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
    except OSError:
        return "unknown"
    try:
        took, _, _, local, *_ = termios.tcgetattr(terminal)
    except (OSError, termios.error):
        return "unknown"
    finally:
        os.close(terminal)
    if local & termios.ICANON:
        return "line" if local & termios.ECHO else "silent"
    edits = local & termios.ISIG and not local & termios.ECHO and not took & termios.ICRNL
    return "editor" if edits else "raw"
