"""Kimi Code, seen at 2.1.0: its start, trust and login screens. Its composer is not described yet."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile(
    "kimi-code",
    executables=("kimi", "kimi-code"),
    scripts=("kimi", "kimi-code"),
    # All its lists have the second row; the third is above the composer until the user has logged in.
    dialog=("Trust this folder?", "navigate · Enter select", "Run /login or /provider to get started"),
    composer_unknown=True,
    install="npm install -g @moonshot-ai/kimi-code",
)
CLIENT = Client(SCREEN, title="Kimi Code")
