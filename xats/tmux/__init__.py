"""Everything that talks to tmux: pane identity, reading a screen, the guarded paste. No other room runs tmux.

It runs the tmux client itself: libtmux has no time limit for a call and cannot feed a buffer through stdin.
"""
