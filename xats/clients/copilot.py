"""GitHub Copilot CLI. Its signs are from public accounts; not seen here."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "copilot",
    executables=("copilot",),
    scripts=("copilot",),
    glyphs=("❯ ", "> ", " > "),
    busy=("esc to cancel", "Esc to cancel"),
    dialog=("Do you want to", "❯ 1.", "Confirm with number keys"),
    install="npm install -g @github/copilot",
)
