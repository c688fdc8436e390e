"""Cline, seen at 3.0.65: its start and login screens. Its composer is not described yet."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile(
    "cline",
    executables=("cline",),
    scripts=("cline",),
    dialog=(
        "Connect a model provider to get started",
        "navigate, Enter to select",
        "Signing in with",
        "Esc to cancel,",
    ),
    composer_unknown=True,
    install="npm install -g cline",
)
CLIENT = Client(SCREEN, title="Cline")
