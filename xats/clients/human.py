"""A person at a shell. Nothing is ever typed at a person."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile("human")
CLIENT = Client(SCREEN)
