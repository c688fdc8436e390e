"""The verb that waits for mail: wait."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.errors import TimedOut
from xats.cli.kit import render
from xats.core.mail import inbox as letters

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context


def wait(here: Context, *, timeout: params.TimeoutOption = None) -> int:
    """Wait for unread mail: exit 0 when there is some, 124 after the timeout.

    Example: xats wait --timeout 5m && xats inbox
    """
    deadline = time.monotonic() + durations.parse(timeout) / 1000 if timeout is not None else None
    while True:
        generation = here.store.generation()
        unread = here.read(lambda tx, me: letters.unread(tx, me.agent))
        if unread:
            break
        from xats.cli.kit.waiting import await_change

        if not await_change(here, generation, deadline):
            msg = "No mail came in that time."
            raise TimedOut(msg)
    if here.json:
        render.document({"unread": unread})
    elif not here.quiet:
        render.put(f"{unread} unread: {here.command('inbox')}")
    return 0
