"""A small agent for a try: it waits at a prompt, and when xats wakes it, it reads its mail and answers.

It takes the place of a coding agent, and uses only the command line of xats.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time

from xats.base import python

PROMPT = "> "
XATS = python.words()
HELP = "I am {name}. Mail wakes me. `! COMMAND` runs a command, `noise SECONDS` keeps my screen busy, `quit` ends me."


def run(name: str, role: str | None) -> int:
    """Register as `name` in this pane, and obey lines until `quit` or the end of input."""
    words = ["register", name, "--client", "generic", *(["--role", role] if role else [])]
    if xats(*words):
        return 1
    print(textwrap.fill(HELP.format(name=name), shutil.get_terminal_size().columns - 1))
    while True:
        print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "quit":
            xats("unregister", name)
            return 0
        serve(line.strip())


def serve(line: str) -> None:
    """Handle one submitted line."""
    word, _, rest = line.partition(" ")
    if word == "xats:":
        read_mail()
    elif word == "!":
        shell(rest)
    elif word == "noise":
        make_noise(float(rest or 5))
    elif line:
        print(f"I know only mail, `! COMMAND`, `noise SECONDS` and `quit`, not {word!r}.")


def read_mail() -> None:
    """Read all unread messages, answer those that need a reply and acknowledge the others."""
    peeked = subprocess.run([*XATS, "inbox", "--peek", "--json"], capture_output=True, text=True, check=False)
    letters = json.loads(peeked.stdout)["messages"] if peeked.returncode == 0 else []
    xats("inbox")
    for letter in letters:
        if letter["need_reply"]:
            xats("reply", str(letter["id"]), f"Read and understood: {letter['body'][:40]}")
        else:
            xats("ack", str(letter["id"]))


def make_noise(seconds: float) -> None:
    """Print something every tenth of a second, like a busy program."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        print(f"\rworking {until - time.monotonic():4.1f} s ", end="", flush=True)
        time.sleep(0.1)
    print("\rdone            ")


def shell(command: str) -> None:
    """Run a command like a tool of the agent."""
    words = shlex.split(command)
    if words[:1] == ["xats"]:
        xats(*words[1:])
    elif words:
        subprocess.run(words, check=False, env=os.environ)


def xats(*words: str) -> int:
    """Print the command and run xats."""
    print(f"$ xats {shlex.join(words)}", flush=True)
    return subprocess.run([*XATS, *words], check=False).returncode
