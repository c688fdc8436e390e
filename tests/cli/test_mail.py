"""The verbs of mail as processes: many at once, killed in the middle, waiting, following."""

import json
import os
import shutil
import signal
import sys
import threading

import pytest

from xats.core.mail import inbox
from xats.daemon import lock


@pytest.fixture
def mail(xats, crew):
    return xats


def bodies(xats, name: str, *words) -> list[str]:
    return [one["body"] for one in xats("inbox", "--as", name, "--json", *words).json()["messages"]]


# -- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"plain\n",
        "日本 🙂".encode(),
        b"\x1b[31m\x01\x9d".replace(b"\x9d", "\x9d".encode()),
        b"x" * (1 << 20),
        b" lead\n\n",
    ],
    ids=["plain", "unicode", "control", "1MiB", "space"],
)
def test_a_body_from_stdin_arrives_to_the_byte(mail, data):
    mail("send", "bob", "-", "--as", "alice", stdin=data)
    assert bodies(mail, "bob")[0].encode() == data


@pytest.mark.parametrize(
    "data, said",
    [
        (b"x" * ((1 << 20) + 1), "more than 1 MiB"),
        (b"\xff\xfe", "not UTF-8 (byte 0)"),
        (b"abc\xe9", "not UTF-8 (byte 3)"),
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("\ud800".encode("utf-8", "surrogatepass"), "not UTF-8"),
    ],
    ids=["too-large", "bytes", "latin-1", "nothing", "white", "surrogate"],
)
def test_a_bad_body_from_stdin_is_refused(mail, crew, data, said):
    error = mail("send", "bob", "-", "--as", "alice", "--json", stdin=data, code=2).error()
    assert error["code"] == "invalid_body"
    assert said in error["message"]
    assert crew.rows("select * from messages") == []


def test_a_reply_and_a_broadcast_take_stdin_too(mail):
    mail("broadcast", "-", "--as", "alice", stdin="to all")
    mail("reply", "1", "-", "--as", "bob", stdin="back")
    assert bodies(mail, "bob") == []
    assert bodies(mail, "bob", "--all") == ["to all"]
    assert bodies(mail, "alice") == ["back"]


# -- the batch ---------------------------------------------------------------------------------------------------------


def lines(*values) -> str:
    return "".join((value if isinstance(value, str) else json.dumps(value)) + "\n" for value in values)


GOOD = {"to": "bob", "body": "one"}


def test_a_batch_is_sent_whole(mail, crew, tmp_path):
    batch = [
        GOOD,
        {"to": "all", "body": "two", "subject": "S", "kind": "note", "key": "k", "ttl": "1h", "no_wake": True},
        {"to": "bob", "body": "three", "need_reply": False, "ttl": 60, "reply_to": None},
        {"to": "all", "body": "two", "subject": "S", "kind": "note", "key": "k"},
    ]
    path = tmp_path / "batch.jsonl"
    path.write_text(lines(*batch))
    done = mail("send", "--batch", str(path), "--as", "alice", "--json").json()
    assert done["created"] == 3
    assert [one["created"] for one in done["sent"]] == [True, True, True, False]
    assert bodies(mail, "bob") == ["one", "two", "three"]
    (event,) = crew.rows("select count(*) as n from events where type = 'message_sent'")
    assert event["n"] == 3


def test_a_batch_with_a_key_for_two_messages_is_refused(mail, crew):
    batch = [GOOD, {"to": "all", "body": "two", "key": "k"}, {"to": "bob", "body": "other", "key": "k"}]
    ran = mail("send", "--batch", "-", "--as", "alice", "--json", stdin=lines(*batch), code=4)
    error = ran.error()
    assert (error["code"], error["line"], error["differs"]) == (
        "key_reused",
        3,
        ["address", "body", "kind", "need_reply"],
    )
    assert crew.rows("select * from messages") == []


def test_a_key_with_another_text_is_refused_and_takes_no_id(mail):
    mail("send", "bob", "one", "--key", "k", "-s", "S", "--as", "alice")
    ran = mail("send", "bob", "two", "--key", "k", "-s", "S", "--as", "alice", code=4)
    assert "Message 1 to bob, sent just now, has this key, but another body. Nothing was sent." in ran.stderr
    assert "xats show 1" in ran.stderr
    assert mail("send", "bob", "one", "--key", "k", "-s", "S", "--as", "alice", "--json").json()["created"] is False
    assert mail("send", "bob", "two", "--as", "alice", "--json").json()["message"]["id"] == 2


