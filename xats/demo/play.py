"""The play: two agents in a private tmux server, mail between them, a busy pane, and what `xats status` shows."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time

from xats import settings
from xats.base import python
from xats.tmux.stage import Stage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from io import FileIO
    from typing import Any, TypeAlias

    Waiting: TypeAlias = Callable[[str], AbstractContextManager[Any]]

XATS = python.words()
FOREIGN = ("XATS_", "TMUX", "CLAUDE", "PYTHON")  # variables that the agents must not inherit
WIDEST, NARROWEST = 96, 60  # columns of the panes
MARGIN = 6  # columns of the user's terminal beside a pane
TIMEOUT = 30.0  # seconds that a scene may take
# The usual quiet window is 2 s and the ladder 30 s, 3 min, 10 min: too long for a demonstration.
HURRY = {"XATS_QUIET_MS": "1000", "XATS_LADDER": "2s,2s,2s,2s,5s"}


class Failed(Exception):
    """A scene did not finish."""


class Play:
    """The tmux server, its two agents and their store."""

    def __init__(self, folder: str, waiting: Waiting) -> None:
        """Prepare the play in `folder`; the context `waiting(what)` is open while it waits for `what`."""
        self.waiting = waiting
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        if chosen := settings.value("XATS_TMUX", os.environ):  # the tmux server of the demo runs it too
            kept["XATS_TMUX"] = chosen
        kept["XDG_CONFIG_HOME"] = os.path.join(folder, "config")  # the user's settings are for the user's agents
        kept["PATH"] = f"{installed(os.path.join(folder, 'bin'))}:{kept.get('PATH', os.defpath)}"
        self.environ = {**kept, "XATS_HOME": os.path.join(folder, "home"), "XATS_TEAM": "demo", **HURRY}
        columns = shutil.get_terminal_size((WIDEST + MARGIN, 24)).columns - MARGIN
        self.width = max(NARROWEST, min(WIDEST, columns))
        self.stage = Stage(os.path.join(folder, "tmux"), self.environ, self.width, 30)
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
        # tmux takes the PATH of a pane from its own client, not from the environment that it is given
        agent = shlex.join(["exec", "env", f"PATH={self.environ['PATH']}", *XATS, "demo-agent"])
        self.alice = self.stage.open(f"{agent} alice --role backend")
        self.bob = self.stage.open(f"{agent} bob --role reviewer")
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
        """Show that xats leaves a busy pane alone, and retries."""
        self.title("bob's pane is printing. xats types nothing there, and retries")
        self.stage.type(self.bob, "noise 5")
        self.until("bob is busy", lambda: "working" in "".join(self.stage.screen(self.bob)))
        self.command("broadcast", "--role", "reviewer", "main is frozen until noon", "--as", "alice")
        self.until("the wake was refused once", lambda: self.events("wake_retrying"))
        self.command("status", "--as", "alice")
        self.until("bob is quiet again and was woken", lambda: len(self.events("message_acked")) == 2)
        self.show("bob", self.bob)
        self.command("status", "--as", "alice")

    def story(self) -> None:
        """Show the agents, and what happened, from the outbox."""
        self.title("The agents, and all that happened")
        self.command("agents")
        self.command("events", "-n", "30")

    # -- helpers -------------------------------------------------------------------------------------------------------

    def title(self, text: str) -> None:
        """Print the title of the next scene."""
        text = f"== {text} ({time.monotonic() - self.started:.1f} s)"
        print("\n" + textwrap.fill(text, self.width, subsequent_indent="   "), flush=True)

    def show(self, name: str, pane: str) -> None:
        """Print what a pane shows."""
        print(f"   .-- {name}'s pane ".ljust(self.width, "-"))
        for line in self.stage.screen(pane)[-14:]:
            print(f"   | {line}")
        print("   '".ljust(self.width, "-"), flush=True)

    def command(self, *words: str) -> None:
        """Run xats on a terminal, and show the command with what it prints."""
        ours, its = os.openpty()
        with open(ours, "rb", buffering=0) as screen:
            terminal = {"COLUMNS": str(self.width), "NO_COLOR": "1"}
            started = subprocess.Popen([*XATS, *words], env={**self.environ, **terminal}, stdout=its, stderr=its)
            os.close(its)
            shown = all_of(screen)
            code = started.wait()
        print(f"   $ xats {shlex.join(words)}")
        for line in shown.decode(errors="replace").splitlines():
            print(f"     {line}".rstrip())
        sys.stdout.flush()
        if code:
            msg = f"xats {words[0]} ended with {code}"
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
        with self.waiting(f"waiting until {what}") as bar:
            while not done():
                if time.monotonic() > deadline:
                    msg = f"after {TIMEOUT:.0f} s it is not true that {what}"
                    raise Failed(msg)
                bar.add(0)
                time.sleep(0.1)

    def close(self) -> None:
        """End the daemon and the tmux server."""
        subprocess.run([*XATS, "daemon", "stop"], env=self.environ, capture_output=True, check=False, timeout=20)
        self.stage.close()


def installed(folder: str) -> str:
    """Make `folder` with a program `xats` in it, which runs this xats; return it."""
    os.mkdir(folder)
    path = os.path.join(folder, "xats")
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'#!/bin/sh\nexec {shlex.join(XATS)} "$@"\n')
    os.chmod(path, 0o700)
    return folder


def all_of(screen: FileIO) -> bytes:
    """Return what a program writes to its terminal until it ends."""
    shown = b""
    try:
        while some := screen.read(4096):
            shown += some
    except OSError as problem:  # Linux says EIO where the other end is closed
        if problem.errno != errno.EIO:
            raise
    return shown


def run(waiting: Waiting) -> None:
    """Run the demo in a temporary folder. Raises Failed.

    The context `waiting(what)` is open while the demo waits for `what`. Its value has a method `add`, called meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="xats-demo-") as folder:
        play = Play(folder, waiting)
        try:
            play.run()
        finally:
            play.close()
