"""What a real daemon does for turns: it wakes the next in line, and sees that a holder has gone."""

import os
import signal

from tests.conftest import trust_clock
from tests.daemon.test_daemon_tasks import change
from tests.support.world import until
from xats.core.turns.turns import CLAIM, GRACE, LEASE

HANDOFF = ("--status", "done", "--next", "go on")


def both_join(world):
    for name in ("alice", "bob"):
        world.xats("turn", "join", "--as", name)
    world.xats("turn", "take", "--as", "alice")


def turn(world):
    return world.json("turn", "status", "--as", "alice")["turn"]


def test_the_next_in_line_is_woken_in_its_pane(world, desk):
    both_join(world)
    world.daemon()
    world.xats("turn", "pass", "next", *HANDOFF, "--as", "alice")
    world.until_wake(state="delivered")
    assert desk.bob.sent == ["xats: 1 new from xats - run: xats inbox"]


def test_a_daemon_that_was_killed_is_replaced_by_one_that_wakes(world, desk):
    both_join(world)
    daemon = world.daemon()
    until(lambda: "started" in world.log())
    os.kill(daemon.pid, signal.SIGKILL)
    daemon.wait()
    world.xats("turn", "pass", "next", *HANDOFF, "--as", "alice")
    world.daemon()
    world.until_wake(state="delivered")
    assert desk.bob.sent == ["xats: 1 new from xats - run: xats inbox"]


def test_a_killed_holder_is_seen_at_once_and_its_turn_goes_on(world, desk):
    both_join(world)
    world.xats("turn", "pass", "bob", *HANDOFF, "--as", "alice")
    world.xats("turn", "take", "--as", "bob")
    world.daemon()
    until(lambda: "started" in world.log())
    os.kill(desk.bob.pid, signal.SIGKILL)
    until(lambda: turn(world)["holder_gone_at"], what="the mark")
    assert turn(world)["holder"] == "bob@t"
    change(world, f"update turns set owner_gone_at = owner_gone_at - {GRACE + 1000}")
    change(world, f"update agents set seen_at = seen_at - {GRACE + 2000} where name = 'bob'")
    world.xats("deliver", "--once", code=None)
    found = turn(world)
    assert (found["offered_to"], found["handoff"]["status"]) == ("alice@t", "done")


def test_a_sweep_ends_what_is_over_without_a_command(world, desk):
    both_join(world)
    trust_clock(world.path)
    change(world, f"update turns set lease_until = lease_until - {LEASE + 1000}, taken_at = taken_at - {LEASE + 1000}")
    change(world, f"update agents set seen_at = seen_at - {LEASE + 1000} where name = 'alice'")
    world.xats("deliver", "--once", code=None)
    [row] = world.rows("select state, offered_id from turns")
    assert row["state"] == "offered"
    change(
        world, f"update turns set offered_at = offered_at - {CLAIM + 1000}, offer_until = offer_until - {CLAIM + 1000}"
    )
    world.xats("deliver", "--once", code=None)
    kinds = [row["kind"] for row in world.rows("select kind from turn_log order by id")]
    assert [one for one in kinds if one in ("lapsed", "offered", "missed")][:3] == ["lapsed", "offered", "missed"]
