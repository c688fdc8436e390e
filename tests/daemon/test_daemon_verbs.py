"""start, stop, status, the log, and how it ends."""

import logging
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.world import halt, until
from xats import __version__
from xats.base import process
from xats.daemon import lock, loop, report
from xats.delivery.settings import Settings
from xats.store.sqlite.engine import Store

PROMPTLY = 2.8  # seconds: the two that it takes at the most, and less than a call to a tmux that hangs


def test_texts(world):
    assert world.xats("daemon", "status")[0].startswith(
        "daemon does not run (xats send starts it; or: xats daemon start)\n0 wakes due\n"
    )
    pid = int(re.fullmatch(r"daemon started, pid (\d+)\n", world.xats("daemon", "start")[0])[1])
    assert world.xats("daemon", "start")[0] == f"daemon runs already, pid {pid}\n"
    until(lambda: report.read(world.path, pid))
    said = world.xats("daemon", "status")[0]
    assert said.startswith(
        f"daemon runs, pid {pid}, xats {__version__}\n0 wakes due\nlog: {world.path}-daemon.log\nclock: "
    )
    assert "settings: XATS_LADDER=1h,1h,1h, XATS_QUIET_MS=100\n" in said
    assert world.xats("daemon", "stop")[0] == f"daemon stopped, pid {pid}\n"
    assert world.xats("daemon", "stop")[0] == "no daemon runs\n"
    assert world.xats("daemon", "stop", "-q") == ("", "")
    assert process.started(pid) is None


def claim_version(world, pid: int, version: str) -> None:
    """Make the report of the daemon `pid` name another version of xats."""
    until(lambda: report.read(world.path, pid))
    path = Path(report.path_for(world.path))
    path.write_text(path.read_text().replace(f'"version": "{__version__}"', f'"version": "{version}"'))


def test_a_start_leaves_a_daemon_of_this_or_a_newer_release(world):
    pid = world.json("daemon", "start")["pid"]
    until(lambda: report.read(world.path, pid))
    assert world.xats("daemon", "start") == (f"daemon runs already, pid {pid}\n", "")
    started = world.json("daemon", "start")
    assert (started["version"], started["replaced"], started["created"]) == (__version__, None, False)
    claim_version(world, pid, "99.0")
    out, err = world.xats("daemon", "start")
    assert out == f"daemon runs already, pid {pid}\n"
    assert f"it is xats 99.0, and this is {__version__}" in err
    assert "xats daemon restart" in err
    assert world.json("daemon", "start")["version"] == "99.0"
    assert process.started(pid)


def test_a_start_replaces_a_daemon_of_an_older_release_and_says_so(world):
    old = world.json("daemon", "start")["pid"]
    claim_version(world, old, "0.0.9")
    out, err = world.xats("daemon", "status")
    assert out.startswith(f"daemon runs, pid {old}, xats 0.0.9\n")
    assert "xats daemon restart" in err
    out, _ = world.xats("daemon", "start")
    said = rf"daemon started, pid (\d+), xats {re.escape(__version__)} in place of xats 0.0.9\n"
    pid = int(re.fullmatch(said, out)[1])
    assert process.started(old) is None
    assert world.daemons() == [pid]
    claim_version(world, pid, "0.0.9")
    started = world.json("daemon", "start")
    assert (started["replaced"], started["created"], started["version"]) == ("0.0.9", True, __version__)


def test_a_start_that_could_not_succeed_leaves_the_older_daemon(world):
    old = world.json("daemon", "start")["pid"]
    claim_version(world, old, "0.0.9")
    for verb in ("start", "restart"):
        assert "XATS_QUIET_MS" in world.xats("daemon", verb, code=2, XATS_QUIET_MS="soon")[1]
        assert world.daemons() == [old]


def test_restart_ends_the_daemon_and_starts_one_with_the_settings_of_this_shell(world):
    out, _ = world.xats("daemon", "restart")
    first = int(re.fullmatch(rf"daemon started, pid (\d+), xats {re.escape(__version__)}; none ran before\n", out)[1])
    out, _ = world.xats("daemon", "restart", XATS_QUIET_MS="700")
    second = int(re.fullmatch(rf"daemon started, pid (\d+), xats \S+, in place of pid {first}\n", out)[1])
    assert process.started(first) is None
    assert world.daemons() == [second]
    until(lambda: report.read(world.path, second))
    assert "XATS_QUIET_MS=700" in world.xats("daemon", "status")[0]
    found = world.json("daemon", "restart")
    assert (found["running"], found["stopped"], found["version"]) == (True, second, __version__)
    assert world.xats("daemon", "restart", "-q") == ("", "")


