"""The verbs of what is not delivered: dead list, show, retry, drop; pause, resume; and register --wake."""

import json
import re

import pytest

from xats.core.mail import inbox
from xats.core.waking import attempts, pauses


@pytest.fixture
def dead(crew):
    """A function that lets every due wake fail for good."""

    def fail(reason: str = "busy") -> None:
        for wake in crew.store.read(attempts.due):
            crew.store.write(lambda tx, wake=wake: attempts.lease(tx, [wake], "d1"))
            crew.store.write(lambda tx, wake=wake: attempts.refused(tx, wake, "d1", reason, "tmux", lambda *_: None))

    return fail


# -- dead letters ------------------------------------------------------------------------------------------------------


def test_nothing_dead_is_a_sentence(xats, crew):
    ran = xats("dead", "list")
    assert (ran.stdout, ran.stderr) == ("", "no dead letters in team crew\n")
    assert xats("dead", "list", "--json").json() == {"dead": [], "has_more": False}


@pytest.mark.parametrize("words", [("retry", "--all"), ("drop", "--all")])
def test_so_it_is_when_all_of_nothing_is_dealt_with(xats, crew, words):
    ran = xats("--as", "alice", "dead", *words)
    assert (ran.stdout, ran.stderr) == ("", "no dead letters in team crew\n")
    assert xats("--as", "alice", "dead", *words, "-q").stderr == ""


def test_all_dead_letters_are_not_sent_to_one_other_even_if_there_are_none(xats, crew):
    error = xats("--as", "alice", "dead", "retry", "--all", "--to", "bob", "--json", code=2).error()
    assert error["message"] == "--to is for one copy of one dead letter."


def test_a_dead_letter_is_listed_with_why_and_what_mends_it(xats, crew, dead):
    crew.send("alice", "bob")
    dead("draft_present")
    ran = xats("dead", "list")
    cells = ran.stdout.rstrip("\n").split("\t")
    assert (cells[0], cells[1], cells[2], cells[4]) == ("1", "bob", "alice", "1")
    assert "half-written line" in cells[5]
    assert "xats dead retry 1" in ran.stderr
    (one,) = xats("dead", "list", "--json").json()["dead"]
    assert (one["agent"], one["reason"], one["last_refusal"]) == ("bob@crew", "retry_exhausted", "draft_present")
    assert one["fix"] == "xats dead retry 1"


