"""Agents woken by their waiter, in real panes, by a real daemon: no key, one line, and then another way."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys

import psutil
import pytest

from tests import support
from tests.support.world import Composer, until
from xats.clients import waiters

HERE = os.path.dirname(os.path.abspath(__file__))
KEEPER = os.path.join(support.FOLDER, "keeper.py")
PLAYER = os.path.join(support.FOLDER, "players.py")
LINE = "xats: 1 new from alice - run: xats inbox"


class Kept(Composer):
    """A composer with a waiter beside it."""

    def arm(self):
        """Start a waiter, and wait until it sleeps; return its pid."""
        before = len(self.waiters)
        self.begin()
        return self.armed(before)

    def begin(self):
        """Start a waiter that may be told something before it sleeps."""
        os.kill(self.pid, signal.SIGUSR2)

    def armed(self, before=0):
        """Wait until there are more waiters than `before`, and the last of them sleeps; return its pid."""
        until(lambda: len(self.waiters) > before, what="a waiter")
        until(lambda: any(waiters.listens(path) for path in pipes(self.world)), what="that it sleeps")
        return self.waiters[-1]

    @property
    def waiters(self):
        return [one["waiter"] for one in self.entries() if "waiter" in one]

    @property
    def woken(self):
        return [(one["woken"], one["code"]) for one in self.entries() if "woken" in one]


@pytest.fixture
def keep(world):
    """`keep(*options)` opens a pane with a keeper in it, seated as bob."""
    if not shutil.which("tmux"):
        pytest.skip("tmux is not installed")
    world.register("alice")
    tmux = world.tmux()
    world.env["XATS_READ_WITHIN"] = "1h"

    def make(*options, pane=True, session=True, **env):
        log = f"{tmux.socket}-bob.log"
        inside = ["env", f"XATS_HOME={world.home}", "XATS_TEAM=t", *(f"{name}={value}" for name, value in env.items())]
        made = Kept(tmux, tmux.open("exec " + shlex.join([*inside, sys.executable, KEEPER, log, *options])), log)
        made.world = world
        world.register("bob", made if pane else None, "--client", "generic")
        if session:
            change(world, "update sessions set client_session = 's1' where agent_id = 2")
        return made

    return make


def pipes(world):
    """Return the FIFOs of waiters."""
    names = [name for name in os.listdir(world.home) if "-waiter-" in name and not name.endswith(".lock")]
    return [os.path.join(world.home, name) for name in names]


def ways(world, name="bob"):
    return next(one["transports"] for one in world.json("agents")["agents"] if one["name"] == name)


def told(world, state, session="s1"):
    """Have bob's program say what it is doing, as its hooks would."""
    change(
        world,
        "insert into presence (agent_id, client_session, state, at) values (2, ?, ?, 1) on conflict do update set"
        " client_session = excluded.client_session, state = excluded.state",
        session,
        state,
    )


def change(world, sql, *values):
    """Change the store as an agent program's hooks would."""
    connection = sqlite3.connect(world.path, timeout=20)
    with connection:
        assert connection.execute(sql, values).rowcount == 1
    connection.close()


def run_hook(world, event, session="s1"):
    """Run a hook of bob's program."""
    subprocess.run(
        [sys.executable, "-m", "xats", "hook", "run", "claude-code"],
        env=world.env,
        cwd=world.folder,
        input=json.dumps({"hook_event_name": event, "session_id": session}).encode(),
        capture_output=True,
        timeout=60,
        check=True,
    )


# -- the line ----------------------------------------------------------------------------------------------------------


def test_a_waiter_is_told_and_nothing_is_typed(world, keep):
    bob = keep()
    bob.arm()
    assert ways(world) == ["waiter", "tmux"]
    world.daemon()
    number = world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["handed"], wake["attempts"], wake["closed_at"]) == ("waiter", "waiter", 0, None)
    until(lambda: bob.woken)
    assert bob.woken == [(f"{LINE}\n", 2)]
    [copy] = world.json("status", str(number), "--as", "alice")["deliveries"]
    assert (copy["state"], copy["wake"]["state"], copy["wake"]["handed_to"]) == ("unread", "delivered", ["waiter"])
    assert ways(world) == ["tmux"]
    world.xats("inbox", "--as", "bob")
    wake = world.until_wake(state="delivered")
    assert wake["closed_at"]
    assert (bob.sent, [one for one in bob.entries() if "enter" in one]) == ([], [])


