"""The tmux transport: one wake's line is never joined to another's."""

import os
import shlex
import sys

import pytest

from tests.delivery.conftest import Seat, until
from tests.support.requests import request
from tests.support.stagehand import play
from xats.base import faults, process, program
from xats.core.agents import agents
from xats.delivery.settings import Settings
from xats.delivery.transports import tmux
from xats.tmux import paste

FIRST = "xats: 1 new from alice - run: xats inbox"
SECOND = "xats: 2 new from alice, carol - run: xats inbox"


def deliver(seat, token: str, line: str, client: str = "generic", programs=None):
    session = agents.Session(1, 1, 1, agents.Seat("here", *seat.client, None, seat.pane), 0, None, programs)
    how = {"token": token, "settings": Settings(quiet=50), "is_token": lambda other: other.startswith("store-")}
    return tmux.deliver(request(session, lambda: line, client, **how))


def test_a_line_that_was_not_taken_keeps_the_next_wake_away(desk):
    seat = desk.compose("--swallow", "100")
    assert deliver(seat, "store-1", FIRST).reason == "unconfirmed"
    assert deliver(seat, "store-2", SECOND).reason == "draft_present"
    assert FIRST in seat.text()
    assert SECOND not in seat.text()
    assert seat.sent == []


def test_the_line_of_an_ended_wake_does_not_keep_the_next_one_away(desk):
    seat = desk.compose()
    assert deliver(seat, "store-1", FIRST).state == "delivered"
    assert deliver(seat, "store-2", SECOND).state == "delivered"
    assert seat.sent == [FIRST, SECOND]


def test_words_of_an_unknown_program_that_change_are_noise_and_those_that_stay_a_draft(desk):
    noise = "import time\nwhile True: print(end=f'\\rworking {time.monotonic_ns()} ', flush=True); time.sleep(0.02)"
    noisy = desk.open(shlex.join(["exec", sys.executable, "-c", noise]))
    still = desk.open(
        shlex.join(["exec", sys.executable, "-c", "import time; print(end='half a li', flush=True); time.sleep(99)"])
    )
    for pane, reason in ((noisy, "not_quiet"), (still, "draft_present")):
        until(lambda pane=pane: desk.text(pane).strip())
        seat = agents.Session(1, 1, 1, agents.Seat("here", None, None, None, pane), 0, None)
        assert tmux.deliver(request(seat, lambda: FIRST, settings=Settings(quiet=1500))).reason == reason
        assert "xats" not in desk.text(pane)


@pytest.mark.parametrize(("prompt", "draft"), [("\u2764\ufe0f> ", "x"), ("\u2764\ufe0f" * 3 + "> ", "no")])
def test_a_draft_of_an_unknown_program_is_seen_behind_characters_that_take_no_cell(desk, prompt, draft):
    seat = desk.compose("--prompt", prompt)

    def column():
        return desk.cmd("display-message", "-p", "-t", seat.pane.pane_id, "#{cursor_x}")

    empty = column()
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", draft)
    until(lambda: f"> {draft}" in seat.text())
    assert deliver(seat, "store-1", FIRST).reason == "draft_present"
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "Enter")
    until(lambda: seat.sent == [draft] and column() == empty)
    assert deliver(seat, "store-1", FIRST).state == "delivered"


def test_words_behind_the_cursor_of_an_unknown_program_are_a_draft(desk):
    """Somebody went back to the start of what he has written; who knows whether what is drawn faint is a hint."""
    for style, reason in (("", "draft_present"), ("\033[2m", "screen_unknown")):
        show = f"printf '> {style}half a li\033[0m\r> '; exec cat >/dev/null"
        pane = desk.open(f"stty -icanon -echo -icrnl; {show}")
        until(lambda pane=pane: "half" in desk.text(pane))
        seat = agents.Session(1, 1, 1, agents.Seat("here", None, None, None, pane), 0, None)
        assert tmux.deliver(request(seat, lambda: FIRST, settings=Settings(quiet=50))).reason == reason


def wrapped(desk, name: str) -> Seat:
    """Return a wrapper that runs an unknown program, called `name`, in its own process group."""
    link = os.path.join(desk.folder, name)
    os.symlink(os.path.realpath(sys.executable), link)
    log, command = desk.command()
    words = [link, *shlex.split(command)[1:]]
    run = "import subprocess, sys; subprocess.call(sys.argv[1:])"
    seat = Seat(desk.open(shlex.join(["exec", sys.executable, "-c", run, *words])), log, desk)
    assert (seat.pid != seat.pane.pane_pid, process.read(seat.pid).name) == (True, name)
    seat.client = (seat.pane.pane_pid, process.started(seat.pane.pane_pid))
    return seat


