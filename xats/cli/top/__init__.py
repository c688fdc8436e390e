"""The verb that shows a team live: top. Only it imports textual, and only when there is a terminal to draw on."""

from __future__ import annotations

import os

from xats.base.errors import Usage
from xats.store.sqlite.paths import exists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit.context import Context


def top(here: Context) -> int:
    """Watch the team live: who is there, what is unread, who is not woken and why, and what happens.

    Its keys show an agent's mail, retry a wake, or pause an agent; ? lists them. Looking does not mark mail as read.

    Example: xats top

    Example: xats top --team payments
    """
    if here.json:
        msg = "xats top draws on a terminal; it prints no JSON."
        raise Usage(msg, "xats agents --json")
    if not all(os.isatty(number) for number in (0, 1, 2)):
        msg = "xats top needs a terminal: it draws on it and reads keys from it."
        raise Usage(msg, "xats agents")
    if here.environ.get("TERM", "dumb") == "dumb":
        msg = "This terminal cannot draw a screen (TERM=dumb)."
        raise Usage(msg, "xats agents")
    from xats.cli.kit.scope import known_team

    if exists(here.path):  # without a store there is no team yet, and the screen says that
        known_team(here)
    from xats.cli.top.app import show
    from xats.cli.top.watch import Watch

    return show(Watch(here))
