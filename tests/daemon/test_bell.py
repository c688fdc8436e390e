"""The daemon's bell: it is rung after each send, and whatever has its name does no harm."""

import os
import stat
import subprocess
import sys
import threading
import time

import pytest

from tests.support.world import until
from xats.daemon import bell as bells
from xats.daemon import loop
from xats.daemon.bell import Bell
from xats.delivery.settings import Settings

LINE = "xats: 1 new from alice - run: xats inbox"


@pytest.fixture
def store(tmp_path):
    return str(tmp_path / "xats.db")


@pytest.fixture
def bell(store):
    made = Bell(store)
    yield made
    made.close()


def rung(bell):
    """Tell whether somebody has rung."""
    since = time.monotonic()
    bell.wait(0.3)
    return time.monotonic() - since < 0.2


def test_it_is_ours_alone(store, bell):
    found = os.lstat(bells.path_for(store))
    assert stat.S_ISFIFO(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o600


def test_a_ring_ends_the_wait(store, bell):
    assert bells.ring(store)
    assert rung(bell)
    assert not rung(bell)


def test_many_rings_are_one(store, bell):
    for _ in range(100_000):  # more than the FIFO holds
        assert bells.ring(store)
    assert rung(bell)
    assert not rung(bell)


def test_nobody_listens(store):
    assert not bells.ring(store)
    assert os.listdir(os.path.dirname(store)) == []
    Bell(store).close()
    assert not bells.ring(store)


def test_a_store_by_another_name(store, bell, tmp_path):
    (tmp_path / "xats.db").touch()
    (tmp_path / "link").symlink_to(store)
    assert bells.ring(str(tmp_path / "link"))
    assert rung(bell)


def test_one_that_is_left_over_is_used_again(store):
    os.mkfifo(bells.path_for(store), 0o666)
    made = Bell(store)
    assert (made.trouble, stat.S_IMODE(os.stat(bells.path_for(store)).st_mode)) == ("", 0o600)
    assert bells.ring(store)
    assert rung(made)
    made.close()


def file(path):
    path.write_text("precious")


def link_to_a_file(path):
    target = path.parent / "precious"
    target.write_text("precious")
    path.symlink_to(target)


def link_to_a_fifo(path):
    os.mkfifo(path.parent / "fifo")
    path.symlink_to(path.parent / "fifo")


def folder(path):
    path.mkdir()


@pytest.mark.parametrize("make", [file, link_to_a_file, link_to_a_fifo, folder])
def test_something_else_has_its_name(store, tmp_path, make):
    path = tmp_path / "xats.db-daemon.wake"
    make(path)
    before = {one: one.lstat().st_mode for one in tmp_path.iterdir()}
    assert not bells.ring(store)
    made = Bell(store)
    assert made.trouble.startswith(str(path))
    assert not bells.ring(store)
    assert not rung(made)
    made.ring()  # the daemon can still wake itself
    assert rung(made)
    made.close()
    assert {one: one.lstat().st_mode for one in tmp_path.iterdir()} == before
    assert all(one.read_text() == "precious" for one in tmp_path.iterdir() if one.is_file())


def test_somebody_elses(store, monkeypatch, bell):
    """It belongs to us here, so it is we who become another."""
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert not bells.ring(store)
    other = Bell(store)
    assert "xats does not use it" in other.trouble
    other.close()
    assert not rung(bell)


def test_the_sender_imports_no_more_for_it_than_this_module():
    code = """
import sys
before = set(sys.modules)
from xats.daemon import autostart
autostart.ensure_running(sys.argv[1], {"XATS_AUTOSTART": "0"})
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("xats")))
"""
    done = subprocess.run(
        [sys.executable, "-c", code, "/nowhere/xats.db"], capture_output=True, text=True, check=True, timeout=20
    )
    assert set(done.stdout.split()) <= {"__future__"}


# -- with a daemon -----------------------------------------------------------------------------------------------------


def test_a_send_rings(world):
    """The bell of this test stands in for the daemon's."""
    world.register("alice")
    world.register("bob")
    bell = Bell(world.path)
    assert not rung(bell)
    world.send("bob")
    assert rung(bell)
    bell.close()


def test_what_rings_is_attended_to_before_the_next_poll(world, desk, monkeypatch):
    monkeypatch.setattr(loop, "POLL", 60.0)
    monkeypatch.setattr(loop, "IDLE_POLL", 60.0)
    for name in [name for name in os.environ if name.startswith(("TMUX", "XATS_"))]:
        monkeypatch.delenv(name)
    daemon = loop.Daemon(world.path, Settings(quiet=100))
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        until(lambda: bells.ring(world.path))
        world.send("bob")
        world.until_wake(state="delivered")
        assert desk.bob.sent == [LINE]
    finally:
        daemon.end()
        thread.join(10)
    assert not thread.is_alive()


def test_a_daemon_that_cannot_have_it_lives_by_polling(world, desk):
    path = bells.path_for(world.path)
    with open(path, "w") as file:
        file.write("precious")
    daemon = world.daemon()
    assert "senders cannot ring" in world.log()
    world.send("bob", XATS_AUTOSTART="1")
    world.until_wake(state="delivered")
    assert world.daemons() == []  # `send` started no other: this one runs as `daemon run`, without --db
    assert daemon.poll() is None
    with open(path) as file:
        assert file.read() == "precious"


def test_it_is_no_proof_of_a_daemon_once_that_was_killed(world, desk):
    daemon = world.daemon()
    assert bells.ring(world.path)
    daemon.kill()
    daemon.wait(10)
    assert os.path.exists(bells.path_for(world.path))
    assert not bells.ring(world.path)
    world.send("bob", XATS_AUTOSTART="1")
    world.until_wake(state="delivered")
    assert len(world.daemons()) == 1
    assert bells.ring(world.path)
