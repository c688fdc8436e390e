"""xats against the real programs, each with a temporary HOME and a loopback model: `make test-clients`.

Not part of `make test`: they are 1.5 GB from the npm registry, and take some minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.clients import real
from tests.clients.mock_model import Model

# The PATH of the program lacks xats, so the line names its path.
LINE = f"xats: 1 new from alice - run: {os.path.join(os.path.dirname(sys.executable), 'xats')} inbox"
LEAVE = {
    "claude-code": "/exit",
    "codex": "/quit",
    "copilot": "/exit",
    "gemini": "/quit",
    "opencode": "/exit",
    "qwen": "/quit",
}


class Office:
    """One client that is registered as bob, its model, and a store whose ladder is short."""

    def __init__(self, folder: str, running: real.Running) -> None:
        self.running, self.model = running, running.model
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XATS_", "TMUX", "CLAUDE"))}
        self.env = {
            **kept,
            "XATS_HOME": os.path.join(folder, "home"),
            "XATS_TEAM": "t",
            "XATS_LADDER": ",".join(["2s"] * 30),
            "XATS_WAKE_OFF": "claude-inbox,qwen-inbox",  # which need no hooks, and would come before the paste
        }
        self.env["TMUX"] = f"{running.socket},{running.format('#{pid}')},0"
        self.env["TMUX_PANE"] = "%99"
        self.xats("register", "bob", "--pane", running.pane)
        self.xats("register", "alice", "--no-pane", "--client", "generic")

    def xats(self, *words: str) -> str:
        command = [sys.executable, "-P", "-m", "xats", *words]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> dict:
        return json.loads(self.xats(*words, "--json"))

    def send(self) -> None:
        self.xats("send", "bob", "hi", "--as", "alice")

    def wake(self) -> dict:
        return self.json("status", "--as", "alice")["deliveries"][0]["wake"]

    def seen(self) -> str:
        return self.json("client", "test", self.running.pane)["state"]

    def until(self, condition, what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (
                f"not within {seconds:.0f} s: {what}; {self.wake()}\n{self.running.screen()}"
            )
            time.sleep(0.1)

    def refused(self, reason: str) -> None:
        self.until(lambda: self.wake()["reason"] == reason, f"refused as {reason}")
        assert self.wake()["state"] == "retrying"

    def delivered(self, prompts: list[str]) -> None:
        """Wait until the wake is delivered and the model has got exactly `prompts` since the last time."""
        self.until(lambda: self.wake()["state"] == "delivered", "delivered")
        self.until(lambda: len(self.prompts()) >= len(prompts), f"the model has {prompts}")
        assert self.prompts() == prompts
        self.count += len(prompts)
        self.xats("inbox", "--as", "bob")
        self.running.wait_idle()

    count = 0

    def prompts(self) -> list[str]:
        return list(self.model.prompts())[self.count :]


@pytest.mark.parametrize("name", sorted(LEAVE))
def test_a_real_client_is_woken_only_where_it_belongs(name, tmp_path_factory):
    _, why = real.installed(name)
    if why:
        pytest.skip(f"{name} cannot be installed here: {why}")
    folder = str(tmp_path_factory.mktemp("c"))
    project = os.path.join(folder, "proj")
    os.mkdir(project)
    probe = os.path.join("/etc", "xats-probe")
    with Model() as model, real.start(name, os.path.join(folder, "s"), project, model) as running:
        running.wait_idle()
        office = Office(folder, running)
        office.count = len(office.prompts())
        try:
            assert office.seen() == "idle"

            office.send()  # idle
            office.delivered([LINE])

            running.type("please look")  # a draft
            office.until(lambda: office.seen() == "draft", "the draft is seen")
            office.send()
            office.refused("draft_present")
            behind = running.screen().rsplit("please look", 1)[1]
            assert "xats:" not in behind.partition("\n\n")[0]  # Codex names its thread by our line, in its last rows
            running.keys(*["BSpace"] * len("please look"))
            office.delivered([LINE])

            running.submit("SLOW 6")  # busy
            office.send()
            office.refused("busy")
            office.delivered(["SLOW 6", LINE])

            running.submit("RUN touch /etc/xats-probe")  # a dialog
            office.until(lambda: office.seen() == "dialog", "the dialog is seen")
            office.send()
            office.refused("dialog_open")
            time.sleep(5)  # two more rungs, each a chance to answer it
            assert office.seen() == "dialog"
            assert not os.path.exists(probe)
            running.keys("Escape")
            office.delivered(["RUN touch /etc/xats-probe", LINE])
            assert not os.path.exists(probe)

            leave(running, LEAVE[name])
            office.until(lambda: running.format("#{pane_current_command}") in ("bash", "sh"), "it has left")
            before = running.screen()
            office.send()  # only the shell is left
            office.refused("shell_foreground")
            time.sleep(3)
            assert running.screen() == before
        finally:
            office.xats("daemon", "stop")


def leave(running: real.Running, command: str) -> None:
    """Have the client end itself by its own command."""
    running.type(command)
    time.sleep(1)
    running.keys("Enter")
