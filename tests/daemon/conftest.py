"""Real daemons over a real store, real tmux."""

import shutil

import pytest

from tests.daemon.world import World


@pytest.fixture
def world():
    made = World()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def desk(world):
    """A tmux server, alice without a pane and bob in a quiet composer."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    world.register("alice")
    tmux = world.tmux()
    tmux.bob = tmux.compose()
    world.register("bob", tmux.bob)
    return tmux


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
