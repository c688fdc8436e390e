"""Agents: their names and sessions, how they register and leave, and the list of them."""
