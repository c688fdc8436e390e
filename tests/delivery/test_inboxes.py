"""The inboxes of agent programs: what is proven before a line goes there, and what is said of it afterwards.

Processes, sockets and files are real; an agentlet stands for the program. The programs themselves are driven by
tests/clients/real_inboxes.py.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import pytest

from tests import support
from tests.delivery.conftest import LINE, until
from tests.support import agentlet
from tests.support.requests import request
from xats.base import confinement, host, process, programs
from xats.base.pane import Pane
from xats.clients import model, records, registry
from xats.core.agents import agents
from xats.delivery import screens
from xats.delivery.transports import claude_inbox, codex_queue, opencode_http, qwen_inbox, verify

HERE = os.path.dirname(__file__)
HOST = host.id()
MODULES = {"claude": claude_inbox, "codex": codex_queue, "opencode": opencode_http, "qwen": qwen_inbox}
THREADS = [f"01a1fe17-b736-79c2-a01a-c2930fd9e1{number:02}" for number in range(4)]


class Program:
    """A running agentlet."""

    def __init__(self, folder: str, kind: str, mode: str, *words: str, home: str = "", **environ: str) -> None:
        self.kind, self.module = kind, MODULES[kind]
        self.home = home or tempfile.mkdtemp(dir=folder)
        os.makedirs(f"{self.home}/proj", exist_ok=True)
        command = [sys.executable, "-IS", os.path.join(support.FOLDER, "agentlet.py"), kind, self.home, mode, *words]
        env = {"HOME": self.home, "PATH": os.defpath, **environ}
        self.running = subprocess.Popen(command, env=env, cwd=f"{self.home}/proj", stdout=subprocess.PIPE, text=True)
        assert self.running.stdout.readline() == "up\n"
        self.pid = self.running.pid
        self.started = process.started(self.pid)

    def session(self, client_session: str | None = None, **changes) -> agents.Session:
        ids = {"claude": "s1", "qwen": "q1", "opencode": agentlet.SESSION, "codex": THREADS[0]}
        seat = {"host": HOST, "pid": self.pid, "pid_started": self.started}
        seat["client_session"] = client_session or ids[self.kind]
        return agents.Session(1, 1, 1, agents.Seat(**{**seat, **changes}), 0, None)

    def reach(self, **changes) -> str | None:
        return self.module.reach(self.session(**changes))

    def deliver(self, line=lambda: LINE, **changes):
        return self.module.deliver(request(self.session(**changes), line))

    @property
    def got(self) -> list[dict]:
        if not os.path.exists(f"{self.home}/log"):
            return []
        with open(f"{self.home}/log") as file:
            return [json.loads(row) for row in file.read().splitlines()]

    @property
    def texts(self) -> list[str]:
        """What a person would have seen of each message."""
        return [json.dumps(entry.get("frames", [entry.get("body")])[-1]) for entry in self.got]

    @property
    def record(self) -> str:
        return f"{self.home}/.{self.kind}/sessions/{self.pid}.json"

    def rewrite(self, **changes) -> None:
        with open(self.record) as file:
            told = json.load(file)
        agentlet.write(self.record, {**told, **changes})

    def settings(self, path: str, value) -> None:
        agentlet.write(f"{self.home}/{path}", value)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.running.wait()

    def close(self) -> None:
        if self.running.poll() is None:
            os.kill(self.pid, signal.SIGCONT)
            self.running.kill()
        self.running.wait()
        self.running.stdout.close()


@pytest.fixture
def program(monkeypatch):
    """`program(kind, mode, *words)` starts one; it ends with the test."""
    folder = tempfile.mkdtemp(prefix="xi", dir="/tmp")  # short: a socket's path has 104 bytes on macOS
    begun = []

    def begin(kind: str, mode: str = "takes", *words: str, **more) -> Program:
        begun.append(Program(folder, kind, mode, *words, **more))
        if kind == "qwen":
            begun[-1].settings(".qwen/settings.json", {"agents": {"crossSessionInbound": "accept"}})
        return begun[-1]

    for module in (claude_inbox, qwen_inbox):
        monkeypatch.setattr(module, "_holding", set())
    monkeypatch.setattr(claude_inbox, "_sent", {})
    yield begin
    for one in begun:
        one.close()
    shutil.rmtree(folder)


def codex_words(kind: str) -> tuple[str, ...]:
    return (f"thread:{THREADS[0]}",) if kind == "codex" else ()


@pytest.fixture(params=sorted(MODULES))
def each(request, program) -> Program:
    """One of each kind, idle."""
    return program(request.param, "takes", *codex_words(request.param))


@pytest.fixture(params=["claude", "qwen"])
def socketed(request, program) -> Program:
    """One of each kind that has a record and a socket."""
    return program(request.param)


SLACK = 4.0  # seconds that a busy machine may need besides; whoever waits for a hung peer for ever needs more


def within(seconds: float, work):
    begun = time.monotonic()
    value = work()
    assert time.monotonic() - begun < seconds + SLACK
    return value


# -- whom it is for ----------------------------------------------------------------------------------------------------


def test_it_is_reached(each):
    assert each.reach()
    assert "\n" not in each.reach()


def test_nobody_else_is(each):
    here = each.reach()
    assert each.reach(host="elsewhere") is None
    assert each.reach(pid_started=each.started + 1) is None  # somebody has got its number
    assert each.reach(pid=None, pid_started=None) is None
    assert each.reach(pid=1) is None
    with subprocess.Popen(["sleep", "60"]) as other:
        assert each.reach(pid=other.pid, pid_started=process.started(other.pid)) is None
        other.kill()
    assert each.reach() == here


def test_the_dead_are_not_reached_though_their_files_stay(each):
    each.kill()
    assert each.reach() is None
    asked = []
    result = within(1, lambda: each.deliver(lambda: asked.append(1)))
    assert (result.state, result.reason) == ("refused", "inbox_failed")
    assert asked == []


def test_a_zombie_is_not_reached(each):
    os.kill(each.pid, signal.SIGKILL)  # and not waited for
    until(lambda: process.started(each.pid) is None)
    assert each.reach() is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act for another user")
def test_a_process_of_another_user_is_not_reached(each, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 65534)
    assert each.reach() is None


def test_nothing_is_written_when_there_is_no_more_need(each):
    result = each.deliver(lambda: None)
    assert (result.state, result.reason) == ("skipped", "already_read")
    assert each.got == []


@pytest.mark.parametrize("kind", ["claude", "opencode", "qwen"])
def test_a_line_is_handed_over(program, kind):
    one = program(kind)
    result = within(5, one.deliver)
    assert (result.state, result.reason) == ("delivered", None), result
    until(lambda: len(one.texts) == 1)
    assert LINE in one.texts[0]


@pytest.mark.parametrize("kind", ["claude", "opencode", "qwen"])
def test_two_at_work_in_one_folder_get_their_own(program, kind):
    one = program(kind)
    other = program(kind, home=one.home) if kind != "opencode" else program(kind)
    assert one.reach() != other.reach()
    assert one.deliver().state == "delivered"
    until(lambda: one.got)
    if kind == "opencode":
        assert other.got == []
    else:
        assert [frame["frames"][0]["token"] for frame in one.got] == [agentlet.TOKEN * (2 if kind == "qwen" else 1)]
        assert [one.pid] == [int(os.path.basename(one.reach()).partition(".")[0])]


@pytest.mark.parametrize("way", ["portable"])
@pytest.mark.parametrize("kind", ["claude", "opencode", "qwen"])
def test_elsewhere_than_on_linux(program, kind, way, monkeypatch):
    one = program(kind)
    monkeypatch.setattr(process, "LINUX", False)
    one.started = process.started(one.pid)
    assert one.deliver().state == "delivered"
    assert one.reach(pid_started=one.started + 1) is None


# -- hostile files -----------------------------------------------------------------------------------------------------

HOSTILE = {
    "no JSON": b"{",
    "nothing": b"",
    "a list": b"[]",
    "a number": b"7",
    "no text": b"\xff\xfe{}",
    "too deep": b"[" * 60000,
    "deep below": b'{"pid":' + b'{"a":' * 9000 + b"1" + b"}" * 9001,
    "NaN": b'{"pid": NaN}',
    "a huge number": b'{"pid": 1e999}',
    "a zero byte": b'{"pid": "\\u0000"}',
}


def test_a_record_that_is_none(socketed):
    for what, text in HOSTILE.items():
        with open(socketed.record, "wb") as file:
            file.write(text)
        assert within(1, socketed.reach) is None, what
        assert socketed.deliver().state == "refused", what


def test_a_record_that_is_huge(socketed):
    with open(socketed.record, "a") as file:
        file.truncate(1 << 33)
    assert within(1, socketed.reach) is None


@pytest.mark.skipif(not process.LINUX, reason="elsewhere a record does not tell its start")
def test_a_record_of_somebody_else_or_of_another_format(socketed):
    with open(socketed.record) as file:
        told = json.load(file)
    for changes in (
        *({"pid": 1}, {"pid": "7"}, {"pid": None}, {"pid": [1]}),
        *({"procStart": "1"}, {"procStart": None}, {"procStart": 7}, {"procStart": {}}),
        *({"peerProtocol": 2, "schemaVersion": 2}, {"peerProtocol": "1", "schemaVersion": "1"}),
    ):
        socketed.rewrite(**changes)
        assert socketed.reach() is None, changes
        socketed.rewrite(**{"peerProtocol": 1, "schemaVersion": 1, **told})
        assert socketed.reach(), changes


SOCKETS = {
    "none": None,
    "a number": 7,
    "empty": "",
    "relative": "socks/1.sock",
    "not there": "/tmp/no-such-folder/1.sock",
    "a zero byte": "/tmp/\0/1.sock",
    "no text": "/tmp/\ud800.sock",
    "too long": "/tmp/" + "x" * 200,
    "a folder": "/tmp",
    "a file": "/etc/passwd",
    "a device": "/dev/null",
}


def test_a_record_that_names_no_socket(socketed):
    for what, path in SOCKETS.items():
        socketed.rewrite(messagingSocketPath=path, ipcPath=path)
        assert socketed.reach() is None, what


def test_a_link_to_a_socket(socketed):
    path = socketed.reach()
    os.symlink(path, path + ".link")
    socketed.rewrite(messagingSocketPath=path + ".link", ipcPath=path + ".link")
    assert socketed.reach() is None


def test_a_link_to_a_record(socketed):
    os.rename(socketed.record, socketed.record + ".kept")
    os.symlink(socketed.record + ".kept", socketed.record)
    assert socketed.reach() is None


def test_a_pipe_in_place_of_a_record(socketed):
    os.remove(socketed.record)
    os.mkfifo(socketed.record)
    assert within(1, socketed.reach) is None


def test_where_everybody_may_write(socketed):
    for path in (socketed.record, os.path.dirname(socketed.record), os.path.dirname(socketed.reach())):
        mode = os.stat(path).st_mode
        os.chmod(path, mode | stat.S_IWOTH)
        assert socketed.reach() is None, path
        os.chmod(path, mode)
        assert socketed.reach()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_belongs_to_somebody_else(socketed):
    for path in (
        socketed.record,
        socketed.reach(),
        os.path.dirname(socketed.record),
        os.path.dirname(socketed.reach()),
    ):
        os.chown(path, 65534, 65534)
        assert socketed.reach() is None, path
        os.chown(path, 0, 0)
        assert socketed.reach()


@pytest.mark.parametrize("variable", ["relative/place", "/nowhere"])
def test_a_folder_that_its_environment_names_wrongly(program, variable):
    assert program("claude", CLAUDE_CONFIG_DIR=variable).reach() is None
    assert program("qwen", QWEN_HOME=variable).reach() is None
    assert program("codex", "takes", f"thread:{THREADS[0]}", CODEX_HOME=variable).reach() is None


def test_a_folder_that_its_environment_names(program):
    for kind, variable in (("claude", "CLAUDE_CONFIG_DIR"), ("qwen", "QWEN_HOME")):
        home = program(kind).home
        moved = program(kind, home=home, **{variable: f"{home}/.{kind}", "HOME": "/nowhere"})
        assert moved.reach(), kind


# -- sockets that do not behave ----------------------------------------------------------------------------------------


def test_somebody_else_listens_on_its_socket(socketed):
    """A process of ours that has taken the path over, as a later process with the same number would."""
    path = socketed.reach()
    os.remove(path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        result = within(2, socketed.deliver)
        assert (result.state, result.reason) == ("refused", "inbox_failed")
        assert "another process" in result.detail
        line, _ = listener.accept()
        assert line.recv(100) == b""
        line.close()


def test_a_socket_on_which_nobody_listens(socketed):
    path = socketed.reach()
    os.remove(path)
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    result = within(1, socketed.deliver)
    assert (result.state, result.reason) == ("refused", "inbox_failed")


def test_it_is_stopped(socketed, monkeypatch):
    """The kernel takes the line for it, and it will read it when it goes on: that counts as handed over."""
    monkeypatch.setattr(qwen_inbox, "RECEIPT", 0.5)
    os.kill(socketed.pid, signal.SIGSTOP)
    assert within(5, socketed.deliver).state == "delivered"
    os.kill(socketed.pid, signal.SIGCONT)
    until(lambda: socketed.got)


@pytest.mark.parametrize("kind", ["claude", "qwen"])
def test_it_accepts_and_never_reads(program, kind, monkeypatch):
    monkeypatch.setattr(qwen_inbox, "RECEIPT", 0.5)
    one = program(kind, "hangs")
    result = within(5, one.deliver)
    assert result.state == "delivered"
    assert {"claude": "has not closed", "qwen": "sent no receipt"}[kind] in result.detail


def test_it_closes_without_reading(program):
    one = program("claude", "resets")
    assert within(2, one.deliver).state == "refused"
    assert one.deliver().state == "refused"  # and not: the same line again


def test_no_queue_for_connections_is_left(program):
    one = program("claude", "takes")
    os.kill(one.pid, signal.SIGSTOP)
    kept = []
    try:
        while True:
            kept.append(socket.socket(socket.AF_UNIX))
            kept[-1].setblocking(False)
            kept[-1].connect(one.reach())
    except OSError:
        pass
    assert within(3, one.deliver).state == "refused"
    for line in kept:
        line.close()


# -- Claude Code -------------------------------------------------------------------------------------------------------


def test_claude_sees_who_it_is_from_and_nothing_else(program):
    one = program("claude")
    result = one.deliver()
    assert "a turn has begun" in result.detail
    assert [entry["frames"] for entry in one.got] == [
        [
            {"type": "auth", "token": agentlet.TOKEN},
            {
                "type": "user",
                "message": {
                    "role": "user",
                    "content": f'<cross-session-message from-name="xats">\n{LINE}\n</cross-session-message>',
                },
            },
        ]
    ]


def test_claude_without_a_key_is_told_none(program):
    one = program("claude")
    for name in os.listdir(os.path.dirname(one.record)):
        if name.endswith(".key"):
            os.remove(os.path.join(os.path.dirname(one.record), name))
    assert one.deliver().state == "delivered"
    assert [frame["type"] for frame in one.got[0]["frames"]] == ["user"]


def test_claude_after_clear_has_another_session(program):
    one = program("claude")
    one.rewrite(sessionId="s2")
    assert one.deliver().state == "delivered"


def test_claude_whose_session_moved_to_the_background_is_not_reached_where_it_was(program):
    """Its process shows the agents view, or another session: neither its inbox nor its pane is the agent's any more."""
    one, seat = program("claude"), Pane("/nowhere/tmux", 1, 1, "%7", 1, "/dev/null")
    session = agents.Session(1, 1, 1, agents.Seat(HOST, one.pid, one.started, None, seat), 0, None)
    parked = screens.expected(registry.find_or_generic("claude-code", {}), session).parked
    assert not parked(one.pid)
    one.rewrite(parkedJobId="5e9c8683")
    assert one.reach() is None
    assert one.deliver().reason == "inbox_failed"
    assert one.got == []
    assert parked(one.pid)
    assert not screens.expected(registry.find_or_generic("codex", {}), session).parked(one.pid)


