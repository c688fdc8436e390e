"""A process that is killed at any point of an attempt, and the next one, reach exactly one submission."""

import json
import os
import subprocess
import sys

import pytest

from tests import support
from tests.delivery.conftest import LINE, until
from xats.base import process
from xats.tmux import paste
from xats.tmux.examine import Outcome

FIELDS = ("socket", "server_pid", "server_start", "pane_id", "pane_pid", "tty")


def run_apart(seat, fault="", line=LINE, token="wake-1"):
    pane = {name: getattr(seat.pane, name) for name in FIELDS}
    given = {"pane": pane, "client": seat.client, "line": line, "token": token, "quiet_ms": 60}
    return subprocess.run(
        [sys.executable, os.path.join(support.FOLDER, "once.py"), json.dumps(given)],
        env={**os.environ, "XATS_FAULT": fault, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_fault_it_delivers(desk):
    seat = desk.compose()
    assert json.loads(run_apart(seat).stdout) == ["delivered", "", ""]
    assert seat.sent == [LINE]


@pytest.mark.parametrize("options", [(), ("--swallow", "1"), ("--slow", "0.2")], ids=" ".join)
@pytest.mark.parametrize("fault", ["paste.before", "paste.after", "enter.after"])
def test_killed_and_tried_again(desk, fault, options):
    seat = desk.compose(*options)
    assert run_apart(seat, fault).returncode == -9
    assert seat.sent == [] or fault == "enter.after"
    assert seat.attempt().state == "delivered"
    assert seat.sent == [LINE]
    assert seat.enters == 1 + ("--swallow" in options)
    assert desk.buffers() == ""


@pytest.mark.parametrize("faults", [["paste.before", "paste.after", "enter.after"], ["paste.after"] * 2])
def test_killed_again_and_again(desk, faults):
    seat = desk.compose(width=20)
    for fault in faults:
        run_apart(seat, fault)
    assert seat.attempt().state == "delivered"
    assert seat.sent == [LINE]


def test_after_the_paste_the_line_that_was_pasted_is_the_one_to_look_for(desk):
    seat = desk.compose()
    first = "xats: it's 1 new; from #{pid} - run: xats inbox"
    run_apart(seat, "paste.after", line=first)
    until(lambda: first in seat.text())
    assert seat.attempt(line=lambda: pytest.fail("asked")) == Outcome("delivered")
    assert seat.sent == [first]


def test_after_the_enter_nothing_is_touched(desk):
    seat = desk.compose()
    run_apart(seat, "enter.after")
    until(lambda: seat.sent)
    assert seat.attempt(line=lambda: pytest.fail("asked")) == Outcome("delivered", "", "by an earlier attempt")
    assert (seat.sent, seat.enters) == ([LINE], 1)


def test_never_pasted_again_over_an_unknown_state(desk, monkeypatch):
    monkeypatch.setattr(paste, "SHOW", 300)
    seat = desk.compose()
    run_apart(seat, "paste.after")
    until(lambda: LINE in seat.text())
    desk.cmd("send-keys", "-t", seat.pane.pane_id, "-l", " and then")
    until(lambda: "and then" in seat.text())
    for _ in range(2):
        assert seat.attempt(line=lambda: pytest.fail("asked")).state == "unconfirmed"
    assert (seat.sent, seat.enters) == ([], 0)
    assert seat.text().count("xats:") == 1


def test_the_line_of_another_wake_says_nothing_about_this_one(desk):
    seat = desk.compose()
    run_apart(seat, "enter.after", token="wake-0")
    until(lambda: seat.text().rstrip().endswith("\n>"))
    assert seat.attempt() == Outcome("delivered")
    assert seat.sent == [LINE, LINE]


def test_killed_and_the_pane_died_meanwhile(desk):
    seat = desk.compose()
    run_apart(seat, "paste.after")
    desk.keep_dead(seat.pane)
    os.kill(seat.pid, 9)
    until(lambda: desk.show(seat.pane, "#{pane_dead}") == "1")
    assert seat.attempt().reason == "pane_dead"
    assert process.started(desk.pid) is not None


def test_killed_and_the_pane_was_respawned_with_the_options_kept(desk):
    seat = desk.compose()
    run_apart(seat, "paste.after")
    _, command = desk.command()
    desk.cmd("respawn-pane", "-k", "-t", seat.pane.pane_id, f"exec {command}")
    assert desk.show(seat.pane, "#{@xats_wake}") == "wake-1:pasted"
    assert seat.attempt().reason == "pane_changed"
    assert seat.sent == []


def test_killed_and_the_client_left_its_shell_in_front(desk):
    seat = desk.compose_in_bash()
    run_apart(seat, "paste.after")
    until(lambda: LINE in seat.text())
    os.kill(seat.pid, 15)
    until(lambda: seat.text().rstrip().endswith("at-bash$"))
    before = seat.text()
    assert seat.attempt().reason == "shell_foreground"
    assert seat.text() == before
