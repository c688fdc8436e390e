"""The list of agents: who is online and why, what waits for whom, and that it can be read at any width."""

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import HOST
from xats.base import process
from xats.base.pane import Pane
from xats.core.agents import agents, departures, presence
from xats.core.agents.agents import Seat
from xats.core.waking import pauses

HEADERS = ["AGENT", "ROLE", "CLIENT", "STATE", "UNREAD"]


@pytest.fixture
def ended():
    """A (pid, start time) that was a process once."""
    made = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    found = made.pid, process.started(made.pid)
    made.communicate()
    return found


@pytest.fixture
def mixed(xats, crew, ended):
    """A team in every state there is: who has not read, is busy, paused, given up, gone, a person, at work."""
    crew.add("carol", client="human", role="lead")
    me = (os.getpid(), process.started(os.getpid()))
    here = Pane("/tmp/s", os.getpid(), 1, "%1", os.getpid(), "/dev/pts/1")
    away = Pane("/tmp/s", os.getpid(), 1, "%2", ended[0], "/dev/pts/2")
    crew.register("atwork", seat=Seat(HOST, *me, None, here), client="claude-code", role="backend")
    crew.register("paneless", seat=Seat(HOST, ended[0], ended[1] + 1), client="codex")
    crew.register("panegone", seat=Seat(HOST, *ended, None, away), client="gemini", role="a-role-with-a-long-name")
    crew.add("told", wake_by="notice")
    crew.add("off", wake_by="none")
    for name in ("bob", "panegone", "carol", "off", "told"):
        crew.send("alice", name)
    crew.send("alice", "paneless", wake=False)

    def work(tx) -> None:
        of = "where agent_id = (select id from agents where name = :name)"
        values = {"at": tx.now + 95_500, "name": "bob"}
        tx.run(f"update wakes set state = 'retrying', reason = 'busy', next_attempt_at = :at {of}", **values)
        tx.run(f"update wakes set reason = 'no_pane', next_attempt_at = null {of}", name="panegone")
        tx.run("update messages set sent_at = sent_at - 900000 where id = 1")
        tx.run("update agents set seen_at = seen_at - 7200000 where name in ('panegone', 'off')")

    crew.store.write(work)
    crew.do("carol", pauses.pause, "crew", crew.agent("told"), "thinking")
    return xats


def rows_of(mixed) -> dict[str, list[str]]:
    lines = [line.split("\t") for line in mixed("agents").stdout.splitlines()]
    return {row[0]: row for row in lines}


def test_in_a_pipe_each_agent_is_one_line_with_everything(mixed, ended):
    rows = rows_of(mixed)
    assert {len(row) for row in rows.values()} == {12}
    assert {row[-1] for row in rows.values()} == {""}  # what they work on
    assert {row[-2] for row in rows.values()} == {""}  # what they have locked
    told = {name: row[3:-2] for name, row in rows.items()}
    assert told["atwork"] == [f"online, pid {os.getpid()}", "0", "", "%1", "auto", "", ""]
    assert re.fullmatch(r"retrying: busy, again in 9\d s", told["bob"].pop())
    assert re.fullmatch(r"unknown, seen (just now|\d+ s ago)", told["bob"].pop(0))
    assert told["bob"] == ["1", "15 min ago", "", "auto", ""]
    assert told["panegone"][0] == "gone, pane closed, seen 2 h ago"
    assert told["panegone"][6] == "suspended: no_pane"
    assert told["paneless"][0] == "gone, seen just now"
    assert told["paneless"][6] == "not woken: no_wake"
    assert told["told"][4:] == ["notice", "paused", "held: paused"]
    assert told["off"] == ["unknown, seen 2 h ago", "1", "just now", "", "none", "", ""]
    assert told["carol"][0] == "seen just now"
    assert told["carol"][4:] == ["none", "", ""]