def test_claude_at_work_is_not_waited_for(program):
    one = program("claude", "busy")
    result = within(0.8, one.deliver)
    assert (result.state, "after its current work" in result.detail) == ("delivered", True)


def test_claude_of_which_nothing_is_seen(program):
    result = within(3, program("claude", "ignores").deliver)
    assert (result.state, "no turn was seen" in result.detail) == ("delivered", True)


def test_claude_that_asks_its_person_is_not_asked_again(program):
    one = program("claude", "holds")
    result = one.deliver()
    assert (result.state, result.reason) == ("refused", "inbox_failed")
    assert "reviewed" in result.detail
    one.rewrite(status="idle")
    assert one.reach() is None
    one.settings(".claude/settings.json", {"crossSessionInbound": "accept"})
    assert one.reach()


def test_claude_gets_no_line_that_it_would_drop(program, monkeypatch):
    one, other = program("claude"), program("claude")
    assert one.deliver().state == "delivered"
    same = one.deliver()
    assert (same.state, "same line" in same.detail) == ("refused", True)
    assert other.deliver().state == "delivered"  # each session counts for itself
    monkeypatch.setattr(claude_inbox, "SAME", 0.0)
    assert one.deliver().state == "delivered"
    monkeypatch.setattr(claude_inbox, "PER_MINUTE", 2)
    many = one.deliver(lambda: LINE + "!")
    assert (many.state, "within a minute" in many.detail) == ("refused", True)
    monkeypatch.setattr(claude_inbox, "MINUTE", 0.0)
    assert one.deliver().state == "delivered"
    assert len(one.got) == 3


