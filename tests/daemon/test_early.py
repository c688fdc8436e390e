"""Waking early: soon after its obstacle is gone, not at the next rung; and without wearing the ladder or the pane out.

The ladders here have rungs of an hour, so whatever is delivered after a refusal was delivered early.
"""

import os
import shlex
import signal
import sqlite3
import sys
import time
from contextlib import closing
from types import SimpleNamespace

import pytest

from tests.support.stagehand import Person
from tests.support.world import COMPOSER, Composer, until
from xats.tmux import guards
from xats.tmux.lock import locked
from xats.tmux.pane import find

LINE = "xats: 1 new from alice - run: xats inbox"
LEFT = "\x1b[D"
PLAYERS = os.path.join(os.path.dirname(COMPOSER), "players.py")


class Player(Composer):
    """A program of tests/support/players.py in a pane."""

    def do(self, line):
        """Have it do `line`, and wait until tmux has drawn that."""
        before = sum("did" in one for one in self.entries())
        file = os.open(self.log + ".in", os.O_WRONLY | os.O_NONBLOCK)
        os.write(file, f"{line}\n".encode())
        os.close(file)
        until(lambda: sum("did" in one for one in self.entries()) > before, what=line)


def play(tmux, look, *options):
    tmux._logs += 1
    log = f"{tmux.socket}-{tmux._logs}.log"
    words = [sys.executable, "-IS", PLAYERS, log, "--look", look, *options]
    return Player(tmux, tmux.open("exec " + shlex.join(words)), log)


@pytest.fixture
def bob(world):
    """Bob, who runs Claude Code in a pane of a tmux server of its own; alice has none."""
    world.env["XATS_QUIET_MS"] = "900"
    world.register("alice")
    made = play(world.tmux(), "claude-code")
    world.register("bob", made, "--client", "claude-code")
    return made


def count_calls(world):
    """Make a tmux that counts its calls; return the environment and what tells how many there were."""
    path = os.path.join(world.folder, "calls")
    env = world.fake_tmux('echo >>"$T/calls"')

    def count():
        return os.path.getsize(path) if os.path.exists(path) else 0

    return env, count


# -- the obstacle passes -----------------------------------------------------------------------------------------------


def says(before, after):
    def obstacle(world, bob):
        bob.do(before)
        return lambda: bob.do(after)

    return obstacle


def copy_mode(world, bob):
    bob.tmux.cmd("copy-mode", "-t", bob.pane)
    return lambda: bob.tmux.cmd("copy-mode", "-q", "-t", bob.pane)


def input_off(world, bob):
    bob.tmux.cmd("select-pane", "-d", "-t", bob.pane)
    return lambda: bob.tmux.cmd("select-pane", "-e", "-t", bob.pane)


def hung(world, bob):
    os.kill(bob.tmux.pid, signal.SIGSTOP)
    return lambda: os.kill(bob.tmux.pid, signal.SIGCONT)


OBSTACLES = [
    (says("busy", "idle"), "busy"),
    (says("dialog", "close"), "dialog_open"),
    (says("draft half a li", "clear"), "draft_present"),
    (copy_mode, "copy_mode"),
    (input_off, "input_off"),
    (hung, "tmux_unavailable"),
]


@pytest.mark.parametrize(("obstacle", "reason"), OBSTACLES, ids=[reason for _, reason in OBSTACLES])
def test_an_obstacle_that_passes(world, bob, obstacle, reason):
    world.daemon()
    mend = obstacle(world, bob)
    world.send("bob")
    before = world.until_wake(state="retrying", reason=reason, lease_token=None)
    mend()
    wake = world.until_wake(state="delivered")
    assert (wake["id"], wake["attempts"], wake["last_refusal"]) == (before["id"], 2, reason)
    assert bob.sent == [LINE]


def test_a_pane_that_falls_quiet(world, noisy):
    world.daemon()
    world.send("bob")
    world.until_wake(state="retrying", reason="not_quiet", lease_token=None)
    noisy.bob.fall_quiet()
    assert world.until_wake(state="delivered")["attempts"] == 2
    assert noisy.bob.sent == [LINE]


