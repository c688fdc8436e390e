"""Writers that wait: one asks, the others sleep, in the order in which they came; and nobody is lost over it."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from xats.base import errors
from xats.store.sqlite.queue import Queue
from xats.store.sqlite.waiting import Wait

pytestmark = pytest.mark.sqlite

WRITER = """
import sys
from xats.store.open import open_store
store = open_store(sys.argv[1])
print("open", flush=True)
store.write(lambda tx: tx.event("wrote", "crew", sys.argv[2], "agent:x"))
print("written", flush=True)
"""
WAITER = """
import os, sys
from xats.store.sqlite.queue import Queue
queue = Queue(sys.argv[1])
print("open", flush=True)
assert queue.wait(60)
with open(os.path.join(os.path.dirname(sys.argv[1]), "order"), "a") as file:
    file.write(sys.argv[2])
queue.leave()
print("first", flush=True)
"""
LOCKS = "/proc/locks"
listed = pytest.mark.skipif(not os.path.exists(LOCKS), reason="this system does not list its locks")


@pytest.fixture
def locked(store):
    """The store, locked by a connection of this process until `commit`."""
    import sqlite3

    held = sqlite3.connect(store.path, isolation_level=None)
    held.execute("begin immediate")
    yield held
    held.close()


@pytest.fixture
def run_writer():
    """`run_writer(code, path, name)`: start a process that says when it is ready; return the Popen."""
    running = []

    def start(code: str, path: str, name: str) -> subprocess.Popen:
        command = [sys.executable, "-c", code, path, name]
        one = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(one)
        assert one.stdout.readline() == "open\n"
        return one

    yield start
    for one in running:
        one.kill()
        one.wait(10)
        one.stdout.close()


@pytest.fixture
def writer(store, run_writer):
    """`writer(name)`: start a process that writes to the store as soon as it can; return the Popen."""
    return lambda name: run_writer(WRITER, store.path, name)


def in_queue(folder: str) -> dict[int, bool]:
    """Return who waits in the queue of a store in `folder`: {pid: whether it is the first}."""
    inode = str(os.stat(folder).st_ino)
    found = {}
    with open(LOCKS) as file:
        for line in file:
            words = line.split()
            waits = "->" in words
            if "FLOCK" in words and words[5 + waits].endswith(f":{inode}"):
                found[int(words[4 + waits])] = not waits
    return found


def actors(store) -> list[str]:
    return [row["actor"] for row in store.read(lambda tx: tx.all("select actor from events order by id"))]


@listed
def test_those_who_wait_become_the_first_in_the_order_in_which_they_came(tmp_path, run_writer, until):
    first, running = Queue(str(tmp_path / "xats.db")), []
    assert first.wait(1)
    for number in range(4):
        running.append(run_writer(WAITER, str(tmp_path / "xats.db"), str(number)))
        until(lambda: running[-1].pid in in_queue(str(tmp_path)))
    assert in_queue(str(tmp_path)) == {os.getpid(): True, **{one.pid: False for one in running}}
    first.leave()
    for one in running:
        assert one.stdout.readline() == "first\n"
    assert (tmp_path / "order").read_text() == "0123"
    assert in_queue(str(tmp_path)) == {}


@listed
def test_writers_that_wait_all_get_their_turn(store, locked, writer, until):
    folder = os.path.dirname(store.path)
    running = [writer(str(number)) for number in range(4)]
    until(lambda: in_queue(folder).keys() == {one.pid for one in running} and any(in_queue(folder).values()))
    locked.execute("commit")
    for one in running:
        assert one.stdout.readline() == "written\n"
    assert sorted(actors(store)) == ["0", "1", "2", "3"]
    assert in_queue(folder) == {}


@listed
@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
def test_a_first_that_goes_no_further_keeps_nobody_from_writing(store, locked, writer, until, number):
    folder = os.path.dirname(store.path)
    first = writer("first")
    until(lambda: in_queue(folder).get(first.pid))
    os.kill(first.pid, number)
    second = writer("second")
    until(lambda: second.pid in in_queue(folder))
    began = time.monotonic()
    locked.execute("commit")
    assert second.stdout.readline() == "written\n"
    assert time.monotonic() - began < 5  # the patience is ten seconds
    assert actors(store) == ["second"]


def test_the_wait_in_the_queue_has_an_end(tmp_path):
    before = signal.getsignal(signal.SIGALRM)
    one, other = Queue(str(tmp_path / "xats.db")), Queue(str(tmp_path / "xats.db"))
    assert one.wait(5)
    assert one.first
    began = time.monotonic()
    assert other.wait(0.2)
    assert 0.2 <= time.monotonic() - began < 4
    assert not other.first
    one.leave()
    assert other.wait(5)
    assert other.first
    other.leave()
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_the_wait_has_an_end_for_a_program_that_was_started_with_the_alarm_blocked(tmp_path):
    first, second = Queue(str(tmp_path / "xats.db")), Queue(str(tmp_path / "xats.db"))
    assert first.wait(1)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    try:
        assert second.wait(0.1)
        assert not second.first
        assert signal.SIGALRM in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    first.leave()
    second.leave()


def test_a_thread_does_not_wait_in_the_queue(tmp_path):
    first = Queue(str(tmp_path / "xats.db"))
    assert first.wait(1)
    said = []

    def work() -> None:
        queue = Queue(str(tmp_path / "xats.db"))
        said.extend((queue.wait(5), queue.first))
        queue.leave()

    began = time.monotonic()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    assert said == [False, False]
    assert time.monotonic() - began < 4
    first.leave()


def test_a_folder_that_cannot_be_locked_makes_no_difference(store, locked, monkeypatch):
    def refuse(file: int, how: int) -> None:
        raise OSError(9, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refuse)
    store.patience = 0.3
    with pytest.raises(errors.StoreBusy):
        store.write(lambda tx: tx.event("wrote", "crew", None, "agent:x"))
    locked.execute("commit")
    store.write(lambda tx: tx.event("wrote", "crew", "me", "agent:x"))
    assert actors(store) == ["me"]


def test_another_signal_is_still_heard_in_the_queue(tmp_path):
    class Heard(Exception):
        """The handler was run."""

    def handler(*_: object) -> None:
        raise Heard

    first, second = Queue(str(tmp_path / "xats.db")), Queue(str(tmp_path / "xats.db"))
    assert first.wait(1)
    before = signal.signal(signal.SIGUSR1, handler)
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1)).start()
    try:
        with pytest.raises(Heard):
            second.wait(20)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    first.leave()
    second.leave()


@pytest.mark.parametrize("patience, lasts", [(None, 30.0), (10.0, 10.0)])
def test_the_wait_goes_on_while_others_commit(monkeypatch, store, patience, lasts):
    """A hook has only so much time; a command waits for its turn."""
    now = [100.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds
        store.write(lambda tx: tx.event("wrote", "crew", None, "agent:x"))

    monkeypatch.setattr("xats.store.sqlite.waiting.time.monotonic", lambda: now[0])
    monkeypatch.setattr("xats.store.sqlite.waiting.time.sleep", sleep)
    wait = Wait(store.path, patience, 1.0, None, queued=False)
    while not wait.is_over():
        wait.pause()
    assert lasts <= now[0] - 100 < lasts + 1.6


def test_the_wait_ends_ten_seconds_after_the_last_commit(monkeypatch, store):
    now = [100.0]

    def sleep(seconds: float) -> None:
        if now[0] < 103:
            store.write(lambda tx: tx.event("wrote", "crew", None, "agent:x"))
        now[0] += seconds

    monkeypatch.setattr("xats.store.sqlite.waiting.time.monotonic", lambda: now[0])
    monkeypatch.setattr("xats.store.sqlite.waiting.time.sleep", sleep)
    wait = Wait(store.path, None, 1.0, None, queued=False)
    while not wait.is_over():
        wait.pause()
    assert 13 <= now[0] - 100 < 16


def test_the_pauses_grow_with_the_wait_and_shrink_towards_its_end(monkeypatch, tmp_path):
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("xats.store.sqlite.waiting.time.monotonic", lambda: now[0])
    monkeypatch.setattr("xats.store.sqlite.waiting.time.sleep", sleep)
    wait = Wait(str(tmp_path / "xats.db"), 10.0, 0.05, None, queued=False)
    while not wait.is_over():
        wait.pause()
    assert slept[0] <= 0.0015
    assert 0.025 <= min(slept[60:120]) <= max(slept[60:120]) <= 0.075
    assert slept[-1] <= 0.0015
    assert len(slept) < 400  # one that asks every 2.5 ms asks 4,000 times
