"""A person at a shell. xats never types into the shell of a person."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile("human")
CLIENT = Client(SCREEN)
