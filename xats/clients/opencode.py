"""opencode, seen at 1.18.33: a composer with a bar at its left, and the agent and model in its last row."""

from __future__ import annotations

from xats.clients.profile import Profile

PROFILE = Profile(
    "opencode",
    executables=("opencode",),
    scripts=("opencode",),
    frame="┃",
    margin=2,
    busy=("esc interrupt",),
    busy_rows=(" *[⬝■][⬝■][⬝■]*",),  # in a narrow pane that is all there is of it
    dialog=("Permission required", "Allow once"),
    modal=True,
    draft_rows=("*esc exit shell mode*",),  # in that mode a shell runs what it is given
    cursor=True,
    settle=20,
    takes=3000,  # at the first prompt it makes a session, and plugins are heard, before the line goes
    bracketed=True,
    pasted=("[[]Pasted ~*]",),
    install="npm install -g opencode-ai",
)