DEFAULT = {"permissions": {"defaultMode": "bypassPermissions"}}
ACCEPT, HOLD = {"crossSessionInbound": "accept"}, {"crossSessionInbound": "hold"}
USER, PROJECT, LOCAL = ".claude/settings.json", "proj/.claude/settings.json", "proj/.claude/settings.local.json"
SKIP = "--dangerously-skip-permissions"


ALONE = {}
# how it was started: whether it is reached with which settings
HELD = {
    (): [
        (ALONE, True),
        ({USER: {"permissions": {"defaultMode": "acceptEdits"}}}, True),
        ({USER: {"permissions": "odd", "hooks": []}}, True),
        ({USER: DEFAULT}, False),
        ({PROJECT: DEFAULT}, False),
        ({LOCAL: DEFAULT}, False),
        ({USER: HOLD}, False),
        ({USER: {"crossSessionInbound": "refuse"}}, False),
        ({USER: {"crossSessionInbound": "yes"}}, False),
        ({USER: {"crossSessionInbound": ["accept"]}}, False),
        ({USER: ACCEPT, PROJECT: HOLD}, False),
        ({USER: ["no object"]}, False),
    ],
    ("--permission-mode", "plan"): [(ALONE, True)],
    (SKIP,): [(ALONE, False), ({USER: ACCEPT}, True), ({PROJECT: ACCEPT}, False)],
    (SKIP, "--setting-sources", "project"): [({USER: ACCEPT}, False)],
    (SKIP, "--settings", json.dumps(ACCEPT)): [(ALONE, True)],
    (SKIP, f"--settings={json.dumps(ACCEPT)}"): [(ALONE, True)],
    (SKIP, "--settings", "own.json"): [({"proj/own.json": ACCEPT}, True), ({"proj/own.json": {}}, False)],
    ("--allow-dangerously-skip-permissions",): [(ALONE, False)],
    ("--permission-mode", "bypassPermissions"): [(ALONE, False)],
    ("--permission-mode=bypassPermissions",): [(ALONE, False)],
    ("--settings", json.dumps(DEFAULT)): [(ALONE, False)],
    ("--settings", "gone.json"): [(ALONE, False)],
    ("--settings", "{no JSON"): [(ALONE, False)],
    ("--settings",): [(ALONE, False)],
}


