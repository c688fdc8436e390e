"""Processes by pid and start time, on Linux and by the way that other systems take."""

import os
import pty
import shutil
import signal
import subprocess
import sys

import pytest

from tests.support.waiting import until
from xats.base import host, occupancy, process
from xats.base.pane import Pane
from xats.core.agents.agents import Seat

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]


@pytest.fixture(params=["here", "portable"], autouse=True)
def way(request, monkeypatch):
    """Every test runs twice: as this system does it, and by ps and psutil."""
    if request.param == "portable":
        monkeypatch.setattr(process, "LINUX", False)
    elif not process.LINUX:
        pytest.skip("this system has only the portable way")
    return request.param


@pytest.fixture
def child():
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        yield running
        running.kill()


def test_what_a_process_has_marked_is_free_when_it_is_gone(child):
    where, pid, since = process.mark().rsplit(":", 2)
    assert (where, int(pid), int(since)) == (host.id(), os.getpid(), process.started(os.getpid()))
    assert not process.gone(process.mark())
    theirs = f"{where}:{child.pid}:{process.started(child.pid)}"
    assert not process.gone(theirs)
    assert process.gone(f"{where}:{child.pid}:1")
    for none in (
        "",
        "x",
        f"{where}:1",
        f"{where}:one:1",
        f"{where}:{child.pid}:None",
    ):  # the last could not tell its start
        assert not process.gone(none)
    child.kill()
    child.wait()
    assert process.gone(theirs)
    assert not process.gone(f"not-{theirs}")


def seat(child, where, started=0, **more):
    return Seat(where, child.pid, process.started(child.pid) + started, **more)


def test_a_pid_of_another_host_says_nothing(child):
    assert occupancy.living(seat(child, host.id())) is True
    assert occupancy.living(seat(child, host.id(), 1)) is False
    assert occupancy.living(Seat(host.id())) is None
    for there in ("h1+0000000000000000", f"{host.machine()}-0000000000000000"):
        assert occupancy.living(seat(child, there)) is None
        assert occupancy.living(seat(child, there, 1)) is None


def test_of_a_host_that_is_named_alone_only_life_is_known(child):
    assert occupancy.living(seat(child, "an-old-name")) is True
    assert occupancy.living(seat(child, "an-old-name", 1)) is None


def test_a_seat_is_known_to_be_here_by_its_process_its_pane_or_the_name(child):
    assert occupancy.sits_here(seat(child, "an-old-name"))
    assert occupancy.sits_here(seat(child, "an-old-name", 1)) is False
    assert occupancy.sits_here(Seat("an-old-name")) is None
    assert occupancy.sits_here(Seat(host.name(), 4999999, 1))
    no_tmux = Pane("/s", os.getpid(), 1, "%1", child.pid, "/dev/null")
    assert occupancy.sits_here(Seat("an-old-name", pane=no_tmux)) is False


def test_in_a_namespace_of_its_own_the_name_says_nothing(child, monkeypatch):
    """A sandbox has the name of its machine."""
    monkeypatch.setattr(host, "nested", lambda: True)
    assert occupancy.sits_here(Seat(host.name(), 4999999, 1)) is False
    assert occupancy.sits_here(Seat(host.name())) is None
    assert occupancy.sits_here(seat(child, host.name()))


def test_a_tmux_server_is_known_in_a_namespace_of_its_own(monkeypatch):
    assert process.serves_here(os.getpid())
    monkeypatch.setattr(host, "nested", lambda: True)
    assert not process.serves_here(os.getpid())  # it is no tmux


def test_a_process_is_alive_only_with_its_own_start_time(child):
    since = process.started(child.pid)
    assert process.alive(child.pid, since)
    assert not process.alive(child.pid, since + 1)
    assert process.started(child.pid) == since


def test_a_later_process_has_a_later_start_time(child):
    assert process.started(child.pid) >= process.started(os.getpid())


def test_nobody_has_that_pid():
    assert process.started(2**22 + 5) is None
    assert process.read(2**22 + 5) is None
    assert not process.alive(2**22 + 5, 0)
    assert process.argv(2**22 + 5) == []
    assert process.environ(2**22 + 5) == {}
    assert process.owner(2**22 + 5) is None
    assert process.open_files(2**22 + 5) == []
    assert process.descriptors(2**22 + 5) == []
    assert process.ancestors(2**22 + 5) == []


