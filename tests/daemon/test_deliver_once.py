"""`xats deliver --once`: one round without a daemon; `--dry-run`: what it would do, and nothing done."""

import re
import sqlite3
from contextlib import closing

import pytest

from tests.conftest import trust_clock
from tests.daemon.conftest import DAY
from xats.core import keeping
from xats.daemon import chores
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

LINE = "xats: 1 new from alice - run: xats inbox"


def test_one_round(world, desk):
    carol = desk.compose()
    world.register("carol", carol)
    world.register("dave")
    for name in ("bob", "carol", "dave"):
        world.send(name)
    found = world.json("deliver", "--once")
    assert sorted((one["agent"], one["state"], one["reason"]) for one in found["wakes"]) == [
        ("bob@t", "delivered", None),
        ("carol@t", "delivered", None),
        ("dave@t", "refused", "no_pane"),
    ]
    assert (desk.bob.sent, carol.sent) == ([LINE], [LINE])
    rest = {"waiting": 0, "suspended": 1, "next_due_at": None}
    assert world.json("deliver", "--once") == {"wakes": [], **rest, "has_more": False}
    said = "no wake is due; 1 waits until its agent is back; to see why: xats agents\n"
    assert world.xats("deliver", "--once") == ("", said)


def test_in_words(world, desk):
    world.send("bob")
    assert world.xats("deliver", "--once")[0] == "bob\tdelivered\t\t\n"


def test_a_round_tries_each_wake_once_however_short_the_ladder(world, noisy):
    """Carol's pane is slow, bob's wake falls due again meanwhile: that is for the next round, and leased by nobody."""
    slow = noisy.compose("--slow", "0.5")
    world.register("carol", slow)
    world.send("bob")
    world.send("carol")
    found = world.json("deliver", "--once", XATS_LADDER="1ms,1ms,1ms")
    assert sorted((one["agent"], one["state"]) for one in found["wakes"]) == [
        ("bob@t", "refused"),
        ("carol@t", "delivered"),
    ]
    wake = world.wake()
    assert (wake["state"], wake["attempts"], wake["lease_token"]) == ("retrying", 1, None)


def test_beside_a_daemon_each_wake_is_tried_by_one_of_them(world, desk):
    world.daemon(XATS_QUIET_MS="1000")
    world.send("bob")
    world.until_leased()
    assert world.json("deliver", "--once")["wakes"] == []
    world.until_wake(state="delivered", attempts=1)
    assert desk.bob.sent == [LINE]


def test_dry_run_pastes_nothing_and_says_what_and_why(world, desk):
    carol = desk.compose()
    world.register("carol", carol)
    world.register("dave")
    desk.cmd("copy-mode", "-t", carol.pane)
    for name in ("bob", "carol", "dave"):
        world.send(name)
    before = [dict(row) for row in world.rows("select * from wakes")]
    rows = {row["agent"]: row for row in world.json("deliver", "--dry-run")["wakes"]}
    assert (rows["bob@t"]["pane"], rows["bob@t"]["reason"], rows["bob@t"]["line"]) == (desk.bob.pane, None, LINE)
    assert (rows["carol@t"]["pane"], rows["carol@t"]["reason"]) == (carol.pane, "copy_mode")
    assert (rows["dave@t"]["pane"], rows["dave@t"]["reason"]) == (None, "no_pane")
    assert world.xats("deliver", "--once", "--dry-run")[0].splitlines() == [
        f"bob\t{desk.bob.pane}\twould paste: {LINE}",
        f"carol\t{carol.pane}\tits pane is in copy mode or another tmux mode",
        "dave\t\tit has no tmux pane, or the pane is gone",
    ]
    assert [dict(row) for row in world.rows("select * from wakes")] == before
    desk.cmd("copy-mode", "-q", "-t", carol.pane)
    assert desk.bob.untouched()
    assert carol.untouched()


