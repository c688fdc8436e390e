"""`--json=FIELDS` selects the fields of the objects that a verb lists; and JSON is indented on a terminal."""

import json

import pytest

from tests.cli.test_json import mail as mail  # noqa: PLC0414 - a fixture
from xats.cli.kit import fields
from xats.cli.models import DOCUMENTS

# By verb: the field whose objects are selected from, if it is not the word that the verb's document begins with.
PLACES = {
    "send": ["message", "message", "sent"],
    "broadcast": ["message"],
    "reply": ["message"],
    "ack": ["message"],
    "inbox": ["messages"],
    "thread": ["messages"],
    "show": ["message"],
    "status": ["deliveries", "deliveries"],
    "agents": ["agents"],
    "whoami": ["agent"],
    "register": ["agent"],
    "team list": ["teams"],
    "team merge": ["team"],
    "task list": ["tasks"],
    "task show": ["task"],
    "task graph": ["tasks"],
    "contract log": ["versions"],
    "contract put": ["contract"],
    "contract subscribers": ["subscribers"],
    "events": ["events"],
    "doctor": ["checks"],
    "dead list": ["dead"],
    "config list": ["settings"],
    "wait": [None],
    "launch": [None, None],
    "daemon status": [None],
    "db info": [None, None],
    "db query": [],
}


@pytest.mark.parametrize("verb", PLACES)
def test_the_fields_are_those_of_what_a_verb_lists(verb):
    assert [where for where, _ in fields._places(verb)] == PLACES[verb]


@pytest.mark.parametrize("verb", sorted(set(DOCUMENTS) - set(fields.STREAMED)))
def test_every_verb_with_json_has_fields(verb):
    found = fields._places(verb)
    assert len(found) == len(DOCUMENTS[verb])
    assert all(names for _, names in found)


@pytest.mark.parametrize("verb", fields.WHERE)
def test_an_exception_names_a_field_that_there_is(verb):
    assert fields.WHERE[verb] in [where for where, _ in fields._places(verb)]


@pytest.mark.parametrize("line", [["agents", "--json=state,name"], ["--json=state, name,state", "agents"]])
def test_only_these_fields_are_listed_in_their_order(mail, line):
    found = mail(*line).json()
    assert list(found) == ["agents", "has_more", "turns"]
    assert [list(one) for one in found["agents"]] == [["state", "name"]] * len(found["agents"])
    assert [one["name"] for one in found["agents"]] == ["alice", "bob", "carol", "erin"]


def test_a_single_object_has_only_these_fields(mail):
    found = mail("send", "bob", "hi", "--json=id", "--as", "alice").json()
    assert found["message"] == {"id": 4}
    assert (found["created"], found["recipients"]) == (True, ["bob@crew"])
    found = mail("send", "--batch", "-", "bob", "--json=created", "--as", "alice", stdin='{"body": "hi"}\n').json()
    assert found == {"sent": [{"created": True}], "created": 1}


def test_lines_that_follow_have_only_these_fields(mail):
    running = mail.start("events", "--follow", "--json=id,type", "--since", "0")
    assert list(json.loads(running.stdout.readline())) == ["id", "type"]
    running.kill()
    mail.end(running)


def test_an_unknown_field_lists_the_known_ones_and_does_nothing(mail, crew):
    ran = mail("send", "bob", "hi", "--json=id,recipient", "--as", "alice", code=2)
    problem = json.loads(ran.stderr)["error"]
    assert problem["message"] == "Unknown field recipient."
    assert problem["hint"].startswith("known fields: id, thread_id, from, ")
    assert "subject" in problem["fields"]
    assert ran.stdout == ""
    assert len(crew.rows("select id from messages")) == 3


@pytest.mark.parametrize("line", [["agents", "--json="], ["agents", "--json=,"], ["agents", "--json=a,b"]])
def test_no_field_and_several_unknown_ones_are_refused(mail, line):
    assert "known fields: name, team," in mail(*line, code=2).stderr


def test_rows_of_tables_have_no_fields(mail):
    assert "has no fields to select" in mail("db", "query", "select 1", "--json=x", code=2).stderr


def test_a_word_after_json_stays_an_argument(mail, crew):
    mail("send", "bob", "--json", "state,name", "--as", "alice")
    mail("send", "bob", "-s", "--json=id", "text", "--as", "alice")
    assert [
        (one["body"], one["subject"])
        for one in crew.rows("select body, subject from messages where id > 3 order by id")
    ] == [
        ("state,name", None),
        ("text", "--json=id"),
    ]
    assert "xats agents --json=name,state" in mail("agents", "--json", "name,state", code=2).stderr


def test_json_is_indented_on_a_terminal_and_stays_harmless(mail, crew):
    crew.send("bob", "alice", "a\x9b\x7f\u202e\x1b[31mé")
    piped = mail("show", "4", "--as", "alice", "--json")
    assert piped.stdout.count("\n") == 1
    shown = mail.on_terminal("show", "4", "--as", "alice", "--json")
    assert shown.startswith('{\n  "schema_version": 1,\n  "message": {\n    "id": 4,\n')
    assert '"body": "a\\u009b\\u007f\\u202e\\u001b[31mé"' in shown
    assert json.loads(shown)["message"]["body"] == piped.json()["message"]["body"]
    assert mail.on_terminal("schema", "wait").startswith('{\n  "$schema": ')


def test_a_line_of_json_stays_a_line_on_a_terminal(mail):
    assert len(mail.on_terminal("events", "--jsonl", "-n", "2").splitlines()) == 2
