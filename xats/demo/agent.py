"""A small agent for a try: it waits at a prompt, and when xats wakes it, it reads its mail and answers.

It takes the place of a coding agent, and uses only the command line of xats. An agent that works also does tasks
(demo/worker.py).
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import textwrap
import time

from xats.base.record import replace
from xats.demo.commands import Me, ask, note, xats

PROMPT = "> "
HELP = "I am {name}. Mail wakes me. `! COMMAND` runs a command, `noise SECONDS` keeps my screen busy, `quit` ends me."
WORKS = "A prompt or a wake lets me do tasks, until there is none for me."


def run(me: Me) -> int:
    """Register as `me` in this pane, and obey lines until `quit` or the end of input."""
    words = ["register", me.name, "--client", "generic", *(["--role", me.role] if me.role else [])]
    if me.registered:
        me = replace(me, role=ask("whoami").get("agent", {}).get("role"))
    elif xats(*words):
        return 1
    said = [HELP.format(name=me.name), *([WORKS] if me.works else [])]
    print(textwrap.fill(" ".join(said), shutil.get_terminal_size().columns - 1))
    note(me, began=os.getpid())
    if me.works:
        from xats.demo import worker

        worker.go_on(me)
    while True:
        print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line or line.strip() == "quit":
            if not me.registered:
                xats("unregister", me.name)
            return 0
        note(me, line=line.rstrip("\n"))
        serve(me, line.strip())


def serve(me: Me, line: str) -> None:
    """Handle one submitted line."""
    word, _, rest = line.partition(" ")
    if word == "!":
        shell(rest)
    elif word == "noise":
        make_noise(float(rest or 5))
    elif line and me.works:
        from xats.demo import worker

        worker.work(me)
    elif word == "xats:":
        read_mail(me)
    elif line:
        print(f"I know only mail, `! COMMAND`, `noise SECONDS` and `quit`, not {word!r}.")


def read_mail(me: Me) -> None:
    """Read all unread messages, answer those that need a reply and acknowledge the others."""
    letters = ask("inbox", "--peek").get("messages", [])
    xats("inbox")
    for letter in letters:
        note(me, message=letter["id"], sender=letter["from"], subject=letter["subject"])
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
