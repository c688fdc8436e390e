"""`xats deliver --once`: one round without a daemon; `--dry-run`: what it would do, and nothing done."""

import sqlite3

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
    assert world.json("deliver", "--once") == {"wakes": [], "has_more": False}
    assert world.xats("deliver", "--once") == ("", "no wake is due\n")


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
