"""The background sessions of Claude Code among processes; see helpers.py for how Claude Code runs them."""

from __future__ import annotations

from xats.base import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.process import Process

SPARE, HOST, DAEMON = "--bg-spare", "--bg-pty-host", ["daemon", "run", "--origin"]


def session(above: Sequence[Process]) -> Process | None:
    """Return the process of a background session of Claude Code among the ancestors `above`, nearest first.

    Its command line and those of its helpers show it; its name may be that of a version. None where the ancestors
    belong to no background session.
    """
    for index, one in enumerate(above):
        words = process.argv(one.pid)
        if SPARE in words and HOST not in words:
            return one
        if HOST in words or words[1:4] == DAEMON:
            below = above[index - 1] if index else one
            return below if below == one or below.ppid == one.pid else None
    return None