def test_the_time_for_which_the_watch_saw_the_pane_quiet_is_not_waited_for_again(world, noisy):
    world.daemon(XATS_QUIET_MS="4000")
    world.send("bob")
    world.until_wake(state="retrying", reason="not_quiet", lease_token=None)
    noisy.bob.fall_quiet()
    since = time.monotonic()
    world.until_wake(state="delivered")
    assert 3.4 < time.monotonic() - since < 7


def test_a_client_that_comes_back_to_the_foreground(world):
    world.env["XATS_QUIET_MS"] = "900"
    world.register("alice")
    tmux = world.tmux()
    pane = tmux.open("exec env PS1='at-bash$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "at-bash$" in tmux.text(pane))
    log = f"{tmux.socket}-bash.log"
    tmux.cmd(
        "send-keys", "-t", pane, shlex.join([sys.executable, "-IS", PLAYERS, log, "--look", "claude-code"]), "Enter"
    )
    bob = Player(tmux, pane, log)
    world.register("bob", bob, "--client", "claude-code")
    os.kill(bob.pid, signal.SIGSTOP)
    until(lambda: "Stopped" in tmux.text(pane))
    world.daemon()
    world.send("bob")
    world.until_wake(state="retrying", reason="shell_foreground", lease_token=None)
    tmux.cmd("send-keys", "-t", pane, "fg", "Enter")
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]


def test_an_obstacle_that_went_while_no_daemon_ran(world, bob):
    daemon = world.daemon()
    bob.do("dialog")
    world.send("bob")
    world.until_wake(state="retrying", reason="dialog_open", lease_token=None)
    daemon.terminate()
    daemon.wait(10)
    bob.do("close")
    world.daemon()
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]


def test_two_panes_of_one_server_are_woken_each_when_its_own_obstacle_is_gone(world, bob):
    carol = play(bob.tmux, "gemini")
    world.register("carol", carol, "--client", "gemini")
    world.daemon()
    bob.do("dialog")
    carol.do("busy")
    world.send("bob")
    world.send("carol")
    world.until_wake("bob", reason="dialog_open", lease_token=None)
    world.until_wake("carol", reason="busy", lease_token=None)
    carol.do("idle")
    world.until_wake("carol", state="delivered")
    assert world.wake("bob")["state"] == "retrying"
    bob.tmux.cmd("kill-pane", "-t", carol.pane)  # one that is gone does not hide the other
    bob.do("close")
    world.until_wake("bob", state="delivered")
    assert (bob.sent, carol.sent) == ([LINE], [LINE])


def test_our_own_line_that_waits_for_its_enter(world, bob):
    """Copy mode came between the paste and the Enter: afterwards there is only the Enter to press."""
    bob.tmux.cmd("set-hook", "-g", "after-paste-buffer", f"copy-mode -t {bob.pane}")
    world.daemon()
    world.send("bob")
    world.until_wake(state="retrying", reason="copy_mode", lease_token=None)
    assert LINE in bob.tmux.text(bob.pane)
    bob.tmux.cmd("copy-mode", "-q", "-t", bob.pane)
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]


# -- somebody at the keyboard ------------------------------------------------------------------------------------------


@pytest.fixture
def person(bob):
    """Somebody who looks at bob's pane, in a real terminal."""
    desk = SimpleNamespace(socket=bob.tmux.socket, cmd=bob.tmux.cmd)
    desk.show = lambda pane, form: bob.tmux.cmd("display-message", "-p", "-t", pane.pane_id, form)
    with Person(SimpleNamespace(desk=desk, pane=SimpleNamespace(pane_id=bob.pane))) as made:
        yield made


def test_while_a_person_types_in_the_pane_and_afterwards(world, bob, person):
    world.daemon()
    person.press(LEFT)
    world.send("bob")
    world.until_wake(state="retrying", reason="human_active", lease_token=None)
    wake = world.until_wake(state="delivered")
    assert time.time() - person.pressed_at() > guards.HUMAN
    assert (wake["attempts"], bob.sent) == (2, [LINE])


def test_a_person_who_types_in_another_pane_or_not_at_all_is_in_nobodys_way(world, bob, person):
    carol = play(bob.tmux, "claude-code")
    world.register("carol", carol, "--client", "claude-code")
    world.daemon()
    person.press(LEFT)
    world.send("carol")
    assert world.until_wake("carol", state="delivered")["attempts"] == 1
    until(lambda: time.time() - person.pressed_at() > guards.UNSEEN + 1)
    for number in (1, 2):  # what xats itself pastes and presses is not taken for a person's keys
        world.send("bob")
        assert world.until_wake(state="delivered", id=number + 1)["attempts"] == 1
        world.xats("inbox", "--as", "bob")
    assert bob.sent == [LINE, LINE]


