"""`xats doing` and `xats recap`: what each prints, to whom, and that looking changes nothing."""

import json
import os

import pytest

from tests.conftest import HOST
from tests.support.steady import ages
from xats.base import process
from xats.core.agents import agents, doing, presence
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.tasks import planning


def rows(xats, verb: str = "agents") -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t") for line in xats(verb).stdout.splitlines()}


def as_(name: str) -> dict[str, str]:
    return {"XATS_AGENT": name}


# -- doing -------------------------------------------------------------------------------------------------------------


def test_an_agent_says_what_it_works_on_and_all_lists_show_it(xats, crew):
    said = xats("doing", "fixing the parser", env=as_("bob"))
    assert said.stdout == "bob works on: fixing the parser\n"
    assert xats("doing", " fixing the parser ", env=as_("bob")).stdout.endswith(" (as before)\n")
    assert xats("doing", env=as_("bob")).stdout == "fixing the parser\n"
    assert rows(xats)["bob"][-1] == "fixing the parser"
    assert rows(xats)["alice"][-1] == ""
    found = {one["name"]: one for one in xats("agents", "--json").json()["agents"]}
    assert (found["bob"]["doing"], found["alice"]["doing"]) == ("fixing the parser", None)
    assert "doing: fixing the parser (since " in xats("agent", "show", "bob").stdout
    assert "fixing the parser" in xats("recap", "bob", "--as", "alice").stdout
    assert "bob (generic): unknown, doing 'fixing the parser'" in xats("recap", "--as", "alice").stdout


def test_clear_removes_it(xats, crew):
    xats("doing", "fixing the parser", env=as_("bob"))
    assert xats("doing", "--clear", env=as_("bob")).stdout == "bob removed what it works on\n"
    assert xats("doing", "--clear", env=as_("bob")).stdout == "bob had not said what it works on\n"
    none = xats("doing", env=as_("bob"))
    assert none.stdout == ""
    assert "xats doing 'fixing the parser'" in none.stderr
    assert rows(xats)["bob"][-1] == ""


def test_its_json_has_the_text_the_time_and_whether_it_is_new(xats, crew):
    said = xats("doing", "fixing the parser", "--json", env=as_("bob")).json()
    assert said["agent"] == {"name": "bob", "team": "crew"}
    assert (said["doing"], said["changed"]) == ("fixing the parser", True)
    assert said["doing_since"].endswith("Z")
    assert xats("doing", "--json", env=as_("bob")).json() == {**said, "changed": False}
    cleared = xats("doing", "--clear", "--json", env=as_("bob")).json()
    assert (cleared["doing"], cleared["doing_since"], cleared["changed"]) == (None, None, True)
    event = json.loads(xats("events", "--type", "agent_doing", "--jsonl", env=as_("bob")).stdout.splitlines()[0])
    assert (event["actor"], event["data"]) == ("bob", {"doing": "fixing the parser"})


@pytest.mark.parametrize(
    "words, problem",
    [
        (["a\nb"], "must be one line"),
        (["x" * 201], "at most 200 characters"),
        (["\x1b[2J"], "without control characters"),
        ([" "], "is empty"),
        (["x", "--clear"], "exclude each other"),
        (["two", "words"], "words"),
    ],
)
def test_a_wrong_text_is_refused_and_changes_nothing(xats, crew, words, problem):
    crew.do("bob", doing.put, "fixing the parser")
    refused = xats("doing", *words, env=as_("bob"), code=2)
    assert problem in refused.stderr
    assert xats("doing", env=as_("bob")).stdout == "fixing the parser\n"


def test_nobody_without_a_name_says_anything(xats, crew):
    assert xats("doing", "x", "--json", code=3).error()["code"] == "unknown_agent"


def test_it_is_not_shown_after_the_session_has_ended(xats, crew):
    crew.register("dave", seat=Seat(HOST, None, None, "s1"), client="codex")
    crew.do("dave", doing.put, "fixing the parser")
    assert rows(xats)["dave"][-1] == "fixing the parser"
    dave = crew.agent("dave")
    crew.store.write(lambda tx: presence.put(tx, dave.id, "ended", "s1"))
    assert rows(xats)["dave"][-1] == ""
    assert "fixing" not in xats("recap", "dave", "--as", "alice").stdout
    xats("unregister", "dave", "--force", "--as", "alice")
    xats("register", "dave", "--no-pane", "--client", "codex")
    assert xats("doing", env=as_("dave")).stdout == ""


@pytest.mark.parametrize("width", [40, 80, 139, 200])
def test_on_a_terminal_it_stands_below_the_table(xats, crew, width):
    crew.do("bob", doing.put, f"fixing {'the parser ' * 15}")
    shown = xats.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": str(width)})
    table, _, below = shown.partition("\n\n")
    assert "fixing" not in table
    head, *lines = below.splitlines()
    assert head.split() == ["AGENT", "DOING", "FOR"]
    assert " ".join(below.split()).count("parser") == 15
    assert max(map(len, shown.splitlines())) <= width
    crew.do("bob", doing.put, None)
    assert "DOING" not in xats.on_terminal("agents", env={"NO_COLOR": "1", "COLUMNS": str(width)})
    assert lines


