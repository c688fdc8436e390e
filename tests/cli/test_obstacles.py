"""What is true of a recipient now: its program has ended, or it asks its user; and what a verb says about it."""

from __future__ import annotations

import os
import re
import subprocess

import pytest

from tests.conftest import HOST
from tests.support.steady import ages, unfolded
from xats.base import host, process
from xats.base.pane import Pane
from xats.cli.kit.context import Context
from xats.cli.mail.copies import Obstacles
from xats.core.agents import departures, presence
from xats.core.agents.agents import Seat
from xats.core.mail import inbox, status
from xats.core.waking import attempts

PLAIN = {"NO_COLOR": "1", "COLUMNS": "120"}


class Program:
    """The program of an agent: a real process, in a pane that need not exist."""

    def __init__(self, crew, name: str) -> None:
        self._crew, self._name = crew, name
        self._process = subprocess.Popen(["sleep", "600"])
        pid = self._process.pid
        pane = Pane("/tmp/xats-no-such-socket", 1, 1, "%5", pid, "/dev/pts/9")
        seat = Seat(HOST, pid, process.started(pid), pane=pane, host_name=host.name())
        self._id = crew.register(name, client="generic", seat=seat).details.agent.id

    def refuse(self, reason: str, *, last: bool = False, detail: str = "") -> None:
        """Refuse the open wake of the agent, as the daemon does."""
        climb = lambda _, now: None if last else now + 30_000  # noqa: E731

        def work(tx) -> None:
            (wake,) = [one for one in attempts.due(tx) if one.agent_id == self._id]
            (leased,) = attempts.lease(tx, [wake], "d")
            assert attempts.refused(tx, leased, "d", reason, "tmux", climb, detail=detail or None)

        self._crew.store.write(work)

    def says(self, state: str) -> None:
        """Let its hooks report `state`."""
        self._crew.store.write(lambda tx: presence.put(tx, self._id, state, "s"))

    def end(self, *, noted: bool = False) -> None:
        """End the process; with `noted` a daemon has seen that."""
        self._process.kill()
        self._process.wait()
        if noted:
            agent = self._crew.agent(self._name)
            assert self._crew.store.write(lambda tx: departures.note(tx, agent, lambda _: True))


@pytest.fixture
def dave(crew):
    made = Program(crew, "dave")
    yield made
    made.end()


def wakes(crew):
    return crew.rows("select state, reason, next_attempt_at, detail from wakes")


# -- the reason of a wake ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noted", [False, True])
def test_after_the_end_of_the_program_no_verb_shows_the_reason_of_the_last_attempt(xats, crew, dave, noted):
    crew.send("alice", "dave", "hi")
    dave.refuse("not_quiet", detail="row 3 changed")
    stored = wakes(crew)
    assert "its pane is still printing" in xats("status", "1", "--as", "alice").stdout
    dave.end(noted=noted)
    shown = {
        "status": xats("status", "1", "--as", "alice").stdout,
        "attempts": xats("status", "1", "--attempts", "--as", "alice").stdout.splitlines()[-1],
        "agents": xats("agents").stdout,
        "overview": xats.on_terminal("--as", "alice", env=PLAIN),
        "list": xats.on_terminal("agents", env={**PLAIN, "COLUMNS": "200"}),
    }
    for verb, text in shown.items():
        assert "still printing" not in text and "not_quiet" not in text and "row 3" not in text, verb
    assert "retrying (process_gone): its program has ended, 1 attempt; again in " in shown["status"]
    assert "retrying: process_gone, again in " in shown["agents"]
    assert "retrying: its program has ended, again in " in " ".join(shown["list"].split())
    (delivery,) = xats("status", "1", "--as", "alice", "--json").json()["deliveries"]
    assert (delivery["agent_state"], delivery["wake"]["reason"]) == ("gone", "process_gone")
    assert delivery["wake"]["last_refusal"] == "not_quiet"
    assert delivery["wake"]["next_attempt_at"]
    found = {one["name"]: one for one in xats("agents", "--json").json()["agents"]}
    assert found["dave"]["wake"]["reason"] == "process_gone"
    assert wakes(crew) == stored  # looking changes nothing


def test_a_wake_that_was_given_up_says_that_the_program_has_ended_since(xats, crew, dave):
    crew.send("alice", "dave", "hi")
    dave.refuse("not_quiet", last=True)
    dave.end(noted=True)
    shown = unfolded(xats.on_terminal("--as", "alice", env=PLAIN))
    assert "given up: its pane is still printing; its program ended just now, 1 unread" in shown


