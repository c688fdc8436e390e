"""What scripts rely on: the fields of every verb's JSON, their types, and how times are written."""

import json
import os
import re

import pytest

from tests.conftest import HOST
from xats.base import process
from xats.core.agents.agents import Seat
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
ADDRESS = re.compile(r"[\w.-]+@[\w.-]+")
NULL = type(None)


class Time:
    """A time, as ISO 8601 UTC with milliseconds."""


class Address:
    """name@team."""


PANE = {"socket": str, "pane_id": str, "pane_pid": int}
AGENT = {
    "name": str,
    "team": str,
    "role": (str, NULL),
    "client": str,
    "tags": [str],
    "capabilities": [str],
    "epoch": int,
    "pane": (PANE, NULL),
}
MESSAGE = {
    "id": int,
    "thread_id": int,
    "kind": str,
    "need_reply": bool,
    "sent_at": Time,
    "expires_at": (Time, NULL),
}
SENT = {"message": MESSAGE, "created": bool, "recipients": [Address]}
LETTER = {
    "id": int,
    "from": Address,
    "to": Address,
    "address": str,
    "subject": (str, NULL),
    "body": str,
    "kind": str,
    "need_reply": bool,
    "thread_id": int,
    "reply_to": (int, NULL),
    "sent_at": Time,
}
WAKE = {
    "state": str,
    "reason": (str, NULL),
    "attempts": int,
    "transport": (str, NULL),
    "next_attempt_at": (Time, NULL),
    "updated_at": (Time, NULL),
}
LISTED = {
    "name": str,
    "team": str,
    "role": (str, NULL),
    "client": str,
    "online": bool,
    "unread": int,
    "last_seen_at": Time,
    "pane": (PANE, NULL),
}
EVENT = {
    "id": int,
    "at": Time,
    "team": str,
    "type": str,
    "actor": (str, NULL),
    "subject": str,
    "data": dict,
}
PAGE = {"messages": [LETTER], "has_more": bool}
RECALLED = {"id": int, "sent": bool, "other": str, "about": str, "sent_at": Time, "state": (str, NULL)}
COPY = {"agent": Address, "state": str, "at": (Time, NULL)}
RESULT = {"kind": str, "id": (int, NULL), "name": (str, NULL), "at": Time, "by": Address, "excerpt": str}

CONTRACT = [
    (["register", "dave", "--no-pane", "--role", "r", "--tag", "t", "--cap", "c"], {"agent": AGENT, "created": bool}),
    (["unregister", "carol", "--force"], {"agent": {"name": str, "team": str}, "unread": int}),
    (
        ["seat", "kim", "--role", "r", "--tag", "t", "--cap", "c", "--about", "reviews"],
        {"agent": {**AGENT, "about": str}, "created": bool},
    ),
    (["agent", "show", "alice"], {"agent": LISTED}),
    (["agent", "set", "alice", "--tag", "new"], {"agent": AGENT, "changed": [str]}),
    (["agent", "rename", "alice", "anna"], {"agent": AGENT, "old_name": str}),
    (["agent", "forget", "alice", "--yes"], {"agent": {"name": str, "team": str}, "dead_letters": int}),
    (["agents"], {"agents": [LISTED], "has_more": bool}),
    (["agents", "--all-teams", "--online"], {"agents": [LISTED], "has_more": bool}),
    (["whoami"], {"agent": AGENT, "evidence": str}),
    (["doing", "tests"], {"agent": {"name": str, "team": str}, "doing": str, "doing_since": Time, "changed": bool}),
    (
        ["recap", "bob"],
        {
            "agent": {**LISTED, "doing": (str, NULL), "doing_since": (Time, NULL)},
            "mail": [RECALLED],
            "owed": list,
            "owed_total": int,
            "tasks": list,
            "tasks_total": int,
            "others": [{"name": str, "team": str, "client": str, "state": str, "doing": (str, NULL)}],
        },
    ),
    (["send", "bob", "hi"], SENT),
    (["send", "bob,carol", "hi", "-s", "S", "--ttl", "1h", "--key", "k"], SENT),
    (["send", "bob", "third", "--key", "used"], SENT),
    (["broadcast", "hi"], SENT),
    (["reply", "2", "hi"], SENT),
    (["ask", "--resume", "1"], {"message": MESSAGE, "reply": LETTER}),
    (["ack", "2"], {"message": MESSAGE, "acked": bool}),
    (["inbox"], {**PAGE, "unread": int}),
    (["inbox", "--all", "--peek"], {**PAGE, "unread": int}),
    (["--json", "inbox"], {**PAGE, "unread": int}),
    (["show", "1"], {"message": LETTER}),
    (["thread", "1"], {**PAGE, "thread_id": int}),
    (["status", "1"], {"message": MESSAGE, "deliveries": [{"agent": Address, "state": str, "wake": WAKE}]}),
    (["status", "1", "--attempts"], {"message": MESSAGE, "deliveries": [{"agent": Address, "attempts": list}]}),
    (["log"], {"messages": [{**MESSAGE, "body": str, "copies": [COPY]}], "has_more": bool}),
    (["search", "hi"], {"words": [str], "results": [RESULT], "has_more": bool}),
    (["wait"], {"unread": int}),
    (["pause", "bob"], {"pause": {"team": str, "agent": (Address, NULL), "by": Address, "at": Time}, "created": bool}),
    (["resume", "bob"], {"agent": (Address, NULL), "team": str, "resumed": bool, "due": int}),
    (["events"], {"events": [EVENT], "last_id": int, "has_more": bool}),
    (["deliver", "--once", "--dry-run"], {"wakes": [dict], "has_more": bool}),
    (["daemon", "status"], {"running": bool, "pid": (int, NULL), "due": int, "next_due_at": (Time, NULL)}),
]


