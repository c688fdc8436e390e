"""Who keeps a store locked: found by its locks, named in the wait and in the error."""

import os
import signal
import sqlite3
import subprocess
import sys
import time

import pytest

from xats.base import errors, process
from xats.store.open import open_store
from xats.store.sqlite import holder, inspect

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2].split(";"):
    held.execute(statement).fetchall()
print("held", flush=True)
sys.stdin.readline()
"""
WRITE, COMMIT, READ = "begin immediate", "begin exclusive", "begin; select * from agents"
listed = pytest.mark.skipif(not os.path.exists(holder.LOCKS), reason="this system does not list its locks")


def note(tx) -> None:
    tx.event("noted", "crew", None, "agent:x")


@pytest.fixture(params=["delete", "wal"])
def path(request, tmp_path):
    """A store in either journal mode."""
    made = str(tmp_path / "xats.db")
    open_store(made).close()
    changing = sqlite3.connect(made)
    assert changing.execute(f"pragma journal_mode = {request.param}").fetchone() == (request.param,)
    changing.close()
    return made


@pytest.fixture
def hold():
    """`hold(path, sql)`: have another process run `sql`, and keep its locks; return the Popen."""
    running = []

    def start(path: str, sql: str) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLD, path, sql]
        one = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        running.append(one)
        assert one.stdout.readline() == "held\n"
        return one

    yield start
    for one in running:
        one.kill()
        one.wait(10)
        one.stdin.close()
        one.stdout.close()


@pytest.fixture(params=[pytest.param("listed", marks=listed), "asked"])
def _either_way(request, monkeypatch):
    """Find locks in the list of the system, or by asking through a child process."""
    if request.param == "asked":
        monkeypatch.setattr(holder, "LOCKS", "/nowhere/locks")


@pytest.mark.usefixtures("_either_way")
@pytest.mark.parametrize("sql", [WRITE, COMMIT])
def test_the_process_that_writes_is_found(path, hold, sql):
    one = hold(path, sql)
    found = holder.find(path)
    assert (found.pid, found.writes, found.state, found.is_halted) == (one.pid, True, "running", False)
    assert found.program == process.read(one.pid).name
    assert str(found) == f"pid {one.pid} ({found.program}) holds its write lock"


@pytest.mark.usefixtures("_either_way")
def test_a_reader_is_found_where_it_keeps_a_commit_waiting(path, hold):
    one = hold(path, READ)
    found = holder.find(path)
    if os.path.exists(f"{path}-shm"):  # with a WAL a reader keeps nobody waiting
        assert found is None
    else:
        assert (found.pid, found.writes) == (one.pid, False)
        assert str(found).endswith("is reading it")


@listed
def test_a_writer_comes_before_a_reader(path, hold):
    hold(path, READ)
    writer = hold(path, WRITE)
    assert holder.find(path).pid == writer.pid


def test_a_store_by_another_name(path, hold, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.db"
    link.symlink_to(path)
    one = hold(path, WRITE)
    assert holder.find(str(link)).pid == one.pid


def test_a_store_that_nobody_locks_and_the_locks_of_this_process(path):
    assert holder.find(path) is None
    own = sqlite3.connect(path, isolation_level=None)
    own.execute("begin immediate")
    assert holder.find(path) is None
    own.close()


@listed
def test_on_a_file_system_with_other_device_numbers_open_files_are_compared(path, hold, monkeypatch):
    monkeypatch.setattr(os, "major", lambda device: 4095)
    one = hold(path, WRITE)
    assert holder.find(path).pid == one.pid


def test_a_look_drops_no_lock_of_this_process(path):
    """To close any descriptor of a database drops the locks that SQLite has on it."""
    store = open_store(path)
    store.connection.execute("begin immediate")
    holder.find(path)
    done = subprocess.run(
        [sys.executable, "-c", HOLD, path, f"pragma busy_timeout = 0; {WRITE}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "database is locked" in done.stderr
    store.close()


# -- the wait ----------------------------------------------------------------------------------------------------------


def open_and_write(path):
    store = open_store(path)
    try:
        store.write(note)
    finally:
        store.close()


@pytest.mark.parametrize("act", ["open and write", "read"])
def test_a_stopped_process_is_named_after_a_second(path, hold, act):
    one = hold(path, COMMIT)
    if act == "read" and os.path.exists(f"{path}-shm"):
        pytest.skip("with a WAL nobody keeps a reader waiting")
    os.kill(one.pid, signal.SIGSTOP)
    began = time.monotonic()
    with pytest.raises(errors.StoreBusy) as caught:
        open_and_write(path) if act == "open and write" else inspect.look(path)
    assert 0.9 <= time.monotonic() - began < 6  # the patience is ten seconds
    name = process.read(one.pid).name
    assert str(caught.value) == (
        f"The store is busy: pid {one.pid} ({name}, stopped) holds its write lock. Nothing was written."
    )
    assert caught.value.data == {"pid": one.pid, "program": name, "state": "stopped"}
    assert (caught.value.exit, caught.value.hint) == (75, f"kill -CONT {one.pid}")


def test_what_the_hint_says_helps(path, hold):
    one = hold(path, WRITE)
    os.kill(one.pid, signal.SIGSTOP)
    store = open_store(path)
    with pytest.raises(errors.StoreBusy) as caught:
        store.write(note)
    subprocess.run(caught.value.hint.split(), check=True)
    one.stdin.close()
    store.write(note)
    assert len(store.read(lambda tx: tx.all("select * from events"))) == 1
    store.close()


def test_who_is_waited_for_is_said_once(path, hold):
    one = hold(path, WRITE)
    name, heard = process.read(one.pid).name, []

    def notice(text: str) -> None:
        if text.startswith("waiting"):
            heard.append(text)
            one.stdin.close()  # now it may go on

    store = open_store(path, notice=notice)
    store.write(note)
    assert heard == [f"waiting for the store: pid {one.pid} ({name}) holds its write lock"]
    store.close()


def test_a_process_that_keeps_the_lock_is_named_with_the_time(path, hold):
    one = hold(path, WRITE)
    store = open_store(path, patience=1.6)
    with pytest.raises(
        errors.StoreBusy, match=rf"pid {one.pid} \(.*\) holds its write lock, for \d s so far"
    ) as caught:
        store.write(note)
    assert caught.value.hint.endswith(f"kill {one.pid}")
    assert caught.value.data["state"] == "running"
    store.patience = 0.1
    with pytest.raises(errors.StoreBusy) as caught:  # it may have taken the lock just now
        store.write(note)
    assert caught.value.hint.endswith(f"ps -fp {one.pid}")
    store.close()


def test_the_program_names_a_stopped_process(crew, xats, hold):
    one = hold(xats.path, WRITE)
    os.kill(one.pid, signal.SIGSTOP)
    error = xats("send", "bob", "hello", "--as", "alice", "--json", code=75).error()
    assert (error["code"], error["pid"], error["state"]) == ("store_busy", one.pid, "stopped")
    assert error["hint"] == f"kill -CONT {one.pid}"
    plain = xats("send", "bob", "hello", "--as", "alice", code=75)
    assert f"pid {one.pid} ({error['program']}, stopped) holds its write lock" in plain.stderr
    assert f"kill -CONT {one.pid}" in plain.stderr


# -- the states of a process -------------------------------------------------------------------------------------------


@pytest.fixture
def sleeper():
    with subprocess.Popen(["sleep", "60"]) as one:
        yield one.pid
        one.kill()


def test_a_process_that_is_stopped_and_goes_on(sleeper, until):
    assert process.state(sleeper) == "running"
    os.kill(sleeper, signal.SIGSTOP)
    until(lambda: process.state(sleeper) == "stopped")
    assert process.halted(sleeper) == "stopped"
    os.kill(sleeper, signal.SIGCONT)
    until(lambda: process.state(sleeper) == "running")
    assert process.halted(sleeper) is None
    os.kill(sleeper, signal.SIGKILL)
    until(lambda: process.state(sleeper) is None)


@pytest.fixture
def freezer():
    """A control group to freeze: (the file that lists its members, the file of its state, the words of the state)."""
    for folder, state, words in (
        ("/sys/fs/cgroup/freezer", "freezer.state", ("FROZEN", "THAWED")),
        ("/sys/fs/cgroup", "cgroup.freeze", ("1", "0")),
    ):
        group = f"{folder}/xats-test-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        if os.path.exists(f"{group}/{state}"):
            yield f"{group}/cgroup.procs", f"{group}/{state}", words
            os.rmdir(group)
            return
        os.rmdir(group)
    pytest.skip("no control group can be made here")


def test_a_frozen_process(freezer, sleeper, until):
    members, state, (freeze, thaw) = freezer

    def write(path: str, text: str) -> None:
        with open(path, "w") as file:
            file.write(text)

    write(members, str(sleeper))
    assert process.state(sleeper) == "running"
    write(state, freeze)
    try:
        until(lambda: process.state(sleeper) == "frozen")
        assert "thaw" in process.continuing(sleeper, "frozen")
    finally:
        write(state, thaw)
    until(lambda: process.state(sleeper) == "running")
    os.kill(sleeper, signal.SIGKILL)
    until(lambda: process.state(sleeper) is None)
    os.waitpid(sleeper, 0)