def test_five_messages_are_one_line(world, keep):
    bob = keep()
    bob.arm()
    world.daemon()
    for _ in range(5):
        world.send("bob")
    wake = world.until_wake(state="delivered", mails=5)
    until(lambda: bob.woken)
    assert len(bob.woken) == len(world.rows("select * from wakes")) == 1
    world.xats("inbox", "--as", "bob")
    assert world.until_wake(id=wake["id"])["closed_at"]


def test_an_agent_that_reads_and_waits_again_gets_one_line_each_time(world, keep):
    bob = keep("--again", "--reads", "bob")
    bob.arm()
    world.daemon()
    for turn in range(2):
        world.send("bob")
        until(lambda turn=turn: len(bob.woken) == turn + 1)
        until(lambda: world.wake()["closed_at"])
        bob.armed(turn + 1)
    assert bob.woken == [(f"{LINE}\n", 2)] * 2
    assert [row["transport"] for row in world.rows("select transport from wakes")] == ["waiter"] * 2
    assert bob.sent == []


def test_what_is_not_read_in_time_is_pasted(world, keep):
    bob = keep()
    bob.arm()
    world.daemon(XATS_READ_WITHIN="1s")
    world.send("bob")
    wake = world.until_wake(state="delivered", transport="tmux")
    assert (wake["handed"], wake["attempts"]) == ("waiter", 1)
    assert wake["closed_at"]
    assert (bob.woken, bob.sent) == ([(f"{LINE}\n", 2)], [LINE])
    events = [event["data"] for event in world.json("events")["events"] if event["type"] == "wake_delivered"]
    assert [event["transport"] for event in events] == ["waiter", "tmux"]


def test_mail_that_was_there_before_the_waiter(world, keep):
    """A refused paste waits an hour for its rung; a waiter that comes is told at once."""
    bob = keep("--clock")
    world.env["XATS_QUIET_MS"] = "900"
    world.daemon()
    world.send("bob")
    world.until_wake(state="retrying", reason="not_quiet", lease_token=None)
    bob.begin()
    wake = world.until_wake(state="delivered", transport="waiter")
    assert wake["handed"] == "waiter"
    until(lambda: bob.woken)


def test_an_agent_without_a_pane(world, keep):
    bob = keep(pane=False)
    world.daemon()
    world.send("bob")
    world.until_wake(state="queued", reason="no_pane", next_attempt_at=None, lease_token=None)
    bob.begin()
    world.until_wake(state="delivered", transport="waiter")
    until(lambda: bob.woken)
    assert bob.sent == []
    world.xats("inbox", "--as", "bob")
    bob.arm()
    assert "no tmux pane; woken by waiter" in world.xats("register", "bob", "--no-pane")[1]


def test_without_a_pane_the_line_comes_again_and_then_it_is_given_up(world, keep):
    bob = keep("--again", pane=False)
    bob.arm()
    world.daemon(XATS_READ_WITHIN="300ms", XATS_LADDER="400ms,400ms")
    number = world.send("bob")
    wake = world.until_wake(state="failed", reason="retry_exhausted")
    assert (wake["last_refusal"], wake["handed"], wake["attempts"]) == ("not_read", "waiter", 3)
    assert bob.woken == [(f"{LINE}\n", 2)] * 3
    assert world.json("dead", "list")["dead"][0]["last_refusal"] == "not_read"
    assert "its program took the line, but nothing was read" in world.xats("status", str(number), "--as", "alice")[0]


# -- what may happen to it ---------------------------------------------------------------------------------------------