@pytest.mark.parametrize(("words", "cases"), HELD.items(), ids=map(" ".join, HELD))
def test_claude_that_would_hold_a_line_is_not_reached(program, words, cases):
    one = program("claude", "takes", *words)
    for files, reached in cases:
        for path in (USER, PROJECT, LOCAL):
            one.settings(path, files.get(path, {}))
        for path, value in files.items():
            one.settings(path, value)
        assert (one.reach() is not None) is reached, files


def test_claude_whose_command_line_cannot_be_read(program, monkeypatch):
    one = program("claude")
    monkeypatch.setattr(process, "argv", lambda pid: [])
    assert one.reach() is None


def test_claude_whose_settings_are_a_link(program):
    one = program("claude", "takes", SKIP)
    one.settings("dotfiles/claude.json", ACCEPT)
    os.symlink(f"{one.home}/dotfiles/claude.json", f"{one.home}/{USER}")
    assert one.reach()


def test_claude_of_an_organization(program, monkeypatch):
    one = program("claude")
    monkeypatch.setattr(claude_inbox, "MANAGED", f"{one.home}/etc")
    one.settings("etc/managed-settings.json", ACCEPT)
    assert one.reach()
    one.settings("etc/managed-settings.d/10-more.json", HOLD)
    assert one.reach() is None


