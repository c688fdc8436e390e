"""Crews: the agent programs that xats started, each in its place."""
