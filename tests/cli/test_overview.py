"""`xats` without a verb: one screen for a person, one document for scripts, a short help where nothing waits."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.cli.test_lane import HEAVY, SHOW
from tests.conftest import HOST
from tests.support.dump import every_row
from xats.base import process
from xats.cli.kit import fit, lane
from xats.core.agents import presence
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.waking import pauses

PLAIN = {"NO_COLOR": "1", "COLUMNS": "80"}


@pytest.fixture
def runs():
    """The (pid, start time) of a process that lives as long as the test."""
    made = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield made.pid, process.started(made.pid)
    made.communicate()


@pytest.fixture
def desk(xats, crew, runs):
    """carol is a person with mail, requests and agents that need her."""
    crew.add("carol", client="human")
    crew.register("max", seat=Seat(HOST, *runs))
    crew.send("alice", "carol", "Which port does the server use?", subject="The port")
    crew.do("carol", inbox.mark_read, [1])
    crew.send("alice", "carol", "All tests pass", need_reply=False)
    crew.send("bob", "carol", "Done", need_reply=False)
    crew.send("bob", "carol", "One more thing", need_reply=False)
    crew.send("carol", "bob", "Please review \x1b[31mthe parser")
    return xats


# -- the screen --------------------------------------------------------------------------------------------------------


def test_a_person_sees_what_waits_on_one_screen(desk):
    shown = desk.on_terminal(env=PLAIN).splitlines()
    assert shown[0] == "You are carol in team crew."
    assert shown[1] == "3 unread, the oldest sent just now: 2 from bob, 1 from alice."
    assert shown[2:4] == ["You owe 1 reply:", "  #1 from alice, just now: The port"]
    assert shown[4:6] == ["You wait for 1 reply:", "  #5 to bob, just now, unread: Please review ^[[31mthe parser"]
    assert shown[6] == "3 other agents, 1 online; no agent waits for you."
    assert shown[7:] == [
        "",
        "next:",
        "  xats inbox           read your mail",
        "  xats reply 1 '...'   answer alice",
        "  xats top             watch the team",
        "  xats --help          all commands",
    ]


def test_it_changes_nothing(desk):
    before = every_row(desk.path)
    desk.on_terminal(env=PLAIN)
    desk("--json")
    assert every_row(desk.path) == before


def test_agents_that_need_a_person_come_by_urgency(desk, crew):
    crew.add("idle", "held")
    crew.send("alice", "bob", "again", need_reply=False)
    bob, busy = crew.agent("bob").id, crew.agent("max").id
    given_up = "state = 'failed', reason = 'retry_exhausted', last_refusal = 'draft_present'"
    closed = "next_attempt_at = null, closed_at = :now where agent_id = :bob"
    crew.store.write(lambda tx: tx.run(f"update wakes set {given_up}, {closed}", now=tx.now, bob=bob))
    crew.store.write(lambda tx: presence.put(tx, busy, "waiting", None))
    crew.do("alice", pauses.pause, "crew", crew.agent("held"), "a freeze")
    shown = desk.on_terminal(env=PLAIN)
    needs = shown.partition("cannot be woken:\n")[2].partition("\n\n")[0].splitlines()
    assert re.fullmatch(r"  max   needs a person, \d s", needs[0])
    assert needs[1].startswith("  bob   given up: ") and needs[1].endswith(", 2 unread")
    assert needs[2:] == ["  held  paused by alice just now: a freeze"]
    assert "5 other agents, 1 online; 3 wait for you or cannot be woken:" in shown
    assert "  xats dead list " in shown and "  xats resume held " in shown
    found = desk("--json").json()["needs"]
    assert [(one["agent"], one["reason"], one["unread"]) for one in found] == [
        ("max@crew", "waiting", 0),
        ("bob@crew", "given_up", 2),
        ("held@crew", "paused", 0),
    ]


def test_a_dialog_that_keeps_mail_from_an_agent_needs_a_person(desk, crew):
    held_up = "state = 'retrying', reason = 'dialog_open', detail = 'Do you want to proceed?'"
    crew.store.write(lambda tx: tx.run(f"update wakes set {held_up} where closed_at is null"))
    (need,) = desk("--json").json()["needs"]
    assert (need["agent"], need["reason"], need["detail"]) == (
        "bob@crew",
        "waiting",
        "a dialog is open in its pane, 1 unread",
    )


def test_nobody_is_left_out_silently(desk, crew):
    crew.add(*(f"held{number}" for number in range(9)))
    for number in range(9):
        crew.do("alice", pauses.pause, "crew", crew.agent(f"held{number}"), None)
        crew.send("carol", f"held{number}", "Are you there?")
        crew.send(f"held{number}", "carol", "Yes", need_reply=False)
    shown = desk.on_terminal(env=PLAIN)
    assert "12 unread, the oldest sent just now: 2 from bob, 1 from alice, 1 from held0, 1\n" in shown
    assert "\n  from held1, 7 from 7 others.\n" in shown
    assert "You wait for 10 replies:\n" in shown
    assert shown.count("  #") == 3 and "  and 8 more\n" in shown
    assert (
        "12 other agents, 1 online; 9 wait for you or cannot be woken:\n" in shown
        and "  and 4 more: xats agents\n" in shown
    )
    assert len(shown.splitlines()) < 24
    assert desk("--as", "carol", "--json").json()["awaited_count"] == 10


def test_a_paused_team_is_one_line(desk, crew):
    crew.do("alice", pauses.pause, "crew", None, "lunch")
    shown = desk.on_terminal(env=PLAIN)
    assert "The whole team is paused by alice just now: lunch\n" in shown
    assert "no agent waits for you" in shown and "  xats resume all " in shown
    assert desk("--json").json()["paused"] is True


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_it_fits_the_terminal(desk, width):
    shown = desk.on_terminal(env={"NO_COLOR": "1", "COLUMNS": str(width)})
    assert max(map(fit.cells, shown.splitlines())) < width
    assert ("read your mail" in shown) == (width >= 60)


def test_colour_is_bold_only(desk):
    assert "You are \x1b[1mcarol\x1b[0m in team" in desk.on_terminal(env={"COLUMNS": "80"})
    assert "\x1b" not in desk.on_terminal(env=PLAIN)


# -- who asks ----------------------------------------------------------------------------------------------------------


def test_a_person_who_is_new_is_not_registered(xats, crew):
    shown = xats.on_terminal(env=PLAIN | {"USER": "kim"})
    assert shown.startswith(
        "You are kim in team crew, not registered yet. The first mail that you send or\n  read registers you.\n"
        "2 agents, 0 online;"
    )
    assert [one["name"] for one in xats("agents", "--json").json()["agents"]] == ["alice", "bob"]


def test_an_agent_is_named_by_its_option(desk):
    shown = desk.on_terminal("--as", "bob", env=PLAIN)
    assert shown.startswith("You are bob (generic) in team crew.\n1 unread, sent just now: 1 from carol.\n")
    assert "  xats inbox --as bob " in shown
    assert desk("--as=bob", "--json").json()["agent"] == "bob@crew"
    assert desk("--as", "nobody", "--json", code=3).error()["code"] == "unknown_agent"


def test_without_an_identity_the_team_is_shown(desk):
    found = desk("--json").json()
    assert (found["agent"], found["team"], found["others"]) == (None, "crew", 4)
    shown = desk.on_terminal(env=PLAIN | {"CLAUDECODE": "1"})
    assert shown.startswith("Team crew. xats does not know who you are: ")


def test_another_team_is_shown_or_refused(desk, crew):
    crew.add("zoe", team="shop")
    shown = desk.on_terminal("--team", "shop", env=PLAIN)
    assert "1 agent, 0 online" in shown and "in team shop" in shown
    assert desk("--team", "shpo", "--json", code=3).error()["code"] == "unknown_team"


# -- nothing to show ---------------------------------------------------------------------------------------------------


def test_in_a_pipe_it_is_a_short_help(desk):
    shown = desk().stdout.splitlines()
    assert len(shown) == 7
    assert [line.split("   ")[0] for line in shown if line.startswith("  ")] == [
        "  xats setup",
        "  xats launch claude --name bob",
        "  xats send bob 'The parser is ready'",
    ]
    assert shown[-1] == "All commands: xats --help"


def test_without_a_store_none_is_made(xats):
    assert xats.on_terminal(env=PLAIN).startswith("xats: mail for the coding agents")
    found = xats("--json").json()
    assert (found["agent"], found["team"], found["unread"], found["needs"]) == (None, "crew", 0, [])
    assert not os.path.exists(xats.path)


def test_a_store_without_agents_gives_the_short_help(xats):
    xats.store().close()
    xats("db", "info")
    assert xats.on_terminal(env=PLAIN).startswith("xats: mail for the coding agents")


# -- the command line --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, wanted",
    [
        ([], {}),
        (["--json"], {"json": True}),
        (["-q", "--team=x"], {"quiet": True, "team": "x"}),
        (["--as", "bob", "--db", "/x"], {"as_name": "bob", "db": "/x"}),
        (["--json=yes"], None),
        (["--help"], None),
        (["--json", "--version"], None),
        (["inbox", "--json"], None),
        (["--"], None),
    ],
)
def test_a_line_without_a_verb(words, wanted):
    assert lane.bare(words) == wanted


@pytest.mark.parametrize("option", ["--team", "--as", "--db"])
def test_an_option_without_its_value_is_named(xats, option):
    error = xats("--json", option, code=2).error()
    assert error["message"] == f"Option {option} needs a value."


def test_it_imports_nothing_heavy(desk, tmp_path):
    path = str(tmp_path / "modules")
    desk.on_terminal(command=[sys.executable, "-P", "-I", "-c", SHOW.format(path=path)])
    with open(path) as file:
        modules = set(file.read().split())
    assert "xats.cli.overview.text" in modules
    assert HEAVY & modules == set()


@pytest.mark.parametrize("text, width, wanted", [("a漢字b", 5, "a漢…"), ("abc", 3, "abc"), ("é" * 5, 3, "éé…")])
def test_text_is_cut_by_cells(text, width, wanted):
    assert fit.cut(text, width) == wanted


@pytest.mark.parametrize(
    "text, rows",
    [
        ("one two three", ["one two", "  three"]),
        ("a  b", ["a  b"]),
        ("  a  b  c  d", ["  a  b", "  c  d"]),
        ("at /a/long/path/ it", ["at", "  /a/long/path/", "  it"]),
        ("漢字 漢字", ["漢字", "  漢字"]),
        ("", [""]),
    ],
)
def test_text_is_folded_between_words(text, rows):
    assert fit.folded(text, 8, "  ") == rows


def test_a_command_stays_on_one_row():
    text = f"read one: {fit.whole('xats show 9')}; answer it"
    assert fit.prose(text, 16, "  ") == "read one:\n  xats show 9;\n  answer it"
    assert fit.prose(text, 0) == "read one: xats show 9; answer it"


def test_mail_that_was_only_shown_is_named(desk):
    """A pager or a pipe that took it proves nothing."""
    desk("inbox", "--as", "bob")
    shown = desk.on_terminal("--as", "bob", env=PLAIN).splitlines()
    assert shown[1:3] == ["No unread mail.", "1 shown before, perhaps not seen: xats inbox --again --as bob"]
    found = desk("--as", "bob", "--json").json()
    assert (found["unread"], found["shown"]) == (0, 1)
