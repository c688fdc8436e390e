"""`xats ask`: the question is sent once, and the reply is printed, or waits in the inbox."""

import json
import os
import signal
import subprocess

import pytest

from tests.support.steady import ages
from xats.base import host, process
from xats.base.pane import Pane
from xats.core.agents import agents, presence
from xats.core.mail import inbox
from xats.core.mail.sending import Draft, reply

SCHEMA = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}


def states(crew, message_id=None):
    rows = crew.rows("select message_id, state from deliveries order by message_id, agent_id")
    return [row["state"] for row in rows if message_id in (None, row["message_id"])]


def answer(crew, name="bob", to=1, body="port 8080", **draft):
    sent = crew.do(name, lambda tx, me: reply(tx, me, "pane", to, Draft("", body, **draft)))
    return sent.message.id


@pytest.fixture
def asking(xats, crew, until):
    """Start `xats ask words` as alice, and return it when its question is stored and it waits."""

    def start(*words, stored=1):
        running = xats.start("ask", *words, "--as", "alice")
        until(lambda: len(crew.rows("select id from messages")) >= stored and xats.asleep(running))
        assert running.poll() is None
        return running

    return start


def test_the_reply_is_printed_and_read(xats, crew, asking):
    running = asking("bob", "Which port?", "-s", "Port")
    assert crew.rows("select subject, body, need_reply from messages") == [
        {"subject": "Port", "body": "Which port?", "need_reply": 1}
    ]
    answer(crew, body="port 8080\nand \x1b[31mred\n")
    ran = xats.end(running)
    assert (ran.code, ran.stdout) == (0, "port 8080\nand ^[[31mred\n")
    first, waits, about = ran.stderr.splitlines()
    assert (first, waits) == ("#1 sent to bob (needs a reply)", "  waiting up to 5 min for the reply to #1")
    assert about.startswith("#2 from bob - ")
    assert states(crew, 2) == ["read"]
    assert crew.see("alice", inbox.unread) == 0


def test_quiet_and_json(xats, crew, asking):
    running = asking("bob", "Which port?", "-q")
    answer(crew)
    ran = xats.end(running)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "port 8080\n", "")
    running = asking("bob", "Again?", "--json", stored=3)
    answer(crew, to=3, body="\x1b same")
    ran = xats.end(running)
    assert ran.stderr == ""
    document = ran.json()
    assert (document["message"]["id"], document["reply"]["id"]) == (3, 4)
    assert (document["reply"]["body"], document["reply"]["reply_to"]) == ("\x1b same", 3)


def test_other_mail_does_not_end_the_wait(xats, crew, asking):
    crew.add("dave")
    running = asking("bob", "Which port?", "--timeout", "20s")
    crew.send("bob", "alice", "in the same thread", reply_to=None)
    crew.send("dave", "alice", "something else")
    crew.send("bob", "dave", "about it")
    assert running.poll() is None
    answer(crew)
    assert xats.end(running).stdout == "port 8080\n"
    assert crew.see("alice", inbox.unread) == 2


def reply_by(tx, system):
    tx.run(
        "insert into messages (sender_id, evidence, address, body, kind, need_reply, wake, sent_at, reply_to,"
        " thread_id) values (:system, 'process', 'alice', 'not read', 'alert', 0, 1, :now, 1, 1)",
        system=system.id,
        now=tx.now,
    )
    alice = agents.by_name(tx, "crew", "alice")
    tx.run(
        "insert into deliveries (agent_id, message_id, state) select :alice, max(id), 'unread' from messages",
        alice=alice.id,
    )


def test_an_alert_of_xats_is_no_reply(xats, crew, asking):
    running = asking("bob", "Which port?", "--timeout", "20s")
    system = crew.store.write(lambda tx: agents.system(tx, "crew"))
    crew.store.write(lambda tx: reply_by(tx, system))
    answer(crew)
    assert xats.end(running).stdout == "port 8080\n"