def test_a_record_that_is_being_written_is_read_again(program, monkeypatch):
    monkeypatch.setattr(claude_inbox, "TORN", 1000)
    one = program("claude")
    with open(one.record) as file:
        text = file.read()
    whole = threading.Timer(0.03, lambda: agentlet.write(one.record, json.loads(text)))
    with open(one.record, "w") as file:
        file.write(text[:50])
    whole.start()
    assert one.reach()
    whole.join()


# -- Qwen Code ---------------------------------------------------------------------------------------------------------


def test_qwen_is_told_who_may_and_nothing_of_our_rules(program):
    one = program("qwen")
    assert one.deliver().state == "delivered"
    auth, user = one.got[0]["frames"]
    assert auth == {"msgV": 1, "type": "auth", "token": agentlet.TOKEN * 2}
    assert user["message"] == {"role": "user", "content": LINE}
    assert (user["toSessionId"], user["fromName"], "fromMode" in user) == ("q1", "xats", False)
    assert not os.path.exists(user["from"])


@pytest.mark.parametrize("status", ["held", "refused", "denied", "dropped", "misaddressed", "expired", "odd\x1b[2J"])
def test_qwen_that_does_not_queue_it_has_not_got_it(program, status):
    one = program("qwen", status)
    result = one.deliver()
    assert (result.state, result.reason) == ("refused", "inbox_failed")
    assert "\x1b" not in result.detail
    assert (one.reach() is None) is (status in ("held", "refused", "denied"))


def test_qwen_that_says_nothing(program, monkeypatch):
    monkeypatch.setattr(qwen_inbox, "RECEIPT", 0.3)
    assert program("qwen", "ignores").deliver().state == "delivered"


def test_a_receipt_of_somebody_else_counts_for_nothing(program, monkeypatch):
    monkeypatch.setattr(qwen_inbox, "RECEIPT", 0.3)
    one = program("qwen", "ignores")
    box = {}
    make = qwen_inbox._frames

    def frames(told, path, token, message, text):
        box.update(path=path, token=token, message=message)
        return make(told, path, token, message, text)

    monkeypatch.setattr(qwen_inbox, "_frames", frames)

    def answer() -> None:
        until(lambda: "path" in box)
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(box["path"])
            said = {"action": "delivery_status", "status": "held", "origMsgId": box["message"]}
            frames = ({"type": "auth", "token": box["token"]}, said)
            with contextlib.suppress(BrokenPipeError):  # it was not let in
                line.sendall(b"".join(json.dumps(frame).encode() + b"\n" for frame in frames))

    other = threading.Thread(target=answer)
    other.start()
    result = one.deliver()
    other.join()
    assert (result.state, "sent no receipt" in result.detail) == ("delivered", True)


