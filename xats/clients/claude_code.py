"""Claude Code, seen at 2.1.332: a composer between two rules, its prompt at the left edge.

Two other composers look nearly like it. In the view of a subagent the rule above has the subagent's name, and the list
of agents below has a hollow mark before `main`; a session that was renamed has its own name in that rule, and in the
title. In the view of all agents what is typed starts a new session: its title says so, and its prompt ends in a space.
"""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "claude-code",
    executables=("claude",),
    scripts=("claude", "claude-code"),
    glyphs=("❯\xa0",),
    shell=("!\xa0",),
    ruled=True,
    # While it works, a spinner stands above the composer, at the left edge: `✻ Caramelizing… (2s · ↓ 11 tokens)`. When
    # it is done there is no ellipsis: `✻ Brewed for 2s · done 3:27 AM`.
    busy=("esc to interrupt",),
    busy_rows=("[✶✢✽✻✳·*] *…*",),
    busy_prompt=True,
    messages=("● ", "⏺ ", "❯ "),
    dialog=("Do you want to", "Esc to cancel", "Enter to confirm", "❯ 1."),
    modal=True,
    other_rows=("  ◯ main", "  ◯ main *"),
    other_titles=("claude agents", "[0-9]* · claude agents"),
    named=True,
    ghost=True,
    settle=20,
    bracketed=True,
    pasted=("[[]Pasted text #*]",),
    install="npm install -g @anthropic-ai/claude-code",
)
