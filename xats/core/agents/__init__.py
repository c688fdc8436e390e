"""Agents: their names and sessions, how they register and leave, and the list of them."""

SIGN_EVERY = 2 * 60_000  # ms after which the sign of life of any agent is noted, so that its silence can be told
