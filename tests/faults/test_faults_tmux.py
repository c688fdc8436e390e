"""tmux hangs, answers late or nonsense, dies, comes back with the same pane ids, loses the pane at the worst moment."""

from __future__ import annotations

import json
import os
import signal

import pytest

from tests.support.dump import assert_whole
from tests.support.world import until
from xats.base import process

LINE = "xats: 1 new from alice - run: xats inbox"


def test_it_hangs_and_comes_back(world, desk):
    fake = world.fake_tmux('[ -e "$T/well" ] || hang')
    daemon = world.daemon(XATS_LADDER="500ms,500ms,500ms,500ms,500ms", **fake)
    world.send("bob")
    wake = world.until_wake(state="retrying", reason="tmux_unavailable")
    assert wake["attempts"] == 1
    world.note("well")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    assert daemon.poll() is None


def test_it_hangs_after_the_paste(world, desk):
    """Nobody knows what happened to the paste but tmux: the next attempt asks it, and finishes."""
    fake = world.fake_tmux('case "$*" in *load-buffer*) tmux "$@" >/dev/null; [ -e "$T/well" ] || hang;; esac')
    world.send("bob")
    daemon = world.daemon(XATS_LADDER="500ms,500ms,500ms,500ms", **fake)
    world.until_wake(state="retrying", reason="tmux_unavailable")
    world.note("well")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    assert daemon.poll() is None


def test_it_answers_late(world, desk):
    world.send("bob")
    found = world.json("deliver", "--once", **world.fake_tmux("sleep 0.7"))
    assert found["wakes"][0]["state"] == "delivered"
    assert desk.bob.sent == [LINE]


@pytest.mark.parametrize(
    ("shell", "reason"),
    [
        ("exit 1", "tmux_unavailable"),
        ('echo "server exited unexpectedly" >&2; exit 1', "tmux_unavailable"),
        ('echo "no server running on $T/s" >&2; exit 1', "tmux_unavailable"),
        ("echo nonsense; exit 0", "tmux_unavailable"),
        ("exit 0", "tmux_unavailable"),
        ("kill -9 $$", "tmux_unavailable"),
    ],
)
def test_it_answers_nonsense(world, desk, shell, reason):
    world.send("bob")
    found = world.json("deliver", "--once", **world.fake_tmux(shell))
    assert [(one["state"], one["reason"]) for one in found["wakes"]] == [("refused", reason)]
    assert desk.bob.untouched()
    assert_whole(world)


def test_it_is_not_installed(world, desk):
    world.send("bob")
    found = world.json("deliver", "--once", XATS_TMUX=os.path.join(world.folder, "nothing"))
    assert found["wakes"][0]["reason"] == "tmux_missing"


# After the first look the quiet window is open.
LOOKED = 'tmux "$@"; status=$?; case "$*" in *capture-pane*) : >"$T/looked";; esac; exit $status'


def test_it_dies_in_the_quiet_window_and_the_daemon_does_not(world, desk):
    daemon = world.daemon(XATS_QUIET_MS="1500", **world.fake_tmux(LOOKED))
    world.send("bob")
    until(lambda: world.noted("looked"))
    desk.stop()
    wake = world.until_wake(state="queued", reason="server_gone")
    assert (wake["attempts"], wake["next_attempt_at"]) == (0, None)
    desk.start()
    bob = desk.compose()
    world.register("bob", bob, "--takeover")
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]
    assert daemon.poll() is None


def test_it_restarts_with_the_same_pane_ids_in_the_quiet_window(world, desk):
    world.daemon(XATS_QUIET_MS="3000", **world.fake_tmux(LOOKED))
    world.send("bob")
    until(lambda: world.noted("looked"))
    pane = desk.bob.pane
    desk.stop()
    desk.start()
    stranger = desk.compose()
    assert stranger.pane == pane
    wake = world.until_wake(lease_token=None, state="queued")
    assert wake["reason"] == "server_gone"
    assert wake["next_attempt_at"] is None
    assert stranger.untouched()


# What happens after the last look, in the very moment of the paste: `$T/now` is made, and the test acts until `$T/go`.
MOMENT = 'case "$*" in *{}*) : >"$T/now"; hang;; esac'


