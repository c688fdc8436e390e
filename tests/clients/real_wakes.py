"""From `xats send` to the model of a real program, by the program's own inbox and without a key: `make test-clients`.

Each program is started by `xats launch`, with an empty HOME and a loopback model, and a daemon does the rest.
"""

from __future__ import annotations

import glob
import json
import os
import socket
import sys
import time

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.office import XATS, write_program
from tests.clients.real_waiter import DRAFT, PROBE, Office

SEEN = ("shown", "read")  # the next hook of the session proves that what a hook showed was seen
WAYS = {"claude-code": "claude-inbox", "codex": "codex-queue", "opencode": "opencode-http"}
REVIEW = "Hooks need review"


class Launched(Office):
    """bob in a program that `xats launch` has started, or that was started by hand and knows no hooks."""

    def __init__(self, name: str, folder: str, off: str = "waiter") -> None:
        self.name, self.project, self.way = name, os.path.join(folder, "proj"), WAYS[name]
        os.mkdir(self.project)
        self.program = os.path.join(folder, "bin", "xats")  # what it runs at its hooks
        os.mkdir(os.path.dirname(self.program))
        write_program(self.program, XATS.format(python=sys.executable))
        kept = {word: value for word, value in os.environ.items() if not word.startswith(("XATS_", "TMUX", "CLAUDE"))}
        self.own = {"XATS_HOME": os.path.join(folder, "home"), "XATS_TEAM": "t", "XATS_AUTOSTART": "0"}
        times = {"XATS_LADDER": ",".join(["2s"] * 30), "XATS_READ_WITHIN": "12s", "XATS_WAKE_OFF": off}
        self.env = {**kept, **self.own, **times, "HOME": folder}
        self.socket = os.path.join(folder, "s")
        self.xats("register", "alice", "--no-pane", "--client", "generic")
        self.xats("daemon", "start")

    def start(self, model: Model, *, hooks: bool):
        """Start the program: by `xats launch`, or by its own name and `register`ed by hand."""
        client = real.CLIENTS[self.name]
        program, _ = real.installed(self.name)
        path = real.environment(client, "/", "", program)["PATH"]
        more = f"--port {real.free_port()}" if self.name == "opencode" else ""
        line = f"xats launch {client.command} --name bob -- {more}" if hooks else f"{client.command} {more}"
        extra = {**self.own, "PATH": f"{os.path.dirname(self.program)}:{path}"}
        return real.start(self.name, self.socket, self.project, model, extra=extra, line=line.strip(" -"))

    def begin(self) -> None:
        """See it through its first turn, by which its hooks know the session."""
        running = self.running
        if self.name == "codex":
            running.wait_for(REVIEW)
            running.settled()
            while not running.shows(r"^\u203a 2"):  # a dialog that is drawn is not always listening yet
                running.keys("Down")
                running.settled(minimum=0.3)
            running.keys("Enter")
        running.wait_idle()
        running.submit("hello")
        running.wait_idle()
        self.until(lambda: self.way in self.bob().get("transports", ()), f"{self.way} is there")

    def read_by(self, number: int, transport: str) -> None:
        """Wait until bob has read message `number`, woken by `transport`."""
        self.until(lambda: self.copy(number)["state"] in SEEN, f"#{number} was handed over")
        wake = self.copy(number)["wake"]
        assert (wake["state"], wake["transport"]) == ("delivered", transport), (wake, self.log())

    def handed_over(self, number: int) -> None:
        """Wait until its inbox has the line of message `number`; nobody has read it."""
        self.until(lambda: self.copy(number)["wake"]["transport"] == self.way, "the inbox has it")
        assert self.copy(number)["wake"]["state"] == "delivered"
        assert self.copy(number)["state"] == "unread"

    def followed(self, number: int, lines: int) -> None:
        """Wait until the paste has followed; the model has been given `lines` lines of xats in all."""
        self.until(lambda: self.copy(number)["wake"]["transport"] == "tmux", "the paste follows")
        self.until(lambda: self.copy(number)["wake"]["state"] == "delivered", "it is delivered")
        assert self.copy(number)["state"] == "unread"
        told = [text for text in self.model.prompts() if "xats: 1 new from alice" in text]
        assert len(told) == lines, told


@pytest.fixture(params=sorted(WAYS))
def bob(request, tmp_path_factory):
    _, why = real.installed(request.param)
    if why:
        pytest.skip(f"{request.param} cannot be installed here: {why}")
    made = Launched(request.param, str(tmp_path_factory.mktemp("n")))
    try:
        with Model() as model:
            made.model = model
            yield made
    finally:
        made.xats("daemon", "stop")