def test_the_screen_shows_it_too(crew, dave, xats):
    from xats.cli.top import words
    from xats.cli.top.watch import Watch

    crew.send("alice", "dave", "hi")
    dave.refuse("not_quiet")
    here = Context("alice", "crew", xats.path)
    here.person = lambda: None
    watch = Watch(here)

    def row():
        return next(one for one in watch.look().agents if one.details.agent.name == "dave")

    assert "still printing" in words.wake(row(), here.store.clock())[0]
    dave.end()  # the store is the same
    assert words.wake(row(), here.store.clock())[0].startswith("retrying: its program has ended; 1 attempt, in ")
    here.store.close()


# -- an agent that waits for its user ----------------------------------------------------------------------------------


def test_status_names_a_recipient_that_waits_for_its_user_and_what_to_do(xats, crew, dave):
    crew.send("alice", "dave", "hi")
    dave.says("waiting")
    ran = xats("status", "1", "--as", "alice")
    assert ran.stderr.startswith("  dave needs a person: it asks for a permission or an answer in pane %5, ")
    assert re.fullmatch(r"  to answer it: .*xats attach dave --as alice", ran.stderr.splitlines()[1])
    (delivery,) = xats("status", "1", "--as", "alice", "--json").json()["deliveries"]
    assert delivery["agent_state"] == "waiting"
    assert delivery["agent_detail"].startswith("needs a person, ")
    crew.do("dave", inbox.mark_read, [1])
    assert "dave needs a person" in xats("status", "1", "--as", "alice").stderr  # it still owes a reply
    crew.do("dave", inbox.ack, 1)
    assert xats("status", "1", "--as", "alice").stderr == ""
    assert xats("status", "1", "--as", "alice", "-q").stderr == ""


def test_status_names_a_dialog_that_an_attempt_has_seen(xats, crew, dave):
    crew.send("alice", "dave", "hi")
    dave.refuse("dialog_open")
    first, second = xats("status", "1", "--as", "alice").stderr.splitlines()
    assert first == "  dave needs a person: a dialog is open in its pane"
    assert second.endswith("xats attach dave --as alice")


def test_each_obstacle_is_said_again_only_after_it_was_over(crew, dave, xats, capsys):
    crew.send("alice", "dave", "hi")
    here = Context("alice", "crew", xats.path)
    obstacles = Obstacles(here)

    def said() -> str:
        found = here.store.read(lambda tx: status.status(tx, crew.agent("alice"), 1))[1]
        obstacles.say(found, "; still waiting")
        return capsys.readouterr().err

    assert said() == ""
    dave.says("waiting")
    assert "dave needs a person" in said()
    assert said() == ""
    dave.says("busy")
    assert said() == ""
    dave.says("waiting")
    assert "dave needs a person" in said()
    dave.end()
    assert said() == "  dave is not running: its program has ended; still waiting\n"
    here.store.close()


# -- sending to an agent that is not running ---------------------------------------------------------------------------

HI = ["hi", "--as", "alice"]


@pytest.mark.parametrize(
    "words", [["send", "dave", *HI], ["reply", "1", *HI], ["broadcast", *HI]], ids=lambda one: one[0]
)
def test_sending_to_an_agent_whose_program_has_ended_says_so(xats, crew, dave, words):
    crew.send("dave", "alice", "a question")
    assert xats(*words).stderr == ""  # it runs
    dave.end()
    ended = "its program has ended, and it was last seen just now"
    assert ages(xats(*words).stderr) == f"  dave is not running: {ended}; the message is stored\n"
    agent = crew.agent("dave")
    crew.store.write(lambda tx: departures.note(tx, agent, lambda _: True))
    at = "update sessions set gone_at = :now - 7200000 where pid is not null"
    crew.store.write(lambda tx: tx.run(at, now=tx.now))
    crew.store.write(lambda tx: tx.run("update agents set seen_at = :now - 7200000 where name = 'dave'", now=tx.now))
    assert xats(*words).stderr == "  dave is not running: its program ended 2 h ago; the message is stored\n"
    assert xats(*words, "-q").stderr == ""
    (gone,) = xats(*words, "--json").json()["not_running"]
    assert gone["agent"] == "dave@crew"
    assert gone["gone_at"]


def test_an_agent_that_was_seen_after_its_end_and_a_person_run(xats, crew, dave):
    dave.end(noted=True)
    crew.store.write(lambda tx: tx.run("update agents set seen_at = :now + 60000 where name = 'dave'", now=tx.now))
    assert xats("send", "dave", *HI).stderr == ""
    program = Program(crew, "kim")
    crew.store.write(lambda tx: tx.run("update agents set client = 'human' where name = 'kim'"))
    program.end()
    assert xats("send", "kim", *HI).stderr == ""


def test_several_that_are_not_running_share_a_line(xats, crew):
    programs = [Program(crew, name) for name in ("dan", "dora")]
    for one in programs:
        one.end()
    assert ages(xats("broadcast", *HI).stderr) == (
        "  dan, dora are not running; the last of them was seen just now; the message is stored\n"
    )
    assert os.path.exists(xats.path)