def test_qwen_must_have_been_told_to_accept(program):
    one = program("qwen")
    for own, project, reached in (
        ("accept", None, True),
        (None, None, False),
        ("hold", None, False),
        ("accept", "hold", False),
        (None, "accept", False),
        ("accept", "accept", True),
        (["accept"], None, False),
    ):
        for path, word in ((".qwen/settings.json", own), ("proj/.qwen/settings.json", project)):
            one.settings(path, {"agents": {"crossSessionInbound": word} if word else {}})
        assert (one.reach() is not None) is reached, (own, project)


def test_qwen_serving_several_is_told_apart_by_the_session(program):
    one = program("qwen")
    with open(one.record) as file:
        told = json.load(file)
    agentlet.write(one.record.replace(".json", "-0123abcd.json"), {**told, "sessionId": "q2"})
    assert one.reach(client_session="q1")
    assert one.reach(client_session="other") is None
    assert one.deliver(client_session="q2").state == "delivered"
    assert one.got[0]["frames"][1]["toSessionId"] == "q2"


# -- opencode ----------------------------------------------------------------------------------------------------------


def test_opencode_gets_one_part(program):
    one = program("opencode")
    assert one.reach().startswith("http://127.0.0.1:")
    assert one.deliver().state == "delivered"
    path = f"/session/{agentlet.SESSION}/prompt_async"
    assert one.got == [{"path": path, "body": {"parts": [{"type": "text", "text": LINE}]}}]


def test_opencode_whose_session_is_not_known(program):
    one = program("opencode")
    for name in (None, "", "x", "ses_", "ses_../../x", "ses_aaaaaaaa\r\nX: y", "ses_aaaaaaaa?x", "ses_aaaaaaaa\n"):
        seat = agents.Seat(HOST, one.pid, one.started, name)
        assert opencode_http.reach(agents.Session(1, 1, 1, seat, 0, None)) is None, name


def test_opencode_that_does_not_know_the_session(program):
    one = program("opencode")
    result = one.deliver(client_session="ses_another0123456789")
    assert (result.state, "404" in result.detail) == ("refused", True)
    assert one.got == []


@pytest.mark.parametrize("kind", ["permission", "question"])
def test_opencode_that_asks_its_person(program, kind):
    one = program("opencode")
    waiting = {"permission": [], "question": []}
    one.settings("asked", {**waiting, kind: [{"id": "1", "sessionID": "ses_another0123456789"}]})
    assert one.deliver().state == "delivered"
    one.settings("asked", {**waiting, kind: [{"id": "1", "sessionID": agentlet.SESSION}]})
    result = one.deliver()
    assert (result.state, f"a {kind} is open" in result.detail) == ("refused", True)
    one.settings("asked", {})
    assert one.deliver().state == "refused"  # a server that does not say
    assert len(one.got) == 1


def test_opencode_with_a_password(program):
    one = program("opencode", OPENCODE_SERVER_PASSWORD=agentlet.PASSWORD)
    assert one.deliver().state == "delivered"
    wrong = program("opencode", OPENCODE_SERVER_PASSWORD="wrong " + agentlet.PASSWORD)
    result = wrong.deliver()
    assert (result.state, "401" in result.detail) == ("refused", True)
    assert agentlet.PASSWORD not in repr(result)


def test_opencode_that_fails(program):
    result = program("opencode", "resets").deliver()
    assert (result.state, "500" in result.detail) == ("refused", True)


def test_opencode_that_has_it_and_does_not_answer(program, monkeypatch):
    monkeypatch.setattr(opencode_http, "WAIT", 0.4)
    one = program("opencode", "ignores")
    assert within(2, one.deliver).state == "delivered"
    assert len(one.got) == 1


@pytest.mark.parametrize("mode", ["hangs", "drips"])
def test_opencode_that_never_answers(program, mode, monkeypatch):
    monkeypatch.setattr(opencode_http, "WAIT", 0.4)
    one = program("opencode", mode)
    assert within(2, one.deliver).state == "refused"
    assert one.got == []


def test_opencode_that_listens_twice_must_name_its_port(program):
    assert program("opencode", "takes", "--two").reach() is None
    one = program("opencode")
    port = one.reach().rpartition(":")[2]
    assert opencode_http._named_port(["opencode", "--port", port]) == int(port)
    for words in (["--port"], ["--port", "x"], ["--port", "0"], ["--port=0"], ["--port", "9" * 9], ["-p", "1"]):
        assert opencode_http._named_port(["opencode", *words]) is None


