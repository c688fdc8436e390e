"""Hostile texts against the real store, the real program and a real tmux."""

from tests.delivery.conftest import desk

__all__ = ["desk"]