def test_after_the_timeout_the_wait_can_be_resumed(xats, crew):
    ran = xats("ask", "bob", "Which port?", "--timeout", "50ms", "--as", "alice", code=124)
    assert ran.stdout == ""
    assert ran.stderr.splitlines()[-2:] == [
        "xats: No reply to #1 came from bob in that time.",
        "  try: xats ask --resume 1 --timeout 50ms --as alice",
    ]
    error = xats("ask", "--resume", "1", "--timeout", "50ms", "--as", "alice", "--json", code=124).error()
    assert (error["code"], error["id"]) == ("timed_out", 1)
    answer(crew)
    assert crew.see("alice", inbox.unread) == 1
    for _ in range(2):  # a reply that was read is printed again
        assert xats("ask", "--resume", "1", "--as", "alice").stdout == "port 8080\n"
    assert crew.see("alice", inbox.unread) == 0
    assert len(crew.rows("select id from messages")) == 2


@pytest.mark.parametrize("more", [[], ["--json"]], ids=["people", "json"])
def test_ctrl_c_leaves_the_question_sent(xats, crew, asking, more):
    running = asking("bob", "Which port?", "--timeout", "1h", *more)
    running.send_signal(signal.SIGINT)
    ran = xats.end(running)
    assert (ran.code, ran.stdout) == (130, "")
    command = "xats ask --resume 1 --timeout 1h --as alice"
    if more:
        assert (ran.error()["code"], ran.error()["id"], ran.error()["hint"]) == ("interrupted", 1, command)
    else:
        assert "Interrupted. #1 is sent, and its reply will come to your inbox." in ran.stderr
        assert ran.stderr.splitlines()[-1] == f"  try: {command}"
    assert states(crew) == ["unread"]


def test_the_first_of_several_replies_counts(xats, crew, asking):
    crew.add("dave")
    running = asking("bob,dave", "Which port?")
    crew.do("dave", inbox.ack, 1)
    answer(crew, "bob")
    assert xats.end(running).stdout == "port 8080\n"


def test_the_wait_ends_when_no_reply_can_come(xats, crew, asking):
    crew.add("dave")
    running = asking("bob,dave", "Which port?", "--json")
    crew.do("dave", inbox.ack, 1)
    crew.do("bob", inbox.ack, 1)
    error = xats.end(running).error()
    assert (error["code"], error["id"]) == ("no_reply", 1)
    ran = xats("ask", "--resume", "1", "--as", "alice", code=4)
    said = "xats: #1 will get no reply: bob acknowledged it; dave acknowledged it."
    assert ran.stderr.splitlines()[-2:] == [said, "  try: xats status 1 --as alice"]


@pytest.fixture
def gone(crew):
    """The process of dave has ended."""
    program = subprocess.Popen(["sleep", "600"])
    seat = agents.Seat(host.id(), program.pid, process.started(program.pid), host_name=host.name())
    crew.register("dave", client="generic", seat=seat)
    program.kill()
    program.wait()


@pytest.fixture
def hears(xats, until, tmp_path):
    """Start a command whose stderr can be read while it runs: `hears(*words, until=text)` returns it and a reader."""

    def start(*words, text):
        said = tmp_path / "said"
        with said.open("wb") as errors:
            running = xats.start(*words, stderr=errors)
        until(lambda: text in said.read_text())
        return running, said.read_text

    return start


def test_a_recipient_whose_program_has_ended_is_named_once(xats, crew, gone, hears):
    ask = ["ask", "dave", "Which port?", "--timeout", "20s", "--as", "alice"]
    running, said = hears(*ask, text="is not running")
    assert running.poll() is None
    answer(crew, "dave")
    assert running.wait(20) == 0
    (line,) = [line for line in said().splitlines() if "dave" in line and "not running" in line]
    assert ages(line) == (
        "  dave is not running: its program has ended, and it was last seen just now; the message is stored"
    )


def test_a_program_that_ends_during_the_wait_is_named(xats, crew, hears, until):
    program = subprocess.Popen(["sleep", "600"])
    seat = agents.Seat(host.id(), program.pid, process.started(program.pid), host_name=host.name())
    crew.register("dave", client="generic", seat=seat)
    running, said = hears("ask", "dave", "Port?", "--timeout", "20s", "--as", "alice", text="waiting up to")
    assert "not running" not in said()
    program.kill()
    program.wait()
    until(lambda: "  dave is not running: its program " in said())
    assert said().splitlines()[-1].endswith("; still waiting")
    answer(crew, "dave")
    assert running.wait(20) == 0


