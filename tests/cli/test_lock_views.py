"""Where locks are shown beside `xats lock`: agents, recap, the overview, doctor and top."""

import os

import pytest

from xats.base import host
from xats.cli.agents import states
from xats.cli.top import words
from xats.cli.top.watch import AgentRow
from xats.core.agents import agents, listing
from xats.hooks.install import git as hook


@pytest.fixture
def held(xats, crew):
    """alice holds two files, and erin, whose process has ended, one."""
    for name in ("a.py", "b.py", "c.py"):
        (xats.folder / name).write_text("1\n")
    xats.run(["git", "init", "-q"])
    crew.register("erin", client="claude-code", seat=agents.Seat(host.id(), os.getpid(), 1))
    xats("--as", "alice", "lock", "take", "a.py", "b.py", "--reason", "new lexer")
    xats("--as", "erin", "lock", "take", "c.py")
    return xats


def checks(ran):
    return {one["name"]: one for one in ran.json()["checks"] if one["section"] == "locks"}


def test_agents_counts_them(held):
    found = {one["name"]: one["locks"] for one in held("agents", "--json").json()["agents"]}
    assert (found["alice"], found["bob"], found["erin"]) == (2, 0, 1)
    rows = [line.split("\t") for line in held("agents").stdout.splitlines()]
    assert {row[0]: row[-2] for row in rows}["alice"] == "2"
    assert " LOCKS " in held.on_terminal("agents", env={"COLUMNS": "160", "NO_COLOR": "1"})
    assert held("--as", "bob", "agent", "show", "alice", "--json").json()["agent"]["locks"] == 2


def test_without_locks_there_is_no_column(xats, crew):
    assert "LOCKS" not in xats.on_terminal("agents", env={"COLUMNS": "160", "NO_COLOR": "1"})


def test_recap_names_the_files(held):
    shown = held("--as", "bob", "recap", "alice").stdout
    assert "Locked files\n  a.py, for 10 min more (new lexer)\n  b.py, for 10 min more (new lexer)\n" in shown
    document = held("--as", "bob", "recap", "alice", "--json").json()
    assert [one["path"] for one in document["locks"]] == ["a.py", "b.py"]
    assert document["locks_total"] == 2


def test_the_overview_says_how_many_i_have(held):
    assert held("--as", "alice", "--json").json()["locks"] == 2
    assert "You have locked 2 files: " in held.on_terminal("--as", "alice", env={"NO_COLOR": "1"})
    assert "You have locked" not in held.on_terminal("--as", "bob", env={"NO_COLOR": "1"})


def test_top_says_how_many_an_agent_has(held, crew):
    def about(name):
        (found,) = crew.store.read(lambda tx: [one for one in listing.agents(tx, "crew") if one.agent.name == name])
        details, state = states.look(found, crew.store.clock())
        return words.about(AgentRow(details, None, state), "crew", crew.store.clock())[0]

    assert "has locked 2 files" in about("alice")
    assert "locked" not in about("bob")


def test_doctor_finds_locks_of_agents_that_have_ended(held):
    found = checks(held("doctor", "--json", code=None))
    assert found["erin@crew"]["state"] == "warn"
    assert found["erin@crew"]["fix"] == "xats daemon start"
    held("--as", "erin", "lock", "release", "--all")
    found = checks(held("doctor", "--json", code=None))
    assert found["locks"]["detail"] == "2 files locked by 1 agent"
    assert "git hook" not in found


def test_doctor_finds_a_hook_of_git_that_runs_nothing(held, tmp_path):
    held("lock", "install-git-hook")
    assert checks(held("doctor", "--json", code=None))["git hook"]["state"] == "ok"
    hook.install(hook.find(str(held.folder)), (str(tmp_path / "gone" / "xats"),))
    found = checks(held("doctor", "--json", code=None))["git hook"]
    assert (found["state"], found["fix"]) == ("warn", "xats lock install-git-hook")
    assert str(tmp_path / "gone" / "xats") in found["detail"]
