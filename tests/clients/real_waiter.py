"""Waiters beside the real programs: an idle agent is woken with no key, a draft stays, no dialog is answered.

Each program has a temporary HOME and a loopback model: `make test-clients`.
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

LINE = "xats: 1 new from alice - run: xats inbox"
SEEN = ("shown", "read")  # the next hook of the session proves that what a hook showed was seen
PROBE = "/etc/xats-probe"
DRAFT = "please look"
OPTIONS = {"claude-code": ("--waiter",), "opencode": ()}


class Office:
    """bob in a real program that keeps a waiter, alice who writes to him, and a daemon that may not take long."""

    def __init__(self, name: str, folder: str) -> None:
        self.name, self.project = name, os.path.join(folder, "proj")
        os.mkdir(self.project)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("XATS_", "TMUX", "CLAUDE"))}
        self.own = {"XATS_HOME": os.path.join(folder, "home"), "XATS_TEAM": "t", "XATS_AUTOSTART": "0"}
        times = {"XATS_LADDER": ",".join(["2s"] * 30), "XATS_READ_WITHIN": "5s"}
        self.env = {**kept, **self.own, **times, "HOME": folder}
        self.running: real.Running
        self.xats("hook", "install", name, "--project", "--yes", *OPTIONS[name])
        self.xats("register", "alice", "--no-pane", "--client", "generic")
        self.xats("daemon", "start")

    def xats(self, *words: str) -> str:
        command = [sys.executable, "-P", "-m", "xats", *words]
        done = subprocess.run(
            command, env=self.env, cwd=self.project, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> dict:
        return json.loads(self.xats(*words, "--json"))

    def send(self) -> int:
        """Send mail that no turn is gone on with for."""
        return int(self.xats("send", "bob", "hi", "--as", "alice", "--no-need-reply", "-q"))

    def copy(self, number: int) -> dict:
        return self.json("status", str(number), "--as", "alice")["deliveries"][0]

    def bob(self) -> dict:
        return next((one for one in self.json("agents")["agents"] if one["name"] == "bob"), {})

    def until(self, condition, what: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (
                f"not within {seconds:.0f} s: {what}; {self.bob()}\n{self.log()}\n{self.running.screen()}"
            )
            time.sleep(0.1)

    def log(self) -> str:
        text = ""
        for name in ("daemon", "hooks"):
            path = os.path.join(self.own["XATS_HOME"], f"xats.db-{name}.log")
            if os.path.exists(path):
                with open(path, encoding="utf-8") as file:
                    text += file.read()[-2000:]
        return text

    def armed(self, state: str = "idle") -> None:
        self.until(
            lambda: "waiter" in self.bob().get("transports", ()) and self.bob()["presence"]["state"] == state,
            "a waiter sleeps beside it",
        )

    def woken(self, number: int) -> None:
        """Wait until bob has read message `number`, woken by his waiter alone, and that he waits again."""
        self.until(lambda: self.copy(number)["state"] in SEEN, f"#{number} was handed over")
        wake = self.copy(number)["wake"]
        assert (wake["state"], wake["transport"]) == ("delivered", "waiter")
        self.armed()

    def reasons(self, number: int) -> list[str]:
        """Return why the wake of message `number` was put off, each time."""
        wake = f"wake:{self.copy(number)['wake']['id']}"
        events = [one for one in self.json("events", "-n", "1000")["events"] if one["subject"] == wake]
        return [one["data"]["reason"] for one in events if one["data"]["reason"]]

    def waiters(self) -> list[str]:
        """Return the FIFOs at which somebody waits, or has waited."""
        names = os.listdir(self.own["XATS_HOME"])
        return [name for name in names if "-waiter-" in name and not name.endswith(".lock")]

    def buffers(self) -> str:
        return self.running.tmux("list-buffers")


@pytest.fixture(params=["claude-code", "opencode"])
def office(request, tmp_path_factory):
    _, why = real.installed(request.param)
    if why:
        pytest.skip(f"{request.param} cannot be installed here: {why}")
    folder = str(tmp_path_factory.mktemp("w"))
    made = Office(request.param, folder)
    socket = os.path.join(folder, "s")
    program, _ = real.installed(request.param)
    path = real.environment(real.CLIENTS[request.param], "/", "", program or "")["PATH"]
    extra = {**made.own, "XATS_AGENT": "bob", "PATH": f"{os.path.dirname(sys.executable)}:{path}"}
    try:
        with Model() as model, real.start(request.param, socket, made.project, model, extra=extra) as running:
            made.running = running
            running.wait_idle()
            if request.param == "opencode":  # it has no session before its first prompt
                running.submit("hello")
                running.wait_idle()
            made.armed()
            yield made
    finally:
        made.xats("daemon", "stop")


def test_a_waiter_wakes_it_with_no_key(office):
    running, model = office.running, office.running.model

    # Idle, with a draft, which stays.
    running.type(DRAFT)
    before = len(model.prompts())
    began = time.monotonic()
    number = office.send()
    running.until(lambda: len(model.prompts()) > before, what="it is woken")
    took = time.monotonic() - began
    office.woken(number)
    assert len(model.prompts()) == before + 1
    assert DRAFT in running.screen()
    assert DRAFT not in "".join(model.prompts())
    print(f"{office.name}: from the start of send to the model's request {took:.2f} s")

    # And once more: it waits again after that turn.
    number = office.send()
    office.woken(number)
    running.keys(*["BSpace"] * len(DRAFT))
    running.wait_idle()

    # At work: nothing happens until the turn ends, then one line for all.
    before = len(model.prompts())
    running.submit("SLOW 4")
    numbers = [office.send() for _ in range(3)]
    office.woken(numbers[0])
    assert office.reasons(numbers[0]) == ["recipient_active"]
    assert {office.copy(number)["state"] for number in numbers} <= set(SEEN)
    assert len(model.prompts()) == before + 2
    running.wait_idle()

    # A dialog: first its hook is waited for, then its waiter is told, and then a paste is refused.
    running.submit(f"RUN touch {PROBE}")
    running.wait_for(running.client.permission)
    number = office.send()
    office.until(lambda: "dialog_open" in office.reasons(number), "the paste is refused")
    time.sleep(3)  # one rung more, a chance to answer it
    assert office.reasons(number)[0] == "recipient_active"
    assert running.shows(running.client.permission)
    assert not os.path.exists(PROBE)
    running.keys("Escape")
    office.until(lambda: office.copy(number)["state"] in SEEN, "it reads afterwards")
    assert office.copy(number)["wake"]["state"] == "delivered"
    assert not os.path.exists(PROBE)
    assert office.buffers() == ""


def test_what_its_hooks_do_not_tell(office):
    running = office.running
    if office.name != "claude-code":
        pytest.skip("opencode tells of every end of a turn")

    # Its user breaks a turn off, and no hook says so: it is busy, if one believes them, until its pane is looked at.
    running.submit("HOLD")
    running.until(running.model.held, what="the answer streams")
    time.sleep(4)
    running.keys("Escape")
    running.wait_idle()
    office.until(lambda: office.bob()["presence"]["state"] == "idle", "its pane is seen")
    number = office.send()
    office.woken(number)
    assert office.reasons(number) == []

    # Its user begins anew: another session of the same agent, and its waiter is the one that is told.
    running.type("/clear")
    time.sleep(1)
    running.keys("Enter")
    running.wait_idle()
    office.armed()
    office.woken(office.send())
    office.until(lambda: len(office.waiters()) == 1, "that of the first session ends")

    # It is killed: the waiter does not outlive it for long.
    [program] = [one for one in running.processes() if one.name() == "claude"]
    program.kill()
    office.until(lambda: not office.waiters(), "the waiter has ended", 20)
    assert "waiter" not in office.bob()["transports"]
