"""Codex CLI, seen at 0.171.0: a prompt at the left edge, a dim placeholder, and a title that tells its state."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "codex",
    executables=("codex",),
    scripts=("codex",),
    glyphs=("› ",),
    busy=("esc to interrupt",),
    busy_titles=("[⠀-⣿] *",),
    dialog=("to confirm or esc to cancel", "Would you like to", "› 1.", "Press enter to continue"),
    dialog_titles=("[[] ! ] Action Required*", "[[] . ] Action Required*"),
    cursor=True,
    settle=20,
    bracketed=True,
    pasted=("[[]Pasted Content *]",),
    install="npm install -g @openai/codex",
)
