"""GitHub Copilot CLI, seen at 1.0.102: a composer between two rules, and below it what it does."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "copilot",
    executables=("copilot",),
    scripts=("copilot",),
    glyphs=("❯ ", "> ", " > "),
    busy=("esc to cancel", "Esc to cancel", "esc interrupt", "esc edit prompt", "esc again to "),
    busy_rows=(" [●◉◎○∙] Working", " [●◉◎○∙] Working · *"),  # in a narrow pane that is all there is of it
    dialog=("Do you want to", "❯ 1.", "Confirm with number keys"),
    modal=True,
    cursor=True,
    install="npm install -g @github/copilot",
)
