"""aider: a readline-like prompt on a line of its own, after the mode's name. From its source; not tried."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile(
    "aider",
    executables=("aider",),
    scripts=("aider",),
    prompts=("> ", "ask> ", "code> ", "architect> ", "multi> "),
    busy=("Waiting for ",),
    dialog=("(Y)es/(N)o",),
    install="pipx install aider-chat",
    quit="/exit",
)
CLIENT = Client(SCREEN, title="aider")