def fits(value, form, where: str = "$") -> None:
    """Fail unless `value` has `form`; more fields than those are welcome."""
    if isinstance(form, tuple):
        if value is None and NULL in form:
            return
        fits(value, next(one for one in form if one is not NULL), where)
    elif isinstance(form, dict):
        assert isinstance(value, dict), where
        for name, inner in form.items():
            assert name in value, f"{where}.{name} is missing"
            fits(value[name], inner, f"{where}.{name}")
    elif isinstance(form, list):
        assert isinstance(value, list), where
        assert value, f"{where} is empty, so nothing was tested"
        for item in value:
            fits(item, form[0], f"{where}[]")
    elif form in (Time, Address):
        pattern = TIME if form is Time else ADDRESS
        assert isinstance(value, str), where
        assert pattern.fullmatch(value), (where, value)
    else:
        assert type(value) is form, (where, value)


def snake(value) -> bool:
    if isinstance(value, dict):
        return all(re.fullmatch(r"[a-z][a-z0-9_]*", name) and snake(inner) for name, inner in value.items())
    return not isinstance(value, list) or all(map(snake, value))


@pytest.fixture
def mail(xats, crew):
    crew.add("carol", role="reviewer")
    crew.register("erin", seat=Seat(HOST, os.getpid(), process.started(os.getpid())))
    crew.add("alice", tags=("gpu",), capabilities=("rust",))
    crew.send("alice", "bob,carol", "first", subject="S", ttl=3_600_000)
    crew.do("bob", sending.reply, "pane", 1, Draft("", "second"))
    crew.send("alice", "bob", "third", dedupe_key="used")
    return xats


@pytest.mark.parametrize("words, form", CONTRACT, ids=[" ".join(words)[:40] for words, _ in CONTRACT])
def test_the_fields_that_scripts_rely_on(mail, words, form):
    ran = mail(*words, *([] if "--json" in words else ["--json"]), "--as", "alice")
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""
    fits(ran.json(), form)
    assert snake({name: value for name, value in ran.json().items() if name != "recipients"})


def test_every_verb_that_has_json_has_a_contract():
    """But for the verbs of a noun, which are tested with their noun."""
    from xats.cli.kit.verbs import VERBS

    tested = {next(word for word in words if word != "--json") for words, _ in CONTRACT}
    without = {"demo", "demo-agent", "schema", "poke", "dead", "doctor", "top", "launch", "setup", "peek", "attach"}
    without |= {
        "badge",
        "help",
        "completion",
        "commands",
        "down",
        "trust",
        "up",
    }  # their documents have tests of their own
    assert {path for path in VERBS if " " not in path} - without <= tested


def test_following_prints_one_document_a_line(mail, until):
    running = mail.start("events", "--follow", "--jsonl", "--since", "0")
    found = json.loads(running.stdout.readline())
    fits(found, EVENT)
    assert found["id"] == 1
    running.kill()
    mail.end(running)


@pytest.mark.parametrize("state, count", [("unread", 1), ("read", 0)])
def test_what_is_left_unread_is_told(mail, crew, state, count):
    if state == "read":
        crew.do("alice", inbox.mark_read, [2])
    assert mail("inbox", "--peek", "--as", "alice", "--json").json()["unread"] == count


def test_an_id_is_a_number_and_a_key_tells_what_is_new(mail):
    first = mail("send", "bob", "third", "--key", "used", "--as", "alice", "--json").json()
    assert (first["created"], first["message"]["id"]) == (False, 3)
    second = mail("send", "bob", "hi", "--key", "new", "--as", "alice", "--json").json()
    assert second["created"]
    assert second["message"]["id"] == 4  # the call before has used no id
    assert second["recipients"] == ["bob@crew"]


def test_the_wake_of_status_is_one_of_the_known_states(mail, crew):
    crew.do("carol", inbox.mark_read, [1])
    found = mail("status", "1", "--as", "alice", "--json").json()["deliveries"]
    told = {one["agent"]: (one["state"], one["wake"]["state"], one["wake"]["reason"]) for one in found}
    assert told == {
        "bob@crew": ("replied", "skipped", "already_read"),
        "carol@crew": ("read", "skipped", "already_read"),
    }


def test_json_carries_a_body_to_the_byte(mail):
    body = 'é\n\t"\\ \x1b[31m \x9b \u202e 🙂 \u2028'
    mail("send", "bob", "-", "--as", "alice", stdin=body)
    found = mail("inbox", "--as", "bob", "--json").json()["messages"][-1]
    assert found["body"] == body


def test_last_id_goes_on_from_where_one_was(mail):
    first = mail("events", "--json", "--since", "0", "-n", "2").json()
    assert (first["has_more"], len(first["events"])) == (True, 2)
    rest = mail("events", "--json", "--since", str(first["last_id"])).json()
    assert rest["events"][0]["id"] == first["last_id"] + 1
    assert mail("events", "--json", "--since", str(rest["last_id"])).json() == {
        "events": [],
        "last_id": rest["last_id"],
        "has_more": False,
    }
