"""Mail for a program that xats has just started: it waits until the program is ready, and has its first prompt."""

import os

import pytest

from xats.base import host, process, seats
from xats.base.pane import Pane
from xats.core.agents import agents
from xats.core.crews import starts
from xats.crews import watching
from xats.delivery import attempt, target, transports
from xats.delivery.settings import Settings

PANE = Pane("/s", 1, 2, "%3", 4, "/dev/pts/9")
ME = (os.getpid(), process.started(os.getpid()))


@pytest.fixture
def begun(team):
    """Begin a start of bob, whose program is this process, or the given one; return it as it is watched."""

    def make(of=ME, **changes):
        agent = team.register("bob", seat=agents.Seat(host.id(), *ME, pane=PANE)).details.agent

        def work(tx):
            starts.begin(tx, agent, starts.New("t", "codex", host.id(), "box", "window", "/f", (1, 2)), lambda *_: True)
            starts.use(tx, "t", of, PANE)
            for name, value in changes.items():
                tx.run(f"update starts set {name} = :value", value=value)
            return watching.find(tx, starts.by_token(tx, "t"))

        team.add("alice")
        return team.store.write(work)

    return make


@pytest.fixture
def attempted(team, monkeypatch):
    """Attempt the wake of bob, which is due; return the reason. What reaches the pane is in `attempted.pasted`."""
    monkeypatch.setattr(seats, "ours", lambda *_: True)
    pasted = []

    def paste(request):
        pasted.append(request.session.programs)
        return transports.Refused("draft_present")

    monkeypatch.setattr("xats.delivery.transports.tmux.deliver", paste)

    def attempt_it():
        (wake,) = target.lease_due(team.store, "d1", Settings(), 10)
        return attempt.make(team.store, wake, "d1", Settings()).reason

    attempt_it.pasted = pasted
    return attempt_it


def test_a_program_that_begins_is_not_woken_before_it_is_ready(begun, team, attempted):
    """Its process may run a wrapper yet, which would count as its program for ever."""
    one = begun()
    team.send("alice", "bob")
    assert attempted() == "busy"
    assert attempted.pasted == []
    assert team.store.read(lambda tx: agents.current_session(tx, one.start.agent)).programs is None
    team.store.write(lambda tx: watching.note(tx, one, watching.Finding("running"), tell=False))
    assert attempted() == "draft_present"  # it is due at once
    assert attempted.pasted[0] is not None


def test_mail_does_not_come_before_the_first_prompt(begun, team, attempted, clock):
    begun(state="running", prompt="pending", state_at=clock.now)
    team.send("alice", "bob")
    assert attempted() == "busy"
    clock.tick(2 * attempt.FIRST)  # the prompt cannot be typed; the next attempt has its jitter
    assert attempted() == "draft_present"


def test_a_program_that_was_started_before_is_no_obstacle(begun, team, attempted):
    """The agent has registered again, in another process."""
    begun((os.getppid(), process.started(os.getppid())))
    team.send("alice", "bob")
    assert attempted() == "draft_present"