# -- recap -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def busy(crew):
    """bob has answered, owes a reply, has a task and unread mail; dave runs beside him."""
    crew.register("dave", seat=Seat(HOST, os.getpid(), process.started(os.getpid()), "s1"), client="codex")
    crew.send("alice", "bob", "what is\nthe state?")
    crew.send("dave", "bob", "\x1b[2Jfor you alone", need_reply=False)
    crew.do("bob", lambda tx, me: inbox.mark_read(tx, me, [1, 2]))
    crew.send("bob", "alice", "x" * 300, subject="Parser")
    crew.send("alice", "bob", "one more")
    crew.do("bob", planning.add, planning.New("Lexer", to="bob"))
    crew.do("bob", doing.put, "fixing the parser")
    crew.do("dave", doing.put, "writing tests")
    return crew


def test_it_shows_what_there_is_and_changes_nothing(xats, busy):
    before = [dict(row) for row in busy.store.read(lambda tx: tx.all("select * from deliveries order by message_id"))]
    lines = xats("recap", "--as", "bob").stdout.splitlines()
    after = [dict(row) for row in busy.store.read(lambda tx: tx.all("select * from deliveries order by message_id"))]
    assert after == before
    lines = [ages(line) for line in lines]
    assert lines[0].startswith("bob (generic): unknown, seen ")
    assert lines[1:3] == ["  doing: fixing the parser (said just now)", "  unread: 1, the oldest just now"]
    assert lines[3:] == [
        "",
        "Last mail",
        "  #1 from alice, just now: 'what is the state?'",
        "  #2 from dave, just now: '^[[2Jfor you alone'",
        "  #3 to alice, just now: 'Parser'",
        "  #4 from alice, just now: 'one more' [unread]",
        "",
        "You have not answered",
        "  #1 from alice, just now: 'what is the state?'",
        "",
        "Tasks",
        "  #1 'Lexer'",
        "",
        "Also here",
        "  dave (codex): online, doing 'writing tests'",
        "  alice (generic): unknown",
    ]


def test_an_agent_sees_of_another_only_what_is_between_them_and_a_person_sees_all(xats, busy):
    found = xats("recap", "bob", "--as", "dave", "--json").json()
    assert [one["id"] for one in found["mail"]] == [2]
    assert (found["owed"], found["owed_total"]) == ([], 0)
    assert [one["id"] for one in xats("recap", "bob", "--as", "alice", "--json").json()["owed"]] == [1]
    busy.add("kim", client="human")
    found = xats("recap", "bob", "--as", "kim", "--json").json()
    assert [one["id"] for one in found["mail"]] == [4, 3, 2, 1]
    assert (found["owed_total"], found["tasks_total"]) == (1, 1)
    assert {one["name"] for one in found["others"]} == {"alice", "dave", "kim"}
    said = xats("recap", "bob", "--as", "dave").stdout
    assert "for you alone" in said
    assert "Parser" not in said


def test_an_unknown_name_is_not_found(xats, crew):
    assert xats("recap", "kmi", "--as", "bob", "--json", code=3).error()["code"] == "unknown_agent"


def test_a_long_list_says_how_many_more(xats, crew):
    for number in range(12):
        crew.send("alice", "bob", f"question {number}")
        crew.do("bob", planning.add, planning.New(f"task {number}", to="bob"))
    crew.do("bob", lambda tx, me: inbox.mark_read(tx, me, list(range(1, 13))))
    said = xats("recap", "--as", "bob").stdout
    assert said.count("  and 2 more\n") == 2
    assert "#12 from alice" in said


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_narrow_terminal_no_line_is_too_long(xats, busy, width):
    shown = xats.on_terminal("recap", "--as", "bob", env={"NO_COLOR": "1", "COLUMNS": str(width)})
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown


# -- register ----------------------------------------------------------------------------------------------------------


def test_an_agent_that_registers_itself_gets_its_briefing(xats, busy):
    said = xats("register", "bob", "--no-pane", "--client", "codex", env=as_("bob")).stdout
    first, _, text = said.partition("\n\n")
    assert first.startswith("bob registered again")
    assert text.startswith("You are bob@crew in xats")
    assert "To read your mail: " in text
    assert "You work on 'fixing the parser'" in text
    assert "Unread: 1." in text
    assert "#2 from dave" in text
    assert "Also here: dave (codex), doing 'writing tests'" in text
    assert len(said.encode()) <= 1600
    states = busy.store.read(lambda tx: tx.all("select state from deliveries order by message_id"))
    assert [row["state"] for row in states] == ["read", "read", "unread", "unread"]


def test_a_script_and_a_person_get_no_briefing(xats, crew):
    assert xats("register", "bob", "--no-pane", "--quiet").stdout == "bob\n"
    assert xats("register", "bob", "--no-pane", "--json").json()["agent"]["name"] == "bob"
    assert "You are" not in xats("register", "kim", "--no-pane", "--client", "human").stdout
    assert "You are" not in xats.on_terminal("register", "carol", "--no-pane", "--yes")
    assert crew.see("carol", agents.current_session)


def test_an_agent_that_registers_another_one_gets_no_briefing_of_that_one(xats, busy):
    said = xats("register", "zoe", "--no-pane", "--client", "codex", env=as_("alice")).stdout
    assert said == "zoe registered in team crew (codex, session 1)\n"
