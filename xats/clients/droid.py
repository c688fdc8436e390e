"""Droid of Factory, seen at 0.215.0: its login screen. Its composer is not described yet."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile(
    "droid",
    executables=("droid",),
    scripts=("droid",),
    dialog=("Please login with your Factory account",),
    composer_unknown=True,
    install="npm install -g droid",
)
CLIENT = Client(SCREEN, title="Droid")
