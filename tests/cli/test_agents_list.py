"""The list of agents: who is online and why, what waits for whom, and that it can be read at any width."""

import os
import re
import subprocess
import sys

import jsonschema
import pytest

from tests.conftest import HOST
from xats import process
from xats.cli import schema
from xats.core import pauses
from xats.core.agents import Seat
from xats.pane import Pane

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
    crew.register("paneless", seat=Seat(HOST, *ended), client="codex")
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
    assert {len(row) for row in rows.values()} == {10}
    told = {name: row[3:] for name, row in rows.items()}
    assert told["atwork"] == [f"online, pid {os.getpid()}", "0", "", "%1", "auto", "", ""]
    assert re.fullmatch(r"retrying: busy, again in 9\d s", told["bob"].pop())
    assert told["bob"] == ["online, seen just now", "1", "15 min ago", "", "auto", ""]
    assert told["panegone"][0] == "offline, pane gone, seen 2 h ago"
    assert told["panegone"][6] == "suspended: no_pane"
    assert told["paneless"][0] == "offline, ended, seen just now"
    assert told["paneless"][6] == "not woken: no_wake"
    assert told["told"][4:] == ["notice", "paused", "held: paused"]
    assert told["off"] == ["offline, seen 2 h ago", "1", "just now", "", "none", "", ""]
    assert told["carol"][4:] == ["none", "", ""]


def test_json_has_the_wake_how_it_is_woken_and_who_is_paused(mixed):
    document = mixed("agents", "--json").json()
    jsonschema.validate(document, schema.VERBS["agents"])
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
    assert (found["atwork"]["online"], found["panegone"]["online"], found["paneless"]["online"]) == (True, False, False)


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
    for words in ("pane gone", "ended", "suspended:", "retrying:", "held:", "1, 15 min", "tmux %1", "no pane"):
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
    assert "again when it registers anew" in shown
    assert "a-role-with-a-long-name" in shown


def test_a_number_that_was_given_to_another_process_is_no_pane(mixed, crew, ended):
    """The pane's process had the number of the session's; who has it now started at another time."""
    pid = os.getpid()
    crew.register("bob", seat=Seat(HOST, pid, 1, None, Pane("/tmp/s", pid, 1, "%9", pid, "/dev/pts/1")))
    assert rows_of(mixed)["bob"][3].startswith("offline, pane gone")


def test_only_who_is_online(mixed):
    names = [line.split("\t")[0] for line in mixed("agents", "--online").stdout.splitlines()]
    assert names == ["alice", "atwork", "bob", "carol", "told"]
