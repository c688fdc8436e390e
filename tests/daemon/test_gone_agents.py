"""What a real daemon does when the process of an agent ends: it notes that once, and tells who waits for a reply."""

import os
import signal
import subprocess
import sys

import pytest

from tests.conftest import trust_clock
from tests.support.world import until
from xats.base import process
from xats.core.agents import departures

DAY = 86_400_000


def events(world, kind="agent_%"):
    rows = world.rows(
        "select type, subject, data from events where type like :kind and type <> 'agent_registered' order by id",
        kind=kind,
    )
    return [(row["type"], row["subject"]) for row in rows]


def gone_at(world):
    sql = "select s.gone_at from sessions s join agents a on a.id = s.agent_id where a.name = 'bob' order by s.id desc"
    return world.rows(sql)[0]["gone_at"]


def end(composer):
    os.kill(composer.pid, signal.SIGKILL)
    until(lambda: process.started(composer.pid) is None, what="its end")


def listed(world, name="bob"):
    return next(one for one in world.json("agents")["agents"] if one["name"] == name)


def alerts(world):
    rows = world.rows("select m.subject from messages m where m.kind = 'alert' order by m.id")
    return [row["subject"] for row in rows]


def test_a_killed_process_is_one_event_and_its_return_another(world, desk):
    world.daemon()
    assert listed(world)["state"] == "online"
    end(desk.bob)
    until(lambda: gone_at(world), what="the mark")
    assert events(world) == [("agent_gone", "agent:bob")]
    found = listed(world)
    assert (found["state"], found["online"], found["gone_at"] is None) == ("gone", False, False)
    world.register("bob", desk.compose())
    assert events(world) == [("agent_gone", "agent:bob"), ("agent_returned", "agent:bob")]
    assert (listed(world)["state"], listed(world)["gone_at"]) == ("online", None)


def test_a_daemon_that_was_killed_in_between_repeats_nothing(world, desk):
    first = world.daemon()
    end(desk.bob)
    until(lambda: gone_at(world), what="the mark")
    at = gone_at(world)
    first.kill()
    first.wait()
    world.daemon()
    # A later end is noted by the same rounds, so by then they have looked at bob again.
    carol = desk.compose()
    world.register("carol", carol)
    end(carol)
    until(lambda: len(events(world)) == 2, what="the second end")
    assert events(world) == [("agent_gone", "agent:bob"), ("agent_gone", "agent:carol")]
    assert gone_at(world) == at


def test_what_ended_while_no_daemon_ran_is_noted_by_the_next(world, desk):
    end(desk.bob)
    assert listed(world)["state"] == "gone"  # without a time: only the process was looked at
    assert listed(world)["gone_at"] is None
    world.daemon()
    until(lambda: gone_at(world), what="the mark")
    assert events(world) == [("agent_gone", "agent:bob")]


def test_after_a_restart_of_the_host_the_numbers_mean_other_processes(world, desk):
    """The number of bob's process is another's by now, which started at another time."""
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        values = {"pid": other.pid, "started": process.started(other.pid) - 1}
        world.write(
            "update sessions set pid = :pid, pid_started = :started, pane_socket = null, server_pid = null, "
            "server_start = null, pane_id = null, pane_pid = null, pane_tty = null where pane_id is not null",
            **values,
        )
        world.daemon()
        until(lambda: gone_at(world), what="the mark")
        assert events(world) == [("agent_gone", "agent:bob")]
    finally:
        other.communicate()


def test_a_living_agent_and_one_of_unknown_process_are_never_noted(world, desk):
    carol = desk.compose()
    world.register("carol", carol)
    world.daemon()
    end(carol)
    until(lambda: events(world), what="the mark of carol")
    assert events(world) == [("agent_gone", "agent:carol")]
    assert (listed(world)["state"], listed(world, "alice")["state"]) == ("online", "unknown")


