"""Wakes: when to get an agent's attention, when to wait, and when to stop."""
