"""The verbs that manage agents, and held mail, as people and agents run them: texts, JSON, errors, panes and hooks."""

import json
import os
import pty
import shutil
import tempfile

import pytest

from tests.support.world import Tmux
from xats.base import host, process
from xats.cli.kit import lane
from xats.core.agents import agents, registration
from xats.core.agents.agents import Seat
from xats.core.mail import inbox
from xats.core.tasks import planning
from xats.core.tasks.planning import New

HOST = host.id()


@pytest.fixture
def pat(crew):
    """A person of the team: it may do all of it."""
    crew.add("pat", client="human")
    return ("--as", "pat")


def document(xats, *words, verb):
    found = xats(*words, "--json")
    assert found.stderr == ""
    return found.json()


def letters(crew, name):
    return [one.message for one in crew.see(name, inbox.peek, inbox.Query()).letters]


# -- set, show ---------------------------------------------------------------------------------------------------------


def test_set_says_what_changed_and_show_shows_it(xats, crew):
    words = ("--role", "Reviewer", "--tag", "gpu", "--tag", "arm", "--cap", "rust", "--about", "keeps it green")
    ran = xats("agent", "set", "bob", *words, "--as", "alice")
    assert ran.stdout == "bob: role reviewer; about: keeps it green; tag gpu; tag arm; capability rust\n"
    assert xats("agent", "set", "bob", "--no-tag", "arm", "--as", "alice").stdout == "bob: no tag arm\n"
    shown = xats("agent", "show", "bob").stdout.splitlines()
    assert shown[0].startswith("bob (generic): ")
    assert shown[1:5] == [
        "  about: keeps it green",
        "  role: reviewer",
        "  tags: gpu",
        "  capabilities: rust",
    ]
    found = document(xats, "agent", "show", "bob", verb="agent show")["agent"]
    assert (found["about"], found["role"], found["former_names"]) == ("keeps it green", "reviewer", [])
    assert [one.subject for one in letters(crew, "bob")] == ["alice changed your properties"] * 2


def test_me_is_myself(xats, crew):
    assert xats("agent", "set", "me", "--role", "dev", "--as", "bob").stdout == "bob: role dev\n"
    assert xats("agent", "show", "me", "--as", "bob").stdout.startswith("bob (generic): ")
    assert "carol (human): " in xats.on_terminal("agent", "show", "me")  # a person who is new here
    assert xats("agent", "rename", "me", "builder", "--as", "bob").stdout.startswith("bob is called builder now")
    assert xats("agent", "forget", "me", "--yes", "--as", "builder").stdout == "builder removed from team crew\n"
    assert letters(crew, "alice") == []


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "No change for bob was given"),
        (["--role", "a", "--no-role"], "exclude each other"),
        (["--tag", "a", "--no-tag", "A"], "both name a"),
        (["--about", "a\nb"], "one line"),
        (["--tag", "a b"], "cannot be a tag"),
        (["--no-cap", "a b"], "cannot be a capability"),
    ],
)
def test_set_refuses_what_makes_no_sense(xats, crew, words, said):
    assert said in xats("agent", "set", "bob", *words, "--as", "alice", code=2).stderr


def test_an_unknown_agent(xats, pat):
    for words in (
        ["set", "zoe", "--role", "x"],
        ["show", "zoe"],
        ["rename", "zoe", "kim"],
        ["forget", "zoe"],
        ["forget", "xats"],
    ):
        assert xats("agent", *words, "--json", *pat, code=3).error()["code"] == "unknown_agent"


def test_a_wide_terminal_lists_what_an_agent_is_for(xats, crew):
    wide = {"NO_COLOR": "1", "COLUMNS": "200"}
    assert "ABOUT" not in xats.on_terminal("agents", env=wide)
    xats("agent", "set", "bob", "--about", "keeps it green", "--as", "alice")
    shown = xats.on_terminal("agents", env=wide)
    assert "ABOUT" in shown
    assert "keeps it green" in shown
    assert "ABOUT" not in xats.on_terminal("agents", env={**wide, "COLUMNS": "150"})


# -- rename ------------------------------------------------------------------------------------------------------------