def test_a_recipient_that_waits_for_its_user_is_named(xats, crew, hears, until):
    me = (os.getpid(), process.started(os.getpid()))
    pane = Pane("/tmp/xats-no-such-socket", 1, 1, "%5", os.getpid(), "/dev/pts/9")
    crew.register("dave", client="generic", seat=agents.Seat(host.id(), *me, pane=pane, host_name=host.name()))
    dave = crew.agent("dave").id
    running, said = hears("ask", "dave", "Port?", "--timeout", "20s", "--as", "alice", text="waiting up to")
    crew.store.write(lambda tx: presence.put(tx, dave, "waiting", "s"))
    until(lambda: "to answer it: " in said() and said().endswith("\n"))
    line, command = said().splitlines()[-2:]
    assert line.startswith("  dave needs a person: it asks for a permission or an answer in pane %5, ")
    assert line.endswith("; still waiting")
    assert command.endswith("xats attach dave --as alice")
    answer(crew, "dave")
    assert running.wait(20) == 0


def test_with_json_the_error_says_what_keeps_the_recipients(xats, crew, gone):
    for words in (["ask", "dave", "x", "--timeout", "50ms"], ["send", "dave", "x", "--wait", "50ms"]):
        ran = xats(*words, "--json", "--as", "alice", code=124)
        error = json.loads(ran.stderr)["error"]
        assert error["code"] == "timed_out"
        assert [(one["agent"], one["state"]) for one in error["agents"]] == [("dave@crew", "gone")]


# -- Ctrl-C ------------------------------------------------------------------------------------------------------------

ASK, SEND = ["ask", "bob", "Port?", "--timeout", "1h"], ["send", "bob", "hi", "--wait", "1h"]


@pytest.mark.parametrize("point, sent", [("store.before_commit", 0), ("store.after_commit", 1)])
@pytest.mark.parametrize(
    "words, then, again",
    [
        (ASK, ", and its reply will come to your inbox", "xats ask --resume 1 --timeout 1h"),
        (SEND, "", "xats status 1 --wait 1h"),
        (["send", "bob", "hi"], "", "xats status 1"),
        (["broadcast", "hi"], "", "xats status 1"),
    ],
    ids=["ask", "send --wait", "send", "broadcast"],
)
@pytest.mark.parametrize("more", [[], ["--json"]], ids=["people", "json"])
def test_a_ctrl_c_around_the_commit_says_whether_the_message_is_stored(
    xats, crew, words, then, again, point, sent, more
):
    ran = xats(
        *words,
        *more,
        "--as",
        "alice",
        env={"XATS_FAULT": point, "XATS_FAULT_SIGNAL": str(int(signal.SIGINT))},
        code=130,
    )
    assert len(crew.rows("select id from messages")) == sent
    message = f"Interrupted. #1 is sent{then}." if sent else "Interrupted. Nothing was sent."
    hint = f"{again} --as alice" if sent else ""
    if more:
        assert (ran.error()["code"], ran.error()["message"], ran.error().get("hint", "")) == (
            "interrupted",
            message,
            hint,
        )
    else:
        assert ran.stderr.splitlines() == [f"xats: {message}", *([f"  try: {hint}"] if hint else [])]
    assert ran.stdout == ""


@pytest.mark.parametrize("words", [SEND, ["status", "1", "--wait", "1h"]], ids=["send", "status"])
def test_a_ctrl_c_while_it_waits_names_the_command_that_goes_on(xats, crew, until, words):
    if words is not SEND:
        crew.send("alice", "bob", "hi")
    running = xats.start(*words, "--as", "alice")
    until(lambda: crew.rows("select id from messages") and xats.asleep(running))
    running.send_signal(signal.SIGINT)
    ran = xats.end(running)
    assert (ran.code, ran.stderr.splitlines()) == (
        130,
        ["xats: Interrupted. #1 is sent.", "  try: xats status 1 --wait 1h --as alice"],
    )