def test_a_batch_from_stdin_may_have_one_address_for_all(mail):
    ran = mail("send", "bob", "--batch", "-", "--as", "alice", stdin='{"body": "one"}\n{"body": "two", "to": "me"}')
    assert ran.stdout == "2 sent as alice\n"
    assert bodies(mail, "bob") == ["one"]
    assert bodies(mail, "alice") == ["two"]


@pytest.mark.parametrize(
    "bad, code, kind, said",
    [
        ("{", 2, "invalid_batch", "not JSON"),
        ("", 2, "invalid_batch", "not JSON"),
        ("[]", 2, "invalid_batch", "must be a JSON object"),
        ({"to": "bob"}, 2, "invalid_batch", "body is missing"),
        ({"body": "x"}, 2, "invalid_batch", "to is missing"),
        ({**GOOD, "colour": "red"}, 2, "invalid_batch", "colour"),
        ({**GOOD, "body": 5}, 2, "invalid_batch", "body must be text, not 5"),
        ({**GOOD, "need_reply": 1}, 2, "invalid_batch", "need_reply must be true or false, not 1"),
        ({**GOOD, "reply_to": True}, 2, "invalid_batch", "reply_to must be a number, not true"),
        ({**GOOD, "ttl": True}, 2, "invalid_batch", "ttl must be text or a number, not true"),
        ({**GOOD, "ttl": "ages"}, 2, "usage", "not a duration"),
        ({**GOOD, "kind": "a b"}, 2, "invalid_name", "kind"),
        ({**GOOD, "body": " "}, 2, "invalid_body", "empty"),
        ({**GOOD, "body": "\ud800"}, 2, "invalid_body", "UTF-8"),
        ({**GOOD, "subject": "a\nb"}, 2, "invalid_body", "subject"),
        ({**GOOD, "to": "a b"}, 2, "invalid_name", "a b"),
        ({**GOOD, "key": ""}, 2, "usage", "key is empty"),
        ({**GOOD, "key": "\ud800"}, 2, "usage", "key is not valid UTF-8: U+D800 at character 1"),
        ({**GOOD, "key": "k\0"}, 2, "usage", "key contains a NUL character at character 2"),
        ({**GOOD, "body": "a\nb\0"}, 2, "invalid_body", "NUL character at line 2, character 2"),
        ({**GOOD, "subject": "\0"}, 2, "invalid_body", "subject contains a NUL"),
        ({**GOOD, "reply_to": 1 << 63}, 2, "invalid_batch", "reply_to is too large"),
        pytest.param('{"to": "bob", "body": ' + "[" * 200_000, 2, "invalid_batch", "not JSON", id="deep"),
        ({**GOOD, "to": "bobb"}, 3, "unknown_recipient", "bobb"),
        ({**GOOD, "reply_to": 99}, 3, "unknown_message", "99"),
        ({**GOOD, "reply_to": 0}, 3, "unknown_message", "0"),
    ],
    ids=str,
)
def test_a_batch_with_a_bad_line_sends_nothing_and_names_the_line(mail, crew, bad, code, kind, said):
    ran = mail("send", "--batch", "-", "--as", "alice", "--json", stdin=lines(GOOD, GOOD, bad, GOOD), code=code)
    error = ran.error()
    assert (error["code"], error["line"]) == (kind, 3)
    assert error["message"].startswith("Line 3 of the batch: ")
    assert said in error["message"]
    assert "Nothing was sent" in error["message"]
    assert crew.rows("select * from messages") == []


@pytest.mark.parametrize("data", [b"", b"\xff\n"])
def test_a_batch_that_is_no_text_is_refused(mail, data):
    assert (
        mail("send", "--batch", "-", "--as", "alice", "--json", stdin=data, code=2).error()["code"] == "invalid_batch"
    )


# -- at once -----------------------------------------------------------------------------------------------------------


def test_one_key_from_eight_processes_is_one_message(mail, crew):
    running = [mail.start("send", "bob", "once", "--key", "k", "--as", "alice", "--json") for _ in range(8)]
    found = [mail.end(one).json() for one in running]
    assert sum(one["created"] for one in found) == 1
    assert len({one["message"]["id"] for one in found}) == 1
    assert len(crew.rows("select * from messages")) == 1
    assert len(crew.rows("select * from deliveries")) == 1


