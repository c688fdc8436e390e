"""The agent programs that have hooks. A file xats/clients/NAME.py describes each.

Their hooks are as their own documentation says, and were tried in Claude Code 2.1, Codex 0.171, Gemini CLI 0.61,
opencode 1.18, Copilot 1.0 and Qwen Code 0.24; Cursor and Amp were not tried.
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats.base import programs
from xats.base.errors import NotFound
from xats.clients import model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.clients.model import Hooks

NAMES = programs.HOOKED
CLIENTS = tuple(found.hooks for name in NAMES if (found := model.load(name)) and found.hooks)


def find(name: str) -> Hooks:
    """Return the hooks of the client `name`, which may also be the name of its process. Raises NotFound."""
    for one in CLIENTS:
        if one.name == name:
            return one
    from xats.clients import registry

    with suppress(NotFound):
        meant = registry.called(name, os.environ).name
        for one in CLIENTS:
            if one.name == meant:
                return one
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), NAMES, 1, 0.5)
    msg = f"There are no hooks for a client {name}."
    raise NotFound(msg, f"did you mean {near[0]}?" if near else f"one of: {', '.join(NAMES)}")