@pytest.mark.skipif(not process.LINUX, reason="as Linux writes it")
def test_addresses_of_proc():
    with socket.create_server(("127.0.0.1", 0)) as v4:
        assert ("127.0.0.1", v4.getsockname()[1]) in list(opencode_http._listening(os.getpid()))
    try:
        v6 = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with v6:
        assert ("::1", v6.getsockname()[1]) in list(opencode_http._listening(os.getpid()))


# -- Codex -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def queue(monkeypatch, tmp_path):
    """Put a script in place of the program that a window runs: `queue(shell)`; what it was told is in `queue.told`."""
    told = tmp_path / "told"

    def install(shell: str = "exit 0"):
        script = tmp_path / "codex"
        script.write_text(f'#!/bin/sh\nfor word; do echo "$word" >>{told}; done\nenv >>{told}.env\n{shell}\n')
        script.chmod(0o700)
        monkeypatch.setattr(codex_queue, "_command", lambda window: str(script))

    install.told = lambda: told.read_text().splitlines() if told.exists() else []
    install.environ = (tmp_path / "told.env").read_text
    return install


def test_codex_queues_for_the_thread(program, queue):
    queue()
    one = program("codex", "takes", f"thread:{THREADS[0]}", OPENAI_API_KEY="secret", CODEX_SQLITE_HOME="/somewhere")
    assert one.reach() == f"thread {THREADS[0]}"
    assert one.deliver().state == "delivered"
    assert queue.told() == ["queue", "--thread", THREADS[0], "--message", LINE]
    assert "secret" not in queue.environ()
    assert f"HOME={one.home}" in queue.environ()
    assert "CODEX_SQLITE_HOME=/somewhere" in queue.environ()


@pytest.mark.skipif(not process.LINUX, reason="elsewhere it is found by PATH")
def test_codex_runs_the_program_of_the_window(program):
    one = program("codex", "takes", f"thread:{THREADS[0]}")
    window = codex_queue._find(one.session())
    assert os.path.samefile(codex_queue._command(window), sys.executable)


def test_codex_elsewhere_runs_the_one_of_the_path(program, monkeypatch, tmp_path):
    one = program("codex", "takes", f"thread:{THREADS[0]}")
    monkeypatch.setattr(process, "LINUX", False)
    one.started = process.started(one.pid)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    script = tmp_path / "codex"
    script.write_text(f'#!/bin/sh\necho "$2 $3" >{tmp_path}/told\n')
    assert one.reach() is None or shutil.which("codex") != str(script)  # it cannot be run
    script.chmod(0o700)
    assert one.deliver().state == "delivered"
    assert (tmp_path / "told").read_text() == f"--thread {THREADS[0]}\n"


@pytest.mark.parametrize("said", ["Error: no rollout found\x1b[2J", "error: unrecognized subcommand 'queue'", ""])
def test_codex_that_says_no(program, queue, said):
    queue(f"printf 'WARNING: odd\\n{said}\\n' >&2; exit 2")
    result = program("codex", "takes", f"thread:{THREADS[0]}").deliver()
    assert (result.state, result.reason) == ("refused", "inbox_failed")
    assert result.detail.startswith(said[:20] or "WARNING")
    assert "\x1b" not in result.detail


def test_codex_that_cannot_be_run(program, queue, tmp_path):
    queue()
    (tmp_path / "codex").write_text("#!/no/such/shell\n")
    assert program("codex", "takes", f"thread:{THREADS[0]}").deliver().state == "refused"


def test_codex_that_does_not_end(program, queue, monkeypatch):
    monkeypatch.setattr(codex_queue, "WAIT", 0.3)
    queue("exec sleep 60")
    result = within(2, program("codex", "takes", f"thread:{THREADS[0]}").deliver)
    assert (result.state, "took more than" in result.detail) == ("delivered", True)


def test_codex_whose_thread_is_not_open(program):
    one = program("codex", "takes", f"thread:{THREADS[0]}")
    for thread in (None, "", "bob", "--resume", THREADS[0].upper(), THREADS[0] + "\n", THREADS[3]):
        seat = agents.Seat(HOST, one.pid, one.started, thread)
        assert codex_queue.reach(agents.Session(1, 1, 1, seat, 0, None)) is None, thread


def test_codex_without_a_turn(program):
    assert program("codex", "takes", f"lock:{THREADS[0]}").reach() is None


def test_codex_that_shows_a_newer_thread(program):
    one = program("codex", "takes", f"thread:{THREADS[0]}", f"lock:{THREADS[1]}")
    assert one.reach() is None
    assert one.reach(client_session=THREADS[1]) is None  # it has had no turn
    other = program("codex", "takes", f"thread:{THREADS[0]}", f"thread:{THREADS[1]}")
    assert other.reach() is None
    assert other.reach(client_session=THREADS[1])


def test_codex_below_its_wrapper(program, tmp_path):
    """An npm package starts a node, which starts the program."""
    one = program("codex", "takes", f"thread:{THREADS[0]}")
    me = agents.Seat(HOST, os.getpid(), process.started(os.getpid()), THREADS[0])
    assert codex_queue.reach(agents.Session(1, 1, 1, me, 0, None)) == one.reach()