# -- what does not count -----------------------------------------------------------------------------------------------


def test_a_pane_that_always_redraws_costs_no_attempts(world, noisy):
    env, looks = count_calls(world)
    world.daemon(**env)
    world.send("bob")
    before = world.until_wake(state="retrying", reason="not_quiet", lease_token=None)
    done = looks()
    until(lambda: looks() >= done + 12, what="twelve looks of the watch")
    assert dict(world.wake()) == dict(before)
    assert noisy.bob.untouched()


def test_an_attempt_that_is_refused_again_burns_no_rung_and_is_not_soon_repeated(world, bob, monkeypatch):
    """The watch sees an idle composer, and the attempt is refused for what it cannot see: a lock."""
    for name in [name for name in os.environ if name.startswith(("TMUX", "XATS_"))]:
        monkeypatch.delenv(name)
    env, looks = count_calls(world)
    world.daemon(**env)

    def refusals():
        return [row["at"] for row in world.rows("select at from events where type = 'wake_retrying' order by id")]

    def stir():
        bob.do("draft somebody was there")
        done = looks()
        until(lambda: looks() >= done + 2, what="a look at the draft")
        bob.do("clear")

    with locked(find(bob.tmux.socket, bob.pane)):
        world.send("bob")
        before = world.until_wake(state="retrying", reason="busy", lease_token=None)
        until(lambda: len(refusals()) == 2, what="the attempt before its time")
        stir()
        until(lambda: len(refusals()) == 3, what="another attempt before its time")
        _, first, second = refusals()
        assert second - first >= 4_900  # however much has changed
        until(lambda: time.time() * 1000 - second > 11_000)
        assert len(refusals()) == 3  # nothing has changed
        after = world.until_wake(lease_token=None)
        for name in ("attempts", "next_attempt_at", "state", "reason"):
            assert after[name] == before[name]
    stir()
    world.until_wake(state="delivered", attempts=2)
    assert bob.sent == [LINE]


def test_nobody_is_looked_at_when_nobody_waits(world, bob):
    env, looks = count_calls(world)
    world.daemon(**env)
    bob.do("dialog")
    world.send("bob")
    world.until_wake(state="retrying", lease_token=None)
    done = looks()
    until(lambda: looks() >= done + 3, what="looks of the watch")
    world.xats("inbox", "--as", "bob")
    world.until_wake(state="skipped")
    still(looks)
    assert bob.sent == []


def test_a_held_wake_is_not_watched(world, bob):
    env, looks = count_calls(world)
    world.daemon(**env)
    bob.do("dialog")
    world.send("bob")
    world.until_wake(state="retrying", lease_token=None)
    world.xats("pause", "bob", "--as", "alice")
    world.until_wake(state="held")
    still(looks)
    bob.do("close")
    still(looks)
    assert world.wake()["state"] == "held"
    world.xats("resume", "bob", "--as", "alice")
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]


def still(looks):
    """Wait until the watch does not look for four of its intervals: what is under way may end."""
    deadline = time.monotonic() + 20
    while True:
        before = looks()
        time.sleep(1.6)
        if looks() == before:
            return
        assert time.monotonic() < deadline, "it is still looking"


# -- agents that were given up -----------------------------------------------------------------------------------------


def test_an_agent_that_was_given_up_is_woken_when_its_pane_is_clear(world, bob):
    world.daemon(XATS_LADDER="100ms")
    bob.do("dialog")
    number = world.send("bob")
    failed = world.until_wake(state="failed", reason="retry_exhausted")
    bob.do("close")
    wake = world.until_wake(state="delivered")
    assert wake["id"] > failed["id"]
    assert bob.sent == [LINE]
    [delivery] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (delivery["state"], delivery["wake"]["state"]) == ("unread", "delivered")