def test_a_waiter_that_was_killed_is_passed_over_at_once(world, keep):
    bob = keep()
    os.kill(bob.arm(), signal.SIGKILL)
    until(lambda: bob.woken)
    world.daemon()
    world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["handed"]) == ("tmux", None)
    assert bob.sent == [LINE]
    bob.arm()  # what the killed one left does not keep another from its place
    world.xats("inbox", "--as", "bob")
    world.send("bob")
    world.until_wake(state="delivered", transport="waiter")


def test_a_waiter_that_dies_with_the_line_is_followed_by_a_paste(world, keep):
    bob = keep(XATS_FAULT="waiter.told")
    bob.arm()
    world.daemon(XATS_READ_WITHIN="1s")
    world.send("bob")
    world.until_wake(state="delivered", transport="tmux", handed="waiter")
    assert (bob.woken, bob.sent) == ([("", -signal.SIGKILL)], [LINE])


def test_a_daemon_that_dies_before_it_has_noted_it_hands_it_over_again(world, keep):
    bob = keep("--again")
    bob.arm()
    dying = world.daemon(XATS_FAULT="wake.before_record")
    world.send("bob")
    assert dying.wait(30) == -9
    bob.armed(1)
    world.daemon()
    wake = world.until_wake(state="delivered")
    assert (wake["handed"], wake["attempts"]) == ("waiter", 0)
    until(lambda: len(bob.woken) == 2)
    assert bob.woken == [(f"{LINE}\n", 2)] * 2  # two at worst, and never none


def test_a_daemon_that_dies_while_it_is_not_read(world, keep):
    bob = keep()
    bob.arm()
    first = world.daemon(XATS_READ_WITHIN="2s")
    world.send("bob")
    world.until_wake(state="delivered", handed="waiter")
    first.kill()
    first.wait()
    world.daemon(XATS_READ_WITHIN="2s")
    world.until_wake(state="delivered", transport="tmux")
    assert (bob.woken, bob.sent) == ([(f"{LINE}\n", 2)], [LINE])


def test_paused(world, keep):
    bob = keep()
    bob.arm()
    world.xats("pause", "bob", "--as", "alice")
    world.daemon()
    world.send("bob")
    world.send("alice", sender="bob")
    world.until_wake("alice", reason="no_pane", lease_token=None)  # the daemon has gone by
    assert (world.wake()["state"], bob.woken) == ("held", [])
    world.xats("resume", "bob", "--as", "alice")
    world.until_wake(state="delivered", transport="waiter")
    until(lambda: bob.woken)
    world.xats("pause", "bob", "--as", "alice")
    assert world.wake()["state"] == "held"
    world.xats("inbox", "--as", "bob")
    assert (world.wake()["state"], world.wake()["closed_at"] is None) == ("delivered", False)


def test_a_new_session_is_told_anew(world, keep):
    bob = keep()
    bob.arm()
    world.daemon()
    world.send("bob")
    world.until_wake(state="delivered", handed="waiter")
    change(world, "update sessions set pid = 1, pid_started = 1 where agent_id = 2")  # of a process that has ended
    world.register("bob", bob)
    wake = world.until_wake(state="delivered", transport="tmux")  # the new session has no waiter
    assert wake["handed"] is None
    assert bob.sent == [LINE]


@pytest.mark.parametrize("off, wanted", [("waiter", ("tmux", None)), ("tmux", ("waiter", "waiter"))])
def test_a_way_can_be_turned_off(world, keep, off, wanted):
    bob = keep()
    bob.arm()
    world.daemon(XATS_WAKE_OFF=off)
    world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["handed"]) == wanted
    assert len(bob.sent) == (off == "waiter")


def test_all_ways_turned_off(world, keep):
    bob = keep()
    bob.arm()
    world.daemon(XATS_WAKE_OFF="waiter, tmux")
    number = world.send("bob")
    world.until_wake(state="retrying", reason="turned_off")
    assert "XATS_WAKE_OFF" in world.xats("status", str(number), "--as", "alice")[0]
    assert "by nothing now: its transports are turned off" in world.xats("doctor", XATS_WAKE_OFF="waiter, tmux")[0]
    assert (bob.woken, bob.sent) == ([], [])


