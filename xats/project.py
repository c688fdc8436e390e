"""The project: the folder of a git repository, after which a team is named."""

from __future__ import annotations

import os


def folder(start: str | None = None) -> str:
    """Return the git top-level folder above `start`, else `start`, by default the working directory."""
    try:
        begin = here = start or os.getcwd()
    except OSError:  # it was removed under us
        return "default"
    while True:
        if os.path.exists(os.path.join(here, ".git")):
            return here
        parent = os.path.dirname(here)
        if parent == here:
            return begin
        here = parent
