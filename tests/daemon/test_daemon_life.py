"""It takes up where the one before it left off, ends when its store is taken away, and does not mind the clock."""

import os
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing

import psutil
import pytest

import xats
from tests.conftest import trust_clock
from tests.support.world import until
from xats.daemon import lock
from xats.daemon.loop import Daemon
from xats.delivery.settings import Settings
from xats.store.open import open_store
from xats.store.sqlite.engine import SCHEMA_VERSION, host_clock

LINE = "xats: 1 new from alice - run: xats inbox"
HOUR = 3600_000


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_fresh_one_takes_up_where_the_old_one_left_off(world, desk, number):
    daemon = world.daemon(XATS_QUIET_MS="60000")
    world.send("bob")
    wake = world.until_leased()
    daemon.send_signal(number)
    daemon.wait(10)
    assert (world.wake()["lease_token"] is None) == (number == signal.SIGTERM)
    since = time.monotonic()
    world.daemon()
    assert world.until_wake(state="delivered")["id"] == wake["id"]
    assert time.monotonic() - since < 20  # not the minute that the lease would have lasted
    assert desk.bob.sent == [LINE]


def test_the_schedule_survives(world, noisy):
    daemon = world.daemon(XATS_LADDER="1h")
    world.send("bob")
    before = world.until_wake(state="retrying", lease_token=None)
    daemon.kill()
    daemon.wait(10)
    world.daemon(XATS_LADDER="1h")
    world.register("carol")  # a commit for it to look at
    world.send("carol")
    world.until_wake("carol", reason="no_pane")
    assert dict(world.wake()) == dict(before)


def test_it_tells_the_sender_of_a_request_that_was_read_and_not_answered(world):
    world.register("alice")
    world.register("bob")
    number = world.send("bob")
    world.xats("inbox", "--as", "bob")
    trust_clock(world.path)
    world.write("update deliveries set state = 'read', read_at = 1 where message_id = :id", id=number)
    daemon = world.daemon()
    (alert,) = until(lambda: world.rows("select * from messages where kind = 'alert'"), what="the alert")
    assert alert["subject"] == f"not answered: #{number}"
    daemon.terminate()
    daemon.wait(10)
    world.xats("deliver", "--once")
    assert len(world.rows("select * from messages where kind = 'alert'")) == 1


def test_it_ends_when_its_store_is_removed(world):
    world.register("alice")
    daemon = world.daemon()
    shutil.rmtree(world.home)
    assert daemon.wait(10) == 0
    assert "the file of the store was removed or replaced; ending" in world.log()
    assert not os.path.exists(world.home)


def test_it_ends_when_its_store_is_replaced_and_the_next_send_starts_another(world, desk):
    daemon = world.daemon()
    copy = world.path + ".copy"
    shutil.copy(world.path, copy)
    os.replace(copy, world.path)
    assert daemon.wait(10) == 0
    world.send("bob", XATS_AUTOSTART="1")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]


def test_it_ends_when_a_newer_xats_has_changed_the_store(world):
    world.register("alice")
    daemon = world.daemon()
    background = world.json("daemon", "start", "--db", world.path + ".other")["pid"]
    for path in (world.path, world.path + ".other"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"pragma user_version = {SCHEMA_VERSION + 1}")
    said = f"has schema {SCHEMA_VERSION + 1}; this xats knows {SCHEMA_VERSION}. xats did not change it."
    assert daemon.wait(10) == 1
    assert f"{said} Ending." in world.log()
    # What is installed is the same, so the one that was started in its place is the last.
    until(lambda: not psutil.pid_exists(background) and not lock.held(world.path + ".other") and not world.daemons())
    with open(world.path + ".other-daemon.log") as log:
        told = log.read()
    assert [told.count(one) for one in (" started, ", f"{said} Ending.", f" not started: {world.path}.other has")] == [
        1
    ] * 3
    assert told.count("ERROR") == 1


def newer(folder):
    """Make a newer xats in `folder`, or of the one that is there; return what to set as PYTHONPATH to run it."""
    package = folder / "xats"
    if not package.exists():
        shutil.copytree(os.path.dirname(xats.__file__), package, ignore=shutil.ignore_patterns("__pycache__"))
    code = (package / "store" / "sqlite" / "__init__.py").read_text()
    (package / "store" / "sqlite" / "__init__.py").write_text(
        code.replace(f"SCHEMA_VERSION = {SCHEMA_VERSION} ", f"SCHEMA_VERSION = {SCHEMA_VERSION + 1} ")
    )
    (package / "store" / "sqlite" / "schema" / f"{SCHEMA_VERSION + 1:04}_next.sql").write_text(
        "create table next (x integer);\n"
    )
    return str(folder)


