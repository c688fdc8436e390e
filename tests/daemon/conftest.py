"""Real daemons over a real store, real tmux."""

import shutil

import pytest

from tests.daemon.world import desk, world

__all__ = ("desk", "noisy", "world")


@pytest.fixture
def noisy(world):
    """Like `desk`, but bob's composer draws something every half second until it is told to fall quiet."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    world.env["XATS_QUIET_MS"] = "900"
    world.register("alice")
    tmux = world.tmux()
    tmux.bob = tmux.compose("--clock")
    world.register("bob", tmux.bob)
    return tmux
