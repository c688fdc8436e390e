"""A daemon whose clock is wrong for some seconds destroys nothing, and says what it has seen."""

import json

import pytest

from tests.conftest import trust_clock
from tests.daemon.test_pruner import write_old_mail
from tests.support.world import until
from xats.base import uptime
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

DAY = 86_400_000
AHEAD = {"XATS_FAULT_CLOCK": str(40 * DAY)}
BACK = {"XATS_FAULT_CLOCK": str(-40 * DAY)}
HELD = ("messages", "deliveries", "tasks", "events")

pytestmark = pytest.mark.skipif(uptime.read() is None, reason="this host does not tell how long it has been up")


@pytest.fixture
def full(world):
    """A store with read and unread mail, a task that bob has claimed and one that has ended; its clock is trusted."""
    for name in ("alice", "bob"):
        world.register(name)
    world.send("bob", "read")
    world.xats("inbox", "--as", "bob")
    world.xats("send", "bob", "unread", "--ttl", "1h", "--as", "alice")
    for number in (1, 2):
        world.xats("task", "add", f"task {number}", "--as", "alice")
        world.xats("task", "claim", str(number), "--as", "bob", "--lease", "8h")
    world.xats("task", "done", "2", "--as", "bob")
    trust_clock(world.path)
    return world


def held(world):
    """Return what a wrong clock could destroy."""
    counts = [world.rows(f"select count(*) as n from {table}")[0]["n"] for table in HELD]
    states = [tuple(row) for row in world.rows("select agent_id, message_id, state from deliveries order by 1, 2")]
    claims = [tuple(row) for row in world.rows("select id, state, owner_id, claims, lease_until from tasks order by 1")]
    return counts, states, claims


def one_sweep(world, **env):
    """Run a daemon until it has done all of its first sweep."""
    daemon = world.daemon(**env)
    # It attempts wakes only after its first sweep.
    world.write("update wakes set next_attempt_at = 1 where closed_at is null")
    world.until_wake(reason="no_pane")
    daemon.terminate()
    daemon.wait(30)


@pytest.mark.parametrize("wrong", [AHEAD, BACK], ids=["ahead", "back"])
def test_a_clock_that_is_wrong_for_some_seconds_destroys_nothing(full, wrong):
    before = held(full)
    one_sweep(full, **wrong)
    assert "the clock is not trusted yet (it was set " in full.log()
    assert "by 40 d, and xats noticed that just now): for 10 min more, xats removes nothing" in full.log()
    one_sweep(full)  # and now it is right again
    after = held(full)
    assert after[0][:3] == before[0][:3]
    assert after[0][3] >= before[0][3]
    assert after[1:] == before[1:]
    assert "unread" in full.xats("inbox", "--as", "bob")[0]
    full.xats("task", "done", "1", "--as", "bob")


@pytest.mark.parametrize("wrong", [AHEAD, BACK], ids=["ahead", "back"])
def test_commands_by_a_wrong_clock_take_nothing_away(full, wrong):
    before = held(full)
    full.xats("task", "list", "--as", "alice", **wrong)
    full.xats("task", "claim", "1", "--as", "alice", code=4, **wrong)
    full.xats("inbox", "--peek", "--as", "bob", **wrong)
    full.xats("deliver", "--once", **wrong)
    assert held(full)[1:] == before[1:]
    assert "unread" in full.xats("inbox", "--as", "bob", **wrong)[0]


def test_what_was_written_by_a_clock_that_was_ahead_blocks_nothing(full):
    full.xats("send", "bob", "from the future", "--as", "alice", **AHEAD)
    full.daemon()
    full.until_wake(reason="no_pane")
    shown = full.xats("inbox", "--as", "bob")[0]
    assert shown.index("unread") < shown.index("from the future")


def test_the_first_daemon_of_a_store_prunes_nothing_at_once(world):
    store = open_store(world.path, clock=lambda: host_clock() - 40 * DAY)
    write_old_mail(store, 3)
    store.close()
    world.daemon()
    world.register("carol")
    world.send("carol", sender="alice")
    world.until_wake("carol", reason="no_pane")  # it has swept
    assert world.rows("select count(*) as n from messages")[0]["n"] == 4
    found = world.json("daemon", "status")["clock"]
    assert (found["trusted"], found["reason"]) == (False, "first")
    assert "clock: not trusted yet (xats first looked at it " in world.xats("daemon", "status")[0]


def test_doctor_says_that_a_clock_was_set(full):
    def line(**env):
        made = full.start("doctor", "--json", **env)
        checks = json.loads(made.communicate(timeout=60)[0])["checks"]
        return next((one["state"], one["detail"]) for one in checks if one["name"] == "clock")

    assert line() == ("ok", "trusted")
    state, detail = line(**AHEAD)
    assert (state, detail[:42]) == ("warn", "not trusted yet (it was set ahead by 40 d,")


def test_an_idle_daemon_notes_the_clock_once(world):
    world.register("alice")
    world.daemon()
    until(lambda: world.rows("select * from clocks"), what="an observation")
    seen = tuple(world.rows("select * from clocks")[0])
    world.register("bob")
    world.send("bob", sender="alice")
    world.until_wake(reason="no_pane")
    assert tuple(world.rows("select * from clocks")[0]) == seen