def test_sends_from_many_processes_lose_nothing(mail, crew):
    running = [mail.start("send", "bob", f"n{n}", "--as", "alice", "-q") for n in range(16)]
    ids = sorted(int(mail.end(one).stdout) for one in running)
    assert ids == sorted(row["id"] for row in crew.rows("select id from messages"))
    assert len(set(ids)) == 16
    assert crew.rows("select mails from wakes") == [{"mails": 16}]


def test_four_readers_share_two_hundred_messages_without_overlap(mail, crew):
    for n in range(200):
        crew.send("alice", "bob", f"n{n}")
    got: list[list[int]] = [[], [], [], []]

    def read(mine: list[int]) -> None:
        while True:
            page = mail("inbox", "--as", "bob", "-n", "12", "--json").json()
            mine += [one["id"] for one in page["messages"]]
            if not page["unread"]:
                return

    threads = [threading.Thread(target=read, args=(mine,)) for mine in got]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    everything = [one for mine in got for one in mine]
    assert sorted(everything) == sorted(row["id"] for row in crew.rows("select id from messages"))
    assert len(everything) == 200
    assert sum(bool(mine) for mine in got) > 1
    assert {row["state"] for row in crew.rows("select state from deliveries")} <= {"shown", "read"}
    assert all(mine == sorted(mine) for mine in got)


@pytest.mark.parametrize("kill", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_reader_that_dies_while_it_writes_loses_nothing(mail, crew, until, kill):
    """It holds claims while nobody reads its pipe; once it is dead they are free at once."""
    for n in range(4):
        crew.send("alice", "bob", f"{n}" * 50_000)
    reading, writing = os.pipe()
    running = mail.start("inbox", "--as", "bob", stdout=writing, env={"XATS_INBOX_BUDGET": "0"})
    os.close(writing)
    claims = "select distinct claim from deliveries where claim is not null"
    until(lambda: crew.rows(claims))
    assert bodies(mail, "bob") == []  # they are the other reader's
    running.send_signal(kill)
    mail.end(running)
    os.close(reading)
    assert [len(bodies(mail, "bob")) for _ in range(4)] == [1] * 4
    assert crew.rows(claims) == []


def test_pages_leave_no_gap_and_repeat_nothing(mail, crew):
    for n in range(7):
        crew.send("alice", "bob", f"n{n}")
    seen = []
    for left in (4, 1, 0):
        page = mail("inbox", "--as", "bob", "-n", "3", "--json").json()
        seen += [one["body"] for one in page["messages"]]
        assert (page["unread"], page["has_more"]) == (left, left > 0)
    assert seen == [f"n{n}" for n in range(7)]
    since, seen = 0, []
    for _ in range(3):
        page = mail("inbox", "--all", "--as", "bob", "-n", "3", "--since", str(since), "--json").json()
        seen += [one["body"] for one in page["messages"]]
        since = page["messages"][-1]["id"]
    assert seen == [f"n{n}" for n in range(7)]


def test_mail_can_be_picked(mail, crew):
    crew.add("dave")
    crew.send("alice", "bob", "one")
    crew.send("dave", "bob", "two")
    crew.send("alice", "bob", "three", reply_to=1)
    assert bodies(mail, "bob", "--peek", "--from", "dave") == ["two"]
    assert bodies(mail, "bob", "--peek", "--from", "ALICE@crew") == ["one", "three"]
    assert bodies(mail, "bob", "--peek", "--thread", "1") == ["one", "three"]
    assert bodies(mail, "bob", "--peek", "--since", "1") == ["two", "three"]
    assert bodies(mail, "bob", "--from", "dave") == ["two"]
    assert bodies(mail, "bob") == ["one", "three"]
    assert bodies(mail, "bob", "--all") == ["one", "two", "three"]


def test_requests_without_an_answer_can_be_listed(mail, crew):
    assert mail("inbox", "--owed", "--as", "bob").stderr == "no request waits for a reply from bob\n"
    for body in ("one", "two"):
        crew.send("alice", "bob", body)
    crew.send("alice", "bob", "for your information", need_reply=False)
    assert mail("inbox", "--owed", "--as", "bob", "--json").json() == {
        "ids": [],
        "shown_before": [],
        "messages": [],
        "has_more": False,
        "unread": 3,
    }
    crew.do("bob", inbox.mark_read, [1, 2, 3])
    shown = mail("inbox", "--owed", "--as", "bob").stdout
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("#")] == ["#1", "#2"]
    mail("reply", "1", "done", "--as", "bob")
    (left,) = mail("inbox", "--owed", "--as", "bob", "--json").json()["messages"]
    assert (left["id"], left["state"]) == (2, "read")
    mail("ack", "2", "--as", "bob")
    assert mail("inbox", "--owed", "--as", "bob").stdout == ""
    assert "use one of them" in mail("inbox", "--owed", "--all", "--as", "bob", code=2).stderr


