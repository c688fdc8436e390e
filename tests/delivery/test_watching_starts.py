"""What xats looks at for a start, and what it leaves alone: rows of a shared store are no proof."""

import os
import re

import pytest

from tests.profiles.test_recorded_screens import RECORDINGS, recorded
from xats.base import host, process, seats
from xats.base.pane import Pane
from xats.base.record import replace
from xats.core.agents import agents
from xats.core.crews import starts
from xats.crews import watching
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


def test_a_program_runs_on_whose_xats_down_was_killed(seen, team):
    one = seen(state="stopping")
    assert watching.look("/db", one) is None
    later = replace(one, now=one.start.state_at + watching.STUCK + 1)
    found = watching.look("/db", later)
    team.store.write(lambda tx: watching.note(tx, later, found, tell=True))
    assert team.store.read(lambda tx: starts.by_token(tx, "t")).state == "running"


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
    assert re.search(r"do you trust|trust this folder\?|safety check", found.detail.lower())
    assert not set(found.detail) & set("│┃╭╰")


@pytest.mark.parametrize("name", ["codex", "gemini"])
@pytest.mark.parametrize("reported", [False, True], ids=["", "reported"])
def test_a_composer_before_a_dialog_is_not_ready(seen, monkeypatch, name, reported):
    shown = {one.stem: one for one in RECORDINGS if one.parent.name == name}
    known, _ = recorded(shown["start-up"])
    one = seen(client=name)

    def at(ms, stem):
        _, look = recorded(shown[stem])
        look.pane_pid, look.dead = PANE.pane_pid, False
        look.rows = lambda: screen.plain(look.screen).split("\n")
        monkeypatch.setattr(screen, "look", lambda _: look)
        found = watching.look("/db", replace(one, now=one.now + ms))
        return found and found.state

    monkeypatch.setattr(watching, "_reported", lambda _: reported)
    assert at(0, "start-up") is None
    assert at(300, "start-up") is None
    assert at(known.start_ms, "dialog-trust") == "needs_you"
    assert at(known.start_ms + 100, "idle-empty") is None
    assert at(2 * known.start_ms + 100, "idle-empty") == "running"
