"""Hooks: the commands that agent programs run at their hooks, and how xats installs them in the programs' settings."""
