"""Three real programs pass a turn twice round, and one is killed while it has it: `make test-clients`.

Each is started by `xats launch`, with an empty HOME and a loopback model. A daemon wakes the next one, whose hook hands
it the handoff. The tools of the programs run the verbs.
"""

from __future__ import annotations

import os
import signal
import sqlite3

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.real_launch import BIN, REVIEW, Desk
from xats.core.turns.turns import GRACE

WHO = {"ann": "claude-code", "ben": "codex", "kim": "opencode"}
ONCE = "you are about to stop, but you still hold this"


class Crew:
    """The three programs, the xats of a person beside them, and the model that all of them ask."""

    def __init__(self, folder: str, model: Model) -> None:
        self.folder, self.model, self.desk = folder, model, Desk(folder)
        self.desk.env.update(XATS_LADDER=",".join(["2s"] * 60), XATS_QUIET_MS="300")
        self.project = os.path.join(folder, "proj")
        os.mkdir(self.project)
        self.running: dict[str, real.Running] = {}
        self.desk("daemon", "start")

    def start(self, name: str) -> None:
        program, _ = real.installed(WHO[name])
        client = real.CLIENTS[WHO[name]]
        path = real.environment(client, "/", "", program or "")["PATH"]
        more = f" -- --port {real.free_port()}" if client.name == "opencode" else ""
        running = real.start(
            client.name,
            os.path.join(self.folder, name),
            self.project,
            self.model,
            extra={**self.desk.env, "PATH": f"{BIN}:{path}"},
            line=f"xats launch {client.command} --name {name}{more}",
        )
        self.running[name] = running
        if client.name == "codex":
            running.wait_for(REVIEW)
            running.settled()
            while not running.shows(r"^\u203a 2"):
                running.keys("Down")
                running.settled(minimum=0.3)
            running.keys("Enter")
        running.wait_idle()
        running.submit("hello")
        running.wait_idle()

    def turn(self) -> dict:
        return self.desk("turn", "status")["turn"]

    def run(self, name: str, command: str, done) -> None:
        """Have the program of `name` run `command` with its tool, and wait until it has `done` what it is for."""
        running = self.running[name]
        running.wait_idle()
        running.submit(f"RUN {BIN}/xats {command}")
        running.wait_for(running.client.permission)
        running.settled(minimum=0.5)
        for _ in range(3):
            running.keys("Enter")  # a dialog that is drawn is not always listening yet
            try:
                running.until(done, 15, what=f"{name}: {command}")
                break
            except real.NotReached:
                pass
        assert done(), running.screen()
        running.wait_idle()

    def take(self, name: str) -> None:
        self.run(name, "turn take", lambda: self.turn()["holder"] == f"{name}@t")

    def pass_on(self, name: str, number: int, to: str) -> None:
        """Have the holder pass the turn on; the program of the next in line is woken, and its model reads the note."""
        words = f"turn pass next --status 'did part {number}.' --next 'do part {number + 1}.'"
        self.run(name, words, lambda: self.turn()["offered_to"] == f"{to}@t")
        self.heard(to, f"Next: do part {number + 1}.")

    def heard(self, name: str, text: str) -> None:
        def found() -> bool:
            return any(f"| {text}" in one.get("heard", "") for one in self.model.requests())

        self.running[name].until(found, 90, what=f"the model of {name} hears {text!r}")

    def close(self) -> None:
        for running in self.running.values():
            running.close()
        self.desk("daemon", "stop")


@pytest.fixture
def crew(tmp_path_factory):
    for name in WHO.values():
        _, why = real.installed(name)
        if why:
            pytest.skip(f"{name} cannot be installed here: {why}")
    with Model() as model:
        made = Crew(str(tmp_path_factory.mktemp("r")), model)
        try:
            yield made
        finally:
            made.close()


def test_a_turn_goes_twice_round_and_one_is_killed_while_it_has_it(crew):
    for name in WHO:
        crew.start(name)
        crew.desk("turn", "join", "--as", name)
    crew.take("ann")
    # A program that ends its turn with the turn is reminded once.
    assert sum(ONCE in one.get("text", "") for one in crew.model.requests()) == 1
    names = ["ann", "ben", "kim"]
    for number in range(1, 4):
        giver, to = names[(number - 1) % 3], names[number % 3]
        crew.pass_on(giver, number, to)
        crew.take(to)
    crew.pass_on("ann", 4, "ben")
    crew.take("ben")
    killed = crew.running["ben"].processes()[0].pid
    os.kill(killed, signal.SIGKILL)
    crew.running["kim"].until(lambda: crew.turn()["holder_gone_at"], 60, what="xats sees that ben has gone")
    assert crew.turn()["holder"] == "ben@t"
    later(crew.desk.env["XATS_HOME"])
    crew.running["kim"].until(lambda: crew.turn()["offered_to"] == "kim@t", 90, what="the turn goes on to kim")
    crew.heard("kim", "Next: do part 5.")  # it is the handoff that ben got, and never answered
    crew.take("kim")
    found = crew.turn()["handoff"]
    assert (found["from"], found["status"]) == ("ann@t", "did part 4.")
    crew.pass_on("kim", 5, "ann")
    crew.take("ann")
    kinds = [one["kind"] for one in crew.desk("turn", "log", "-n", "100")["entries"]]
    assert kinds.count("taken") == 7
    assert kinds.count("lapsed") == 1


def later(home: str) -> None:
    """Let the time pass that a holder whose process has ended keeps the turn."""
    connection = sqlite3.connect(os.path.join(home, "xats.db"), timeout=20)
    with connection:
        connection.execute("update agents set seen_at = seen_at - ? where name = 'ben'", (2 * GRACE,))
        connection.execute("update turns set owner_gone_at = owner_gone_at - ?", (GRACE + 1000,))
    connection.close()
