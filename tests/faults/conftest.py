"""Real processes that die, over a real store, real tmux."""

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