def test_a_former_name_goes_on_in_addresses_options_and_the_environment(xats, pat):
    ran = xats("agent", "rename", "bob", "builder", *pat)
    assert ran.stdout == "bob is called builder now; bob still leads to it\n"
    sent = xats("send", "bob", "hello", "--as", "alice")
    assert sent.stdout.startswith("#2 sent to builder")
    assert sent.stderr == "  bob is called builder now\n"
    for words, env in ((["--as", "bob"], {}), ([], {"XATS_AGENT": "bob"}), ([], {"XATS_AGENT": "bob@crew"})):
        ran = xats("whoami", *words, env=env)
        assert ran.stdout.startswith("builder in team crew")
        assert ran.stderr == "bob is called builder now\n"
    assert xats("whoami", "--json", "--as", "bob").stderr == ""
    assert xats("inbox", env={"XATS_AGENT": "bob"}).stdout.count("hello") == 1
    found = document(xats, "send", "bob", "again", "--as", "alice", verb="send")
    assert found["renamed"] == [{"name": "bob", "agent": "builder@crew"}]
    for words in (["pause", "bob"], ["resume", "bob"]):
        assert xats(*words, *pat).stdout.startswith("builder ")
    assert xats("_complete", "agent", "bo", *pat).stdout == "bob\tis called builder now\n"


def test_what_another_agent_may_not_do(xats, crew):
    for words in (["rename", "bob", "kim"], ["forget", "bob", "--yes"]):
        error = xats("agent", *words, "--as", "alice", "--json", code=4).error()
        assert error["code"] == "refused"
        assert "Only bob itself or a person may" in error["message"]


def test_a_taken_name_is_refused(xats, pat):
    error = xats("agent", "rename", "bob", "alice", *pat, "--json", code=4).error()
    assert error["code"] == "name_taken"


def test_freeing_a_former_name_keeps_the_agent(xats, pat):
    xats("agent", "rename", "bob", "builder", *pat)
    found = document(xats, "agent", "forget", "bob", "--name-only", *pat, verb="agent forget")
    assert (found["agent"]["name"], found["former_name"]) == ("builder", "bob")
    assert xats("agent", "show", "builder").stdout.startswith("builder")
    assert xats("send", "bob", "hi", "--as", "alice", code=3).stderr.startswith("xats: There is no agent bob")


def test_a_former_name_removes_no_agent_and_is_not_freed_unasked(xats, pat):
    xats("agent", "rename", "bob", "builder", *pat)
    for words in ([], ["--yes"]):
        error = xats("agent", "forget", "bob", *words, *pat, "--json", code=4).error()
        assert error["message"] == "bob is a former name of builder@crew (generic). Nothing was changed."
        assert "xats agent forget bob --name-only" in error["hint"]
        assert "xats agent forget builder --yes" in error["hint"]
    asked = xats.on_terminal("agent", "forget", "bob", *pat, typed="n\n", code=4)
    assert "bob is a former name of builder@crew (generic); builder stays" in asked
    assert "Free the name bob, so that it no longer leads to builder?" in asked
    assert xats("send", "bob", "hi", "--as", "alice").stderr != ""
    error = xats("agent", "forget", "builder", "--name-only", *pat, "--json", code=4).error()
    assert "--name-only frees nothing" in error["message"]
    assert "the name is free" in xats.on_terminal("agent", "forget", "bob", *pat, typed="y\n")
    assert xats("agent", "show", "builder").stdout.startswith("builder")


@pytest.mark.parametrize(
    "words",
    [["agent", "show", "bbo"], ["send", "bbo", "hi"], ["agent", "forget", "bbo", "--yes"], ["pause", "bbo"]],
    ids=" ".join,
)
def test_a_name_that_was_mistyped_leads_to_the_near_one(xats, pat, words):
    error = xats(*words, *pat, "--json", code=3).error()
    assert error["hint"] == "did you mean bob?"


def test_a_former_name_is_near_too(xats, pat):
    xats("agent", "rename", "bob", "builder", *pat)
    assert xats("agent", "show", "boob", *pat, "--json", code=3).error()["hint"] == "did you mean bob?"


@pytest.mark.parametrize("words", [[], ["--hold"]], ids=["", "held"])
def test_mail_that_has_expired_at_once_is_refused(xats, pat, words):
    error = xats("send", "bob" if not words else "eve", "hi", "--ttl", "0s", *words, *pat, "--json", code=2).error()
    assert "--ttl must be more than 0s" in error["message"]
    assert "--ttl 10m" in error["hint"]