def test_a_restart_loses_no_wake(world, desk):
    world.env["XATS_QUIET_MS"] = "60000"
    world.json("daemon", "start")
    world.send("bob")
    world.until_leased()
    world.env["XATS_QUIET_MS"] = "100"
    world.json("daemon", "restart")
    world.until_wake(state="delivered")


def test_json(world):
    status = {"running": False, "pid": None, "due": 0, "next_due_at": None, "log": f"{world.path}-daemon.log"}
    status.update(failure=None, environment=None, halted=None, version=None)
    before = world.json("daemon", "status")
    assert before.pop("clock")["reason"] == "first"
    assert before == status
    pid = world.json("daemon", "start")["pid"]
    until(lambda: report.read(world.path, pid))
    running = world.json("daemon", "status")
    environment = running.pop("environment")
    running.pop("clock")
    status.update(running=True, pid=pid, version=__version__)
    assert running == {name: value for name, value in status.items() if name != "environment"}
    assert (environment["pid"], environment["tmux"]["program"]) == (pid, shutil.which("tmux"))
    assert world.json("daemon", "stop") == {"running": False, "pid": None, "stopped": pid}
    assert world.json("daemon", "stop") == {"running": False, "pid": None, "stopped": None}


def test_a_daemon_that_is_stopped_says_so_wherever_it_is_relied_on(world):
    for name in ("alice", "bob"):
        world.register(name, None, "--client", "generic")
    pid = world.json("daemon", "start")["pid"]
    until(lambda: "started, pid" in Path(lock.log_path(world.path)).read_text())
    halt(pid, world.path)
    try:
        text = world.xats("daemon", "status")[0]
        found = world.json("daemon", "status")
        start = world.xats("daemon", "start", code=4)[1]
        sent = world.xats("send", "bob", "hello", "--as", "alice")[1]
    finally:
        os.kill(pid, signal.SIGCONT)
    assert text.startswith(f"daemon is stopped, pid {pid}, and wakes nobody (kill -CONT {pid})\n")
    assert (found["running"], found["halted"], found["pid"]) == (False, "stopped", pid)
    assert f"A daemon runs already (pid {pid}), but it is stopped" in start
    assert f"kill -CONT {pid}" in start
    (line,) = [one for one in sent.splitlines() if "daemon" in one]
    assert f"The daemon (pid {pid}) is stopped" in line
    assert f"kill -CONT {pid}" in line
    assert world.json("daemon", "status")["running"]
    assert "stopped" not in world.xats("send", "bob", "hello", "--as", "alice")[1]


def test_status_counts_what_is_due(world, noisy):
    world.send("bob")
    assert world.xats("daemon", "status")[0].splitlines()[1] == "1 wake due"
    world.daemon(XATS_LADDER="1h")
    world.until_wake(state="retrying", reason="not_quiet")
    assert re.fullmatch(r"0 wakes due, the next in (5\d|6\d) min", world.xats("daemon", "status")[0].splitlines()[1])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it(world, number):
    daemon = world.daemon()
    daemon.send_signal(number)
    assert daemon.wait(2) == 0
    assert world.log().splitlines()[-1].endswith("INFO stopped")


def test_sigterm_ends_it_within_two_seconds_with_attempts_under_way(world):
    """One in its quiet window, one at a tmux that hangs. What was not pasted is as due as before."""
    world.register("alice")
    calm, stuck = world.tmux("calm"), world.tmux("stuck")
    world.register("bob", calm.compose())
    world.register("carol", stuck.compose())
    fake = world.fake_tmux('case "$at" in "$T/stuck") : >"$T/hangs"; hang;; esac')
    for name in ("bob", "carol"):
        world.send(name)
    daemon = world.daemon(XATS_QUIET_MS="60000", **fake)
    until(lambda: world.noted("hangs"))
    world.until_leased("bob")
    since = time.monotonic()
    daemon.terminate()
    assert daemon.wait(10) == 0
    assert time.monotonic() - since < PROMPTLY
    wake = world.wake("bob")
    assert (wake["state"], wake["attempts"], wake["lease_token"]) == ("queued", 0, None)
    assert wake["next_attempt_at"] is not None


def test_stop_by_the_verb_with_an_attempt_under_way(world, desk):
    world.env["XATS_QUIET_MS"] = "60000"
    world.json("daemon", "start")
    world.send("bob")
    world.until_leased()
    assert world.xats("daemon", "stop")[0].startswith("daemon stopped")
    assert desk.bob.untouched()