@pytest.fixture
def moment(world):
    """Run a round; do something at the moment of the call that holds `word`; return what the round reported."""

    def act_at(word, act):
        made = world.start("deliver", "--once", "--json", **world.fake_tmux(MOMENT.format(word)))
        until(lambda: world.noted("now"))
        act()
        world.note("go")
        out, err = made.communicate(timeout=60)
        assert made.returncode == 0, err
        assert err == ""
        [found] = json.loads(out)["wakes"]
        return found["state"], found["reason"]

    return act_at


def test_the_pane_is_lost_between_guard_and_paste(world, desk, moment):
    world.send("bob")
    assert moment("load-buffer", lambda: desk.cmd("kill-pane", "-t", desk.bob.pane)) == ("refused", "no_pane")
    assert desk.alive
    assert desk.cmd("list-buffers") == ""
    assert world.wake()["next_attempt_at"] is None
    assert_whole(world)


def test_the_pane_dies_between_guard_and_paste(world, desk, moment):
    """A paste into a dead pane that remains crashes tmux before 3.4, with everybody's sessions."""
    world.send("bob")
    desk.cmd("set-option", "-p", "-t", desk.bob.pane, "remain-on-exit", "on")

    def die():
        os.kill(desk.bob.pid, signal.SIGKILL)
        until(lambda: desk.cmd("display-message", "-p", "-t", desk.bob.pane, "#{pane_dead}") == "1")

    assert moment("load-buffer", die) == ("refused", "pane_dead")
    assert desk.alive
    assert desk.cmd("list-buffers") == ""


def test_another_program_is_in_the_pane_between_guard_and_paste(world, desk, moment):
    world.send("bob")

    def respawn():
        desk.cmd("respawn-pane", "-k", "-t", desk.bob.pane, "exec cat")
        until(lambda: desk.cmd("display-message", "-p", "-t", desk.bob.pane, "#{pane_current_command}") == "cat")

    assert moment("load-buffer", respawn) == ("refused", "pane_changed")
    assert "xats" not in desk.text(desk.bob.pane)


def test_somebody_types_between_guard_and_paste(world, desk, moment):
    world.send("bob")

    def type_something():
        desk.cmd("send-keys", "-t", desk.bob.pane, "-l", "half a li")
        until(lambda: "half a li" in desk.text(desk.bob.pane))

    assert moment("load-buffer", type_something) == ("refused", "not_quiet")
    assert "xats" not in desk.text(desk.bob.pane)
    assert desk.bob.sent == []


def test_copy_mode_between_paste_and_enter(world, desk, moment):
    world.send("bob")
    state = moment("send-keys", lambda: desk.cmd("copy-mode", "-t", desk.bob.pane))
    assert state == ("refused", "copy_mode")
    assert desk.bob.sent == []
    desk.cmd("copy-mode", "-q", "-t", desk.bob.pane)
    world.xats("register", "bob", "--pane", desk.bob.pane, TMUX=f"{desk.socket},{desk.pid},0", TMUX_PANE="%0")
    world.xats("deliver", "--once")  # the line is there already: it is only entered
    assert desk.bob.sent == [LINE]
    assert world.wake()["state"] == "delivered"


def test_the_server_dies_between_guard_and_paste_and_is_back_with_the_same_ids(world, desk, moment):
    world.send("bob")
    pane, strangers = desk.bob.pane, []

    def restart():
        desk.stop()
        desk.start()
        strangers.append(desk.compose())

    state, reason = moment("load-buffer", restart)
    assert (state, strangers[0].pane) == ("refused", pane)
    assert reason == "server_gone"
    assert strangers[0].untouched()
    assert desk.alive


def test_the_server_dies_between_paste_and_enter(world, desk, moment):
    world.send("bob")
    assert moment("send-keys", desk.stop) == ("refused", "server_gone")
    assert world.wake()["next_attempt_at"] is None
    assert_whole(world)


def test_no_child_of_a_hung_call_is_left_behind(world, desk):
    world.send("bob")
    world.xats("deliver", "--once", **world.fake_tmux('echo $$ >>"$T/pids"; hang'))
    with open(os.path.join(world.folder, "pids")) as file:
        pids = [int(line) for line in file]
    assert pids
    assert [pid for pid in pids if process.started(pid)] == []