def test_json_has_the_wake_how_it_is_woken_and_who_is_paused(mixed):
    document = mixed("agents", "--json").json()
    found = {one["name"]: one for one in document["agents"]}
    wakes = {name: one["wake"] and (one["wake"]["state"], one["wake"]["reason"]) for name, one in found.items()}
    assert wakes == {
        "alice": None,
        "atwork": None,
        "bob": ("retrying", "busy"),
        "carol": ("skipped", "no_wake"),
        "off": ("skipped", "no_wake"),
        "panegone": ("queued", "no_pane"),
        "paneless": ("skipped", "no_wake"),
        "told": ("held", "paused"),
    }
    status = mixed("status", "1", "--as", "alice", "--json").json()["deliveries"][0]["wake"]
    assert found["bob"]["wake"] == status
    assert {name for name, one in found.items() if one["paused"]} == {"told"}
    ways = {name: one["wake_by"] for name, one in found.items()}
    assert ways == {**dict.fromkeys(ways, "auto"), "carol": "none", "told": "notice", "off": "none"}
    paths = {name: one["transports"] for name, one in found.items()}
    assert paths == {**{name: [] for name in paths}, "atwork": ["tmux"]}
    states = {name: one["state"] for name, one in found.items()}
    unknown = dict.fromkeys(("alice", "bob", "carol", "off", "told"), "unknown")
    assert states == {**unknown, "atwork": "online", "panegone": "gone", "paneless": "gone"}
    assert [name for name, one in found.items() if one["online"]] == ["atwork"]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 139])
def test_a_narrow_terminal_gets_fewer_columns_and_no_line_that_is_too_long(mixed, width):
    shown = mixed.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": str(width)})
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    if width < 60:
        return
    assert lines[0].split() == ([*HEADERS, "WAKE"] if width >= 80 else ["AGENT", "STATE", "UNREAD", "WAKE"])
    text = " ".join(" ".join(lines).split())
    for name in ("alice", "atwork", "bob", "carol", "off", "panegone", "paneless", "told"):
        assert sum(line.startswith(f"{name} ") for line in lines) == 1
    for words in ("gone", "unknown", "suspended:", "retrying:", "held:", "1 (15 min)", "tmux %1", "no pane"):
        assert words in text
    assert len(lines) <= 1 + 8 + 4  # hardly anything has to be folded


def test_a_wide_terminal_says_reasons_in_words(mixed):
    shown = mixed.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": "200"})
    lines = shown.splitlines()
    assert lines[0].split() == [*HEADERS, "OLDEST", "BY", "WAKE"]
    assert len(lines) == 9
    assert max(map(len, lines)) <= 200
    (bob,) = [line for line in lines if line.startswith("bob ")]
    assert re.search(r"  retrying: the agent is busy, again in 9\d s$", bob.rstrip())
    assert "again when it registers" in shown
    assert "a-role-with-a-long-name" in shown


def test_a_number_that_was_given_to_another_process_is_no_pane(mixed, crew, ended):
    """The pane's process had the number of the session's; who has it now started at another time."""
    pid = os.getpid()
    crew.register("bob", seat=Seat(HOST, pid, 1, None, Pane("/tmp/s", pid, 1, "%9", pid, "/dev/pts/1")))
    assert rows_of(mixed)["bob"][3].startswith("gone, pane closed")


def test_only_who_is_online(mixed):
    names = [line.split("\t")[0] for line in mixed("agents", "--online").stdout.splitlines()]
    assert names == ["atwork"]


# -- what it does, and since when --------------------------------------------------------------------------------------

MINUTE = 60_000


def say(crew, name: str, state: str, at: int, seen: int) -> None:
    """Let `name` be in `state` for `at` ms, and give its last sign of life `seen` ms ago."""

    def work(tx) -> None:
        agent = agents.by_name(tx, "crew", name)
        presence.put(tx, agent.id, state, "s1")
        tx.run("update presence set at = :at where agent_id = :id", at=tx.now - at, id=agent.id)
        tx.run("update agents set seen_at = :at where id = :id", at=tx.now - seen, id=agent.id)

    crew.store.write(work)


