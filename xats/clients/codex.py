"""Codex CLI, seen at 0.171.0: a prompt at the left edge, a dim placeholder, and a title that tells its state."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "codex",
    executables=("codex",),
    scripts=("codex",),
    glyphs=("› ",),
    shell=("! ",),
    # `• Working (4s • esc to interrupt)`. Below the composer it shows the thread's name, which is its first prompt.
    busy_rows=("[•◦] *([0-9]* • esc to interrupt)*",),
    busy_faint="to interrupt)",
    busy_titles=("[⠀-⣿] *",),
    dialog=("to confirm or esc to cancel", "Would you like to", "› 1.", "Press enter to continue"),
    dialog_titles=("[[] ! ] Action Required*", "[[] . ] Action Required*"),
    modal=True,
    messages=("› ", "• "),
    cursor=True,
    settle=20,
    bracketed=True,
    pasted=("[[]Pasted Content *]",),
    install="npm install -g @openai/codex",
)
