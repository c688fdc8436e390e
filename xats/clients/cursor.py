"""Cursor's agent. Its signs are from public accounts; not seen here."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "cursor",
    executables=("cursor-agent",),
    scripts=("cursor-agent",),
    glyphs=(" → ", "→ ", " > ", "> "),
    busy=("ctrl+c to stop",),
    dialog=("Run this command?", "(y) (enter)", "Skip (esc"),
    install="curl https://cursor.com/install -fsS | bash",
)
