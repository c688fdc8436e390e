"""The wake machine, driven by a real daemon in real panes."""

import os
import signal
import sqlite3
import subprocess
import sys
from types import SimpleNamespace

import pytest

from tests.support.world import until

PROGRAM = os.path.join(os.path.dirname(sys.executable), "xats")
LINE = "xats: 1 new from alice - run: xats inbox"


def test_delivered(world, desk):
    world.daemon()
    number = world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["attempts"], wake["transport"], wake["reason"], wake["mails"]) == (1, "tmux", None, 1)
    assert desk.bob.sent == [LINE]
    [delivery] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (delivery["state"], delivery["wake"]["state"]) == ("unread", "delivered")
    types = [event["type"] for event in world.json("events")["events"]]
    assert types[-2:] == ["message_sent", "wake_delivered"]


@pytest.mark.skipif(not os.path.exists(PROGRAM), reason="xats is not installed beside this Python")
def test_a_program_that_does_not_find_xats_is_told_its_path(world):
    bob = world.tmux().compose(path="/nowhere:/usr/bin:/bin")
    world.register("alice")
    assert PROGRAM in world.register("bob", bob, "--client", "generic")[1]
    world.daemon()
    world.send("bob")
    world.until_wake(state="delivered")
    line = f"xats: 1 new from alice - run: {PROGRAM} inbox"
    assert bob.sent == [line]
    world.xats("inbox", "--as", "bob")
    world.send("bob", "again")
    world.until_wake(state="delivered", mails=1)
    until(lambda: len(bob.sent) == 2)
    assert bob.sent == [line, line]


@pytest.mark.skipif(not os.path.exists(PROGRAM), reason="xats is not installed beside this Python")
def test_a_wake_that_is_tried_again_names_the_same_path(world):
    world.env["XATS_QUIET_MS"] = "900"
    bob = world.tmux().compose("--clock", path="/nowhere:/usr/bin:/bin")
    world.register("alice")
    world.register("bob", bob, "--client", "generic")
    world.daemon(XATS_LADDER="100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,1h")
    world.send("bob")
    world.until_wake(state="retrying", reason="not_quiet")
    bob.fall_quiet()
    world.until_wake(state="delivered")
    assert bob.sent == [f"xats: 1 new from alice - run: {PROGRAM} inbox"]


def test_a_commit_of_any_process_is_noticed_without_its_help(world, desk):
    """A sender in a sandbox reaches the file and nothing else: here it is bare SQL."""
    world.send("bob", "first")
    world.xats("inbox", "--as", "bob")
    world.daemon()
    connection = sqlite3.connect(world.path, timeout=10)
    with connection:
        agent, old = connection.execute("select agent_id, message_id from deliveries").fetchone()
        columns = "sender_id, evidence, address, body, kind, need_reply, wake, sent_at"
        new = connection.execute(
            f"insert into messages ({columns}) select {columns} from messages where id = ? returning id", (old,)
        ).fetchone()[0]
        wake = connection.execute(
            "insert into wakes (agent_id, state, next_attempt_at, opened_at, updated_at)"
            " select agent_id, 'queued', opened_at, opened_at, opened_at from wakes where agent_id = ? returning id",
            (agent,),
        ).fetchone()[0]
        columns = "(agent_id, message_id, state, wake_id) values (?, ?, 'unread', ?)"
        connection.execute(f"insert into deliveries {columns}", (agent, new, wake))
    connection.close()
    world.until_wake(state="delivered", id=wake)
    assert desk.bob.sent == [LINE]


def test_several_messages_to_a_noisy_pane_are_one_line_later(world, noisy):
    world.register("carol")
    world.daemon(XATS_LADDER="100ms,100ms,100ms,100ms,100ms,100ms,100ms,100ms,1h")
    for number in range(3):
        world.send("bob", f"{number}")
    world.until_wake(state="retrying", reason="not_quiet")
    for number in range(2):
        world.send("bob", f"{number}", sender="carol")
    noisy.bob.fall_quiet()
    wake = world.until_wake(state="delivered")
    assert wake["mails"] == 5
    assert noisy.bob.sent == ["xats: 5 new from alice, carol - run: xats inbox"]
    assert len(world.rows("select * from wakes")) == 1