def test_status_can_wait_until_a_message_is_seen(xats, crew, until):
    crew.send("alice", "bob", "hi")
    assert xats("status", "--wait", "50ms", "--as", "alice", code=124).error is not None
    running = xats.start("status", "--wait", "20s", "--as", "alice")
    until(lambda: xats.asleep(running))
    crew.do("bob", inbox.mark_read, [1])
    ran = xats.end(running)
    assert (ran.code, ages(ran.stdout).split("\t")[:2]) == (0, ["bob", "read just now, not answered"])
    assert xats("status", "9", "--wait", "1s", "--as", "alice", code=3).stdout == ""


@pytest.mark.parametrize(
    "words", [["ask", "dave", "x", "--timeout", "50ms"], ["send", "dave", "x", "--wait", "50ms"]], ids=["ask", "send"]
)
def test_with_json_stderr_has_only_the_error(xats, crew, gone, words):
    ran = xats(*words, "--json", "--as", "alice", code=124)
    assert json.loads(ran.stderr)["error"]["code"] == "timed_out"


def test_the_same_key_asks_once(xats, crew):
    for _ in range(2):
        xats("ask", "bob", "Which port?", "--key", "k", "--timeout", "10ms", "--as", "alice", code=124)
    assert len(crew.rows("select id from messages")) == 1


@pytest.mark.parametrize(
    "words, said",
    [
        ([], "ADDRESS is missing."),
        (["bob"], "The question is missing. Nothing was sent."),
        (["bob", ""], "The body is empty. Nothing was sent."),
        (["pool:dev", "x"], "A message to a pool becomes a task, so ask does not apply. Nothing was sent."),
        (["--resume", "1", "-s", "x"], "With --resume nothing is sent, so only --timeout and --contract go with it."),
        (["bob", "x", "--timeout", "soon"], "soon"),
    ],
)
def test_wrong_words(xats, crew, words, said):
    ran = xats("ask", *words, "--as", "alice", code=2)
    assert said in ran.stderr
    assert crew.rows("select id from messages") == []


def test_who_and_which_message(xats, crew):
    assert "no agent" in xats("ask", "zoe", "x", "--as", "alice", code=3).stderr.lower()
    assert "no message 7" in xats("ask", "--resume", "7", "--as", "alice", code=3).stderr
    crew.send("alice", "bob", "hi")
    assert "only its sender" in xats("ask", "--resume", "1", "--as", "bob", code=4).stderr


# -- contracts ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def review(xats, crew):
    xats("contract", "put", "review", "-", "--as", "alice", stdin=json.dumps(SCHEMA))


def test_a_reply_must_satisfy_the_contract(xats, crew, asking, review):
    before = len(crew.rows("select id from messages"))
    running = asking("bob", "Fine?", "--contract", "review", stored=before + 1)
    question = before + 1
    body = crew.rows("select body from messages where id = :id", id=question)[0]["body"]
    assert body.startswith("Fine?\n\nThe reply must be JSON that satisfies the contract review@1 of team crew: ")
    xats("reply", str(question), '{"ok": true}', "--contract", "review@1", "--as", "bob")
    assert xats.end(running).stdout == '{"ok": true}\n'


@pytest.mark.parametrize("body, why", [('{"ok": 1}', "/ok"), ("yes", "JSON")])
def test_a_reply_that_does_not_satisfy_it_stays_in_the_inbox(xats, crew, asking, review, body, why):
    question = len(crew.rows("select id from messages")) + 1
    running = asking("bob", "Fine?", "--contract", "review", "--json", stored=question)
    number = answer(crew, to=question, body=body)
    ran = xats.end(running)
    assert ran.code == 4
    error = ran.error()
    assert (error["code"], error["id"]) == ("contract_violated", number)
    assert why in error["message"]
    assert error["message"].endswith("It is in your inbox.")
    assert states(crew, number) == ["unread"]


def test_an_unknown_contract_sends_nothing(xats, crew):
    assert "none" in xats("ask", "bob", "x", "--contract", "none", "--as", "alice", code=3).stderr
    assert crew.rows("select id from messages") == []