def test_after_an_upgrade_the_new_one_takes_its_place(world, desk, tmp_path):
    """The daemon has the code of before in its memory; what is installed has changed under it."""
    shutil.copytree(os.path.dirname(xats.__file__), tmp_path / "xats", ignore=shutil.ignore_patterns("__pycache__"))
    world.env["PYTHONPATH"] = str(tmp_path)
    old = world.json("daemon", "start")["pid"]
    newer(tmp_path)
    world.send("bob")
    assert world.rows("pragma user_version")[0][0] == SCHEMA_VERSION + 1
    new = until(lambda: next((pid for pid in world.daemons() if pid != old), None))
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    until(lambda: world.daemons() == [new])


def test_a_newer_xats_from_elsewhere_starts_its_own_when_it_changes_the_store(world, desk, tmp_path):
    """What the old one starts in its place is as old as itself."""
    old = world.json("daemon", "start")["pid"]
    world.env.update(PYTHONPATH=newer(tmp_path), XATS_AUTOSTART="1")
    world.send("bob")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]
    (new,) = until(lambda: len(found := world.daemons()) == 1 and found)
    assert (new != old, new) == (True, lock.holder(world.path))


def test_a_store_that_stays_locked_for_a_while(world, desk):
    daemon = world.daemon()
    connection = sqlite3.connect(world.path, isolation_level=None)
    world.send("bob")
    world.until_wake(state="delivered")
    connection.execute("begin exclusive")
    time.sleep(1)  # what is tested is that time passes
    connection.execute("rollback")
    connection.close()
    assert daemon.poll() is None
    world.xats("inbox", "--as", "bob")
    world.send("bob", "another")
    world.until_wake(state="delivered", id=2)


# -- the clock ---------------------------------------------------------------------------------------------------------


class Clock:
    """The host's clock, which somebody sets."""

    def __init__(self):
        self.offset = 0

    def __call__(self):
        return host_clock() + self.offset


@pytest.fixture
def run_daemon(world):
    """Run daemons in this process, over a clock that can be set."""
    running = []

    def start(clock, **settings):
        daemon = Daemon(world.path, Settings(**{"quiet": 900, **settings}), clock)
        thread = threading.Thread(target=daemon.run)
        thread.start()
        running.append((daemon, thread))
        return daemon

    yield start
    for daemon, _ in running:
        daemon.stop.set()
    for _, thread in running:
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture
def plain(monkeypatch):
    """This process runs tmux itself, so its own surroundings must not matter."""
    for name in list(os.environ):
        if name.startswith(("TMUX", "XATS_")):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_the_clock_steps_while_a_wake_waits_for_its_next_attempt(world, noisy, run_daemon, plain, step):
    clock = Clock()
    run_daemon(clock, rungs=(600_000,) * 3)
    world.send("bob")
    world.until_wake(attempts=1, state="retrying")
    noisy.bob.fall_quiet()
    clock.offset = step
    world.until_wake(state="delivered")
    assert noisy.bob.sent == [LINE]


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_the_clock_steps_during_an_attempt(world, desk, run_daemon, plain, step):
    clock = Clock()
    run_daemon(clock)
    world.send("bob")
    world.until_leased()
    clock.offset = step
    world.send("alice", "a commit for it to look at", sender="bob")
    until(lambda: world.wake()["state"] == "delivered" or world.wake()["attempts"])
    clock.offset = 0
    wake = world.until_wake(state="delivered")
    assert wake["attempts"] <= 2
    assert len(desk.bob.sent) == 1


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_the_sender_has_another_idea_of_the_time(world, desk, run_daemon, plain, step):
    clock = Clock()
    clock.offset = -step
    run_daemon(clock, quiet=100)
    world.send("bob")
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_the_clock_stepped_while_a_dead_process_held_a_lease(world, desk, run_daemon, plain, step):
    daemon = world.daemon(XATS_QUIET_MS="60000")
    world.send("bob")
    world.until_leased()
    daemon.kill()
    daemon.wait(10)
    clock = Clock()
    clock.offset = step
    run_daemon(clock, quiet=100)
    world.until_wake(state="delivered")
    assert desk.bob.sent == [LINE]


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_the_clock_steps_under_a_reader(world, step):
    """The claim of a reader on another host, who cannot be asked, is not held for an hour."""
    from xats.core.agents import agents
    from xats.core.mail import inbox

    world.register("alice")
    world.register("bob")
    world.send("bob")
    clock = Clock()
    store = open_store(world.path, clock)

    def claim(tx):
        return inbox.claim(
            tx, agents.by_name(tx, "t", "bob"), inbox.Query(), f"there:1:{clock.offset}", lambda _: False
        )

    assert len(store.write(claim).letters) == 1
    assert store.write(claim).letters == ()
    clock.offset = step
    assert len(store.write(claim).letters) == 1
    store.close()
