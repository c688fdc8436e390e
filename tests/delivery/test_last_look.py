"""The last look is the last step: nothing that can wait comes between it and the key that it allows."""

import itertools
import time

import pytest

from tests.delivery.conftest import LINE, until
from tests.support.stagehand import play
from xats.base import faults, host
from xats.core.agents import agents
from xats.delivery import poke
from xats.delivery.settings import Settings
from xats.tmux import examine, guards, paste, screen
from xats.tmux.examine import Outcome

DELIVERED = Outcome("delivered")
SLOW = 1.5 * examine.STALE / 1000  # seconds


def never():
    raise AssertionError("the line was asked for")


@pytest.fixture
def steps(monkeypatch):
    """What an attempt does, in order."""
    done = []

    def note(name, real):
        def call(*args, **kwargs):
            done.append(name)
            return real(*args, **kwargs)

        return call

    def run(socket, *words, real=paste.run, **kwargs):
        act = next((name for name in ("paste-buffer", "send-keys") if any(name in word for word in words)), "run")
        done.append(act)
        return real(socket, *words, **kwargs)

    monkeypatch.setattr(examine, "look", note("look", examine.look))
    monkeypatch.setattr(examine, "foreground", note("processes", examine.foreground))
    monkeypatch.setattr(paste, "run", run)
    return done


def over_it(seat):
    """Open a dialog below a composer: it moves neither the cursor nor the title."""
    words = "Delete the production database? 1. Yes 2. No"
    with open(seat.pane.tty, "w") as terminal:
        terminal.write(f"\x1b7\x1b[24;1H{words}\x1b8")
    until(lambda: words in seat.text())


# -- the order ---------------------------------------------------------------------------------------------------------


def test_the_store_then_the_processes_then_a_look_then_the_key(desk, steps):
    seat = desk.compose("--swallow", "1")
    expected = guards.Expected(parked=lambda _: steps.append("processes"))
    outcome = seat.attempt(line=lambda: steps.append("store") or LINE, expected=expected)
    assert outcome == DELIVERED
    pasted = steps.index("paste-buffer")
    assert steps[pasted - 4 : pasted] == ["store", "processes", "processes", "look"]
    enters = [index for index, step in enumerate(steps) if step == "send-keys"]
    assert len(enters) == 2
    for index in enters:
        assert steps[index - 3 : index] == ["processes", "processes", "look"]
    assert steps.count("store") == 1


def test_what_a_guard_is_asked_about_is_the_last_look(desk, steps):
    seat = desk.compose()
    judged = []
    assert seat.attempt(guards=[lambda look: judged.append((len(steps), look)) and None]) == DELIVERED
    for key in ("paste-buffer", "send-keys"):
        index = steps.index(key)
        [(_, look)] = [one for one in judged if one[0] == index]
        assert (LINE in look.plain()) == (key == "send-keys")


def test_a_dialog_that_opens_while_the_store_is_locked(desk):
    seat = desk.compose()
    outcome = seat.attempt(line=lambda: over_it(seat) or LINE)
    assert outcome == Outcome("refused", "not_quiet", "its screen changed just before the paste")
    assert not seat.sent
    assert LINE not in seat.text()
    assert desk.buffers() == ""


def test_a_dialog_that_opens_while_the_processes_are_listed(desk):
    seat = desk.compose()
    asked = []

    def alone():
        asked.append(1)
        if len(asked) == 3:
            over_it(seat)

    assert seat.attempt(expected=guards.Expected(parked=lambda _: alone())).reason == "not_quiet"
    assert (len(asked), seat.sent, LINE in seat.text()) == (3, [], False)


def test_words_that_come_while_the_processes_are_listed_before_the_enter(desk):
    seat = desk.compose()

    def alone():
        if LINE in seat.text() and "no," not in seat.text():
            desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", "no, ")
            until(lambda: "no," in seat.text())

    assert seat.attempt(expected=guards.Expected(parked=lambda _: alone())).state == "unconfirmed"
    assert (seat.sent, seat.enters) == ([], 0)


# -- a look that has grown old -----------------------------------------------------------------------------------------


def slow_before_the_paste(monkeypatch, times, then=lambda: None):
    """Make the machine slow for the first looks; return how often it was."""
    count = []

    def point(name):
        if name == "paste.before" and len(count) < times:
            count.append(name)
            time.sleep(SLOW)
            then()

    monkeypatch.setattr(faults, "point", point)
    return count


def test_a_look_that_has_grown_old_is_taken_again(desk, monkeypatch, steps):
    seat = desk.compose()
    count = slow_before_the_paste(monkeypatch, 2)
    assert seat.attempt() == DELIVERED
    assert (len(count), seat.sent, seat.enters) == (2, [LINE], 1)
    assert steps[: steps.index("paste-buffer")].count("look") == 5
    assert desk.buffers() == ""


def test_and_what_it_shows_then_counts(desk, monkeypatch):
    seat = desk.compose()
    slow_before_the_paste(monkeypatch, 1, lambda: over_it(seat))
    assert seat.attempt().reason == "not_quiet"
    assert not seat.sent
    assert LINE not in seat.text()


def test_a_machine_that_stays_slow_types_nothing_and_tries_again_soon(desk, monkeypatch):
    seat = desk.compose()
    count = slow_before_the_paste(monkeypatch, 99)
    outcome = seat.attempt()
    assert (outcome.state, outcome.reason, len(count)) == ("postponed", "host_busy", paste.LOOKS)
    assert (seat.sent, LINE in seat.text(), desk.buffers()) == ([], False, "")
    monkeypatch.undo()


def test_a_machine_that_is_slow_before_the_enter(desk):
    """Nothing is pressed; the line stays, and the next attempt presses only Enter."""
    seat = desk.compose()
    outcome = seat.attempt(guards=[lambda look: time.sleep(SLOW) if LINE in look.plain() else None])
    assert (outcome.state, outcome.reason) == ("postponed", "host_busy")
    assert (seat.sent, seat.enters) == ([], 0)
    assert seat.attempt(line=never) == DELIVERED
    assert (seat.sent, seat.enters) == ([LINE], 1)


def test_a_change_of_the_pane_that_hides_nothing_is_looked_at_again(desk, monkeypatch):
    seat = desk.compose()
    flip = itertools.cycle(("on", "off"))
    done = []

    def point(name):
        if name == "paste.before" and len(done) < 2:
            done.append(name)
            desk.cmd("set-option", "-w", "-t", seat.pane.pane_id, "synchronize-panes", next(flip))

    monkeypatch.setattr(faults, "point", point)
    assert seat.attempt() == DELIVERED
    assert (len(done), seat.sent, desk.buffers()) == (2, [LINE], "")


def test_a_poke_on_a_slow_machine(desk, monkeypatch):
    role = play(desk, "claude-code")
    seat = agents.Seat(host.id(), *role.client, None, role.pane)
    agent = agents.Agent(1, "t", "bob", None, "claude-code", None, 1, 0, True, "tmux")
    slow_before_the_paste(monkeypatch, 99)
    found = poke.poke(agent, agents.Session(1, 1, 1, seat, 0, None), "Please go on", Settings(quiet=50))
    assert (found.state, found.reason) == ("refused", "host_busy")
    assert role.got == []
    assert screen.look(role.pane).wake == ""
