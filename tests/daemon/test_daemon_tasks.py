"""What a real daemon does for tasks: it asks the next of a pool in time, and opens again what somebody has let go."""

import os
import signal
import sqlite3
import time

import pytest

from tests.conftest import trust_clock
from tests.support.world import until
from xats.base import process
from xats.daemon.loop import SWEEP


@pytest.fixture
def crew(world):
    world.register("alice")
    for name in ("bob", "carol", "dave"):
        world.register(name, None, "--role", "dev")
    return world


def asked(world):
    rows = world.rows(
        "select a.name from task_notes n join agents a on a.id = n.agent_id where n.kind = 'offered' order by n.id"
    )
    return [row["name"] for row in rows]


def change(world, sql):
    connection = sqlite3.connect(world.path, timeout=20)
    with connection:
        connection.execute(sql)
    connection.close()


def test_the_next_of_a_pool_is_asked_when_it_is_time_and_not_only_at_a_sweep(crew):
    crew.daemon()
    crew.xats("send", "pool:dev", "look", "--as", "alice")
    assert asked(crew) == ["bob"]
    until(lambda: "started" in crew.log())
    began = time.monotonic()
    # It comes in a moment, with no commit and no bell then: the daemon knows when.
    change(crew, f"update tasks set offer_at = {int(time.time() * 1000) + 1500}")
    until(lambda: asked(crew) == ["bob", "carol"], what="the second offer")
    assert 1.0 < time.monotonic() - began < 10
    assert crew.wake("carol")["state"] == "queued"
    crew.xats("task", "claim", "1", "--as", "dave")
    change(crew, "update agents set seen_at = seen_at")  # a commit, which it looks at
    assert asked(crew) == ["bob", "carol"]
    assert crew.wake("carol")["state"] == crew.wake("bob")["state"] == "skipped"


def test_it_is_woken_in_its_pane_for_what_it_can_start(world, desk):
    world.xats("task", "add", "first", "--as", "alice")
    world.xats("task", "add", "second", "--dep", "1", "--to", "bob", "--as", "alice")
    world.daemon()
    world.xats("task", "claim", "1", "--as", "alice")
    world.xats("task", "done", "1", "--as", "alice")
    world.until_wake(state="delivered")
    assert desk.bob.sent == ["xats: 1 new from xats - run: xats inbox"]


def owner_gone_at(world):
    return world.rows("select owner_gone_at from tasks where id = 1")[0]["owner_gone_at"]


def subjects_for_alice(world):
    rows = world.rows(
        "select m.subject from deliveries d join messages m on m.id = d.message_id "
        "join agents a on a.id = d.agent_id where a.name = 'alice' order by m.id"
    )
    return [row["subject"] for row in rows]


def test_the_end_of_an_owner_is_told_at_once_and_not_only_at_a_sweep(world, desk):
    world.xats("task", "add", "t", "--as", "alice")
    world.xats("task", "claim", "1", "--as", "bob")
    world.daemon()
    until(lambda: "started" in world.log())
    world.xats("task", "progress", "1", "half", "--as", "bob")
    assert owner_gone_at(world) is None
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: owner_gone_at(world), seconds=SWEEP / 2, what="the mark")
    assert subjects_for_alice(world) == ["bob is gone, and has claimed task #1: t"]
    [task] = world.json("task", "list", "--as", "alice")["tasks"]
    assert (task["state"], task["owner"], task["owner_gone_at"] is None) == ("claimed", "bob@t", False)
    # It sits in another pane now, and goes on with its task.
    world.register("bob", desk.compose())
    world.xats("task", "progress", "1", "more", "--as", "bob")
    [task] = world.json("task", "list", "--as", "alice")["tasks"]
    assert (task["owner"], task["owner_gone_at"]) == ("bob@t", None)
    assert len(subjects_for_alice(world)) == 1


def test_the_agent_that_added_a_task_is_woken_once_for_the_end_of_its_owner(world, desk):
    carol = desk.compose()
    world.register("carol", carol)
    world.xats("task", "add", "t", "--as", "bob")
    world.xats("task", "claim", "1", "--as", "carol")
    os.kill(carol.pid, signal.SIGKILL)
    until(lambda: process.started(carol.pid) is None)
    world.xats("deliver", "--once")
    assert desk.bob.sent == ["xats: 1 new from xats - run: xats inbox"]
    world.xats("deliver", "--once")
    world.xats("task", "list", "--as", "alice")
    assert len(desk.bob.sent) == 1


@pytest.mark.parametrize("once", [False, True])
def test_a_clock_that_was_set_back_holds_no_task(crew, once):
    """Read from the other side: what is in the store comes from a clock that was ahead."""
    crew.xats("task", "add", "t", "--as", "alice")
    crew.xats("task", "claim", "1", "--as", "bob")
    change(crew, "update agents set seen_at = seen_at + 86400000")
    change(crew, "update tasks set lease_until = lease_until + 86400000")
    crew.xats("deliver", "--once") if once else crew.daemon()

    def lease():
        [row] = crew.rows("select lease_until, seen_at from tasks, agents where agents.id = owner_id")
        return max(row["lease_until"], row["seen_at"] + 1_800_000) / 1000 - time.time()

    until(lambda: lease() <= 1800, what="a lease from now on")
    assert lease() > 1700


def test_a_starting_daemon_opens_again_what_has_lapsed(crew):
    crew.xats("task", "add", "t", "--as", "alice")
    crew.xats("task", "claim", "1", "--lease", "1s", "--as", "bob")
    change(crew, "update agents set seen_at = seen_at - 10000")
    change(crew, "update tasks set lease_until = lease_until - 10000")
    trust_clock(crew.path)
    crew.daemon()
    until(lambda: crew.rows("select state from tasks")[0]["state"] == "open", what="the lapse")
    until(lambda: "1 claims ended" in crew.log(), what="the log")