def test_a_way_that_there_is_not_cannot_be_turned_off(world):
    _, err = world.xats("daemon", "run", code=2, XATS_WAKE_OFF="waiter,paste")
    assert "'paste', which is not a transport" in err
    assert "claude-inbox" in err


def test_a_line_in_the_pane_alone(world, keep):
    bob = keep()
    bob.arm()
    world.register("bob", bob, "--wake", "tmux")
    until(lambda: bob.woken)  # nobody needs it any more
    world.daemon()
    world.send("bob")
    wake = world.until_wake(state="delivered")
    assert (wake["transport"], wake["handed"], bob.sent) == ("tmux", None, [LINE])
    world.register("bob", bob, "--wake", "auto")
    bob.arm()


def test_one_round_hands_over_too(world, keep):
    bob = keep()
    bob.arm()
    world.send("bob")
    [row] = world.json("deliver", "--dry-run")["wakes"]
    assert (row["transport"], row["reason"], row["action"]) == ("waiter", None, f"would hand to waiter: {LINE}")
    [one] = world.json("deliver", "--once")["wakes"]
    assert (one["state"], one["reason"]) == ("delivered", None)
    until(lambda: bob.woken)
    assert world.json("deliver", "--once")["wakes"] == []
    assert re.search(r"handed over [a-z0-9 ]+, not read", world.xats("agents")[0])
    checks = {(one["section"], one["name"]): one["detail"] for one in world.json("doctor")["checks"]}
    assert checks["mail", "bob@t"].startswith("handed over by waiter, not read yet; again in ")
    assert checks["waking", "bob@t"] == f"tmux: {bob.pane}"


# -- waiting for a hook ------------------------------------------------------------------------------------------------


def test_who_is_at_work_is_left_to_his_hooks_until_his_turn_ends(world, keep):
    bob = keep("--again")
    bob.arm()
    told(world, "busy")
    assert ways(world) == ["hook", "waiter", "tmux"]
    world.daemon()
    number = world.send("bob")
    wake = world.until_wake(state="queued", reason="recipient_active", lease_token=None)
    assert (wake["attempts"], wake["transport"]) == (0, "hook")
    assert "its next hook hands the mail over" in world.xats("status", str(number), "--as", "alice")[0]
    assert bob.woken == []
    run_hook(world, "Stop")  # it hands over what needs a reply, so nothing is left
    assert world.until_wake(state="skipped", reason="already_read")
    told(world, "busy")
    world.xats("send", "bob", "no hurry", "--as", "alice", "--no-need-reply")
    world.until_wake(state="queued", reason="recipient_active", lease_token=None)
    run_hook(world, "Stop")
    world.until_wake(state="delivered", transport="waiter")
    until(lambda: bob.woken)
    assert bob.sent == []


@pytest.mark.parametrize("state", ["busy", "waiting"])
def test_a_turn_that_does_not_end_is_waited_for_no_longer_than_for_reading(world, keep, state):
    bob = keep()
    told(world, state)
    world.daemon(XATS_READ_WITHIN="1s")
    world.send("bob")
    world.until_wake(state="queued", reason="recipient_active")
    world.until_wake(state="delivered", transport="tmux")
    assert bob.sent == [LINE]


@pytest.mark.parametrize("state, session", [("idle", "s1"), ("ended", "s1"), ("busy", "another")])
def test_who_is_not_in_a_turn_of_this_session_is_woken_at_once(world, keep, state, session):
    bob = keep()
    told(world, state, session)
    world.daemon()
    world.send("bob")
    world.until_wake(state="delivered", transport="tmux")
    assert world.rows("select * from events where data like '%recipient_active%'") == []
    assert bob.sent == [LINE]