def test_a_zombie_is_gone(child):
    child.kill()  # and not waited for
    until(lambda: process.read(child.pid) is None)
    assert process.started(child.pid) is None
    assert child.returncode is None


def test_read_tells_family_and_group(child):
    found = process.read(child.pid)
    assert (found.pid, found.ppid, found.pgrp) == (child.pid, os.getpid(), os.getpgrp())
    assert found.started == process.started(child.pid)


def test_ancestors_begin_with_the_parent(child):
    line = process.ancestors(child.pid)
    assert [line[0].pid, line[1].pid] == [os.getpid(), os.getppid()]
    assert line[-1].ppid == 0
    assert [found.pid for found in process.ancestors()] == [found.pid for found in line[1:]]


@pytest.mark.parametrize("name", ["a b", "x) R 1 (y", "tmux: s"])
def test_a_name_with_spaces_and_parentheses(tmp_path, name):
    path = tmp_path / name
    shutil.copy(shutil.which("sleep"), path)
    with subprocess.Popen([path, "60"]) as running:
        try:
            until(lambda: process.read(running.pid).name == name)
            found = process.read(running.pid)
            assert (found.ppid, found.pgrp) == (os.getpid(), os.getpgrp())
        finally:
            running.kill()


def test_argv(child):
    assert process.argv(child.pid) == SLEEP


def test_environ():
    environ = {"HOME": "/home/x", "ODD": "a=b c", "EMPTY": "", "BYTES": os.fsdecode(b"/\xff")}
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE, text=True, env=environ) as running:
        running.stdout.readline()
        found = process.environ(running.pid)
        assert {name: found.get(name) for name in environ} == environ
        running.kill()


def test_owner_and_open_files(tmp_path, child):
    assert process.owner(child.pid) == os.geteuid()
    path = str(tmp_path / "kept open")
    with open(path, "w"):
        assert path in process.open_files(os.getpid())
    assert path not in process.open_files(os.getpid())


def test_descendants_are_told_parents_first(child):
    code = "import subprocess; subprocess.run(['sh', '-c', 'echo up; sleep 60; true'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        until(lambda: [one.name for one in process.descendants(running.pid)] == ["sh", "sleep"])
        shell, sleep = process.descendants(running.pid)
        assert (shell.ppid, sleep.ppid) == (running.pid, shell.pid)
        assert process.descendants(child.pid) == []
        assert {running.pid, child.pid, shell.pid} <= {one.pid for one in process.descendants(os.getpid())}
        assert os.getpid() in {one.pid for one in process.everybody()}
        for one in (shell, sleep):  # the shell would end with its child
            os.kill(one.pid, signal.SIGKILL)


def test_a_listing_in_which_two_are_above_each_other_comes_to_an_end(monkeypatch):
    def one(pid, ppid):
        return process.Process(pid, 1, "sh", ppid, pid, -1, 0)

    monkeypatch.setattr(process, "everybody", lambda: [one(1, 0), one(5, 7), one(7, 5), one(8, 7)])
    assert [found.pid for found in process.descendants(5)] == [7, 8]


def test_argv_with_empty_arguments():
    with subprocess.Popen([*SLEEP, "", "a b", "x"], stdout=subprocess.PIPE, text=True) as running:
        running.stdout.readline()
        assert process.argv(running.pid) == [*SLEEP, "", "a b", "x"]
        running.kill()


def test_foreground_without_a_terminal():
    with subprocess.Popen(SLEEP, stdout=subprocess.PIPE, text=True, start_new_session=True) as running:
        running.stdout.readline()
        assert process.read(running.pid).tty == 0
        assert process.foreground(running.pid) == []
        running.kill()


def test_foreground_is_the_group_that_the_terminal_reads_for():
    """A session leader, and in the foreground of its terminal a group of two others."""
    code = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
