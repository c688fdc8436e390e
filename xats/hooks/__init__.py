"""Hooks: what agent programs run of xats, and how that is put into their settings and taken out again."""
