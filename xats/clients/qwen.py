"""Qwen Code: a descendant of Gemini CLI, whose signs it is taken to share. Not seen here."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "qwen",
    executables=("qwen",),
    scripts=("qwen", "qwen-code"),
    glyphs=(" > ", " * ", " ! ", "> ", "* ", "! "),
    busy=("(esc to cancel",),
    busy_titles=("✦*",),
    dialog=("Allow execution of", "Apply this change?", "● 1.", "Yes, allow once"),
    dialog_titles=("✋*",),
    install="npm install -g @qwen-code/qwen-code",
)