@pytest.mark.parametrize("once", [False, True])
def test_who_waits_for_a_reply_is_told_once(world, desk, once):
    number = world.send("bob", "please look")
    end(desk.bob)
    world.xats("deliver", "--once")
    assert alerts(world) == []
    world.write("update sessions set gone_at = gone_at - :ms where gone_at is not null", ms=departures.AFTER)
    world.write("update agents set seen_at = seen_at - :ms where name = 'bob'", ms=departures.AFTER)
    trust_clock(world.path)
    world.xats("deliver", "--once") if once else world.daemon()
    until(lambda: alerts(world), what="the alert")
    world.xats("deliver", "--once")
    assert alerts(world) == [f"recipient gone: #{number}"]
    assert "bob has been gone for 5 min" in world.xats("inbox", "--as", "alice")[0]


def test_who_waits_in_the_foreground_hears_of_it_at_once(world, desk):
    waiting = world.start("send", "bob", "look", "--as", "alice", "--wait", "60s")
    until(lambda: world.rows("select * from deliveries"), what="the message")
    world.daemon()
    end(desk.bob)
    said = waiting.stderr.readline()
    assert "bob is not running" in said
    assert waiting.poll() is None  # it may come back
    world.xats("inbox", "--as", "bob")
    assert waiting.wait(30) == 0
    assert waiting.stderr.read() == ""


def test_who_waits_for_a_task_hears_that_its_owner_is_gone(world, desk):
    world.xats("task", "add", "t", "--as", "alice")
    world.xats("task", "claim", "1", "--as", "bob")
    waiting = world.start("task", "wait", "1", "--as", "alice", "--timeout", "60s")
    world.daemon()
    end(desk.bob)
    said = waiting.stderr.readline()
    assert "bob has claimed task 1 and is gone" in said
    world.xats("task", "done", "1", "--as", "bob")
    assert waiting.wait(30) == 0


# -- pruning -----------------------------------------------------------------------------------------------------------


def test_a_daemon_prunes_who_is_unused_and_says_so(world, desk):
    world.register("carol")
    world.write("update agents set seen_at = seen_at - :ms", ms=31 * DAY)
    trust_clock(world.path)
    world.daemon()
    until(lambda: events(world, "agent_pruned"), what="the event")
    until(lambda: "pruned the agent carol@t" in world.log(), what="a line in the log")
    names = [row["name"] for row in world.rows("select name from agents where client <> 'system'")]
    assert names == ["bob"]  # its process lives
    assert world.rows("pragma foreign_key_check") == []


def test_no_agent_is_pruned_while_the_clock_may_be_wrong(world, desk):
    world.write("update agents set seen_at = seen_at - :ms", ms=31 * DAY)
    world.daemon()
    world.xats("agents")
    end(desk.bob)
    until(lambda: gone_at(world), what="a round after the first sweep")
    assert events(world, "agent_pruned") == []
    assert "may be wrong" in world.xats("db", "prune", "--yes", code=4)[1]


def test_a_dry_run_names_the_agents_and_changes_nothing(world, desk):
    world.register("carol")
    world.write("update agents set seen_at = seen_at - :ms", ms=31 * DAY)
    trust_clock(world.path)
    said, _ = world.xats("db", "prune", "--dry-run")
    assert "2 agents: alice@t, carol@t; 2 sessions" in said
    found = world.json("db", "prune", "--dry-run")
    assert (found["agents"], found["sessions"], found["agent_names"]) == (2, 2, ["alice@t", "carol@t"])
    assert not found["removed"]
    # A shorter time is one for mail: agents stay as long as XATS_KEEP says.
    world.write("update agents set seen_at = seen_at + :ms", ms=2 * DAY)
    assert world.json("db", "prune", "--dry-run", "--older", "1d")["agents"] == 0
    assert world.json("db", "prune", "--dry-run", "--older", "1d", XATS_KEEP="20d")["agents"] == 2