def server(program, home: str, *threads: str) -> Program:
    """Start the shared server of `home`, with `threads` open in it."""
    one = program("codex", "app-server", *(f"lock:{thread}" for thread in threads), home=home)
    identity = {"pid": one.pid, "processIdentity": {"startTicks": process.started(one.pid)}}
    one.settings(".codex/app-server-daemon/daemon.pid", identity)
    return one


@pytest.fixture
def shared(program, monkeypatch):
    """A server with a thread, and its window."""
    monkeypatch.setattr(codex_queue, "_serves", lambda pid: "app-server" in process.argv(pid))
    window = program("codex")
    return window, server(program, window.home, THREADS[0])


def test_codex_with_a_shared_server(shared):
    window, below = shared
    assert window.reach() == f"thread {THREADS[0]}"
    assert window.reach(client_session=THREADS[1]) is None
    assert window.reach(pid=below.pid, pid_started=below.started) is None  # nobody knows its window
    window.kill()
    assert window.reach() is None  # the server would run a turn that nobody sees
    assert below.reach() is None


def test_codex_with_a_shared_server_that_has_gone(shared):
    window, below = shared
    below.kill()
    assert window.reach() is None


def test_codex_with_a_hostile_record_of_its_server(shared):
    window, _ = shared
    for what, text in HOSTILE.items():
        with open(f"{window.home}/.codex/app-server-daemon/daemon.pid", "wb") as file:
            file.write(text)
        assert window.reach() is None, what


def test_codex_with_a_shared_server_and_a_newer_thread(program, monkeypatch):
    monkeypatch.setattr(codex_queue, "_serves", lambda pid: "app-server" in process.argv(pid))
    window = program("codex")
    server(program, window.home, THREADS[0], THREADS[1])
    monkeypatch.setattr(codex_queue, "_windows", lambda home: [])
    assert window.reach() is None  # it may be its own
    later = process.read(os.getpid())
    windows = [type(later)(*{**later.__dict__, "started": window.started + 5}.values())]
    monkeypatch.setattr(codex_queue, "_windows", lambda home: windows)
    assert window.reach()  # a window that was opened later has it


@pytest.mark.skipif(not process.LINUX, reason="limits as Linux has them")
def test_codex_in_a_sandbox_is_not_run(program):
    """Whoever is confined could call itself codex, and have us run it outside."""
    one = program("codex", "takes", f"thread:{THREADS[0]}")
    assert one.reach()
    code = "import ctypes, os, sys; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
    command = [
        sys.executable,
        "-c",
        code,
        sys.executable,
        "-IS",
        os.path.join(support.FOLDER, "agentlet.py"),
        "codex",
        one.home,
    ]
    env = {"HOME": one.home, "PATH": os.defpath}
    words = [*command, "takes", f"thread:{THREADS[2]}"]
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout.readline() == "up\n"
            seat = agents.Seat(HOST, running.pid, process.started(running.pid), THREADS[2])
            assert confinement.stricter(running.pid)
            assert codex_queue.reach(agents.Session(1, 1, 1, seat, 0, None)) is None
        finally:
            running.kill()


# -- what all have in common -------------------------------------------------------------------------------------------


def test_no_error_quotes_what_was_read(tmp_path):
    path = tmp_path / "x"
    for text in (b"secret", b'"secret"', b"\xffsecret", b"secret" * 20000):
        path.write_bytes(text)
        with pytest.raises(records.Unproven) as caught:
            records.mapping(str(path), records.RECORD)
        assert "secret" not in str(caught.value)


def test_reading_follows_links_only_when_asked(tmp_path):
    (tmp_path / "x").write_text("{}")
    os.symlink(tmp_path / "x", tmp_path / "link")
    assert records.mapping(str(tmp_path / "link"), 100, follow=True) == {}
    with pytest.raises(records.Unproven):
        records.mapping(str(tmp_path / "link"), 100)
    assert records.mapping(str(tmp_path / "none"), 100) is None
    assert records.mapping(str(tmp_path / "x" / "below"), 100) is None


def test_the_kernel_tells_who_is_at_the_other_end(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        verify.dial(str(tmp_path / "s"), os.getpid(), 1).close()
        with pytest.raises(records.Unproven):
            verify.dial(str(tmp_path / "s"), os.getpid() + 1, 1)
        os.chmod(tmp_path, stat.S_IRWXU)
        assert verify.is_inbox(str(tmp_path / "s"))


@pytest.mark.parametrize("module", MODULES.values(), ids=MODULES)
def test_every_transport_says_what_it_is_for(module):
    assert module.NAME
    assert module.__name__ in [model.load(name).inbox for name in programs.NAMES]
