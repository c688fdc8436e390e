"""One pane, one xats process. The lock is on the terminal, so these tests need terminals and no tmux."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time

import pytest

from xats.tmux.lock import NoTerminal, PaneBusy, locked
from xats.tmux.pane import Pane

HOLD = """
import sys, time
from xats.base.pane import Pane
from xats.tmux.lock import locked
with locked(Pane("/elsewhere/s", 8, 10, "%3", int(sys.argv[1]), sys.argv[2])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def make():
    """`make()` starts a process with a terminal of its own, as a pane has one, and returns that pane."""
    masters = []

    def one() -> Pane:
        pid, master = pty.fork()
        if not pid:
            os.write(1, b"ready")
            os.execv("/bin/sleep", ["sleep", "60"])
        masters.append((pid, master))
        assert os.read(master, 5) == b"ready"
        return Pane("/tmp/s", 7, 9, "%3", pid, os.readlink(f"/proc/{pid}/fd/0"))

    yield one
    for pid, master in masters:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


@pytest.fixture
def pane(make):
    return make()


def end(pane):
    os.kill(pane.pane_pid, signal.SIGKILL)
    while os.path.exists(f"/proc/{pane.pane_pid}/fd/0"):
        time.sleep(0.01)


def test_another_process_has_it_until_it_is_killed_whatever_its_environment(pane, tmp_path):
    """Its store, its folder for temporary files, its path to the server: the terminal is the same."""
    environ = {**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": str(tmp_path), "XATS_HOME": str(tmp_path)}
    words = [sys.executable, "-c", HOLD, str(pane.pane_pid), pane.tty]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environ) as holder:
        assert holder.stdout.readline() == "held\n"
        start = time.monotonic()
        with pytest.raises(PaneBusy), locked(pane, wait=0.1):
            pass
        assert 0.1 <= time.monotonic() - start < 1
        holder.kill()
        with locked(pane, wait=5):
            pass


def test_another_thread_has_it(pane):
    found = []

    def other():
        try:
            with locked(pane, wait=0):
                found.append("held")
        except PaneBusy:
            found.append("busy")

    with locked(pane):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    other()
    assert found == ["busy", "held"]


def test_it_is_of_one_pane_whatever_the_path_of_the_socket(pane, make):
    with locked(pane):
        with locked(make(), wait=0):
            pass
        same = Pane("/private/tmp/s", pane.server_pid, pane.server_start, pane.pane_id, pane.pane_pid, pane.tty)
        with pytest.raises(PaneBusy), locked(same, wait=0):
            pass


def test_it_is_free_after_a_failure_inside(pane):
    with pytest.raises(KeyError), locked(pane):
        raise KeyError
    with locked(pane, wait=0):
        pass


def test_no_file_is_left_open_and_none_is_created(pane, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    before = len(os.listdir("/dev/fd"))
    with locked(pane), pytest.raises(PaneBusy), locked(pane, wait=0):
        pass
    assert len(os.listdir("/dev/fd")) == before
    assert os.listdir(tmp_path) == []


def test_a_terminal_that_the_program_has_not_is_not_locked(pane, make):
    other = make()
    with pytest.raises(NoTerminal), locked(Pane("/tmp/s", 7, 9, "%3", pane.pane_pid, other.tty)):
        pass


def test_a_terminal_that_is_gone_cannot_be_locked(pane):
    end(pane)
    with pytest.raises(NoTerminal), locked(pane):
        pass


def test_a_terminal_of_another_user_is_not_locked(pane, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(NoTerminal), locked(pane):
        pass
