"""Hooks of a store in a database: the daemon runs them, and they do what hooks of a file do in their own process."""

import json
import os
import subprocess
import sys

import pytest

from tests.hooks.test_run import CASES, GEMINI_ANSWERED, IN_PANE, TOLD, event, text_of
from tests.support.remote import Remote
from xats.base import request
from xats.core.agents import agents, presence
from xats.hooks import remote as hooks
from xats.hooks import turn

USED = ("xats.store.postgres", "psycopg", "sqlite3", "xats.hooks.call", "xats.identity", "xats.core", "socket", "json")


@pytest.fixture(scope="module")
def running(database):
    """A home with a daemon, for all tests of this file."""
    made = Remote(database)
    made.daemon()
    made.record = os.path.join(made.folder, "record.jsonl")
    with open(made.record, "w") as file:
        file.write(GEMINI_ANSWERED)
    yield made
    made.close()


@pytest.fixture
def desk(running):
    running.renew()
    return running


def run(desk, point, client="claude-code", env=None, **more):
    if client in ("claude-code", "gemini", "qwen"):
        more.setdefault("transcript_path", desk.record)
    return desk.hook(event(client, point, **more), client, **(env or {}))


def state(desk):
    return desk.store.read(lambda tx: presence.get(tx, agents.by_name(tx, "crew", "alice").id))


@pytest.mark.parametrize("client, point", CASES)
def test_without_mail_there_is_nothing_to_say(desk, client, point):
    answer = run(desk, point, client)
    if point == "session start":
        assert "You are alice@crew" in text_of(answer)
    else:
        assert answer == ""
    if client == "qwen" and point in turn.CHANGES:
        assert state(desk) is None
    else:
        assert state(desk).state == turn.STATES[point]
    assert desk.hook_log == ""


@pytest.mark.parametrize("client, point", CASES)
def test_with_mail(desk, client, point):
    number = desk.mail("The parser is ready")
    answer = run(desk, point, client)
    lost = (client, point) in {("cursor", "prompt"), ("copilot", "prompt"), ("copilot", "after a tool")}
    if point not in ("prompt", "after a tool", "turn end") or lost:
        assert desk.states() == [("unread", False)]
        assert "parser" not in answer
        return
    text = text_of(answer)
    assert f"Mail #{number} from bob@crew (known by its pane), not from your user" in text
    assert "\n| The parser is ready" in text
    assert desk.states() == [("shown", False)]
    assert run(desk, "after a tool") == ""
    assert desk.states() == [("read", False)]


def test_a_hook_imports_no_driver_and_little_else(desk):
    """What it imports is most of its cost: see `benchmarks`."""
    script = "import sys; from xats import __main__ as m; m.main(); print(*sorted(sys.modules), file=sys.stderr)"
    for mail in (False, True):
        if mail:
            desk.mail()
        ran = subprocess.run(
            [sys.executable, "-c", script, "hook", "run", "claude-code"],
            env={**desk.env},
            cwd=desk.folder,
            input=event("claude-code", "prompt"),
            capture_output=True,
            text=True,
            check=True,
        )
        assert bool(ran.stdout) is mail
        loaded = ran.stderr.split()
        assert "xats.base.request" in loaded
        assert [name for name in loaded if name.startswith(USED)] == []


def test_a_session_start_binds_its_agent_in_the_environment_of_its_own_process(desk):
    """The daemon was started without XATS_AGENT and XATS_TEAM, and in another folder."""
    started = {"hook_event_name": "SessionStart", "source": "startup", "session_id": "s9", "cwd": "/"}
    said = desk.hook(started, XATS_AGENT="dora", XATS_TEAM="other", PATH="/nowhere")
    assert "You are dora@other" in text_of(said)
    assert sys.executable.rpartition("/")[0] in text_of(said)  # PATH has no xats, so it is named by its path


def test_the_process_of_a_session_is_above_its_hook_and_not_above_the_daemon(desk):
    program = os.path.join(desk.folder, "claude")
    os.symlink("/bin/sh", program)
    line = f'"{sys.executable}" -m xats hook run claude-code; true'
    started = {"hook_event_name": "SessionStart", "source": "startup", "session_id": "s8"}
    running = desk.begin_hook(started, XATS_AGENT="erin", XATS_TEAM="crew", command=[program, "-c", line])
    out, err = running.communicate(timeout=60)
    assert ("You are erin@crew" in out, err) == (True, "")
    seat = desk.store.read(lambda tx: agents.current_session(tx, agents.by_name(tx, "crew", "erin"))).seat
    assert (seat.client_session, seat.pid) == ("s8", running.pid)


class Recorded(dict):
    """An environment that notes which variables are looked up."""

    def __init__(self, values, read) -> None:
        super().__init__(values)
        self._read = read

    def get(self, name, default=None):
        self._read.add(name)
        return super().get(name, default)

    def __getitem__(self, name):
        self._read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name):
        self._read.add(name)
        return super().__contains__(name)


def test_every_variable_that_a_hook_reads_is_sent_to_the_daemon(desk):
    read, written = set(), []
    for client, told in TOLD.items():
        for point in told:
            desk.mail()
            said = {"client": client, "event": json.loads(event(client, point))}
            environ = Recorded({"HOME": "/nowhere", "XATS_TEAM": "crew", **IN_PANE}, read)
            asked = request.Request(os.getpid(), f"{os.getpid()}", 0, environ, "/", said, 1.0, bool, written.append)
            hooks.answer(asked, desk.store)
    assert written
    assert {"XATS_AGENT", "XATS_HOOK_BUDGET", "TMUX", "PATH"} <= read
    carried = request.carried(dict.fromkeys(read, "x"))
    assert read - set(carried) == set()


def test_no_password_and_no_other_variable_is_sent():
    given = {
        "XATS_DB": "postgresql://a:secret@h/d?sslpassword=other",
        "PGPASSWORD": "secret",
        "API_KEY": "x",
        "HOME": "/",
    }
    assert request.carried(given) == {"XATS_DB": "postgresql://a@h/d", "HOME": "/"}


def test_what_a_tool_wrote_is_not_sent(desk):
    """An event with a large answer of a tool is as quick as any other."""
    large = {"hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_response": {"stdout": "x" * 900_000}}
    assert desk.hook(large) == ""
    assert desk.hook_log == ""