def test_a_turn_that_was_broken_off_is_seen_in_the_pane(world, keep):
    """Claude Code's hooks do not tell of it. While its screen says busy they are believed; its idle composer is not."""
    bob = keep()
    log = f"{bob.log}-player"
    player = [sys.executable, PLAYER, log, "--look", "claude-code", "--busy", "3600"]
    pane = Composer(bob.tmux, bob.tmux.open("exec " + shlex.join(player)), log)
    world.register("bob", pane, "--client", "claude-code", "--takeover")
    change(world, "update sessions set client_session = 's1' where agent_id = 2 and ended_at is null")
    told(world, "busy")
    world.daemon()
    world.send("bob")
    wake = world.until_wake(state="queued", reason="recipient_active", lease_token=None)
    with open(f"{log}.in", "w") as orders:
        orders.write("idle\n")
    after = world.until_wake(state="delivered", transport="tmux")
    assert (after["id"], after["attempts"]) == (wake["id"], 1)
    assert pane.sent == [LINE]


def test_hooks_can_be_turned_off(world, keep):
    bob = keep()
    told(world, "busy")
    world.daemon(XATS_WAKE_OFF="hook")
    world.send("bob")
    world.until_wake(state="delivered", transport="tmux")
    assert bob.sent == [LINE]


# -- the process -------------------------------------------------------------------------------------------------------


def files(world):
    return sorted(name for name in os.listdir(world.home) if "-waiter-" in name)


def ended(process):
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return True


def test_there_is_one_for_a_session_and_its_files_are_its_owners(world, keep):
    bob = keep()
    bob.arm()
    pipe, lock = files(world)
    assert lock == f"{pipe}.lock"
    for name, kind in ((pipe, stat.S_ISFIFO), (lock, stat.S_ISREG)):
        mode = os.stat(os.path.join(world.home, name)).st_mode
        assert (kind(mode), stat.S_IMODE(mode)) == (True, 0o600)
    os.kill(bob.pid, signal.SIGUSR2)
    until(lambda: bob.woken)
    assert (bob.woken, len(bob.waiters)) == ([("", 0)], 2)
    assert ways(world) == ["waiter", "tmux"]


@pytest.mark.parametrize("how", ["term", "parent", "takeover"])
def test_it_ends_with_its_session_and_takes_its_files_along(world, keep, how):
    bob = keep()
    waiter = psutil.Process(bob.arm())
    if how == "term":
        waiter.terminate()
    elif how == "parent":
        os.kill(bob.pid, signal.SIGKILL)
    else:
        world.register("bob", None, "--takeover")
    until(lambda: ended(waiter), what=f"the end by {how}")
    assert files(world) == []


def test_it_ends_when_the_store_is_taken_away_and_makes_no_other(world, keep):
    bob = keep()
    waiter = psutil.Process(bob.arm())
    shutil.move(world.path, f"{world.path}.away")
    until(lambda: ended(waiter))
    assert not os.path.exists(world.path)
    shutil.move(f"{world.path}.away", world.path)


def test_a_plugin_reads_what_it_prints(world, keep):
    """Here the agent is known by its pane alone."""
    bob = keep("--client", "opencode", "--event", "Stop", session=False)
    bob.arm()
    world.daemon()
    world.send("bob")
    until(lambda: bob.woken)
    assert bob.woken == [(f"{LINE}\n", 0)]


def test_nobody_who_is_not_seated_gets_one(world, keep):
    bob = keep("--session", "s9")
    world.xats("unregister", "bob", "--force")
    os.kill(bob.pid, signal.SIGUSR2)
    until(lambda: bob.woken)
    assert (bob.woken, files(world)) == ([("", 0)], [])


def test_what_is_in_its_way_is_not_its_own(world, keep):
    """Something else has the name of its FIFO: it is left alone, the session has no waiter, and a paste wakes it."""
    bob = keep()
    bob.arm()
    pipe, _ = files(world)
    os.kill(bob.waiters[-1], signal.SIGTERM)
    until(lambda: bob.woken)
    assert files(world) == []
    os.mkdir(os.path.join(world.home, pipe))
    os.kill(bob.pid, signal.SIGUSR2)
    until(lambda: len(bob.woken) == 2)
    assert bob.woken[1][1] == 0
    world.daemon()
    world.send("bob")
    world.until_wake(state="delivered", transport="tmux")
    assert os.path.isdir(os.path.join(world.home, pipe))