def test_status_says_that_a_request_was_read_and_not_answered(mail, crew):
    crew.send("alice", "bob", "one")
    crew.send("alice", "bob", "for your information", need_reply=False)
    crew.do("bob", inbox.mark_read, [1, 2])
    assert "read just now, not answered" in mail("status", "1", "--as", "alice").stdout
    assert "not answered" not in mail("status", "2", "--as", "alice").stdout
    mail("ack", "1", "--as", "bob")
    assert "not answered" not in mail("status", "1", "--as", "alice").stdout


def test_mail_that_expired_is_gone_from_the_inbox(mail, crew):
    mail("send", "bob", "soon over", "--ttl", "1ms", "--as", "alice")
    mail("send", "bob", "lasting", "--ttl", "1h", "--as", "alice")
    assert bodies(mail, "bob") == ["lasting"]
    found = mail("status", "1", "--as", "alice", "--json").json()
    assert found["deliveries"][0]["state"] == "expired"


# -- the daemon that is to be started ----------------------------------------------------------------------------------

NO_PYTHON = """
import sys
sys.executable = "/nowhere/python"
from xats.__main__ import main
sys.exit(main())
"""


def test_mail_is_sent_also_where_no_daemon_can_be_started(mail, crew):
    """As where there are too many processes: who were told of a failure would send it again."""
    command = [sys.executable, "-P", "-c", NO_PYTHON, "send", "bob", "hi", "--as", "alice"]
    ended = mail.end(mail.start(command=command, env={"XATS_AUTOSTART": None}))
    assert (ended.code, ended.stdout) == (0, "#1 sent to bob (needs a reply)\n")
    assert "nobody is woken; the message is stored. Reason: /nowhere/python: No such file" in ended.stderr
    assert not lock.held(crew.store.path)


# -- waiting -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, shown",
    [
        (["wait"], "1 unread: xats inbox --as bob\n"),
        (["wait", "--timeout", "20s"], "1 unread: xats inbox --as bob\n"),
        (["wait", "-q"], ""),
    ],
    ids=" ".join,
)
def test_a_wait_ends_with_mail(mail, crew, until, words, shown):
    running = mail.start(*words, "--as", "bob")
    until(lambda: mail.asleep(running))
    assert running.poll() is None
    crew.send("alice", "bob")
    ended = mail.end(running)
    assert (ended.code, ended.stdout, ended.stderr) == (0, shown, "")
    assert crew.see("bob", inbox.unread) == 1


def test_a_wait_is_not_ended_by_mail_to_others(mail, crew, until):
    crew.add("dave")
    running = mail.start("wait", "--timeout", "700ms", "--as", "bob")
    until(lambda: mail.asleep(running))
    crew.send("alice", "dave")
    ended = mail.end(running)
    assert (ended.code, ended.stdout) == (124, "")
    assert ended.stderr == "xats: No mail came in that time.\n"


def test_a_wait_with_mail_there_ends_at_once(mail, crew):
    crew.send("alice", "bob")
    assert mail("wait", "--timeout", "0", "--as", "bob").code == 0


def replaced(crew) -> None:
    """Let a copy of the store take its place, as when a backup is put back, and close our own."""
    path = crew.store.path
    crew.store.close()
    shutil.copy(path, f"{path}.new")
    os.replace(f"{path}.new", path)


@pytest.mark.parametrize("words", [["wait"], ["inbox", "--wait", "20s"]], ids=" ".join)
def test_who_waits_hears_of_mail_in_a_store_that_was_put_in_place_meanwhile(mail, crew, until, words):
    running = mail.start(*words, "--as", "bob")
    until(lambda: mail.asleep(running))
    replaced(crew)
    mail("send", "bob", "into the new one", "--as", "alice")
    ended = mail.end(running)
    assert (ended.code, ended.stderr) == (0, "")


