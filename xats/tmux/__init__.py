"""Everything that talks to tmux: pane identity, reading a screen, the guarded paste. Nobody else runs tmux.

It talks by direct subprocess: libtmux sets no time limit on a call and cannot feed a buffer through stdin.
"""