def test_dry_run_says_how_many_wakes_wait_and_when_the_next_is_due(world, desk):
    assert world.xats("deliver", "--once", "--dry-run") == ("", "no wake is due\n")
    carol = desk.compose()
    world.register("carol", carol)
    for pane in (desk.bob.pane, carol.pane):
        desk.cmd("copy-mode", "-t", pane)
    world.send("bob")
    world.json("deliver", "--once", XATS_LADDER="1h,1h,1h")
    _, said = world.xats("deliver", "--once", "--dry-run")
    assert re.fullmatch(r"no wake is due; 1 waits, the next attempt is in \d+ min; to see why: xats agents\n", said)
    world.send("carol")
    rows, said = world.xats("deliver", "--once", "--dry-run")
    assert rows.startswith("carol\t")
    assert re.fullmatch(r"1 more waits, the next attempt is in \d+ min; to see why: xats agents\n", said)
    found = world.json("deliver", "--once", XATS_LADDER="2h,1h,1h")
    assert (len(found["wakes"]), found["waiting"], found["suspended"]) == (1, 2, 0)
    _, said = world.xats("deliver", "--once", XATS_LADDER="2h,1h,1h")
    assert re.fullmatch(r"no wake is due; 2 wait, the next attempt is in \d+ min; to see why: xats agents\n", said)
    assert world.json("deliver", "--dry-run")["next_due_at"]


def test_without_once_it_says_what_to_do(world):
    assert "xats deliver --once" in world.xats("deliver", code=2)[1]


def test_a_lease_of_another_host_that_lapsed(world, desk):
    world.send("bob")
    connection = sqlite3.connect(world.path, timeout=10)
    with connection:
        connection.execute("update wakes set lease_token = 'there:1:1', lease_until = next_attempt_at + 60000")
    assert world.json("deliver", "--once")["wakes"] == []
    with connection:
        connection.execute("update wakes set lease_until = next_attempt_at")
    connection.close()
    assert world.json("deliver", "--once")["wakes"][0]["state"] == "delivered"


# -- the chores of a round ---------------------------------------------------------------------------------------------


def messages(world) -> int:
    return world.rows("select count(*) from messages")[0][0]


def test_it_prunes(aged):
    assert messages(aged) == 15
    aged.xats("deliver", "--once")
    assert messages(aged) == 0
    assert aged.rows("pragma foreign_key_check") == []


@pytest.mark.parametrize("keep", ["off", "41d"])
def test_it_keeps_what_it_is_told_to_keep(aged, keep):
    aged.xats("deliver", "--once", XATS_KEEP=keep)
    assert messages(aged) == 15


def test_it_prunes_once_an_hour_however_often_it_is_called(aged):
    """What is older than XATS_KEEP since less than an hour is left to the next round."""
    now = host_clock()
    before = now - 40 * DAY  # all of it is from this moment, or some ms later
    store = open_store(aged.path)
    chores.prune(store, now - before - keeping.EVERY + 60_000)
    assert messages(aged) == 15
    chores.prune(store, now - before - keeping.EVERY - 60_000)
    assert messages(aged) == 0
    store.close()


def test_an_age_that_is_none_is_said_before_anything_is_done(world):
    _, said = world.xats("deliver", "--once", code=2, XATS_KEEP="soon")
    assert "XATS_KEEP" in said


def test_it_does_what_a_daemon_does_at_its_sweeps(world):
    """It notes the clock, so that ages count without a daemon, and ends what is over."""
    world.register("alice")
    world.register("bob")
    world.xats("send", "bob", "hello", "--ttl", "1h", "--as", "alice")
    with closing(sqlite3.connect(world.path, timeout=10)) as connection, connection:
        connection.execute("update messages set expires_at = 1, sent_at = 1")
        connection.execute("update deliveries set expires_at = 1")
        connection.execute("delete from clocks")
    connection.close()
    trust_clock(world.path)
    with closing(sqlite3.connect(world.path, timeout=10)) as connection, connection:
        connection.execute("update clocks set seen_at = seen_at - 600000, seen_up = seen_up - 600000")
    connection.close()
    before = world.rows("select seen_up from clocks")[0][0]
    world.xats("deliver", "--once")
    assert world.rows("select seen_up from clocks")[0][0] > before
    assert world.rows("select state from deliveries")[0][0] == "expired"
