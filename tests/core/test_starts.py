"""Starts: the rules of the token, and the states of a program that xats has started."""

import pytest

from xats.base.pane import Pane
from xats.core.agents import agents
from xats.core.crews import starts
from xats.core.crews.errors import AlreadyStarted, StartSuperseded

PANE = Pane("/s", 1, 2, "%3", 4, "/dev/pts/9")


def new(token="t-1", **more):
    return starts.New(
        **{
            "token": token,
            "client": "codex",
            "host": "here",
            "host_name": "box",
            "place": "window",
            "folder": "/f",
            "starter": (1, 2),
            **more,
        }
    )


class Starting:
    def __init__(self, crew) -> None:
        self.crew, self.store = crew, crew.store
        crew.add("bob")

    def begin(self, made, over=lambda one, age: False):
        return self.store.write(lambda tx: starts.begin(tx, agents.by_name(tx, "crew", "bob"), made, over))

    def use(self, token, process=(7, 8)):
        return self.store.write(lambda tx: starts.use(tx, token, process, PANE))

    def state(self):
        found = self.store.read(lambda tx: starts.of_team(tx, "crew"))
        return found[0].state

    def do(self, step, *values):
        return self.store.write(lambda tx: step(tx, *values))

    def events(self):
        return [row["type"] for row in self.crew.rows("select type from events where type like 'agent_s%' order by id")]


@pytest.fixture
def starting(team):
    return Starting(team)


def test_a_token_is_used_once(starting):
    begun = starting.begin(new())
    assert (begun.generation, begun.state, begun.process, begun.open) == (1, "starting", None, True)
    used = starting.use("t-1")
    assert (used.process, used.pane, used.state) == ((7, 8), PANE, "starting")
    with pytest.raises(StartSuperseded, match="already used \\(pid 7\\)"):
        starting.use("t-1", (9, 9))
    assert starting.do(starts.running, "t-1")
    assert not starting.do(starts.running, "t-1")
    assert starting.events() == ["agent_starting", "agent_started"]


def test_a_second_start_is_refused_until_the_first_has_ended(starting):
    starting.begin(new())
    with pytest.raises(AlreadyStarted, match="bob is being started \\(by pid 1 on box\\)"):
        starting.begin(new("t-2"))
    starting.use("t-1")
    with pytest.raises(AlreadyStarted, match="bob already runs in pane %3 \\(pid 7 on box, state starting\\)"):
        starting.begin(new("t-2"))
    starting.do(starts.stopped, "t-1", "xats ended it")
    assert starting.begin(new("t-2")).generation == 2
    assert starting.state() == "starting"


def test_a_start_that_is_replaced_starts_nothing(starting):
    """Its command has stopped, and its pane comes late."""
    starting.begin(new())
    assert starting.begin(new("t-2"), over=lambda one, age: one.token == "t-1" and age >= 0).generation == 2
    with pytest.raises(StartSuperseded, match="A newer start has replaced this one"):
        starting.use("t-1")
    assert starting.use("t-2").generation == 2


def test_a_start_that_has_failed_starts_nothing(starting):
    starting.begin(new())
    assert starting.do(starts.fail, "t-1", "nothing appeared")
    with pytest.raises(StartSuperseded, match="is over \\(nothing appeared\\)"):
        starting.use("t-1")


def test_a_person_is_told_once(starting):
    (ann,) = starting.crew.add("ann", client="human")
    starting.begin(new(started_by=ann.id))
    starting.use("t-1")
    assert starting.do(starts.needs_you, "t-1", "Do you trust\nthis folder?")
    found = starting.store.read(lambda tx: starts.by_token(tx, "t-1"))
    assert starting.do(starts.tell, found)
    assert not starting.do(starts.tell, found)
    rows = starting.crew.rows("select subject, body from messages")
    assert [row["subject"] for row in rows] == ["bob needs you"]
    assert "Do you trust" in rows[0]["body"]
    assert "xats attach bob" in rows[0]["body"]


def test_a_program_that_was_not_ended_has_its_state_again(starting):
    starting.begin(new())
    starting.use("t-1")
    starting.do(starts.needs_you, "t-1", "a dialog")
    before = starting.store.read(lambda tx: starts.by_token(tx, "t-1"))
    assert starting.do(starts.stopping, "t-1")
    assert starting.state() == "stopping"
    starting.do(starts.not_stopped, before)
    now = starting.store.read(lambda tx: starts.by_token(tx, "t-1"))
    assert (now.state, now.detail) == ("needs_you", "a dialog")


def test_only_one_process_types_the_first_prompt(starting):
    starting.begin(new(prompt="pending"))
    assert starting.do(starts.prompt, "t-1", "pending", "typing")
    assert not starting.do(starts.prompt, "t-1", "pending", "typing")


@pytest.mark.parametrize("step", [starts.fail, starts.flapping, starts.stopped])
@pytest.mark.parametrize("ready", [True, False])
def test_no_event_has_the_screen_of_a_program(starting, step, ready):
    starting.begin(new())
    starting.use("t-1")
    if ready:
        starting.do(starts.running, "t-1")
    starting.do(step, "t-1", "ended with exit 3\nKEY=sesame")
    found = starting.store.read(lambda tx: starts.by_token(tx, "t-1"))
    assert "KEY=sesame" in found.detail
    payloads = [row["data"] for row in starting.crew.rows("select data from events order by id")]
    assert "ended with exit 3" in payloads[-1]
    assert not any("sesame" in (one or "") for one in payloads)