def test_who_follows_the_events_is_told_that_the_store_is_another(mail, crew, until):
    running = mail.start("events", "--follow", "--jsonl")
    until(lambda: mail.asleep(running))
    replaced(crew)
    ended = mail.end(running)
    assert (ended.code, "Another store has replaced" in ended.stderr) == (1, True)


def test_an_inbox_that_waits_shows_and_marks_what_comes(mail, crew, until):
    running = mail.start("inbox", "--wait", "20s", "--as", "bob", "--json")
    until(lambda: mail.asleep(running))
    crew.send("alice", "bob", "at last")
    assert mail.end(running).json()["messages"][0]["body"] == "at last"
    assert crew.see("bob", inbox.unread) == 0


def test_a_send_can_wait_until_it_is_read(mail, crew, until):
    running = mail.start("send", "bob", "hi", "--wait", "20s", "--as", "alice")
    until(lambda: mail.asleep(running) and crew.rows("select * from messages"))
    assert running.poll() is None
    crew.do("bob", inbox.mark_read, [1])
    ended = mail.end(running)
    assert (ended.code, ended.stdout) == (0, "#1 sent to bob (needs a reply)\n")


def test_a_send_that_is_not_read_in_time_is_sent_all_the_same(mail, crew):
    ran = mail("send", "bob", "hi", "--wait", "50ms", "--as", "alice", code=124)
    assert "not read yet by bob." in ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("xats status 1 --wait 50ms --as alice")
    assert crew.see("bob", inbox.unread) == 1


def test_what_expires_meanwhile_was_not_read(mail, crew):
    ran = mail("send", "bob", "hi", "--ttl", "100ms", "--wait", "20s", "--as", "alice", code=124)
    assert "#1 has expired, unread by bob." in ran.stderr
    assert ran.stderr.splitlines()[-1].endswith("xats status 1 --as alice")


# -- following ---------------------------------------------------------------------------------------------------------


def test_events_are_followed_as_they_happen_and_resumed(mail, crew):
    last = crew.rows("select max(id) as id from events")[0]["id"]
    running = mail.start("events", "--follow", "--jsonl", "--since", str(last))
    seen = []
    for n in range(3):
        crew.send("alice", "bob", f"n{n}")
        seen.append(json.loads(running.stdout.readline()))
    assert [one["subject"] for one in seen] == ["message:1", "message:2", "message:3"]
    running.send_signal(signal.SIGINT)
    ended = mail.end(running)
    assert (ended.code, ended.stderr, ended.stdout) == (130, "", "")
    crew.send("alice", "bob")
    again = mail.start("events", "--follow", "--jsonl", "--since", str(seen[-1]["id"]))
    assert json.loads(again.stdout.readline())["subject"] == "message:4"


def test_a_follower_that_nobody_reads_any_more_ends(mail, crew):
    running = mail.start("events", "--follow", "--jsonl", "--since", "0")
    running.stdout.readline()
    running.stdout.close()
    assert running.wait(10) == 0
    assert running.stderr.read() == b""


def test_a_follower_sees_its_type_alone(mail, crew):
    running = mail.start("events", "--follow", "--jsonl", "--type", "mail_read")
    crew.send("alice", "bob")
    crew.do("bob", inbox.mark_read, [1])
    assert json.loads(running.stdout.readline())["type"] == "mail_read"


def test_following_as_text_is_lines_with_tabs(mail, crew):
    running = mail.start("events", "--follow", "--since", "0")
    cells = running.stdout.readline().decode().rstrip("\n").split("\t")
    assert cells[2:5] == ["agent_registered", "alice", "agent:alice"]


def test_a_follower_sees_every_event_of_busy_writers_once(mail, crew):
    last = crew.rows("select max(id) as id from events")[0]["id"]
    running = mail.start("events", "--follow", "--jsonl", "--since", str(last), "-n", "7")
    senders = [mail.start("send", "bob", f"n{n}", "--as", "alice", "-q") for n in range(10)]
    seen = [json.loads(running.stdout.readline()) for _ in range(10)]
    for one in senders:
        mail.end(one)
    assert sorted(one["subject"] for one in seen) == sorted(f"message:{n}" for n in range(1, 11))
    assert [one["id"] for one in seen] == sorted({one["id"] for one in seen})
