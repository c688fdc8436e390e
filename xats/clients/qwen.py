"""Qwen Code, a descendant of Gemini CLI, seen at 0.24.4.

Its placeholder, and what it thinks its user may want next, are drawn in a colour of its theme, which is not told from a
draft: so nothing is pasted into it.
"""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "qwen",
    executables=("qwen",),
    scripts=("qwen", "qwen-code"),
    glyphs=(" > ", " * ", " ! ", "> ", "* ", "! "),
    busy=("esc to cancel)", "Enter to steer"),
    busy_titles=("✦*", "◐*", "◓*", "◑*", "◒*"),
    dialog=("Allow execution of", "Apply this change?", "● 1.", "Yes, allow once"),
    dialog_titles=("✋*", "✳*"),
    install="npm install -g @qwen-code/qwen-code",
)
