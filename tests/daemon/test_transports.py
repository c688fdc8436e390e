"""Each agent is woken as it wants to be: by the daemon, by one round, and as `--dry-run` says."""

import json
import os

import pytest

from tests.support.viewer import Viewer
from tests.support.world import until

LINE = "xats: 1 new from alice - run: xats inbox"


@pytest.fixture
def look(desk):
    """`look(pane)` attaches a terminal to the session of `pane`; its status line shows the badge."""
    opened = []
    desk.cmd("set-option", "-g", "status-right", "unread=(#{@xats_unread})")

    def attach(pane):
        viewer = Viewer(desk.socket, desk.cmd("display-message", "-p", "-t", pane, "#{session_id}"))
        opened.append(viewer)
        until(lambda: viewer.name in desk.cmd("list-clients", "-F", "#{client_name}"))
        return viewer

    yield attach
    for viewer in opened:
        viewer.close()


@pytest.fixture
def program(world):
    """`program(script)` makes the user's own program; what it is told goes to `told()`, a document for each run."""
    path, told = os.path.join(world.folder, "wake"), os.path.join(world.folder, "told")
    world.env["XATS_WAKE_COMMAND"] = path

    def make(script="exit 0"):
        with open(path, "w") as file:
            file.write(f'#!/bin/sh\nT="{world.folder}"\ncat >>"{told}"\n{script}\n')
        os.chmod(path, 0o700)

    def read():
        if not os.path.exists(told):
            return []
        with open(told) as file:
            return [json.loads(line) for line in file]

    make.told = read
    make()
    return make


def badge(desk, pane):
    return desk.cmd("show-options", "-pqv", "-t", pane, "@xats_unread")


def wakes_of(world, agent="bob@t"):
    """Return what the outbox says of the wakes of `agent`."""
    events = [event for event in world.json("events")["events"] if event["type"].startswith("wake_")]
    return [event["data"] | {"type": event["type"]} for event in events if event["data"]["agent"] == agent]


# -- notice ------------------------------------------------------------------------------------------------------------


def test_a_notice_and_its_badge(world, desk, look):
    world.register("bob", desk.bob, "--wake", "notice")
    viewer = look(desk.bob.pane)
    world.daemon()
    viewer.wait_for(b"unread=()")
    world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["reason"], wake["attempts"]) == ("notice", None, 1)
    viewer.wait_for(LINE.encode())
    viewer.type("x")  # any key ends the notice; the status line is back
    viewer.wait_for(b"unread=(1)")
    before = len(viewer.read())
    world.xats("inbox", "--as", "bob")
    until(lambda: badge(desk, desk.bob.pane) == "")
    desk.cmd("refresh-client", "-S", "-t", viewer.name)
    until(lambda: b"unread=()" in viewer.read()[before:])
    assert (desk.bob.sent, desk.bob.entries()[1:]) == ([], [])


def test_nobody_looks_so_it_is_tried_again_and_the_badge_is_there(world, desk, look):
    world.register("bob", desk.bob, "--wake", "notice")
    world.daemon(XATS_LADDER="300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms,300ms")
    world.send("bob")
    world.until_wake(state="retrying", reason="not_shown", transport="notice")
    until(lambda: badge(desk, desk.bob.pane) == "1")
    look(desk.bob.pane).wait_for(LINE.encode())
    world.until_wake(state="delivered")


def test_a_badge_is_right_from_the_start_and_goes_with_its_agent(world, desk):
    carol = desk.compose()
    world.register("carol", carol, "--wake", "notice")
    world.register("bob", desk.bob, "--wake", "notice")
    world.send("bob")
    desk.cmd("set-option", "-p", "-t", carol.pane, "@xats_unread", "7")  # a daemon died and carol read meanwhile
    world.daemon()
    until(lambda: badge(desk, desk.bob.pane) == "1")
    until(lambda: badge(desk, carol.pane) == "")
    world.register("bob", desk.bob, "--wake", "tmux")
    until(lambda: badge(desk, desk.bob.pane) == "")
    world.send("carol")
    until(lambda: badge(desk, carol.pane) == "1")
    world.xats("unregister", "carol", "--force")
    until(lambda: badge(desk, carol.pane) == "")