def test_new_mail_joins_and_does_not_reset_the_ladder(world, noisy):
    world.daemon(XATS_LADDER="1h")
    world.send("bob")
    before = world.until_wake(state="retrying", reason="not_quiet", lease_token=None)
    world.send("bob", "another")
    after = world.wake()
    for name in ("id", "state", "reason", "attempts", "next_attempt_at"):
        assert after[name] == before[name]
    assert (after["mails"], after["attempts"]) == (2, 1)


def test_a_noisy_pane_is_tried_again_by_the_ladder_until_it_is_quiet(world, noisy):
    world.daemon(XATS_LADDER="300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms")
    world.send("bob")
    until(lambda: (wake := world.wake()) and wake["attempts"] >= 2)
    assert noisy.bob.untouched()
    noisy.bob.fall_quiet()
    wake = world.until_wake(state="delivered")
    assert wake["attempts"] > 2
    assert wake["last_refusal"] == "not_quiet"
    assert noisy.bob.sent == [LINE]


def test_every_attempt_of_a_message_can_be_listed(world, noisy):
    world.daemon(XATS_LADDER="300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms")
    number = world.send("bob")
    until(lambda: (wake := world.wake()) and wake["attempts"] >= 2)
    noisy.bob.fall_quiet()
    wake = world.until_wake(state="delivered")
    world.xats("inbox", "--as", "bob")
    [delivery] = world.json("status", str(number), "--as", "alice", "--attempts")["deliveries"]
    made = delivery["attempts"]
    assert [one["attempts"] for one in made] == list(range(1, wake["attempts"] + 1))
    assert {(one["wake"], one["transport"]) for one in made} == {(wake["id"], "tmux")}
    assert [(one["state"], one["reason"]) for one in made[:-1]] == [("retrying", "not_quiet")] * (len(made) - 1)
    assert (made[-1]["state"], made[-1]["reason"], made[-1]["next_attempt_at"]) == ("delivered", None, None)
    assert made[0]["next_attempt_at"] <= made[1]["at"]


def test_never_quiet_is_a_dead_letter_and_the_mail_stays_unread(world, noisy):
    world.daemon(XATS_LADDER="100ms,100ms")
    number = world.send("bob")
    wake = world.until_wake(state="failed")
    assert (wake["reason"], wake["last_refusal"], wake["attempts"]) == ("retry_exhausted", "not_quiet", 3)
    assert noisy.bob.untouched()
    [delivery] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (delivery["state"], delivery["wake"]["state"]) == ("unread", "failed")
    noisy.bob.fall_quiet()
    world.send("bob", "another")  # new mail opens a new wake
    assert world.until_wake(state="delivered")["id"] > wake["id"]
    assert noisy.bob.sent == ["xats: 2 new from alice - run: xats inbox"]


def test_without_a_pane_it_waits_for_one_and_burns_no_attempt(world):
    world.register("alice")
    world.register("bob")
    world.daemon()
    world.send("bob")
    wake = world.until_wake(state="queued", reason="no_pane")
    assert (wake["attempts"], wake["next_attempt_at"], wake["lease_token"]) == (0, None, None)
    composer = world.tmux().compose()
    world.register("bob", composer)
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert composer.sent == [LINE]


