"""A text may begin with a dash, in every verb that takes one; and help in place of a text is not success."""

import json

import pytest

LIST = "- [ ] fix the parser\n- [ ] tests"
TEXTS = [LIST, "--- a/file", "-1 on that", "-q: quiet", "--json prints JSON", "- "]


@pytest.fixture
def mail(xats, crew):
    crew.send("bob", "alice", "question", need_reply=True)
    return xats


@pytest.fixture
def as_alice(mail):
    def run(*words, **options):
        return mail(*words, env={"XATS_AGENT": "alice"}, **options)

    return run


@pytest.mark.parametrize("text", TEXTS)
def test_a_body_may_begin_with_a_dash(as_alice, crew, text):
    as_alice("send", "bob", text)
    as_alice("--quiet", "send", "bob", text, "--wait", "0s", code=None)  # the full tree
    as_alice("reply", "1", text, "-s", "- a subject")
    as_alice("broadcast", text)
    found = crew.rows("select body, subject from messages where id > 1 order by id")
    assert [one["body"] for one in found] == [text] * 4
    assert [one["subject"] for one in found] == [None, None, "- a subject", None]


def test_the_texts_of_tasks_may_begin_with_a_dash(as_alice, crew):
    as_alice("task", "add", "- a title", "-d", "- a description", "--to", "alice")
    as_alice("task", "add", "--description=- two", "-- another title", "--to=alice")
    as_alice("task", "claim", "1")
    as_alice("task", "progress", "1", "- half of it")
    as_alice("task", "release", "1", "--reason", "- no time")
    as_alice("task", "edit", "1", "--title", "-f is an option of tail")
    as_alice("task", "claim", "2")
    as_alice("task", "done", "2", "--result", LIST)
    found = crew.rows("select title, description, result from tasks order by id")
    assert found[0]["title"] == "-f is an option of tail"
    assert found[0]["description"] == "- a description"
    assert found[1] == {"title": "-- another title", "description": "- two", "result": LIST}
    events = [json.loads(one["data"]) for one in crew.rows("select data from events where subject = 'task:1'")]
    assert "- half of it" in str(events)


def test_a_reason_may_begin_with_a_dash(as_alice, crew):
    as_alice("pause", "bob", "--reason", "- deploying")
    assert crew.rows("select reason from pauses") == [{"reason": "- deploying"}]


def test_a_statement_may_begin_with_a_comment(as_alice):
    assert as_alice("db", "query", "-- how many\nselect count(*) from messages").stdout == "1\n"


def test_a_lone_dash_is_standard_input(as_alice, crew):
    as_alice("send", "bob", "-", stdin="- from a pipe\n")
    assert crew.rows("select body from messages where id = 2") == [{"body": "- from a pipe\n"}]


def test_a_word_that_is_no_option_is_refused_with_the_way_to_send_it(as_alice, crew):
    refused = as_alice("send", "bob", "-1", code=2)
    assert "No such option: -1" in refused.stderr
    assert "xats send ADDRESS -- TEXT" in refused.stderr
    as_alice("send", "bob", "--", "-1")
    assert crew.rows("select body from messages where id > 1") == [{"body": "-1"}]


# -- help instead of a text --------------------------------------------------------------------------------------------

INSTEAD = [
    ["send", "bob", "--help"],
    ["send", "bob", "text", "-h"],
    ["send", "-s", "S", "bob", "--help"],
    ["reply", "1", "...", "-h"],
    ["broadcast", "text", "--help"],
    ["poke", "bob", "--help"],
    ["task", "add", "title", "--help"],
    ["task", "progress", "1", "--help"],
    ["--as", "alice", "send", "bob", "--help"],
]


@pytest.mark.parametrize("words", INSTEAD, ids=" ".join)
def test_help_in_place_of_a_text_is_not_success(as_alice, crew, words):
    done = as_alice(*words, code=2)
    assert "Usage: xats" in done.stdout
    assert "Nothing was sent" in done.stderr
    assert " -- TEXT" in done.stderr
    assert crew.rows("select count(*) as n from messages") == [{"n": 1}]


@pytest.mark.parametrize(
    "words", [["send", "--help"], ["send", "--help", "bob"], ["-h"], ["task", "-h"], ["ack", "-h"]]
)
def test_help_that_is_asked_for_is_help(as_alice, words):
    done = as_alice(*words)
    assert "Usage: xats" in done.stdout
    assert done.stderr == ""


def test_help_after_an_address_is_help_for_a_person_at_a_terminal(mail):
    assert "Nothing was sent" not in mail.on_terminal("send", "bob", "--help")


@pytest.mark.parametrize(
    "words, said",
    [
        (["send", "bob", "a", "b"], "One word too many: b."),
        (["send", "bob", "a", "b", "c"], "2 words too many: b, c."),
        (["ack", "1", "2"], "One word too many: 2."),
    ],
)
def test_words_too_many_are_counted_and_named(as_alice, words, said):
    refused = as_alice(*words, code=2)
    assert said in refused.stderr
    assert ("single quotes" in refused.stderr) == (words[0] == "send")
