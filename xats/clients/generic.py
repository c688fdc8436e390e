"""A program without a profile: xats types only where the cursor's line has no words."""

from __future__ import annotations

from xats.clients.model import Client, Profile

SCREEN = Profile("generic")
CLIENT = Client(SCREEN)
