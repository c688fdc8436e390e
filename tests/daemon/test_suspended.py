"""Which wakes are suspended, and what ends that: a real daemon, real tmux servers, and everything that can go away.

The ladder waits for hours here, so a wake that comes back does so by itself.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.world import COMPOSER, Composer, until
from xats.base import process

LINE = "xats: 1 new from alice - run: xats inbox"


# -- known to be gone: suspended until the agent registers anew --------------------------------------------------------


def pane_killed(world, desk):
    desk.cmd("kill-pane", "-t", desk.bob.pane)
    return "no_pane", desk.compose


def server_killed(world, desk):
    desk.stop()

    def back():
        desk.start()
        return desk.compose()

    return "server_gone", back


def server_restarted_with_the_same_pane(world, desk):
    pane = desk.bob.pane
    desk.stop()
    desk.start()
    stranger = desk.compose()
    assert stranger.pane == pane
    return "server_gone", lambda: stranger


def pane_that_stays_when_its_process_ends(world, desk):
    desk.cmd("set-option", "-w", "-t", desk.bob.pane, "remain-on-exit", "on")
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: desk.cmd("display-message", "-p", "-t", desk.bob.pane, "#{pane_dead}") == "1")
    return "pane_dead", lambda: respawn(world, desk)


def pane_respawned(world, desk):
    made = respawn(world, desk)
    return "pane_changed", lambda: made


def respawn(world, desk):
    log = os.path.join(world.folder, "respawned.log")
    command = "exec " + shlex.join([sys.executable, COMPOSER, log])
    desk.cmd("respawn-pane", "-k", "-t", desk.bob.pane, command)
    return Composer(desk, desk.bob.pane, log)


def process_ended_with_another_program_in_front(world, desk):
    """What runs the agent goes on with something that is no shell."""
    log = os.path.join(world.folder, "wrapped.log")
    inner = shlex.join([sys.executable, COMPOSER, log])
    desk.bob = Composer(desk, desk.open(f"exec sh -c {shlex.quote(f'{inner}; cat; true')}"), log)
    world.register("bob", desk.bob, "--takeover")
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: desk.cmd("display-message", "-p", "-t", desk.bob.pane, "#{pane_current_command}") != "python")
    return "process_gone", desk.compose


def unregistered(world, desk):
    world.send("bob")
    world.xats("unregister", "bob", "--force")
    return "not_registered", lambda: desk.bob


def held_for_an_agent_that_left(world, desk):
    world.xats("unregister", "bob", "--force")
    world.xats("send", "bob", "hello", "--hold", "--as", "alice")
    return "not_registered", lambda: desk.bob


def seat_that_waits(world, desk):
    desk.cmd("kill-pane", "-t", desk.bob.pane)
    until(lambda: process.started(desk.bob.pid) is None)
    world.xats("seat", "bob")
    return "no_program", desk.compose


def seat_that_is_resumed(world, desk):
    """The end of a pause has it tried, and it is suspended for the same reason."""
    desk.cmd("kill-pane", "-t", desk.bob.pane)
    until(lambda: process.started(desk.bob.pid) is None)
    world.xats("seat", "bob")
    world.xats("pause", "bob", "--as", "alice")
    world.send("bob")
    world.xats("resume", "bob", "--as", "alice")
    return "no_program", desk.compose


GONE = [
    pane_killed,
    server_killed,
    server_restarted_with_the_same_pane,
    pane_that_stays_when_its_process_ends,
    pane_respawned,
    process_ended_with_another_program_in_front,
    unregistered,
    held_for_an_agent_that_left,
    seat_that_waits,
    seat_that_is_resumed,
]
SENT = (unregistered, held_for_an_agent_that_left, seat_that_is_resumed)  # these send the mail themselves


@pytest.mark.parametrize("event", GONE)
def test_a_target_that_is_gone_suspends_until_the_agent_registers(world, desk, event):
    reason, back = event(world, desk)
    if event not in SENT:
        world.send("bob")
    daemon = world.daemon()
    wake = world.until_wake(reason=reason)
    assert (wake["state"], wake["attempts"], wake["next_attempt_at"]) == ("queued", 0, None)
    successor = back()
    assert successor.sent == []
    world.register("bob", successor, "--takeover")
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert successor.sent == [LINE]
    assert daemon.poll() is None


# -- passes: never suspended, and tried again by itself ----------------------------------------------------------------


def server_stopped(world, desk):
    os.kill(desk.pid, signal.SIGSTOP)
    return "tmux_unavailable", lambda: os.kill(desk.pid, signal.SIGCONT)


def socket_moved(world, desk):
    away = f"{desk.socket}.away"
    os.rename(desk.socket, away)
    return "tmux_unavailable", lambda: os.rename(away, desk.socket)


def socket_of_another_server(world, desk):
    """The registered server lives on, but its socket was replaced; then it makes its own anew, as on SIGUSR1."""
    away = f"{desk.socket}.away"
    os.rename(desk.socket, away)
    pid = desk.pid
    desk.start()
    other = desk.pid
    desk.pid = pid

    def back():
        desk.cmd("kill-server")
        until(lambda: process.started(other) is None)
        os.rename(away, desk.socket)

    return "tmux_unavailable", back


def on_another_terminal(world, desk):
    """Bob's process lives, and its terminal is not that of his pane."""
    [seated] = world.rows("select pid, pid_started from sessions where pane_id is not null")
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)  # it has no terminal at all
    sit = "update sessions set pid = :pid, pid_started = :at where pane_id is not null"
    world.write(sit, pid=other.pid, at=process.started(other.pid))

    def back():
        world.write(sit, pid=seated["pid"], at=seated["pid_started"])
        other.kill()
        other.wait()

    return "program_elsewhere", back