lead = subprocess.Popen(["sleep", "60"], process_group=0)
other = subprocess.Popen(["sleep", "61"], process_group=lead.pid)
back = subprocess.Popen(["sleep", "62"], process_group=0)
os.tcsetpgrp(0, lead.pid)
print("up", lead.pid, other.pid, back.pid, flush=True)
time.sleep(60)
"""
    pid, master = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", code])
    said = b""
    try:
        while b"\n" not in said:
            said += os.read(master, 100)
        lead, other, back = (int(word) for word in said.split()[1:])
        until(lambda: process.read(other).name == process.read(lead).name == "sleep")
        assert [found.pid for found in process.foreground(pid)] == [lead, other]
        assert [found.pid for found in process.foreground(back)] == [lead, other]
        device = os.stat(os.ptsname(master) if hasattr(os, "ptsname") else os.readlink(f"/proc/{pid}/fd/0")).st_rdev
        assert {found.tty for found in process.foreground(pid)} == {device}
        assert process.group(lead, 0) == []
    finally:
        for victim in (*map(int, said.split()[1:]), pid):
            os.kill(victim, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(master)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("bash", True), ("-bash", True), ("/bin/zsh", True), ("sh", True), ("nu", True)),
        *(("claude", False), ("", False), ("python3", False), ("ssh", False), ("bashful", False)),
    ],
)
def test_is_shell(name, expected):
    assert process.is_shell(name) is expected


def test_the_hot_path_imports_no_psutil_and_no_subprocess(way):
    if way == "portable":
        pytest.skip("the other way needs them")
    code = (
        "import sys; from xats.base import process; process.ancestors();"
        " print({'psutil', 'subprocess'} & {*sys.modules})"
    )
    assert subprocess.check_output([sys.executable, "-S", "-c", code], text=True) == "set()\n"


# -- who cannot be looked at -------------------------------------------------------------------------------------------


def test_what_cannot_be_read_has_not_surely_ended(monkeypatch):
    """As another user's process behind hidepid: /proc shows nothing, and kill(2) says that it is there."""
    me, since = os.getpid(), process.started(os.getpid())
    mark = f"{host.id()}:{me}:{since}"
    monkeypatch.setattr(process, "_linux" if process.LINUX else "_elsewhere", lambda _: None)
    assert not process.alive(me, since)
    assert not process.ended(me, since)
    assert not process.gone(mark)

    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert not process.ended(me, since)


def test_a_process_that_cannot_be_looked_at_keeps_its_seat(child, monkeypatch):
    there = seat(child, host.id())
    ended, elsewhere = seat(child, host.id(), 1), seat(child, "h1+0000000000000000")
    assert occupancy.holds(there)
    assert not occupancy.holds(ended)
    assert not occupancy.holds(elsewhere)
    assert not occupancy.holds(Seat(host.id()))
    monkeypatch.setattr(process, "_linux" if process.LINUX else "_elsewhere", lambda _: None)
    assert occupancy.living(there) is None
    assert occupancy.holds(there)
    assert not occupancy.holds(elsewhere)


def test_outside_of_a_sandbox_nobody_loses_a_seat(child, monkeypatch):
    """Its pid means another process in here, or none."""
    monkeypatch.setattr(host, "id", lambda: f"{host.machine()}-0123456789abcdef")
    for number in (0, 1):
        outside = seat(child, host.machine(), number)
        assert occupancy.living(outside) is None
        assert occupancy.holds(outside)
    assert not occupancy.holds(
        seat(child, f"{host.machine()}-fedcba9876543210")
    )  # another container's, which may be over


def test_what_has_ended():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as running:
        since = process.started(running.pid)
        assert not process.ended(running.pid, since)
        assert process.ended(running.pid, since + 1)  # another one has the number
        running.stdin.close()
        os.waitid(os.P_PID, running.pid, os.WEXITED | os.WNOWAIT)
        assert process.ended(running.pid, since)  # its zombie is left
    assert process.ended(running.pid, since)
    assert process.absent(1 << 40)


# -- signals -----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=[True, False], ids=["held", "not held"])
def target(request, monkeypatch):
    """A process to be signalled, where the system can keep hold of a process, and where it cannot."""
    if not request.param:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    made = subprocess.Popen(["sleep", "60"])
    yield made
    made.kill()
    made.wait()


def test_a_signal_reaches_the_process_that_is_meant(target):
    assert process.send_signal(target.pid, process.started(target.pid), signal.SIGTERM, lambda pid: pid == target.pid)
    assert target.wait(20) == -signal.SIGTERM


def test_a_signal_reaches_no_other_process(target):
    since = process.started(target.pid)
    assert not process.send_signal(target.pid, since - 1, signal.SIGKILL, lambda _: True)
    assert not process.send_signal(target.pid, since, signal.SIGKILL, lambda _: False)
    assert target.poll() is None


def test_a_process_that_ends_while_it_is_verified_is_no_error(target):
    def end(_):
        target.kill()
        target.wait()
        return True

    assert not process.send_signal(target.pid, process.started(target.pid), signal.SIGTERM, end)
    assert not process.send_signal(target.pid, 1, signal.SIGTERM, lambda _: True)  # it is gone by now
