"""The daemon does not depend on the environment of the process that has started it, and says what it came to."""

import json
import os
import shutil
import stat

import pytest

from tests.support.world import until
from xats.base import process
from xats.daemon import lock, report
from xats.delivery import environment
from xats.tmux import program

LINE = "xats: 1 new from alice - run: xats inbox"
BARE = {"PATH": "/nowhere", "HOME": "/nowhere", "TMPDIR": "/nowhere", "LC_ALL": "C", "LANG": "", "PYTHONUTF8": "0"}


# -- a start that fails ------------------------------------------------------------------------------------------------


def test_the_next_send_tells_why_the_daemon_cannot_start(world, until):
    world.register("alice")
    world.register("bob")
    first = world.xats("send", "bob", "one", "--as", "alice", XATS_AUTOSTART="1", XATS_LADDER="never")
    assert first == ("#1 sent to bob (needs a reply)\n", "")  # nobody can know yet
    until(lambda: not lock.held(world.path))
    out, err = world.xats("send", "bob", "two", "--as", "alice", XATS_AUTOSTART="1", XATS_LADDER="never")
    assert out == "#2 sent to bob (needs a reply)\n"
    assert "The daemon cannot start, so nobody is woken; the message is stored. Reason: 'never'" in err
    until(lambda: not lock.held(world.path))
    assert "the last start failed: 'never'" in world.xats("daemon", "status")[0]
    assert world.json("daemon", "status")["failure"].startswith("'never'")
    checks = json.loads(world.xats("doctor", "--json", code=5)[0])["checks"]
    running = next(one for one in checks if (one["section"], one["name"]) == ("daemon", "running"))
    assert (running["state"], "'never'" in running["detail"]) == ("fail", True)
    world.json("daemon", "start")
    assert world.json("daemon", "status")["failure"] is None
    assert world.xats("send", "bob", "three", "--as", "alice", XATS_AUTOSTART="1")[1] == ""


def test_a_daemon_that_was_stopped_or_killed_did_start(world, until):
    pid = world.json("daemon", "start")["pid"]
    os.kill(pid, 9)
    until(lambda: not lock.held(world.path))
    assert lock.failure(world.path) is None
    world.json("daemon", "start")
    world.xats("daemon", "stop")
    assert lock.failure(world.path) is None


@pytest.mark.parametrize(
    "log, said",
    [
        ("", "it ended without a message"),
        ("2026-01-01 00:00:00,000 ERROR not started: no store\n", "not started: no store"),
        ("Traceback (most recent call last):\n  File x\nMemoryError\n", "MemoryError"),
        ("xats: It is wrong.\n  do this\n\n", "It is wrong."),
        ("\x1b[31mred\n", "?[31mred"),
    ],
)
def test_the_reason_is_the_last_message_of_the_log(tmp_path, log, said):
    store = str(tmp_path / "s.db")
    with open(lock.log_path(store), "w") as file:
        file.write("of an earlier one\n")
    file = lock.take(store)
    lock.sign_starting(file, len("of an earlier one\n"))
    assert lock.failure(store) is None  # it is still starting
    with open(lock.log_path(store), "a") as more:
        more.write(log)
    os.close(file)
    assert lock.failure(store) == said


# -- what it was started with ------------------------------------------------------------------------------------------


def test_a_daemon_started_with_nothing_wakes_as_any_other(world, desk):
    world.send("bob")
    world.json("daemon", "start", **BARE)
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    pid = lock.holder(world.path)
    said = until(lambda: report.read(world.path, pid))
    assert said["tmux"]["program"] == program.find({})
    assert (said["home"], said["encoding"]) != ("/nowhere", "ascii")
    assert os.path.isdir(said["home"])
    assert stat.S_IMODE(os.stat(report.path_for(world.path)).st_mode) == 0o600
    words = process.argv(pid)
    assert words[1:3] == ["-P", "-E"]
    world.xats("daemon", "stop")
    assert not os.path.exists(report.path_for(world.path))


def test_a_daemon_without_tmux_says_so_and_doctor_asks_it(world, desk):
    world.send("bob")
    world.json("daemon", "start", XATS_TMUX="/nowhere/tmux")
    wake = world.until_wake(last_refusal="tmux_missing")
    assert (wake["state"], wake["next_attempt_at"] is not None) == ("retrying", True)
    checks = {
        (one["section"], one["name"]): one for one in json.loads(world.xats("doctor", "--json", code=5)[0])["checks"]
    }
    version = checks["tmux", "version"]
    assert version["state"] == "fail"
    assert version["detail"].startswith("the daemon says: there is no program /nowhere/tmux")
    differs = checks["daemon", "XATS_TMUX"]
    assert differs["detail"] == "/nowhere/tmux in the daemon, not set in this shell; the daemon's value counts"
    assert "tmux: there is no program /nowhere/tmux" in world.xats("daemon", "status")[0]


def test_the_home_of_a_store_in_its_usual_place(tmp_path):
    home = tmp_path / "home"
    store = home / ".local" / "state" / "xats" / "xats.db"
    store.parent.mkdir(parents=True)
    home.chmod(0o700)
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    assert environment.home({"HOME": str(other)}, str(store)) == str(home)
    assert environment.home({"HOME": str(other)}, str(tmp_path / "x.db")) == str(other)
    home.chmod(0o777)  # anybody could put a program there
    assert environment.home({"HOME": str(other)}, str(store)) == str(other)
    assert os.path.isdir(environment.home({"HOME": "/nowhere"}, str(tmp_path / "x.db")))
    assert os.path.isdir(environment.home({}, str(tmp_path / "x.db")))


def test_what_is_settled():
    environ = {"PATH": ".:rel:/opt/own:", "TMPDIR": "/gone", "LANG": "C"}
    environment.complete(environ, "/nowhere/xats.db")
    folders = environ["PATH"].split(":")
    assert folders[0] == "/opt/own"
    assert set(program.USUAL) <= set(folders)
    assert all(map(os.path.isabs, folders))
    assert "TMPDIR" not in environ


# -- which tmux --------------------------------------------------------------------------------------------------------


def test_which_tmux(tmp_path, monkeypatch):
    mine = tmp_path / "tmux"
    mine.write_text("#!/bin/sh\n")
    assert program.find({"PATH": str(tmp_path)}) != str(mine)  # it cannot be run
    mine.chmod(0o755)
    assert program.find({"PATH": str(tmp_path)}) == str(mine)
    assert program.find({"XATS_TMUX": str(mine)}) == str(mine)
    assert program.find({"XATS_TMUX": str(tmp_path / "none")}) is None
    monkeypatch.chdir(tmp_path)
    assert program.find({"PATH": ".:"}) != "./tmux"
    if shutil.which("tmux"):
        assert program.find({"PATH": "/nowhere"}) is not None


def test_the_program_of_the_server_is_the_last_choice(monkeypatch, tmp_path):
    monkeypatch.setattr(program, "USUAL", ())
    monkeypatch.setattr(os, "confstr", lambda _: "")
    assert program.find({"PATH": "/nowhere"}) is None
    assert program.find({"PATH": "/nowhere"}, os.getpid()) == f"/proc/{os.getpid()}/exe"
    assert program.find({"PATH": "/nowhere"}, 1 << 30) is None
