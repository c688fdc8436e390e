"""The script of the demo: two agents in a private tmux server, mail between them, and a pane that is busy."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
import time

from xats import settings
from xats.base import python
from xats.tmux.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

XATS = python.words()
FOREIGN = ("XATS_", "TMUX", "CLAUDE", "PYTHON")  # variables that the agents must not inherit
WIDTH = 96  # columns of the panes
TIMEOUT = 30.0  # seconds that a scene may take
# The defaults, a quiet window of 2 s and a ladder of 30 s, 3 min and 10 min, would make the demo slow.
HURRY = {"XATS_QUIET_MS": "1000", "XATS_LADDER": "2s,2s,2s,2s,5s"}


class Failed(Exception):
    """A scene did not finish."""


class Play:
    """The tmux server, its two agents and their store."""

    def __init__(self, folder: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        if chosen := settings.value("XATS_TMUX", os.environ):  # the tmux server of the demo runs it too
            kept["XATS_TMUX"] = chosen
        kept["XDG_CONFIG_HOME"] = os.path.join(folder, "config")  # the user's settings do not count here
        self.environ = {**kept, "XATS_HOME": os.path.join(folder, "home"), "XATS_TEAM": "demo", **HURRY}
        self.stage = Stage(os.path.join(folder, "tmux"), self.environ, WIDTH, 30)
        self.started = time.monotonic()
        self.alice = self.bob = ""

    def run(self) -> None:
        """Run all scenes. Raises Failed."""
        self.open()
        self.mail()
        self.noise()
        self.story()

    # -- the scenes ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start two agents."""
        self.title("Two agents in two panes of a private tmux server")
        agent = shlex.join([*XATS, "demo-agent"])
        self.alice = self.stage.open(f"exec {agent} alice --role backend")
        self.bob = self.stage.open(f"exec {agent} bob --role reviewer")
        self.until("both are registered", lambda: len(self.ask("agents").get("agents", ())) == 2)
        self.until("both wait at their prompts", lambda: self.at_prompt(self.alice) and self.at_prompt(self.bob))
        self.show("alice", self.alice)
        self.show("bob", self.bob)

    def mail(self) -> None:
        """Show a message, a wake, an answer and an acknowledgement."""
        self.title("alice sends mail; xats wakes bob when his pane is quiet; bob reads it and answers")
        self.stage.type(self.alice, "! xats send bob 'Can you review branch parser?' -s Review")
        self.until("alice has the answer and has acknowledged it", lambda: self.events("message_acked"))
        self.show("bob", self.bob)
        self.show("alice", self.alice)
        self.command("status", "1", "--as", "alice")

    def noise(self) -> None:
        """Show a refused wake and its retry."""
        self.title("bob's pane is printing, so xats types nothing there and tries again later")
        self.stage.type(self.bob, "noise 5")
        self.until("bob is busy", lambda: "working" in "".join(self.stage.screen(self.bob)))
        self.command("broadcast", "--role", "reviewer", "main is frozen until noon", "--as", "alice")
        self.until("the wake was refused once", lambda: self.events("wake_retrying"))
        self.command("status", "--as", "alice")
        self.until("bob is quiet again and was woken", lambda: len(self.events("message_acked")) == 2)
        self.show("bob", self.bob)
        self.command("status", "--as", "alice")

    def story(self) -> None:
        """Show the agents and all events."""
        self.title("All agents, and all that happened")
        self.command("agents")
        self.command("events", "-n", "30")

    # -- helpers -------------------------------------------------------------------------------------------------------

    def title(self, text: str) -> None:
        """Print the title of the next scene."""
        print(f"\n== {text} ({time.monotonic() - self.started:.1f} s)", flush=True)

    def show(self, name: str, pane: str) -> None:
        """Print the last lines of a pane."""
        print(f"   .-- {name}'s pane {'-' * 60}")
        for line in self.stage.screen(pane)[-14:]:
            print(f"   | {line}")
        print(f"   '{'-' * 74}", flush=True)

    def command(self, *words: str) -> None:
        """Run xats, and print the command and its output."""
        done = subprocess.run(
            [*XATS, *words], env=self.environ, capture_output=True, text=True, check=False, timeout=20
        )
        print(f"   $ xats {shlex.join(words)}")
        for line in (done.stdout + done.stderr).splitlines():
            print(f"     {line.expandtabs(4)}")
        sys.stdout.flush()
        if done.returncode:
            msg = f"xats {words[0]} ended with {done.returncode}"
            raise Failed(msg)

    def ask(self, *words: str) -> dict[str, Any]:
        """Run xats with --json and return its document."""
        done = subprocess.run(
            [*XATS, *words, "--json"], env=self.environ, capture_output=True, text=True, check=False, timeout=20
        )
        found: dict[str, Any] = json.loads(done.stdout or "{}")
        return found

    def events(self, kind: str) -> list[Any]:
        """Return the events of one type."""
        found: list[Any] = self.ask("events", "--type", kind, "--since", "0")["events"]
        return found

    def at_prompt(self, pane: str) -> bool:
        """Tell whether the agent in `pane` waits at its prompt."""
        return self.stage.screen(pane)[-1].rstrip() == ">"

    def until(self, what: str, done: Callable[[], object]) -> None:
        """Wait until `done()` is true. Raises Failed when it takes too long."""
        deadline = time.monotonic() + TIMEOUT
        while not done():
            if time.monotonic() > deadline:
                msg = f"after {TIMEOUT:.0f} s it is not true that {what}"
                raise Failed(msg)
            time.sleep(0.1)

    def close(self) -> None:
        """End the daemon and the tmux server."""
        subprocess.run([*XATS, "daemon", "stop"], env=self.environ, capture_output=True, check=False, timeout=20)
        self.stage.close()


def run() -> None:
    """Run the demo in a temporary folder. Raises Failed."""
    with tempfile.TemporaryDirectory(prefix="xats-demo-") as folder:
        play = Play(folder)
        try:
            play.run()
        finally:
            play.close()