def test_a_badge_of_a_store_that_was_removed_goes(world, desk):
    """The new store knows neither the mail nor that the pane is that of somebody who gets notices."""
    world.register("bob", desk.bob, "--wake", "notice")
    world.send("bob")
    world.json("deliver", "--once")
    assert badge(desk, desk.bob.pane) == "1"
    carol = desk.compose()
    for option, value in (("@xats_unread", "7"), ("@xats_unread_of", "0badcafe")):  # of another store, elsewhere
        desk.cmd("set-option", "-p", "-t", carol.pane, option, value)
    world.remove_store()
    world.register("alice")
    world.register("dave", desk.compose())
    world.daemon()
    until(lambda: badge(desk, desk.bob.pane) == "")
    until(lambda: desk.cmd("show-options", "-pqv", "-t", desk.bob.pane, "@xats_unread_of") == "")
    assert badge(desk, carol.pane) == "7"


def test_expired_mail_leaves_the_badge(world, desk):
    world.register("bob", desk.bob, "--wake", "notice")
    world.send("bob")
    world.xats("send", "bob", "soon", "--as", "alice", "--ttl", "1s")
    world.json("deliver", "--once")
    until(lambda: world.json("deliver", "--once") and badge(desk, desk.bob.pane) == "1")


def test_one_round_sets_the_badges_too(world, desk):
    world.register("bob", desk.bob, "--wake", "notice")
    world.send("bob")
    [one] = world.json("deliver", "--once")["wakes"]
    assert (one["state"], one["reason"], badge(desk, desk.bob.pane)) == ("refused", "not_shown", "1")
    world.xats("inbox", "--as", "bob")
    world.xats("deliver", "--once")
    assert badge(desk, desk.bob.pane) == ""


def test_a_server_that_hangs_keeps_nobody_else_waiting(world, desk):
    """Bob's badge cannot be set; carol is woken all the same, and the daemon ends in time."""
    world.register("bob", desk.bob, "--wake", "notice")
    other = world.tmux("other")
    carol = other.compose()
    world.register("carol", carol)
    world.send("bob")
    fake = world.fake_tmux(f'case "$at" in "{desk.socket}") : >>"$T/asked"; hang;; esac')
    daemon = world.daemon(**fake)
    until(lambda: world.noted("asked"))
    world.send("carol")
    world.until_wake("carol", state="delivered")
    daemon.terminate()
    assert daemon.wait(5) == 0


def test_without_agents_that_want_it_tmux_is_asked_once_for_what_others_have_left(world, desk):
    fake = world.fake_tmux('echo "$@" >>"$T/calls"')
    world.daemon(**fake)
    world.register("carol")
    world.send("carol")
    world.until_wake("carol", reason="no_pane", lease_token=None)
    world.send("carol")
    world.until_wake("carol", mails=2)
    with open(os.path.join(world.folder, "calls")) as file:
        [call] = file.read().splitlines()
    assert "list-panes -a" in call


def test_a_person_without_a_pane(world):
    world.register("alice")
    world.register("dora", None, "--client", "human", "--wake", "notice")
    world.send("dora")
    assert world.json("deliver", "--once")["wakes"][0]["reason"] == "no_pane"


# -- command -----------------------------------------------------------------------------------------------------------


def test_the_users_own_program(world, program):
    world.register("alice")
    world.register("bob", None, "--wake", "command", "--role", "backend")
    world.daemon()
    world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["attempts"]) == ("command", 1)
    [told] = program.told()
    assert (told["agent"], told["line"], told["pane"], told["role"]) == ("bob@t", LINE, None, "backend")
    assert (told["wake"], told["attempt"], told["from"]) == (wake["id"], 1, ["alice"])
    [event] = wakes_of(world)
    assert (event["type"], event["transport"], event["exit"]) == ("wake_delivered", "command", 0)


def test_a_program_that_fails_is_run_again_by_the_ladder(world, program):
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    program("echo 'no bell here' >&2; exit 3")
    world.daemon(XATS_LADDER="100ms,1h")
    world.send("bob")
    wake = world.until_wake(state="retrying", reason="command_failed", attempts=2)
    assert wake["transport"] == "command"
    assert [told["attempt"] for told in program.told()] == [1, 2]
    events = wakes_of(world)
    assert [(event["reason"], event["exit"]) for event in events] == [("command_failed", 3)] * 2
    assert "no bell here" not in json.dumps(events)
    assert "exit 3: no bell here" in world.log()


def test_the_last_failure_ends_the_wake_and_says_why(world, program):
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    program("exit 3")
    world.daemon(XATS_LADDER="50ms")
    number = world.send("bob")
    world.until_wake(state="failed", reason="retry_exhausted", last_refusal="command_failed")
    assert [event["exit"] for event in wakes_of(world)] == [3, 3]
    assert "the command that wakes it failed" in world.xats("status", str(number), "--as", "alice")[0]


