"""Gemini CLI, seen at 0.61.0: a prompt one column in, a grey placeholder, and a title that tells its state."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "gemini",
    executables=("gemini",),
    scripts=("gemini",),
    glyphs=(" > ", " * "),  # the second in its mode that accepts everything
    shell=(" ! ",),
    busy_rows=(" [⠀-⣿] *(esc to cancel*",),
    messages=(" > ", "✦ "),
    busy_titles=("✦*",),
    dialog=("Allow execution of", "Apply this change?", "● 1."),
    dialog_titles=("✋*",),
    modal=True,
    settle=80,  # up to 40 ms after a paste it takes Enter for a new line
    bracketed=True,
    pasted=("[[]Pasted Text: *]",),
    install="npm install -g @google/gemini-cli",
)
