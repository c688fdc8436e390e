"""One daemon for each store, however many start it at once; and who starts it."""

import fcntl
import os
import select
import signal
import subprocess
import sys
import threading

import pytest

from tests.support.world import until
from xats import __version__
from xats.base import process, sandbox
from xats.daemon import autostart, lock, loop
from xats.delivery.settings import Settings

LINE = "xats: 1 new from alice - run: xats inbox"


def running(world):
    return world.json("daemon", "status")["running"]


def test_the_second_start_finds_the_first(world):
    first, second = world.json("daemon", "start"), world.json("daemon", "start")
    assert first == {"running": True, "pid": first["pid"], "created": True, "version": __version__, "replaced": None}
    assert second == {**first, "created": False}
    assert world.daemons() == [first["pid"]]


def test_a_second_one_in_the_foreground_is_refused(world):
    pid = world.json("daemon", "start")["pid"]
    _, err = world.xats("daemon", "run", code=4)
    assert f"A daemon runs already for {world.path} (pid {pid})." in err


def test_starts_at_once_make_one_daemon(world):
    starts = [world.start("daemon", "start", "-q") for _ in range(6)]
    assert [one.wait(60) for one in starts] == [0] * 6
    said = "".join(one.stderr.read() for one in starts).splitlines()
    assert [line for line in said if "waiting for the store" not in line] == []
    assert len(world.daemons()) == 1


def test_sends_at_once_start_exactly_one(world):
    world.register("alice")
    world.register("bob")
    sends = [world.start("send", "bob", f"{n}", "--as", "alice", "-q", XATS_AUTOSTART="1") for n in range(8)]
    assert [(one.wait(60), one.stderr.read()) for one in sends] == [(0, "")] * 8
    pid = until(lambda: lock.holder(world.path), what="a daemon")
    assert world.daemons() == [pid]

    def starts():
        with open(world.path + "-daemon.log") as log:
            return log.read().count(" started, ")

    until(lambda: os.path.exists(world.path + "-daemon.log") and starts(), what="the daemon's log")
    assert starts() == 1
    assert len(world.rows("select * from messages")) == 8


def test_send_starts_it_and_it_delivers(world, desk):
    world.send("bob", XATS_AUTOSTART="1")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    [pid] = world.daemons()
    found = process.read(pid)
    assert (found.pgrp, found.tty) == (pid, 0)  # a session of its own, without the sender's terminal
    assert os.readlink(f"/proc/{pid}/cwd") == "/"


@pytest.mark.parametrize("name", ["XATS_AUTOSTART", *sandbox.VARIABLES])
def test_send_starts_none_when_told_not_to_or_in_a_sandbox(world, name):
    world.register("alice")
    world.register("bob")
    world.send("bob", **{"XATS_AUTOSTART": "1", name: "0" if name == "XATS_AUTOSTART" else "seatbelt"})
    assert not world.daemons()
    assert not os.path.exists(lock.path_for(world.path))


def test_what_the_sender_is_does_not_rub_off_on_the_daemon(world, desk):
    private = {"XATS_AGENT": "alice", "TMUX": "/nowhere,1,0", "TMUX_PANE": "%7", "XATS_FAULT": "wake.leased"}
    world.xats("send", "bob", "hello", XATS_AUTOSTART="1", **private)
    world.until_wake(state="delivered")
    [pid] = world.daemons()
    with open(f"/proc/{pid}/environ") as file:
        assert not [word for word in file.read().split("\0") if word.partition("=")[0] in private]


def start_it(world, **how):
    """Start the daemon by a process that is itself started in a special way."""
    words = [sys.executable, "-m", "xats", "daemon", "start", "-q"]
    subprocess.run(words, env=world.env, stdin=subprocess.DEVNULL, timeout=60, check=True, **how)


def test_it_keeps_nothing_open_that_its_starter_had(world):
    """Such as the lock of a script that sends, or a pipe that somebody reads to its end."""
    mine, its = os.pipe()
    start_it(world, pass_fds=(its,))
    os.close(its)
    assert running(world)
    assert select.select([mine], [], [], 20)[0], "somebody still holds the pipe"
    assert os.read(mine, 1) == b""
    os.close(mine)