@pytest.mark.parametrize(
    "state, at, seen, words, brief",
    [
        ("busy", 14, 9, "busy for 14 min, silent for 9 min, pid {pid}", "busy for 14 min"),
        ("busy", 14, 4, "busy for 14 min, pid {pid}", "busy for 14 min"),
        ("waiting", 7, 7, "needs a person, 7 min, silent for 7 min, pid {pid}", "needs a person, 7 min"),
        ("busy", 14, 20, "busy for 14 min, silent for 14 min, pid {pid}", "busy for 14 min"),
        ("idle", 3, 3, "online, idle for 3 min, pid {pid}", "online"),
        ("ended", 3, 3, "online, pid {pid}", "online"),
    ],
)
def test_an_agent_whose_process_lives_says_what_it_does(xats, crew, state, at, seen, words, brief):
    me = (os.getpid(), process.started(os.getpid()))
    crew.register("bob", seat=Seat(HOST, *me))
    say(crew, "bob", state, at * MINUTE, seen * MINUTE)
    assert rows_of(xats)["bob"][3] == words.format(pid=me[0])
    shown = xats.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": "100"})
    assert f"  {brief}  " in next(line for line in shown.splitlines() if line.startswith("bob "))
    (found,) = xats("agents", "--online", "--json").json()["agents"]
    assert found["state"] == (state if state in ("busy", "waiting") else "online")
    assert (found["busy_since"] is None) == (found["silent_since"] is None) == (state in ("idle", "ended"))


@pytest.mark.parametrize(
    "state, words",
    [("busy", "unknown, busy for 3 min, seen 3 min ago"), ("ended", "offline, its session ended, seen 3 min ago")],
)
def test_an_agent_of_unknown_process_is_never_online(xats, crew, state, words):
    say(crew, "bob", state, 3 * MINUTE, 3 * MINUTE)
    assert rows_of(xats)["bob"][3] == words
    (found,) = [one for one in xats("agents", "--json").json()["agents"] if one["name"] == "bob"]
    assert (found["online"], found["state"]) == (False, words.partition(",")[0])
    assert xats("agents", "--online").stdout == ""


def test_an_agent_that_was_seen_to_end_says_when(xats, crew, ended):
    crew.register("bob", seat=Seat(HOST, *ended), client="codex")
    crew.store.write(lambda tx: departures.settle(tx, HOST, lambda _: True))
    say(crew, "bob", "busy", 3 * MINUTE, 3 * MINUTE)
    crew.store.write(lambda tx: tx.run("update sessions set gone_at = gone_at - :ms", ms=3 * MINUTE))
    assert rows_of(xats)["bob"][3] == "gone 3 min ago"
    shown = xats.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": "80"})
    assert "  gone 3 min ago  " in next(line for line in shown.splitlines() if line.startswith("bob "))
    (found,) = [one for one in xats("agents", "--json").json()["agents"] if one["name"] == "bob"]
    assert (found["online"], found["state"], found["gone_at"] is None) == (False, "gone", False)
    # Some other program acts for it: it is not known where that runs.
    crew.do("bob", agents.touch)
    assert rows_of(xats)["bob"][3] == "unknown, its process ended 3 min ago, seen just now"


def test_a_person_whose_shell_has_ended_is_not_gone(xats, crew, ended):
    crew.register("dave", seat=Seat(HOST, *ended), client="human")
    say(crew, "dave", "idle", 3 * MINUTE, 3 * MINUTE)
    assert rows_of(xats)["dave"][3] == "seen 3 min ago"


def test_an_agent_on_another_host_is_unknown_and_gone_as_its_daemon_noted(xats, crew):
    crew.register("bob", seat=Seat("h1+elsewhere", 1, 1, host_name="desk"), client="codex")
    assert rows_of(xats)["bob"][3] == "unknown, on desk, seen just now"
    crew.store.write(lambda tx: departures.settle(tx, "h1+elsewhere", lambda _: True))
    assert rows_of(xats)["bob"][3] == "gone just now, on desk"


@pytest.mark.parametrize("seat", [Seat(HOST), Seat("h1+elsewhere", 1, 1)], ids=["no process", "another host"])
def test_who_may_be_at_work_is_unregistered_by_force_alone(xats, crew, seat):
    crew.register("dave", seat=seat, client="codex")
    error = xats("unregister", "dave", "--as", "alice", "--json", code=4).error()
    assert error["code"] == "refused"
    assert "dave may still be at work" in error["message"]
    assert error["hint"] == "xats unregister dave --force --as alice"
    xats("unregister", "dave", "--as", "dave")


def test_who_has_surely_left_is_unregistered_without_force(xats, crew, ended):
    crew.register("dave", seat=Seat(HOST, *ended), client="codex")
    crew.register("eve", client="codex")
    say(crew, "eve", "ended", MINUTE, MINUTE)
    for name in ("dave", "eve"):
        xats("unregister", name, "--as", "alice")
