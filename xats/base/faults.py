"""Named points at which a test may stop the program dead: `XATS_FAULT=send.before_commit` kills it there.

`name#3` means the third time that the point is passed. Without the variable a point costs one comparison. With
`XATS_FAULT_SIGNAL=2` the program gets that signal instead of SIGKILL: 2 is a Ctrl-C.

`XATS_FAULT_CLOCK=3456000000` makes the clock of this process wrong by that many ms, as when a person sets the date; the
time since the boot stays right. `XATS_FAULT_RESTARTS=100` shortens
the times in the rules of restarts, so that the first wait is 100 ms. Only tests of xats use these variables.
"""

from __future__ import annotations

import os

_wanted, _, _nth = os.environ.get("XATS_FAULT", "").partition("#")
_left = int(_nth or 1)
CLOCK = int(os.environ.get("XATS_FAULT_CLOCK", "0"))  # ms that the clock is ahead
RESTARTS = int(os.environ.get("XATS_FAULT_RESTARTS", "0"))  # ms of the first wait; 0: as documented


def point(name: str) -> None:
    """Get a signal here, by default SIGKILL, if `XATS_FAULT` names the fault point `name`; otherwise do nothing."""
    global _left  # noqa: PLW0603 - a countdown for the whole process
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        import signal

        os.kill(os.getpid(), int(os.environ.get("XATS_FAULT_SIGNAL", signal.SIGKILL)))