def test_whoever_works_in_another_folder_sees_those_of_his_own_team(xats, crew, dead, tmp_path):
    """As with his tasks; a team that is asked for is another matter."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alice = {"env": {"CLAUDE_CODE_SESSION_ID": "s1"}, "cwd": elsewhere}
    xats("register", "alice", "--team", "crew", "--no-pane", **alice)
    crew.add("carol")
    crew.send("alice", "bob,carol")
    dead()
    assert xats("dead", "list", **alice).stdout.startswith("1\tbob\talice\t")
    assert xats("dead", "show", "1", **alice).code == 0
    assert xats("dead", "list", "--team", "elsewhere", **alice).stdout == ""
    xats("dead", "drop", "1", "--whose", "bob", **alice)
    xats("dead", "retry", "1", "--to", "bob", **alice)
    assert "\tdead_dropped\talice\tmessage:1\t" in xats("events", "--type", "dead_dropped", **alice).stdout
    assert xats("events", "--team", "elsewhere", **alice).stdout == ""


def test_an_agent_that_is_gone_is_to_be_started_again(xats, crew, dead):
    crew.send("alice", "bob")
    dead("shell_foreground")
    assert "xats register bob" in xats("dead", "show", "1").stdout


def test_a_dead_letter_is_shown_and_its_body_cannot_act(xats, crew, dead):
    crew.send("alice", "bob", "first\n\x1b[31msecond", subject="about")
    dead()
    shown = xats("dead", "show", "1").stdout
    assert "#1 'about' from alice" in shown
    assert "  | ^[[31msecond" in shown
    assert "to bob: dead just now, 1 attempt: every attempt was refused; the last time the agent is busy" in shown
    assert xats("dead", "show", "1", "--json").json()["body"] == "first\n\x1b[31msecond"


def test_retry_wakes_once_more(xats, crew, dead):
    crew.send("alice", "bob")
    dead()
    assert "goes to bob once more" in xats("--as", "alice", "dead", "retry", "1").stdout
    assert len(crew.store.read(attempts.due)) == 1
    error = json.loads(xats("--as", "alice", "dead", "retry", "1", "--json", code=3).stderr)["error"]
    assert error["code"] == "not_found"


def test_retry_to_another(xats, crew, dead):
    crew.add("carol")
    crew.send("alice", "bob", "the body")
    dead()
    done = xats("--as", "alice", "dead", "retry", "1", "--to", "carol", "--json").json()
    assert done == {"retried": [{"id": 1, "agent": "carol@crew", "new_id": 2}]}
    (letter,) = xats("--as", "carol", "inbox", "--json").json()["messages"]
    assert (letter["from"], letter["body"], letter["thread_id"]) == ("alice@crew", "the body", 1)


def test_retry_to_another_needs_one_copy(xats, crew, dead):
    crew.add("carol", "dave")
    crew.send("alice", "bob,carol")
    dead()
    ran = xats("--as", "alice", "dead", "retry", "1", "--to", "dave", code=2)
    assert "--whose bob@crew --to dave" in ran.stderr
    xats("--as", "alice", "dead", "retry", "1", "--whose", "bob", "--to", "dave")
    assert [one["agent"] for one in xats("dead", "list", "--json").json()["dead"]] == ["carol@crew"]


@pytest.mark.parametrize("words", [("retry",), ("drop",), ("retry", "1", "--all"), ("drop", "1", "--all")])
def test_which_one_must_be_clear(xats, crew, dead, words):
    crew.send("alice", "bob")
    dead()
    assert "xats dead list" in xats("--as", "alice", "dead", *words, code=2).stderr
    assert len(xats("dead", "list", "--json").json()["dead"]) == 1


def test_drop_all(xats, crew, dead):
    crew.add("carol")
    crew.send("alice", "bob,carol")
    crew.send("carol", "bob")
    dead()
    dropped = xats("--as", "alice", "dead", "drop", "--all", "--whose", "bob", "--json").json()["dropped"]
    assert [(one["id"], one["agent"]) for one in dropped] == [(1, "bob@crew"), (2, "bob@crew")]
    assert "it stays unread in the inbox" in xats("--as", "alice", "dead", "drop", "--all").stdout
    assert xats("--as", "bob", "inbox", "--json").json()["unread"] == 0
    assert xats("dead", "list", "--json").json()["dead"] == []


def test_an_unknown_recipient_changes_nothing(xats, crew, dead):
    crew.send("alice", "bob")
    dead()
    xats("--as", "alice", "dead", "retry", "1", "--to", "nobody", code=3)
    assert len(xats("dead", "list", "--json").json()["dead"]) == 1


# -- pauses ------------------------------------------------------------------------------------------------------------


def test_a_pause_is_told_to_whoever_writes(xats, crew):
    ran = xats("--as", "alice", "pause", "bob", "--reason", "a release")
    assert "xats resume bob" in ran.stderr
    sent = xats("--as", "alice", "send", "bob", "hi")
    assert "not woken: bob" in sent.stderr
    assert "bob is paused by alice: a release" in sent.stderr
    answer = xats("--as", "alice", "send", "bob", "hi", "--json").json()
    assert answer["not_woken"] == [{"agent": "bob@crew", "reason": "paused"}]
    assert "held (paused)" in xats("--as", "alice", "status").stdout
    assert "1 agent with mail" in xats("--as", "alice", "resume", "bob").stdout
    assert "queued" in xats("--as", "alice", "status").stdout


def test_the_pause_of_a_team_that_got_nothing_is_not_told(xats, crew):
    crew.add("dave", team="elsewhere")
    xats("--as", "alice", "pause", "all@elsewhere")
    xats("--as", "alice", "pause", "bob")
    told = xats("--as", "alice", "send", "bob", "hi").stderr
    assert "bob is paused by alice" in told
    assert "elsewhere" not in told
    assert "elsewhere is paused by alice" in xats("--as", "alice", "send", "dave@elsewhere", "hi").stderr


@pytest.mark.parametrize(
    "typed, whom", [("a\n", None), ("A\n", None), ("m\n", "kim@crew"), ("\n", ""), ("x\n", ""), ("\x04", "")], ids=ascii
)
def test_a_person_who_names_nobody_is_asked_whom_to_pause(xats, crew, typed, whom):
    env = {"USER": "kim", "XATS_TEAM": "crew"}
    crew.add("kim", client="human")
    shown = xats.on_terminal("pause", env=env, typed=typed, code=4 if whom == "" else 0)
    assert "a: the whole team crew (3 agents)" in shown
    assert "m: only you, kim: xats does not tell you about new mail" in shown
    found = crew.store.read(lambda tx: pauses.listing(tx, "crew"))
    assert [one.agent for one in found] == ([] if whom == "" else [whom])
    assert ("Nothing was paused" in shown) == (whom == "")


@pytest.mark.parametrize("env", [{"XATS_AGENT": "alice"}, {"CLAUDECODE": "1", "XATS_AGENT": "alice"}], ids=str)
def test_whoever_cannot_be_asked_has_to_name_whom_to_pause(xats, crew, env):
    env = {"XATS_TEAM": "crew", **env}
    ran = xats("pause", env=env, code=2)
    assert "xats pause all, or: xats pause me" in ran.stderr
    if "CLAUDECODE" in env:  # the tools of an agent may have a terminal, and nobody who reads it
        assert "xats pause all, or: xats pause me" in xats.on_terminal("pause", env=env, code=2)
    assert crew.store.read(lambda tx: pauses.listing(tx, "crew")) == []
    xats("pause", "me", env=env)
    assert [one.agent for one in crew.store.read(lambda tx: pauses.listing(tx, "crew"))] == ["alice@crew"]


def test_a_pause_of_oneself_and_of_all(xats, crew):
    first = xats("--as", "bob", "pause", "--json").json()
    assert (first["pause"]["agent"], first["created"]) == ("bob@crew", True)
    assert not xats("--as", "bob", "pause", "--json").json()["created"]
    whole = xats("--as", "alice", "pause", "all", "--json").json()["pause"]
    assert (whole["agent"], whole["team"], whole["by"]) == (None, "crew", "alice@crew")
    assert "still held" in xats("--as", "bob", "resume").stderr
    refused = xats("--as", "bob", "resume", "--json", code=4).error()
    assert refused["hint"] == "xats resume all --as bob"
    xats("--as", "bob", "resume", "all")
    assert "was not paused" in xats("--as", "bob", "resume").stdout


@pytest.mark.parametrize(
    "words, code",
    [
        (("pause", "role:x"), 2),
        (("pause", "nobody"), 3),
        (("pause", "all@nowhere"), 3),
        (("pause", "bob", "--reason", "a\nb"), 2),
        (("pause", "bob", "--reason", "x" * 201), 2),
        (("resume", "tag:x"), 2),
    ],
)
def test_what_cannot_be_paused(xats, crew, words, code):
    xats("--as", "alice", *words, code=code)
    assert crew.rows("select * from pauses") == []


def test_the_pause_of_a_person_says_what_it_means(xats, crew):
    crew.add("kim", client="human")
    for who, words in (("kim", ("pause", "me")), ("alice", ("pause", "kim"))):
        ran = xats("--as", who, *words)
        paused = "paused" if who == "kim" else "was paused already"
        assert ran.stdout == f"kim {paused}; xats does not tell kim about new mail\n"
        assert "agents go on; to hold the whole team: xats pause all --as" in ran.stderr
    assert "mail is stored, and wakes nobody" in xats("--as", "kim", "pause", "bob").stdout


def test_another_team_is_paused_by_its_name(xats, crew):
    crew.register("dave", team="elsewhere")
    xats("--as", "alice", "pause", "all@elsewhere")
    assert xats("--as", "alice", "send", "dave@elsewhere", "hi", "--json").json()["not_woken"][0]["reason"] == "paused"
    assert xats("--as", "alice", "send", "bob", "hi", "--json").json()["not_woken"] == []


# -- how to be woken ---------------------------------------------------------------------------------------------------


def test_who_is_woken_by_nothing_is_not_woken(xats, crew):
    assert "nothing wakes it" in xats("register", "bob", "--wake", "none", "--no-pane").stderr
    xats("--as", "alice", "send", "bob", "hi")
    (row,) = crew.rows("select wake_id, no_wake_reason from deliveries")
    assert row == {"wake_id": None, "no_wake_reason": "no_wake"}
    xats("register", "bob", "--no-pane")
    xats("--as", "alice", "send", "bob", "hi")
    assert crew.rows("select * from wakes") == []
    xats("register", "bob", "--no-pane", "--wake", "command")
    xats("--as", "alice", "send", "bob", "hi")
    assert len(crew.rows("select * from wakes")) == 1


def test_a_person_is_woken_by_a_notice_if_he_wants_but_never_typed_at(xats, crew):
    xats("register", "carol", "--client", "human", "--no-pane", "--wake", "notice")
    xats("--as", "alice", "send", "carol", "hi")
    assert len(crew.rows("select * from wakes")) == 1
    crew.register("carol", client="human", wake_by="tmux")
    assert crew.agent("carol").wake_by == "none"


def test_no_other_way_is_known(xats, crew):
    assert "tmux, notice, command, none" in xats("register", "bob", "--wake", "fax", code=2).stderr


# -- limits ------------------------------------------------------------------------------------------------------------


def test_a_throttled_pair_is_told_when(xats, crew):
    for _ in range(20):
        told = crew.send("alice", "bob").message.id
        crew.do("bob", inbox.mark_read, [told])
    sent = xats("--as", "alice", "send", "bob", "hi")
    assert re.search(r"bob is woken in \d+ s \(the two agents have woken each other often", sent.stderr)
    (late,) = xats("--as", "alice", "send", "bob", "more", "--json").json()["delayed"]
    assert (late["agent"], late["reason"]) == ("bob@crew", "throttled")
    status = xats("--as", "alice", "status")
    assert re.search(r"queued \(throttled\): .*; next in \d+ s", " ".join(status.stdout.split()))
    assert re.search(r"queued: .*throttled.*, next in", xats("agents", "--team", "crew").stdout)


def test_the_hop_limit_is_set_by_the_environment(xats, crew):
    xats("--as", "alice", "send", "bob", "hi")
    answer = xats("--as", "bob", "reply", "1", "ho", "--json", env={"XATS_HOPS": "0"}).json()
    assert answer["not_woken"] == [{"agent": "alice@crew", "reason": "hop_limit"}]
    refused = xats("--as", "bob", "reply", "1", "ho")
    assert "not woken: alice (too many wakes" in refused.stderr
    assert "xats resume alice" in refused.stderr
    assert "skipped: too many wakes" in " ".join(xats("--as", "bob", "status").stdout.split())
    assert re.search(r"alice\t.*not woken: hop_limit", xats("agents", "--team", "crew").stdout)
    assert "only a person" in xats("--as", "bob", "resume", "alice").stderr
    assert "alice@crew and bob@crew" in xats("doctor", code=None).stdout
    crew.register("carol", client="human")
    assert "carol" in xats("--as", "alice", "agents").stdout
    assert "resumed; 1 agent with mail to be woken now" in xats("--as", "carol", "resume", "alice").stdout
    assert xats("--as", "bob", "reply", "1", "ho", "--json").json()["not_woken"] == []
    assert "XATS_HOPS" in xats("--as", "bob", "reply", "1", "ho", env={"XATS_HOPS": "many"}, code=2).stderr