def test_an_agent_that_was_given_up_and_has_read_is_left_alone(world, bob):
    world.daemon(XATS_LADDER="100ms")
    bob.do("dialog")
    world.send("bob")
    failed = world.until_wake(state="failed", reason="retry_exhausted")
    world.xats("inbox", "--as", "bob")
    bob.do("close")
    carol = play(bob.tmux, "claude-code")  # it would have had its turn by the time that she is given up and woken
    world.register("carol", carol, "--client", "claude-code")
    carol.do("dialog")
    world.send("carol")
    world.until_wake("carol", state="failed")
    carol.do("close")
    world.until_wake("carol", state="delivered")
    assert dict(world.wake("bob")) == dict(failed)
    assert bob.sent == []


# -- a profile that cannot be read -------------------------------------------------------------------------------------


def test_a_wrong_profile_of_the_users_keeps_no_mail_away(world, bob):
    folder = os.path.join(world.folder, "clients")
    os.mkdir(folder)
    with open(os.path.join(folder, "claude-code.toml"), "w") as file:
        file.write("settle_ms = [\n")
    world.daemon(XATS_CLIENTS=folder)
    bob.do("dialog")  # the profile that comes with xats still knows one
    world.send("bob")
    world.until_wake(state="retrying", reason="dialog_open", lease_token=None)
    bob.do("close")
    world.until_wake(state="delivered")
    assert bob.sent == [LINE]
    assert world.log().count("claude-code.toml cannot be read") == 1
    _, err = world.xats("client", "show", "claude-code", code=2, XATS_CLIENTS=folder)
    assert "claude-code.toml cannot be read" in err


# -- servers -----------------------------------------------------------------------------------------------------------


def test_a_server_that_hangs_delays_no_other_and_not_the_end(world, bob):
    daemon = world.daemon()
    other = play(world.tmux("other"), "claude-code")
    world.register("carol", other, "--client", "claude-code")
    bob.do("dialog")
    other.do("dialog")
    for name in ("bob", "carol"):
        world.send(name)
        world.until_wake(name, reason="dialog_open", lease_token=None)
    os.kill(bob.tmux.pid, signal.SIGSTOP)
    try:
        other.do("close")
        since = time.monotonic()
        world.until_wake("carol", state="delivered")
        assert time.monotonic() - since < 2.5  # less than a call of tmux may take
        daemon.terminate()
        since = time.monotonic()
        daemon.wait(10)
        assert time.monotonic() - since < 2
    finally:
        os.kill(bob.tmux.pid, signal.SIGCONT)
    assert (bob.sent, other.sent) == ([], [LINE])


def test_a_server_that_is_gone_is_no_news(world, bob):
    world.daemon(XATS_LADDER="3s")
    bob.do("dialog")
    world.send("bob")
    world.until_wake(reason="dialog_open", lease_token=None)
    bob.tmux.stop()
    world.until_wake(reason="server_gone")  # the watch has asked several times by then
    assert "ERROR" not in world.log()
    assert "Traceback" not in world.log()


# -- what was seen -----------------------------------------------------------------------------------------------------


def test_what_was_seen_is_said_and_no_draft_is_kept(world, bob):
    """Where on the screen the sign stood that decided; never what somebody has typed."""

    def try_again():
        with closing(sqlite3.connect(world.path)) as store, store:
            store.execute("update wakes set next_attempt_at = 0")
        world.xats("deliver", "--once")

    bob.do("dialog")
    world.send("bob")
    world.xats("deliver", "--once")
    row = next(y for y, text in enumerate(bob.tmux.text(bob.pane).split("\n"), 1) if "Do you want to" in text)
    sign = f"'Do you want to' in row {row}"
    [told] = world.json("status", "1", "--as", "alice")["deliveries"]
    assert (told["wake"]["reason"], told["wake"]["detail"]) == ("dialog_open", sign)
    assert sign in world.xats("status", "1", "--as", "alice")[0]
    [listed] = [one for one in world.json("agents")["agents"] if one["name"] == "bob"]
    assert listed["wake"]["detail"] == sign
    bob.do("close")
    bob.do("draft a secret of mine")
    try_again()
    wake = world.wake()
    assert (wake["reason"], "holds 16 characters" in wake["detail"]) == ("draft_present", True)
    with closing(sqlite3.connect(world.path)) as store, store:
        assert not any("secret" in line for line in store.iterdump())
    bob.do("erase a secret of mine")
    try_again()
    wake = world.wake()
    assert (wake["state"], wake["detail"]) == ("delivered", None)
