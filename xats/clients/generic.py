"""A program that nobody has described: only what is no word may stand before the cursor on its line."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile("generic")
CLIENT = Client(SCREEN)
