"""What a real daemon does for locks: it sees at once that a holder is gone, and that a file is free."""

import os
import signal

import pytest

from tests.conftest import trust_clock
from tests.support.world import until
from xats.base import process
from xats.core.agents import agents
from xats.core.locks import automatic, locks, waits
from xats.core.locks.files import File
from xats.daemon.loop import SWEEP
from xats.store.open import open_store

FILE = File("h", "/r/.git", "/r", "src/x.py", "src/x.py")


@pytest.fixture
def act(world):
    """`act(name, work, ...)`: do `work` as `name` in the store of the world."""

    def one(name, work, *args, **values):
        store = open_store(world.path)
        try:
            return store.write(lambda tx: work(tx, agents.by_name(tx, "t", name), *args, **values))
        finally:
            store.close()

    return one


def held(world):
    return [row["name"] for row in world.rows("select a.name from locks t join agents a on a.id = t.holder_id")]


def subjects(world, name):
    rows = world.rows(
        "select m.subject from deliveries d join messages m on m.id = d.message_id "
        "join agents a on a.id = d.agent_id where a.name = :name order by m.id",
        name=name,
    )
    return [row["subject"] for row in rows]


def test_the_locks_of_a_killed_holder_end_at_once_and_not_only_at_a_sweep(world, desk, act):
    act("bob", locks.take, [FILE], reason="a refactoring")
    act("alice", waits.join, [FILE], None, process.gone)
    world.daemon()
    until(lambda: "started" in world.log())
    assert held(world) == ["bob"]
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: not held(world), seconds=SWEEP / 2, what="the end of the lock")
    assert subjects(world, "bob") == ["your lock on src/x.py is over"]
    until(lambda: subjects(world, "alice") == ["src/x.py is free"], seconds=SWEEP / 2, what="the mail")


def test_the_next_agent_learns_at_once_that_a_file_was_released(world, desk, act):
    act("alice", locks.take, [FILE])
    act("bob", waits.join, [FILE], None, process.gone)
    world.daemon()
    until(lambda: "started" in world.log())
    act("alice", locks.release, [FILE])
    world.until_wake("bob", seconds=SWEEP / 2, state="delivered")
    assert desk.bob.sent == ["xats: 1 new from xats - run: xats inbox"]
    assert "src/x.py is free" in world.xats("inbox", "--as", "bob")[0]


def test_a_lock_that_lapses_is_reported_in_time(world, act):
    for name in ("alice", "bob"):
        world.register(name)
    act("bob", locks.take, [FILE], 1000)
    act("alice", waits.join, [FILE], None, process.gone)
    trust_clock(world.path)
    world.daemon()
    until(lambda: subjects(world, "alice") == ["src/x.py is free"], seconds=SWEEP / 2, what="the mail")
    assert subjects(world, "bob") == ["your lock on src/x.py is over"]


def test_one_round_without_a_daemon_does_the_same(world, desk, act):
    act("bob", locks.take, [FILE])
    act("bob", automatic.take, File("h", "/r/.git", "/r", "z", "z"))
    act("alice", waits.join, [FILE], None, process.gone)
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: process.started(desk.bob.pid) is None)
    world.xats("deliver", "--once")
    assert held(world) == []
    assert subjects(world, "bob") == ["your lock on src/x.py is over"]
    assert subjects(world, "alice") == ["src/x.py is free"]


def test_unregister_names_the_locks_and_releases_them_by_force(world, act):
    for name in ("alice", "bob"):
        world.register(name)
    world.xats("task", "add", "build it", "--as", "alice")
    world.xats("task", "claim", "1", "--as", "bob")
    act("bob", locks.take, [FILE])
    _, said = world.xats("unregister", "--as", "bob", code=4)
    assert "bob has claimed 1 task: #1 build it; and it holds 1 lock: src/x.py." in said
    assert "xats unregister bob --force" in said
    found = world.json("unregister", "--force", "--as", "bob")
    assert (found["released"], found["released_locks"]) == ([1], ["src/x.py"])
    assert held(world) == []


def test_the_removal_of_an_agent_names_its_locks(world, act):
    world.register("bob")
    act("bob", locks.take, [FILE])
    found = world.json("agent", "forget", "bob", "--yes", "--as", "bob")
    assert found["released_locks"] == ["src/x.py"]
    assert held(world) == []