def test_a_program_that_hangs_is_ended(world, program):
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    program('echo $$ >"$T/pid"; exec sleep 300')
    world.daemon(XATS_WAKE_TIMEOUT="500ms")
    world.send("bob")
    world.until_wake(state="retrying", reason="command_failed", lease_token=None)
    with open(os.path.join(world.folder, "pid")) as file:
        assert not os.path.exists(f"/proc/{file.read().strip()}")
    assert "exit" not in wakes_of(world)[0]


def test_after_a_crash_the_same_attempt_comes_again(world, program):
    """At least once: the program has ended, the daemon dies before it notes that."""
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    dying = world.daemon(XATS_FAULT="wake.before_record")
    world.send("bob")
    assert dying.wait(30) == -9
    world.daemon()
    wake = world.until_wake(state="delivered")
    assert [(told["wake"], told["attempt"]) for told in program.told()] == [(wake["id"], 1)] * 2


def test_a_daemon_that_ends_takes_its_program_with_it(world, program):
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    program('echo $$ >"$T/pid"; exec sleep 300')
    daemon = world.daemon()
    world.send("bob")
    until(lambda: world.noted("pid") and os.path.getsize(os.path.join(world.folder, "pid")))
    daemon.terminate()
    assert daemon.wait(10) == 0
    with open(os.path.join(world.folder, "pid")) as file:
        assert not os.path.exists(f"/proc/{file.read().strip()}")
    wake = world.wake()
    assert (wake["state"], wake["attempts"], wake["lease_token"]) == ("queued", 0, None)


def test_no_program(world):
    world.env["HOME"] = world.env["XDG_CONFIG_HOME"] = world.folder
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    world.send("bob")
    out, _ = world.xats("deliver", "--once")
    assert out.startswith("bob\trefused\tcommand_failed\tthere is no program ")


def test_whoever_writes_the_store_does_not_choose_the_program(world):
    """No text of any row comes near what is run: with every text of an agent a path, nothing is."""
    world.env["HOME"] = world.env["XDG_CONFIG_HOME"] = world.folder
    evil = os.path.join(world.folder, "evil")
    with open(evil, "w") as file:
        file.write(f"#!/bin/sh\ntouch {world.folder}/done\n")
    os.chmod(evil, 0o700)
    world.register("alice")
    world.register("bob", None, "--wake", "command")
    world.send("bob")
    import sqlite3

    connection = sqlite3.connect(world.path)
    with connection:
        connection.execute("update agents set role = ?, client = ?, model = ? where name = 'bob'", (evil,) * 3)
        connection.execute("update sessions set client_session = ?", (evil,))
    connection.close()
    assert world.json("deliver", "--once")["wakes"][0]["reason"] == "command_failed"
    assert not world.noted("done")


# -- none --------------------------------------------------------------------------------------------------------------


def test_who_wants_no_wake_any_more_is_not_woken_for_what_was_sent_before(world, desk):
    number = world.send("bob")
    world.register("bob", desk.bob, "--wake", "none")
    world.daemon()
    wake = world.until_wake(state="skipped", reason="no_wake")
    assert wake["lease_token"] is None
    [copy] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (copy["state"], copy["wake"]["reason"]) == ("unread", "no_wake")
    world.register("bob", desk.bob, "--wake", "tmux")
    world.until_wake(state="delivered", transport="tmux")
    assert desk.bob.sent == [LINE]


# -- previews ----------------------------------------------------------------------------------------------------------


def test_a_dry_run_says_what_each_would_come_to(world, desk, look, program):
    panes = {name: desk.compose() for name in ("carol", "dora", "emil", "fred")}
    for name, pane in panes.items():
        world.register(name, pane)
    for name in ("bob", *panes):
        world.send(name)
    for (name, pane), how in zip(panes.items(), ("notice", "command", "none", "notice"), strict=True):
        world.register(name, pane, "--wake", how)
    look(panes["fred"].pane)
    told = {row.split("\t")[0]: row.split("\t")[2] for row in world.xats("deliver", "--dry-run")[0].splitlines()}
    assert told == {
        "bob": f"would paste: {LINE}",
        "carol": "no tmux client shows its pane, so no person saw the notice",
        "dora": f"would run {world.env['XATS_WAKE_COMMAND']}",
        "emil": "this mail wakes no agent",
        "fred": f"would show: {LINE}",
    }
    rows = {row["agent"]: row["transport"] for row in world.json("deliver", "--dry-run")["wakes"]}
    assert rows == {"bob@t": "tmux", "carol@t": "notice", "dora@t": "command", "emil@t": "none", "fred@t": "notice"}
    assert program.told() == []
    os.unlink(world.env["XATS_WAKE_COMMAND"])
    assert "the command that wakes it failed" in world.xats("deliver", "--dry-run")[0]