def test_an_option_without_its_value_names_an_example_of_the_verb(xats, pat):
    error = xats("agent", "set", "bob", "--json", "--about", code=2).error()
    assert error["message"] == "Option '--about' requires an argument."
    assert error["hint"] == "xats agent set bob --no-tag gpu --about 'keeps the build green'; xats agent set --help"


def test_a_hook_of_a_renamed_agent_knows_it(xats, pat, crew):
    """The program goes on with XATS_AGENT=bob, and gets its mail; a new session of it is the same agent."""
    xats("agent", "rename", "bob", "builder", *pat)
    crew.send("alice", "builder", "the parser is ready")

    def hook(event, session, folder=xats.folder, **more):
        told = {"hook_event_name": event, "session_id": session, "cwd": str(folder), **more}
        return xats("hook", "run", "claude-code", stdin=json.dumps(told), env={"XATS_AGENT": "bob"}).stdout

    assert "You are builder" in hook("SessionStart", "s-1", source="startup")
    assert "the parser is ready" in hook("UserPromptSubmit", "s-1", prompt="go on")
    crew.send("alice", "builder", "the tests are green")
    assert "the tests are green" in hook("UserPromptSubmit", "s-1", xats.home, prompt="go on")  # in another folder
    names = [one["name"] for one in xats("agents", "--json").json()["agents"]]
    assert names == ["alice", "builder", "pat"]


# -- seat --------------------------------------------------------------------------------------------------------------


def test_a_seat_is_expected_until_a_program_registers(xats, crew):
    ran = xats("seat", "kim", "--role", "qa", "--about", "tests")
    assert ran.stdout == "kim is expected in team crew, role qa; mail and tasks wait for its program\n"
    assert ran.stderr == "  in a pane of its own: xats launch claude --name kim\n"
    sent = xats("send", "kim", "hello", "--as", "alice")
    assert sent.stderr == "  kim has no program yet; mail waits\n"
    (row,) = [one for one in xats("agents", "--json").json()["agents"] if one["name"] == "kim"]
    assert row["detail"].startswith("expected, since ")
    assert (row["online"], row["about"], row["expected_since"] is not None) == (False, "tests", True)
    assert "kim" not in xats("agents", "--online").stdout
    assert "no_program" in xats("status", "1", "--as", "alice").stdout
    assert xats("_complete", "name", "ki").stdout == "kim\tqa, expected\n"
    shown = xats("poke", "kim", "hi", "--yes", code=4).stderr
    assert "it has no program yet" in shown
    xats("register", "kim", "--client", "codex")
    found = document(xats, "agent", "show", "kim", verb="agent show")["agent"]
    assert (found["expected_since"], found["role"], found["client"]) == (None, "qa", "codex")
    assert "hello" in xats("inbox", "--as", "kim").stdout


def test_a_person_who_takes_a_seat_is_a_person(xats, crew):
    xats("seat", "kim")
    shown = xats.on_terminal("register", "kim", "--no-pane", "--yes")
    assert "(human" in shown
    assert crew.agent("kim").client == "human"


def test_a_hook_fills_a_seat(xats, crew):
    xats("seat", "kim", "--role", "qa")
    crew.send("alice", "kim", "the first task")
    told = {"hook_event_name": "SessionStart", "session_id": "s-9", "cwd": str(xats.folder), "source": "startup"}
    said = xats("hook", "run", "claude-code", stdin=json.dumps(told), env={"XATS_AGENT": "kim"}).stdout
    assert "You are kim" in said
    found = crew.agent("kim")
    assert (found.expected, found.client, found.role) == (False, "claude-code", "qa")


def test_a_seat_that_has_its_program_is_refused(xats, crew):
    me = Seat(HOST, os.getpid(), process.started(os.getpid()))
    crew.register("bob", seat=me, client="codex")
    error = xats("seat", "bob", "--json", code=4).error()
    assert (error["code"], error["pid"]) == ("name_taken", os.getpid())


# -- forget ------------------------------------------------------------------------------------------------------------


