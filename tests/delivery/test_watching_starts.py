"""What xats looks at for a start, and what it leaves alone: rows of a shared store are no proof."""

import os

import pytest

from tests.profiles.test_recorded_screens import RECORDINGS, recorded
from xats.base import host, process, seats
from xats.base.pane import Pane
from xats.core.agents import agents
from xats.core.crews import starts
from xats.crews import watching
from xats.delivery import attempt, target, transports
from xats.delivery.settings import Settings
from xats.tmux import places, screen

PANE = Pane("/s", 1, 2, "%3", 4, "/dev/pts/9")
GONE = (2**22 - 1, 5)  # a pid that no process has


@pytest.fixture
def seen(team, monkeypatch):
    """Return a start of bob, whose program is this process, or the given one; no screen may be looked at."""

    def no(*_):
        raise AssertionError("it looked at a pane")

    monkeypatch.setattr(places, "last_lines", no)
    monkeypatch.setattr(screen, "look", no)

    def make(of=None, **changes):
        of = of or (os.getpid(), process.started(os.getpid()))
        seat = agents.Seat(host.id(), *of, pane=PANE)
        agent = team.register("bob", seat=seat).details.agent
        new = starts.New("t", "codex", host.id(), "box", "window", "/f", (1, 2))

        def work(tx):
            starts.begin(tx, agent, new, lambda *_: True)
            starts.use(tx, "t", of, PANE)
            for name, value in changes.items():
                tx.run(f"update starts set {name} = :value", value=value)
            return watching.find(tx, starts.by_token(tx, "t"))

        return team.store.write(work)

    return make


def test_a_start_that_this_host_did_not_register_shows_no_screen(seen, monkeypatch):
    monkeypatch.setattr(seats, "ours", lambda *_: False)
    assert watching.look("postgresql://box/db", seen()) is None
    found = watching.look("postgresql://box/db", seen(GONE))
    assert (found.state, found.detail) == ("failed", "the program ended before it was ready")


def test_a_start_of_another_process_than_the_agent_shows_no_screen(seen):
    one = seen(pid=os.getppid(), pid_started=process.started(os.getppid()))
    assert not watching.ours("/db", one)
    assert watching.look("/db", one) is None


def test_a_start_of_another_host_is_not_looked_at(seen):
    assert watching.look("/db", seen(host="elsewhere")) is None


def test_a_program_whose_end_is_known_has_stopped(seen):
    assert watching.look("/db", seen(GONE, state="running")) == watching.Finding("stopped", "its program has ended")
    assert watching.look("/db", seen(GONE, state="stopping")).detail == "xats ended it"


@pytest.mark.parametrize(
    "path", [one for one in RECORDINGS if one.stem == "dialog-trust"], ids=lambda one: one.parent.name
)
def test_a_trust_dialog_of_a_real_program_needs_a_person(seen, monkeypatch, path):
    known, look = recorded(path)
    look.pane_pid, look.dead = PANE.pane_pid, False
    look.rows = lambda: screen.plain(look.screen).split("\n")
    monkeypatch.setattr(screen, "look", lambda _: look)
    one = seen(client=known.name)
    found = watching.look("/db", one)
    assert found.state == "needs_you"
    assert "trust" in found.detail.lower()


# -- mail for a program that begins ------------------------------------------------------------------------------------


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


def test_a_program_that_begins_is_not_woken_before_it_is_ready(seen, team, attempted):
    """Its process may run a wrapper yet, which would count as its program for ever."""
    team.add("alice")
    one = seen()
    team.send("alice", "bob")
    assert attempted() == "busy"
    assert attempted.pasted == []
    assert team.store.read(lambda tx: agents.current_session(tx, one.start.agent)).programs is None
    team.store.write(lambda tx: watching.note(tx, one, watching.Finding("running"), tell=False))
    assert attempted() == "draft_present"  # it is due at once
    assert attempted.pasted[0] is not None


def test_mail_does_not_come_before_the_first_prompt(seen, team, attempted, clock):
    team.add("alice")
    seen(state="running", prompt="pending", state_at=clock.now)
    team.send("alice", "bob")
    assert attempted() == "busy"
    clock.tick(attempt.FIRST)  # the prompt cannot be typed
    assert attempted() == "draft_present"


def test_a_program_that_was_started_before_is_no_obstacle(seen, team, attempted):
    """The agent has registered again, in another process."""
    team.add("alice")
    seen(pid=os.getppid(), pid_started=process.started(os.getppid()))
    team.send("alice", "bob")
    assert attempted() == "draft_present"
