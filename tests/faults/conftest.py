"""Real processes that die, over a real store, real tmux."""

from tests.support.world import desk, world

__all__ = ("desk", "world")
