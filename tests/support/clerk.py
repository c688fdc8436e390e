"""A composer that notes by which wake each line came: at its Enter the pane option `@xats_wake` still names the wake.

Its log has a JSON line for each submission: {"submit": text, "wake": token}.
"""

import json
import os
import subprocess
import sys
import termios
import tty

log, pane = sys.argv[1], os.environ["TMUX_PANE"]
text = ""


def note(**entry):
    with open(log, "a") as file:
        file.write(json.dumps(entry) + "\n")


tty.setraw(0)
mode = termios.tcgetattr(0)
mode[3] |= termios.ISIG  # as GNU readline has it
termios.tcsetattr(0, termios.TCSANOW, mode)
os.write(1, b"\x1b[?2004h\x1b[H\x1b[2J> ")
note(ready=os.getpid())
while data := os.read(0, 65536):
    typed = data.decode().replace("\x1b[200~", "").replace("\x1b[201~", "")
    for char in typed:
        if char != "\r":
            text += char
            continue
        asked = ["tmux", "show-options", "-pqv", "-t", pane, "@xats_wake"]
        note(submit=text, wake=subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip())
        text = ""
    os.write(1, b"\x1b[H\x1b[2J> " + text.encode())
