"""Real processes that die, over a real store, real tmux."""

from tests.daemon.world import desk, world

__all__ = ("desk", "world")