def answering(xats, answer, *words, meanwhile=None):
    """Run `xats words` on a terminal where a person types `answer`; return what was shown, and the exit code.

    `meanwhile` is called while the question stands.
    """
    master, slave = pty.openpty()
    running = xats.start(*words, stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    shown = b""
    while b"[y/N]" not in shown:
        shown += os.read(master, 4096)
    if meanwhile:
        meanwhile()
    os.write(master, answer.encode())
    code = running.wait(60)
    shown += os.read(master, 65536)
    os.close(master)
    return shown.decode(), code


def test_a_person_is_asked_and_sees_what_goes(xats, pat, crew):
    crew.send("alice", "bob", "unread")
    task, _ = crew.do("bob", planning.add, New("t"))
    xats("task", "claim", str(task.id), "--as", "bob")
    xats("zone", "assign", "bob", "src/", "lib/", "--as", "bob")
    xats("turn", "join", "--as", "bob")
    xats("turn", "take", "--as", "bob")
    error = xats("agent", "forget", "bob", *pat, "--json", code=4).error()
    assert error["message"] == "Confirmation needed, but there is no terminal. bob stays."
    assert (error["hint"], error["agent"]) == ("xats agent forget bob --yes --as pat", "bob@crew")
    shown, code = answering(xats, "n\n", "agent", "forget", "bob", *pat)
    assert "xats: bob stays." in shown
    assert (
        "bob@crew (generic): 1 unread direct message, 1 request without its reply, 1 claimed task, 2 zones, 1 turn"
        in shown
    )
    assert code == 4
    assert crew.agent("bob").registered
    shown, code = answering(xats, "y\n", "agent", "forget", "bob", *pat)
    assert "bob removed from team crew; 1 unread became dead letters: xats dead list; open again: #1" in shown
    assert code == 0
    assert xats("dead", "list", *pat).stdout.split("\t")[5] == "the recipient, or its whole team, was removed\n"
    assert "xats dead retry 1 --to AGENT" in xats("dead", "show", "1", *pat).stdout
    assert "expired" in xats("status", "1", "--as", "alice").stdout
    assert "bob" in xats("thread", "1", "--as", "alice").stdout or xats("show", "1", "--as", "alice").stdout


def test_an_agent_that_got_another_name_during_the_question_is_not_removed(xats, pat, crew):
    def rename() -> None:
        xats("agent", "rename", "bob", "builder", *pat)

    shown, code = answering(xats, "y\n", "agent", "forget", "bob", *pat, meanwhile=rename)
    assert "xats: bob is a former name of builder now. Nothing was removed." in shown
    assert code == 4
    assert crew.agent("builder").registered


def test_a_former_name_that_was_freed_during_the_question_frees_nothing_else(xats, pat, crew):
    xats("agent", "rename", "bob", "builder", *pat)

    def free() -> None:
        xats("agent", "forget", "bob", "--name-only", *pat)
        crew.register("bob")

    shown, code = answering(xats, "y\n", "agent", "forget", "bob", *pat, meanwhile=free)
    assert "xats: bob is not a former name of builder any more. Nothing was changed." in shown
    assert code == 4
    assert crew.agent("bob").registered


# -- held mail ---------------------------------------------------------------------------------------------------------


def test_send_says_when_an_agent_left_and_hold_keeps_the_mail(xats, crew):
    xats("unregister", "bob", "--force", "--as", "alice")
    failed = xats("send", "bob", "hello", "--as", "alice", code=3)
    assert failed.stderr.splitlines() == [
        "xats: bob left just now (unregistered by alice). Nothing was sent.",
        "  to hold mail for that name: xats send bob --hold 'text' --as alice",
    ]
    ran = xats("send", "bob", "hello", "--hold", "--as", "alice")
    assert ran.stderr == "  bob is not registered; mail is held for that name\n"
    assert "mail is held until an agent registers under that name" in xats("status", "--as", "alice").stdout
    xats("register", "bob", "--no-pane")
    assert "hello" in xats("inbox", "--as", "bob").stdout


def test_hold_is_parsed_alike_by_both_parsers(xats, crew):
    for words in (["send", "kim", "x", "--hold"], ["send", "kim", "x", "--hold", "--ttl", "1h"]):
        assert lane.parse(words)[1]["hold"] is True
        assert xats(*words, "--as", "alice").stderr == "  kim is not registered; mail is held for that name\n"
    sent = xats("send", "--hold", "kim", "x", "-s=Subject", "--as", "alice")  # not for the fast lane
    assert "held" in sent.stderr
    assert xats("send", "pool:qa", "x", "--hold", "--as", "alice", code=2).stderr.count("is a group") == 1


def test_a_batch_may_hold(xats, crew):
    lines = [{"to": "kim", "body": "one", "hold": True}, {"to": "bob", "body": "two"}]
    source = "".join(json.dumps(one) + "\n" for one in lines)
    assert xats("send", "--batch", "-", "--as", "alice", stdin=source).stdout == "2 sent as alice\n"
    assert xats("send", "--batch", "-", "--hold", "--as", "alice", stdin=source, code=2)


# -- reviewers ---------------------------------------------------------------------------------------------------------


def test_reviewers_of_a_task_are_edited(xats, crew):
    xats("task", "add", "t", "--review", "qa", "--as", "alice")
    ran = xats("task", "edit", "1", "--review", "ops", "--no-review", "qa", "--as", "alice", "--json")
    assert ran.json()["task"]["review"] == ["ops"]
    xats("task", "claim", "1", "--as", "bob")
    xats("task", "submit", "1", "--as", "bob")
    assert "(done" in xats("task", "edit", "1", "--no-review", "ops", "--as", "alice").stdout


# -- panes -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def tmux():
    folder = tempfile.mkdtemp(prefix="xa", dir="/tmp")
    made = Tmux(folder)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed: there are no panes")
def test_the_mark_of_the_pane_follows_the_name(xats, pat, tmux):
    pane = tmux.open("exec tail -f /dev/null")

    def mark():
        return tmux.cmd("show-options", "-p", "-v", "-q", "-t", pane, "@xats_agent")

    env = {"TMUX": f"{tmux.socket},{tmux.pid},0"}
    xats("register", "bob", "--pane", pane, "--client", "codex", env=env)
    assert mark() == "bob"
    xats("agent", "rename", "bob", "builder", *pat)
    assert mark() == "builder"
    xats("agent", "forget", "builder", "--yes", *pat)
    assert mark() == ""


def test_every_new_verb_is_in_the_help(xats):
    shown = xats("agent", "--help").stdout
    assert [word for word in ("show", "set", "rename", "forget") if f"  {word}" not in shown] == []
    assert agents.SYSTEM == "xats"


def test_what_was_sent_before_under_a_key_says_what_became_of_it(xats, pat, crew):
    xats("send", "bob", "hi", "--key", "k", "--as", "alice")
    assert xats("send", "bob", "hi", "--key", "k", "--as", "alice").stderr == ""
    crew.do("bob", registration.unregister)
    shown = xats("send", "bob", "hi", "--key", "k", "--as", "alice")
    assert "#1 was already sent to bob; nothing new was stored" in shown.stdout
    assert "bob is not registered; mail is held for that name" in shown.stderr
    xats("agent", "forget", "bob", "--yes", *pat)
    shown = xats("send", "bob", "hi", "--key", "k", "--as", "alice")
    assert "bob has not read it (the recipient, or its whole team, was removed): xats status 1" in shown.stderr
    found = xats("send", "bob", "hi", "--key", "k", "--as", "alice", "--json").json()
    assert found["dead_letters"] == [{"agent": "bob@crew", "reason": "forgotten"}]


def test_a_dead_letter_of_an_agent_that_was_removed_can_be_named_by_it(xats, pat, crew):
    crew.add("carl")
    crew.send("alice", "bob,carl")
    xats("agent", "forget", "bob", "--yes", *pat)
    xats("agent", "forget", "carl", "--yes", *pat)
    shown = xats("dead", "show", "1", *pat).stdout
    assert "xats dead retry 1 --whose bob --to AGENT --as pat" in shown
    xats("dead", "retry", "1", "--whose", "bob", "--to", "alice", *pat)
    assert [one["agent"] for one in xats("dead", "list", "--json").json()["dead"]] == ["carl@crew"]
    xats("dead", "drop", "1", "--whose", "carl", *pat)
    assert xats("dead", "list", "--json").json()["dead"] == []


def test_a_renamed_agent_is_printed_by_its_new_name(xats, pat, crew):
    found = xats("agent", "rename", "bob", "builder", "--json", *pat).json()
    assert (found["agent"]["name"], found["old_name"]) == ("builder", "bob")