def test_it_can_be_stopped_whatever_its_starter_did_with_signals(world):
    def special():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGHUP])
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    start_it(world, preexec_fn=special)
    [pid] = world.daemons()

    def ignored(number):
        with open(f"/proc/{pid}/status") as file:
            mask = next(line.split()[1] for line in file if line.startswith("SigIgn:"))
        return int(mask, 16) >> (number - 1) & 1

    until(lambda: not ignored(signal.SIGCHLD), what="children that can be waited for")
    assert world.xats("daemon", "stop")[0] == f"daemon stopped, pid {pid}\n"


def test_what_is_accepted_is_accepted_though_the_lock_cannot_be_opened(world):
    world.register("alice")
    world.register("bob")
    os.symlink(lock.path_for(world.path), lock.path_for(world.path))
    try:
        said = world.xats("send", "bob", "hi", "--as", "alice", XATS_AUTOSTART="1")
    finally:
        os.unlink(lock.path_for(world.path))
    assert said[0] == "#1 sent to bob (needs a reply)\n"
    assert f"the message is stored. Reason: {lock.path_for(world.path)} is a link" in said[1]


def test_what_is_accepted_is_accepted_though_no_process_can_be_started(world, monkeypatch):
    world.register("alice")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    autostart.ensure_running(world.path, {})
    assert not lock.held(world.path)
    with pytest.raises(FileNotFoundError):
        autostart.start(world.path, {})
    assert not lock.held(world.path)  # not even by this process


def test_the_kernel_frees_the_lock_of_a_killed_daemon(world):
    first = world.json("daemon", "start")["pid"]
    os.kill(first, signal.SIGKILL)
    until(lambda: process.started(first) is None)
    assert not running(world)
    assert world.json("daemon", "start")["pid"] != first


def test_whoever_only_asks_keeps_nobody_from_starting(world):
    world.register("alice")
    asking = os.open(lock.path_for(world.path), os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(asking, fcntl.LOCK_SH)  # what `held` does for a moment
    threading.Timer(0.05, os.close, [asking]).start()
    file = lock.take(world.path)
    assert file is not None
    os.close(file)


def test_two_that_take_it_at_once(world):
    world.register("alice")
    taken, barrier = [], threading.Barrier(8)

    def take():
        barrier.wait()
        taken.append(lock.take(world.path))

    for _ in range(20):
        taken.clear()
        threads = [threading.Thread(target=take) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        files = [file for file in taken if file is not None]
        for file in files:
            os.close(file)
        assert len(files) == 1


def test_one_that_is_starting_does_not_pass_for_the_one_before(world):
    """Its pid may be anybody's by now, and `daemon stop` sends it a signal."""
    world.register("alice")
    with open(lock.path_for(world.path), "w") as file:
        file.write(f"{os.getpid()}\n")
    held = lock.take(world.path)
    assert (lock.held(world.path), lock.holder(world.path)) == (True, None)
    lock.sign(held)
    assert lock.holder(world.path) == os.getpid()
    os.close(held)
    assert (lock.held(world.path), lock.holder(world.path)) == (False, None)


@pytest.fixture
def locked(world, monkeypatch):
    """A daemon in this process that looks often after its lock, and its thread."""
    world.register("alice")
    monkeypatch.setattr(loop, "SWEEP", 0.05)
    file = lock.take(world.path)
    lock.sign(file)
    daemon = loop.Daemon(world.path, Settings(), lock_file=file)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    yield thread
    daemon.end()
    thread.join(10)
    if daemon._lock is not None:
        os.close(daemon._lock)


def test_a_lock_that_somebody_has_removed_is_made_anew(world, locked):
    """As one removes what looks left over; a second daemon could start, and none of the verbs would find the first."""
    os.unlink(lock.path_for(world.path))
    until(lambda: lock.holder(world.path) == os.getpid(), what="the lock")
    assert locked.is_alive()


def test_of_two_daemons_by_a_removed_lock_the_first_ends(world, locked):
    with open(lock.path_for(world.path) + ".new", "w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)  # what another has taken at once, before this one looks
        os.replace(other.name, lock.path_for(world.path))
        locked.join(20)
        assert not locked.is_alive()