PASSING = [server_stopped, socket_moved, socket_of_another_server, on_another_terminal]


@pytest.mark.parametrize("event", PASSING)
def test_what_cannot_be_asked_just_now_is_asked_again(world, desk, event):
    reason, back = event(world, desk)
    try:
        world.send("bob")
        daemon = world.daemon()
        wake = world.until_wake(reason=reason)
        assert (wake["state"], wake["attempts"]) == ("retrying", 1)
        assert wake["next_attempt_at"] is not None
        assert desk.bob.sent == []
    finally:
        back()
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert desk.bob.sent == [LINE]
    assert daemon.poll() is None


def test_a_daemon_without_tmux_goes_on_when_it_is_installed(world, desk):
    missing = os.path.join(world.folder, "bin-tmux")
    world.send("bob")
    world.daemon(XATS_TMUX=missing)
    wake = world.until_wake(reason="tmux_missing")
    assert (wake["state"], wake["attempts"]) == ("retrying", 1)
    os.symlink(shutil.which("tmux"), missing)
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert desk.bob.sent == [LINE]


# -- suspended, and the target is there --------------------------------------------------------------------------------


def test_a_wake_that_was_suspended_for_a_pane_that_answers_again_goes_on_by_itself(world, desk):
    """An older release suspended it for good because the server could not be asked for a moment."""
    world.send("bob")
    world.write("update wakes set reason = 'no_pane', last_refusal = 'no_pane', next_attempt_at = null")
    world.daemon()
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]


def test_a_suspended_wake_rests_while_its_target_is_gone(world, desk):
    """The rounds look for what comes back; they make no attempt at what does not."""
    desk.cmd("kill-pane", "-t", desk.bob.pane)
    world.send("bob")
    world.register("dave", desk.compose())
    world.send("dave")
    world.write(
        "update wakes set reason = 'no_pane', next_attempt_at = null"
        " where agent_id = (select id from agents where name = 'dave')"
    )
    world.daemon()
    wake = world.until_wake(reason="no_pane")
    world.until_wake("dave", state="delivered")  # a round has been made
    assert dict(world.wake("bob")) == dict(wake)
    assert world.log().count(f"wake {wake['id']}: refused (no_pane)") == 1
