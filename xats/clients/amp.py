"""Amp. Its signs are from public accounts; not seen here."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "amp",
    executables=("amp",),
    scripts=("amp",),
    glyphs=("> ", "│ > ", "│ "),
    busy=("Esc to cancel", "esc to cancel", "Running tools"),
    dialog=("Waiting for approval", "Allow this command", "[Allow"),
    install="npm install -g @sourcegraph/amp",
)