def test_stop_ends_no_process_that_does_not_hold_the_lock(world):
    """The file beside the store says which process that is, and anybody who may write to the folder may change it."""
    made = world.daemon()
    with subprocess.Popen(["sleep", "60"]) as other:
        with open(lock.path_for(world.path), "r+") as file:
            file.write(f"{other.pid}\n")
            file.truncate()
        _, err = world.xats("daemon", "stop", code=4)
        assert f"names pid {other.pid}, but that process does not hold it" in err
        assert (other.poll(), made.poll()) == (None, None)
        other.kill()


def test_a_setting_that_cannot_be_read_is_said(world):
    assert "XATS_QUIET_MS" in world.xats("daemon", "run", code=2, XATS_QUIET_MS="soon")[1]
    _, err = world.xats("daemon", "start", code=1, XATS_LADDER="never")
    assert "The daemon cannot start: 'never' is not a duration" in err
    assert not world.daemons()


# -- the log -----------------------------------------------------------------------------------------------------------


def test_the_log_is_private(world, desk):
    pid = world.json("daemon", "start")["pid"]
    world.send("bob")
    world.until_wake(state="delivered")
    path = world.path + "-daemon.log"
    log = Path(path)
    until(lambda: "wake 1: delivered" in log.read_text())
    assert f"started, pid {pid}, store {world.path}" in log.read_text()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.fixture
def own_log():
    yield loop.log
    for handler in list(loop.log.handlers):
        loop.log.removeHandler(handler)
        handler.close()
    loop.log.setLevel(logging.NOTSET)


def test_the_log_is_rotated_and_stays_private(tmp_path, own_log, monkeypatch):
    monkeypatch.setattr(loop, "LOG_SIZE", 1000)
    before = os.umask(0o022)
    try:
        path = tmp_path / "log"
        loop.log_to(str(path))
        for number in range(200):
            own_log.info("line %s", number)
    finally:
        os.umask(before)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["log", "log.1", "log.2", "log.3"]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 4
    assert all(file.stat().st_size <= 1000 for file in files)
    assert path.read_text().splitlines()[-1].endswith("INFO line 199")


def test_it_runs_also_without_a_log(world):
    """Which may be another user's, who has started it here once."""
    world.register("alice")
    os.mkdir(lock.log_path(world.path))
    pid = world.json("daemon", "start")["pid"]
    assert world.daemons() == [pid]


def test_what_nobody_has_foreseen_is_in_the_log(world, own_log, caplog, monkeypatch):
    world.register("alice")
    daemon = loop.Daemon(world.path, Settings())
    monkeypatch.setattr(daemon, "_is_due", lambda _: 1 / 0)
    monkeypatch.setattr(daemon, "_dispatch", lambda _: None)
    with caplog.at_level(logging.ERROR, "xats.daemon"), pytest.raises(ZeroDivisionError):
        daemon.run()
    assert "ZeroDivisionError" in caplog.text


def test_a_lasting_outage_is_said_once(world, own_log, caplog):
    """The store goes bad under the daemon: it stays, and does not fill the disk with its complaint."""
    world.register("alice")
    daemon = loop.Daemon(world.path, Settings())
    broken = []

    class Broken(Store):
        def generation(self):
            if broken:
                broken.append(1)
                raise loop.StoreError("the disk is on fire")
            return super().generation()

    daemon._open = lambda: Broken(world.path)
    thread = threading.Thread(target=daemon.run)
    with caplog.at_level(logging.INFO, "xats.daemon"):
        thread.start()
        broken.append(1)
        until(lambda: len(broken) > 3)
        broken.clear()
        daemon.stop.set()
        thread.join(5)
    assert not thread.is_alive()
    assert caplog.text.count("on fire") == 1


def test_sigterm_ends_it_within_two_seconds_while_others_hold_the_store(world):
    daemon = world.daemon()
    holder = sqlite3.connect(world.path, isolation_level=None)
    holder.execute("begin exclusive")
    try:
        time.sleep(0.3)  # it is waiting for the lock by now, and would for ten seconds
        since = time.monotonic()
        daemon.terminate()
        assert daemon.wait(20) == 0
        assert time.monotonic() - since < PROMPTLY
    finally:
        holder.close()


def test_register_does_not_promise_a_wake_that_this_tmux_cannot_give(world):
    bob = world.tmux().compose()
    old = world.fake_tmux("""case "$*" in *'display-message -p #{version}') echo 3.1c; exit 0;; esac""")
    out, err = world.register("bob", bob, "--client", "generic", **old)
    assert "registered" in out
    assert "the tmux 3.1c of pane" in err
    assert "nothing wakes it" in err
    assert "nothing is typed there" in err
    assert "woken there" not in err
    assert "woken there when mail comes" in world.register("bob", bob, "--client", "generic")[1]