@pytest.mark.parametrize("name", ["vim", "less", "agentlet"])
def test_an_unknown_program_that_has_opened_another_one_is_left_alone(desk, name):
    """The other looks like the idle program, and is in its process group."""
    seat = wrapped(desk, name)
    result = deliver(seat, "store-1", FIRST)
    assert (result.reason, result.detail) == ("child_foreground", f"{name} (pid {seat.pid}) reads this terminal")
    assert (seat.sent, "xats" in seat.text()) == ([], False)
    outer, inner = process.read(seat.client[0]), process.read(seat.pid)
    runs_through = program.look(outer.pid, [inner])  # it was there when the agent was registered: npx, or a script
    assert deliver(seat, "store-1", FIRST, programs=runs_through).state == "delivered"
    seat.client = (seat.pid, inner.started)  # it is the agent itself
    assert deliver(seat, "store-2", SECOND).state == "delivered"


# -- the line that an earlier wake left behind -------------------------------------------------------------------------


def strand(desk, monkeypatch, look):
    """Return a player whose composer holds the line of a wake that died between its paste and its Enter."""
    role = play(desk, look)
    die_before_enter(monkeypatch, lambda: role.deliver(line=lambda: FIRST, token="store-1"))
    until(lambda: FIRST in role.text())
    return role


def die_before_enter(monkeypatch, attempt) -> None:
    """Let `attempt` die between its paste and its Enter."""

    class Died(Exception):
        pass

    def die(name):
        if name == "paste.after":
            raise Died

    monkeypatch.setattr(faults, "point", die)
    with pytest.raises(Died):
        attempt()
    monkeypatch.undo()


@pytest.fixture
def same_locks(desk, monkeypatch):
    """Undoing what a test has put in the place of something must not undo where the locks are."""
    with pytest.MonkeyPatch.context() as inner:
        yield inner


@pytest.mark.parametrize("look", ["claude-code", "codex", "gemini", "opencode"])
def test_a_stranded_line_is_sent_off_in_place_of_ours(desk, same_locks, look):
    role = strand(desk, same_locks, look)
    assert role.deliver(line=lambda: SECOND, token="store-2").state == "delivered"
    assert role.sent == [FIRST]


@pytest.mark.parametrize("look", ["readline", "claude-code"])
def test_the_line_of_a_token_that_our_store_does_not_know_is_a_draft(desk, same_locks, look):
    """The pane remembers a wake of a store that was removed, or replaced by a backup."""
    role = strand(desk, same_locks, look)
    assert role.deliver(line=lambda: SECOND, token="store-2", is_token=lambda _: False).reason == "draft_present"
    assert (role.sent, role.enters) == ([], 0)
    assert SECOND not in role.text()


@pytest.mark.parametrize("look", ["claude-code", "codex", "gemini", "opencode"])
@pytest.mark.parametrize(("obstacle", "reason"), [("dialog", "dialog_open"), ("busy", "busy")])
def test_a_stranded_line_is_not_sent_off_into_what_has_come_since(desk, same_locks, look, obstacle, reason):
    role = strand(desk, same_locks, look)
    looked = before_the_second(same_locks, lambda: role.do(obstacle))
    assert role.deliver(line=lambda: SECOND, token="store-2").reason == reason
    assert looked == ["store-2", "store-1"]
    assert (role.sent, role.approvals, role.enters) == ([], 0, 0)


def before_the_second(monkeypatch, happen) -> list[str]:
    """Let something `happen` when the first attempt has found nothing but the line; return the attempts' tokens."""
    real, looked = paste.attempt, []

    def attempt(*args, **kwargs):
        looked.append(kwargs["token"])
        if len(looked) == 2:
            happen()
        return real(*args, **kwargs)

    monkeypatch.setattr(paste, "attempt", attempt)
    return looked


def test_a_stranded_line_is_not_sent_off_into_an_editor_of_an_unknown_program(desk, same_locks):
    role = play(desk, "readline")
    die_before_enter(same_locks, lambda: role.deliver(line=lambda: FIRST, token="store-1"))
    until(lambda: FIRST in role.text())
    looked = before_the_second(same_locks, lambda: role.do("run exec sleep 1h"))
    assert role.deliver(line=lambda: SECOND, token="store-2").reason == "child_foreground"
    assert (looked, role.sent) == (["store-2", "store-1"], [])
    role.do("stop")
    same_locks.undo()
    assert role.deliver(line=lambda: SECOND, token="store-2").state == "delivered"
    assert role.sent == [FIRST]
