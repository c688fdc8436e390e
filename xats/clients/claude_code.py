"""Claude Code, seen at 2.1.332: a composer between two rules, its prompt at the left edge."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "claude-code",
    executables=("claude",),
    scripts=("claude", "claude-code"),
    glyphs=("❯\xa0", "❯ "),
    # While it works, a spinner stands above the composer: `✻ Caramelizing… (2s · ↓ 11 tokens)`.
    busy=("esc to interrupt", "… ("),
    busy_rows=("[✶✢✽✻✳·*] [A-Z]*…",),  # in a narrow pane that is all there is of it
    dialog=("Do you want to", "Esc to cancel", "Enter to confirm", "❯ 1."),
    settle=20,
    bracketed=True,
    pasted=("[[]Pasted text #*]",),
    install="npm install -g @anthropic-ai/claude-code",
)