def test_a_person_is_never_woken(world):
    world.register("alice")
    tmux = world.tmux()
    pane = tmux.open("exec env PS1='ready$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "ready$" in tmux.text(pane))
    before = tmux.text(pane)
    where = SimpleNamespace(tmux=tmux, pane=pane)
    world.register("bob", where, "--client", "human")
    carol = tmux.compose()
    world.register("carol", carol)
    world.daemon()
    number = world.send("bob")
    assert world.wake() is None
    [delivery] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (delivery["wake"]["state"], delivery["wake"]["reason"]) == ("skipped", "no_wake")
    world.send("carol")  # when hers is delivered, his turn would have been
    world.until_wake("carol", state="delivered")
    assert tmux.text(pane) == before
    assert world.wake() is None


def test_the_tmux_server_was_killed(world, desk):
    desk.stop()
    daemon = world.daemon()
    world.send("bob")
    wake = world.until_wake(reason="server_gone")
    assert (wake["state"], wake["attempts"], wake["next_attempt_at"]) == ("queued", 0, None)
    assert daemon.poll() is None


def test_a_server_with_the_same_pane_ids_is_another_one(world, desk):
    pane = desk.bob.pane
    desk.stop()
    desk.start()
    stranger = desk.compose()
    assert stranger.pane == pane
    daemon = world.daemon()
    world.send("bob")
    wake = world.until_wake(reason="server_gone")
    assert (wake["state"], wake["next_attempt_at"]) == ("queued", None)
    assert stranger.untouched()
    world.register("bob", stranger, "--takeover")
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert stranger.sent == [LINE]
    assert daemon.poll() is None


def test_read_meanwhile(world, desk):
    world.daemon(XATS_QUIET_MS="2000")
    world.send("bob")
    wake = world.until_leased()
    assert "hello" in world.xats("inbox", "--as", "bob")[0]
    world.until_wake(state="skipped", reason="already_read", id=wake["id"], attempts=0)
    assert desk.bob.untouched()


def test_new_mail_during_an_attempt_for_mail_that_was_read(world, desk):
    """The attempt that is under way serves the new mail too; nothing is lost, no rung is burned."""
    world.daemon(XATS_QUIET_MS="1500")
    world.send("bob", "first")
    world.until_leased()
    world.xats("inbox", "--as", "bob")
    world.send("bob", "second")
    wake = world.until_wake(state="delivered")
    assert (wake["attempts"], len(world.rows("select * from wakes"))) == (1, 1)
    assert desk.bob.sent == [LINE]


def test_one_slow_pane_delays_no_other(world):
    """Bob's tmux hangs; carol is woken while it does."""
    world.register("alice")
    fast, slow = world.tmux("fast"), world.tmux("slow")
    bob, carol = slow.compose(), fast.compose()
    world.register("bob", bob)
    world.register("carol", carol)
    fake = world.fake_tmux(
        f"""
        case "$at" in "{slow.socket}") : >"$T/hangs"; hang;; esac
        """
    )
    world.daemon(**fake)
    world.send("bob")
    until(lambda: world.noted("hangs"))
    world.send("carol")
    world.until_wake("carol", state="delivered")
    assert world.wake()["state"] == "queued"  # not yet given up: the call has 3 s
    world.note("go")
    assert carol.sent == [LINE]


def test_more_due_wakes_than_attempts_side_by_side(world):
    world.register("alice")
    tmux = world.tmux()
    composers = [tmux.compose() for _ in range(6)]
    for number, composer in enumerate(composers):
        world.register(f"a{number}", composer)
    world.env["XATS_QUIET_MS"] = "300"
    world.xats("broadcast", "hello", "--as", "alice")
    program = (
        "import sys; from xats.__main__ import main; from xats.daemon import loop;"
        " loop.AT_ONCE = 2; sys.argv[1:] = ['daemon', 'run']; main()"
    )
    daemon = subprocess.Popen([sys.executable, "-c", program], env=world.env, stderr=subprocess.DEVNULL)
    try:
        until(lambda: all(composer.sent for composer in composers))
    finally:
        daemon.terminate()
        daemon.wait(10)
    assert [composer.sent for composer in composers] == [[LINE]] * 6


def test_registering_anew_while_the_old_pane_is_being_tried(world):
    """The attempt that is under way ends with `no_pane`, after the agent got a new one: that must not suspend it."""
    world.register("alice")
    old, new = world.tmux("old"), world.tmux("new")
    world.register("bob", old.compose())
    fake = world.fake_tmux(
        f"""
        case "$at" in "{old.socket}")
            : >"$T/hangs"; hang
            echo "no server running on $T" >&2; exit 1;;
        esac
        """
    )
    world.send("bob")
    world.daemon(**fake)
    until(lambda: world.noted("hangs"))
    composer = new.compose()
    world.register("bob", composer, "--takeover")
    world.note("go")
    wake = world.until_wake(state="delivered")
    assert wake["attempts"] == 1
    assert composer.sent == [LINE]


def test_woken_in_a_pane_that_was_left_meanwhile(world, desk):
    """The old session took the line after another had taken the seat: that one is woken too, by a wake of its own."""
    hold = ': >"$T/enter"; hang'
    fake = world.fake_tmux(f'case "$*" in *send-keys*) {hold};; esac')
    world.send("bob")
    world.daemon(**fake)
    until(lambda: world.noted("enter"))
    composer = desk.compose()
    world.register("bob", composer, "--takeover")
    world.note("go")
    world.until_wake(state="delivered", id=world.wake()["id"] + 1)
    assert (desk.bob.sent, composer.sent) == ([LINE], [LINE])


def test_unregistered_while_being_tried(world, desk):
    world.daemon(XATS_QUIET_MS="1500")
    world.send("bob")
    world.until_leased()
    world.xats("unregister", "bob", "--force")
    until(lambda: world.wake()["lease_token"] is None)
    world.until_wake(lease_token=None, next_attempt_at=None)


def test_an_agent_of_another_host_is_left_to_its_daemon_at_no_cost(world, desk):
    connection = sqlite3.connect(world.path, timeout=10)
    with connection:
        connection.execute("update sessions set host = 'h1+0000000000000000' where pane_id is not null")
    connection.close()
    world.daemon()
    number = world.send("bob")
    carol = desk.compose()
    world.register("carol", carol)
    for _ in range(3):
        world.send("carol")
        world.until_wake("carol", state="delivered")
        world.xats("inbox", "--as", "carol")
    wake = world.wake()
    assert (wake["state"], wake["attempts"], wake["lease_token"]) == ("queued", 0, None)
    assert wake["next_attempt_at"] == wake["opened_at"]
    assert f"wake {wake['id']}:" not in world.log()  # it was not even attempted, much less again and again
    assert desk.bob.untouched()
    assert world.json("status", str(number), "--as", "alice")["deliveries"][0]["wake"]["state"] == "queued"


def test_mail_whose_time_is_over_wakes_nobody(world, desk):
    world.xats("send", "bob", "soon stale", "--as", "alice", "--ttl", "300ms")
    world.daemon(XATS_QUIET_MS="1000")
    wake = world.until_wake(state="skipped")
    assert wake["reason"] in ("already_read", "expired")
    assert desk.bob.untouched()


def test_a_client_that_left_its_shell_in_front(world, desk):
    tmux = desk
    pane = tmux.open("exec env PS1='ready$ ' HISTFILE= bash --norc --noprofile")
    until(lambda: "ready$" in tmux.text(pane))
    where = SimpleNamespace(tmux=tmux, pane=pane)
    tmux.cmd("send-keys", "-t", pane, "cat", "Enter")
    until(lambda: tmux.cmd("display-message", "-p", "-t", pane, "#{pane_current_command}") == "cat")
    world.register("dave", where)
    pid = world.rows("select pid from sessions where pane_id = :pane", pane=pane)[0]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: tmux.text(pane).count("ready$") >= 2)
    before = tmux.text(pane)
    world.daemon()
    world.send("dave")
    wake = world.until_wake("dave", state="retrying")
    assert wake["reason"] == "shell_foreground"
    assert tmux.text(pane) == before
