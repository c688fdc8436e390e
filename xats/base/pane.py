"""A tmux pane as a value, which the store, the delivery and tmux share."""

from __future__ import annotations

from xats.base.record import record


@record
class Pane:
    """A pane of one run of a tmux server, and the process in it. `server_start` is in seconds since 1970."""

    socket: str
    server_pid: int
    server_start: int
    pane_id: str
    pane_pid: int
    tty: str