def test_it_is_woken_by_its_inbox_with_no_key(bob):
    with bob.start(bob.model, hooks=True) as running:
        bob.running = running
        bob.begin()

        # Idle, with a draft, which stays: its hook hands the mail over as the line begins a turn.
        running.type(DRAFT)
        running.wait_for(DRAFT)
        before, began = len(bob.model.prompts()), time.monotonic()
        number = bob.send()
        running.until(lambda: len(bob.model.prompts()) > before, what="it is woken")
        print(f"{bob.name}: from the start of send to the model's request {time.monotonic() - began:.2f} s")
        bob.read_by(number, bob.way)
        assert DRAFT in running.screen()
        assert DRAFT not in "".join(bob.model.prompts())
        running.keys(*["BSpace"] * len(DRAFT))
        running.wait_idle()

        # A dialog is open: nothing is answered, whatever is tried; it reads when its person has said no.
        running.submit(f"RUN touch {PROBE}")
        running.wait_for(running.client.permission)
        number = bob.send()
        bob.until(lambda: bob.reasons(number), "something was tried")
        time.sleep(15)  # the time of the hook and of the inbox, and some rungs of the paste
        assert running.shows(running.client.permission)
        assert not os.path.exists(PROBE)
        running.keys("Escape")
        if bob.name == "codex":  # its person's stop holds the queue up as well
            running.wait_idle()
            running.submit("go on")
        bob.until(lambda: bob.copy(number)["state"] in SEEN, "it reads afterwards")
        assert not os.path.exists(PROBE)
        assert bob.buffers() == ""


def test_a_turn_that_its_user_breaks_off_is_seen_to_be_over(bob):
    with bob.start(bob.model, hooks=True) as running:
        bob.running = running
        bob.begin()

        def doing(state):
            bob.until(lambda: bob.bob()["presence"]["state"] == state, f"it is said to be {state}")

        running.submit("HOLD")
        running.until(bob.model.held, what="the answer streams")
        doing("busy")
        time.sleep(8)  # a round of looks, which must not take a turn for idle
        doing("busy")
        running.interrupt()
        doing("idle")
        bob.model.release()
        running.submit(f"RUN touch {PROBE}")
        running.wait_for(running.client.permission)
        doing("waiting")
        time.sleep(8)
        doing("waiting")
        running.keys("Escape")
        doing("idle")
        assert not os.path.exists(PROBE)
        bob.read_by(bob.send(), "tmux" if bob.name == "codex" else bob.way)
        if bob.name == "codex":  # its queue rested until that turn
            doing("idle")
            bob.read_by(bob.send(), bob.way)


def test_what_is_taken_and_not_read_is_followed_by_the_paste(bob):
    """Its hooks do nothing any more, and this model runs no command: the inbox took the line for nothing."""
    with bob.start(bob.model, hooks=True) as running:
        bob.running = running
        bob.begin()
        write_program(bob.program, "#!/bin/sh\nexit 0\n")
        number = bob.send()
        bob.handed_over(number)
        bob.followed(number, lines=2)


def break_inbox(bob, home: str) -> None:
    """Have the inbox of the program be there, and take nothing."""
    if bob.name == "codex":
        database = f"{home}/.codex/queue_1.sqlite"
        os.rename(database, f"{database}.away")
        os.mkdir(database)
    else:
        [record] = glob.glob(f"{home}/.claude/sessions/*.json")
        with open(record, encoding="utf-8") as file:
            path = json.load(file)["messagingSocketPath"]
        os.rename(path, f"{path}.away")
        with socket.socket(socket.AF_UNIX) as nobody:
            nobody.bind(path)


def test_an_inbox_that_is_broken_is_followed_at_once(bob):
    if bob.name == "opencode":
        pytest.skip("its inbox cannot be broken without the program")
    with bob.start(bob.model, hooks=True) as running:
        bob.running = running
        bob.begin()
        break_inbox(bob, running.home)
        number = bob.send()
        bob.read_by(number, "tmux")
        assert sum("xats: 1 new from alice" in text for text in bob.model.prompts()) == 1


def test_one_without_hooks_is_woken_by_its_inbox_and_then_by_the_paste(bob):
    """Without hooks nothing hands the mail over, and this model runs no command: the inbox took it for nothing."""
    if bob.name != "claude-code":
        pytest.skip("without hooks xats does not know the session of the others")
    with bob.start(bob.model, hooks=False) as running:
        bob.running = running
        running.wait_idle()
        server = running.tmux("display-message", "-p", "#{pid}").strip()
        bob.env |= {"TMUX": f"{bob.socket},{server},0", "TMUX_PANE": running.pane}
        bob.xats("register", "bob", "--pane", running.pane, "--client", bob.name)
        number = bob.send()
        bob.handed_over(number)
        bob.followed(number, lines=2)
