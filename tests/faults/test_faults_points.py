"""Every named fault point, visited one by one: a process killed there, and a fresh one that does the same.

The end must be the same as that of a run in which nobody died.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing

import pytest

from tests.support.dump import assert_whole, dump
from tests.support.world import World

SCHEMAS = [os.path.join(os.path.dirname(os.path.abspath(__file__)), f"order-{n}.json") for n in (1, 2)]
COMMITS = ("store.before_commit", "store.after_commit")
LINE = "xats: 1 new from alice - run: xats inbox"


def nothing(world):
    del world


def agents(world):
    world.register("alice")
    world.register("bob")
    world.register("carol")


def agreed(world):
    agents(world)
    world.xats("contract", "put", "order", SCHEMAS[0], "--as", "alice")
    world.xats("contract", "subscribe", "order", "--as", "bob")


def noted(world):
    agents(world)
    world.xats("note", "put", "style", "tabs", "--as", "alice")
    world.xats("note", "put", "ci/host", "build-3", "--as", "bob")
    world.xats("note", "pin", "ci/host", "--as", "bob")


def mail(world):
    agents(world)
    world.send("bob", "first")
    world.send("bob", "second")


# verb: what is there before, what is run, and whether it may be run again when it was done already (a send with a key).
VERBS = {
    "register": (nothing, ("register", "bob", "--no-pane", "--role", "dev", "--tag", "x"), True),
    "register-again": (agents, ("register", "bob", "--no-pane", "--role", "dev", "--tag", "x"), True),
    "unregister": (mail, ("unregister", "bob", "--force"), False),
    "send": (agents, ("send", "bob", "hello", "--as", "alice", "--key", "k"), True),
    "send-all": (agents, ("send", "all", "hello", "--as", "alice", "--key", "k"), True),
    "reply": (mail, ("reply", "1", "answer", "--as", "bob", "--key", "k"), True),
    "inbox": (mail, ("inbox", "--as", "bob"), False),  # once more: what was shown is read
    "inbox-page": (mail, ("inbox", "--as", "bob", "-n", "1"), False),
    "show": (mail, ("show", "1", "--as", "bob"), True),
    "thread": (mail, ("thread", "1", "--as", "bob"), True),
    "ack": (mail, ("ack", "1", "--as", "bob"), True),
    "contract-put": (agreed, ("contract", "put", "order", SCHEMAS[1], "--compat", "forward", "--as", "alice"), True),
    "contract-rename": (agreed, ("contract", "rename", "order", "purchase", "--as", "alice"), False),
    "contract-retire": (agreed, ("contract", "retire", "order", "--as", "alice"), True),
    "note-put": (noted, ("note", "put", "style", "spaces", "--category", "decision", "--as", "bob"), True),
    "note-put-first": (noted, ("note", "put", "api/errors", "JSON", "--as", "bob"), True),
    "note-restore": (noted, ("note", "put", "style", "@1", "--category", "decision", "--as", "bob"), True),
    "note-rm": (noted, ("note", "rm", "ci/host", "--as", "alice"), True),
    "note-pin": (noted, ("note", "pin", "style", "--as", "alice"), True),
    "note-unpin": (noted, ("note", "unpin", "ci/host", "--as", "alice"), True),
    "deliver": (mail, ("deliver", "--once"), True),
}


@pytest.fixture(scope="module")
def prepared():
    """Return worlds with what each verb finds, made once: a test copies the store."""
    made = {}

    def get(setup):
        if setup not in made:
            made[setup] = World()
            setup(made[setup])
        return made[setup]

    yield get
    for world in made.values():
        world.close()


@pytest.mark.parametrize("point", COMMITS)
@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_killed_at_each_commit_and_run_again(prepared, verb, point):
    setup, words, again = VERBS[verb]

    def fresh():
        world = World()
        if setup is not nothing:
            shutil.copytree(prepared(setup).home, world.home)
        return world

    with closing(fresh()) as world:
        before = dump(world) if setup is not nothing else None
        world.xats(*words)
        golden = dump(world)
        assert golden != before  # otherwise there is nothing to be lost
    for nth in range(1, 20):
        with closing(fresh()) as world:
            killed = world.start(*words, XATS_FAULT=f"{point}#{nth}")
            killed.communicate(timeout=60)
            if killed.returncode == 0:
                assert nth > 1
                return
            assert killed.returncode == -9
            if before and (nth, point) == (1, "store.before_commit"):
                assert dump(world) == before  # the first commit did not happen
            if again or dump(world) != golden:
                world.xats(*words)
            assert dump(world) == golden
            assert_whole(world)
    pytest.fail("it never came to its end")


# -- waking ------------------------------------------------------------------------------------------------------------

WAKING = ("wake.leased", "paste.before", "paste.after", "enter.after", "wake.before_record", *COMMITS)


# The end of a delivery in which nobody died: the store, and what the composer took.
GOLDEN = (
    {"wakes": [(1, 2, "delivered", None, None, 1, 1, "tmux", 1, 1)], "deliveries": [(2, 1, "unread", 1, 1, 1)]},
    [LINE],
)


def end(world, desk):
    found = dump(world)
    return {name: found[name] for name in ("wakes", "deliveries")}, desk.bob.sent


def test_the_golden_end(world, desk):
    world.send("bob")
    world.xats("deliver", "--once")
    assert end(world, desk) == GOLDEN


@pytest.mark.parametrize("point", WAKING)
def test_a_round_killed_and_a_fresh_round(world, desk, point):
    """Killed each time that the point is passed, one time further in each round, until a round gets through."""
    world.send("bob")
    deaths = 0
    for nth in range(1, 20):
        made = world.start("deliver", "--once", XATS_FAULT=f"{point}#{nth}")
        _, err = made.communicate(timeout=60)
        if made.returncode == 0:
            break
        assert made.returncode == -9, err
        deaths += 1
    assert deaths >= 1
    world.xats("deliver", "--once")
    assert end(world, desk) == GOLDEN
    assert desk.cmd("list-buffers") == ""
    assert_whole(world)


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("point", COMMITS)
def test_each_commit_of_a_round_on_its_own(world, desk, point, nth):
    world.send("bob")
    made = world.start("deliver", "--once", XATS_FAULT=f"{point}#{nth}")
    made.communicate(timeout=60)
    assert made.returncode in (-9, 0)
    assert made.returncode == -9 or nth == 4  # free the leases, lease, record
    world.xats("deliver", "--once")
    assert end(world, desk) == GOLDEN
    assert_whole(world)


@pytest.mark.parametrize("point", WAKING)
def test_a_daemon_killed_and_a_fresh_daemon(world, desk, point):
    """The lease of the dead one is free at once, not after the minute that it would have lasted."""
    world.send("bob")
    first = world.daemon(XATS_FAULT=point)
    assert first.wait(30) == -9
    left = world.wake()
    world.daemon()
    wake = world.until_wake(state="delivered")
    assert wake["updated_at"] - left["updated_at"] < 40_000
    assert end(world, desk) == GOLDEN
    assert_whole(world)


def test_killed_at_every_point_in_turn(world, desk):
    world.send("bob")
    for point in ("wake.leased", "paste.before", "paste.after", "enter.after", "wake.before_record"):
        made = world.start("deliver", "--once", XATS_FAULT=point)
        made.communicate(timeout=60)
        assert made.returncode == -9, point
    world.xats("deliver", "--once")
    assert end(world, desk) == GOLDEN


def test_killed_after_an_enter_that_was_swallowed(world, desk):
    deaf = desk.compose("--swallow", "1")
    world.register("bob", deaf, "--takeover")
    world.send("bob")
    for _ in range(2):
        made = world.start("deliver", "--once", XATS_FAULT="enter.after")
        made.communicate(timeout=60)
        assert made.returncode == -9
    world.xats("deliver", "--once")
    assert world.wake()["state"] == "delivered"
    assert deaf.sent == [LINE]


@pytest.mark.parametrize(
    ("point", "lines"), [("paste.before", 1), ("paste.after", 1), ("enter.after", 2), ("wake.before_record", 2)]
)
def test_read_between_the_death_and_the_next_attempt(world, desk, point, lines):
    """A line that stands in the composer is left alone, then sent off by the next wake; no other is joined to it."""
    world.send("bob")
    world.start("deliver", "--once", XATS_FAULT=point).communicate(timeout=60)
    world.xats("inbox", "--as", "bob")
    world.xats("deliver", "--once")
    assert (world.wake()["state"], world.wake()["lease_token"]) == ("skipped", None)
    assert len(desk.bob.sent) == lines - 1
    world.send("bob", "another")
    world.xats("deliver", "--once")
    assert world.wake()["state"] == "delivered"
    assert desk.bob.sent == [LINE] * lines
    world.xats("inbox", "--as", "bob")
    world.send("bob", "and another")
    world.xats("deliver", "--once")
    assert desk.bob.sent == [LINE] * (lines + 1)
    assert_whole(world)


@pytest.mark.parametrize("point", ["paste.after", "enter.after"])
def test_mail_that_came_after_the_death_is_not_forgotten(world, desk, point):
    world.send("bob", "first")
    world.start("deliver", "--once", XATS_FAULT=point).communicate(timeout=60)
    world.send("bob", "second")
    world.xats("deliver", "--once")
    world.xats("deliver", "--once")
    assert desk.bob.sent == [LINE, "xats: 2 new from alice - run: xats inbox"]
    assert [row["state"] for row in world.rows("select state from wakes")] == ["delivered", "delivered"]
    assert_whole(world)
