"""The ways to wake an agent, one file each."""
