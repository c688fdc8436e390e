"""The background sessions of the real Claude Code: which of them are the agent, and that no other one gets its mail.

All of them inherit the names of the session that started Claude Code's daemon. `make test-clients` runs these.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import time

import pytest

from tests.clients import real
from tests.clients.mock_model import Model
from tests.clients.office import Office
from xats.clients import helpers

PRIMER = "You are bob@t in xats"
VIEW = "describe a task for a new session"
INHERITED = "XATS_AGENT=bob was inherited from another session"


@pytest.fixture
def office(tmp_path_factory):
    _, why = real.installed("claude-code")
    if why:
        pytest.skip(f"claude-code cannot be installed here: {why}")
    with Model() as model:
        made = Office(str(tmp_path_factory.mktemp("b")), "claude-code", model)
        try:
            yield made
        finally:
            model.release()
            sockets = [worker["ptySock"] for worker in roster(made).values()]
            made.close()
            for path in {os.path.dirname(os.path.dirname(socket)) for socket in sockets}:
                shutil.rmtree(path, ignore_errors=True)  # the daemon's own, in /tmp whatever TMPDIR says


def roster(office) -> dict:
    """Return what Claude Code's daemon says that it runs: its jobs, by their short ids."""
    for _ in range(100):
        try:
            with open(f"{office.home}/.claude/daemon/roster.json", encoding="utf-8") as file:
                return json.load(file)["workers"]
        except FileNotFoundError:
            return {}
        except ValueError:  # it is being written
            time.sleep(0.02)
    raise AssertionError("the roster is never whole")


def records(office) -> dict[str, dict]:
    """Return what each living session says of itself, by its id."""
    found = {}
    for path in glob.glob(f"{office.home}/.claude/sessions/*.json"):
        try:
            with open(path, encoding="utf-8") as file:
                record = json.load(file)
        except (OSError, ValueError):
            continue
        found[record["sessionId"]] = record
    return found


def allow_commands(home: str) -> None:
    path = f"{home}/.claude/settings.json"
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    settings["permissions"]["allow"] = ["Bash"]
    with open(path, "w", encoding="utf-8") as file:
        json.dump(settings, file)


def bob(office, *, talk: bool = True) -> real.Running:
    """Start bob's session, which has talked."""
    running = office.start(launch=False, XATS_AGENT="bob")
    allow_commands(running.home)
    running.launch("claude")
    office.ready(running)
    running.until(lambda: office.state() == "idle", what="bob is idle")
    if talk:
        assert PRIMER in office.say(running, "hello there")["heard"]
        running.until(lambda: office.state() == "idle", what="bob is idle")
    return running


def command(running, text: str) -> None:
    running.type(text, pause=0.02)
    running.settled(minimum=0.5)
    running.keys("Enter")


def to_the_background(office, running, press) -> None:
    """Have the session moved by `press()`, and wait until bob has it there."""
    before = office.session().seat
    press()
    running.until(lambda: office.session().seat.client_session != before.client_session, what="bob has the new session")
    seat = office.session().seat
    assert seat.pane is None
    assert seat.pid != before.pid
    record = records(office)[seat.client_session]
    assert (record["pid"], record["kind"]) == (seat.pid, "bg")


def is_reached(office, running) -> None:
    """Have alice write to bob, who is woken by his own inbox and reads it; nothing is typed into his pane."""
    session, count = office.session().seat.client_session, len(office.model.requests())
    shown = running.screen()
    number = office.send("are you there")
    office.xats("deliver", "--once")
    office.until_heard(running, f"Mail #{number} ", count)
    running.until(lambda: not office.unread(number), what="it is read")
    wake = office.delivery(number)["wake"]
    assert (wake["state"], wake["transport"]) == ("delivered", "claude-inbox"), wake
    assert office.session().seat.client_session == session
    assert "xats: 1 new" not in shown


def asks(office, running, prompt: str, start) -> dict:
    """Have `start()` begin a new session with `prompt`; return the request, which has no word of bob's."""
    count = len(office.model.requests())
    start()
    heard = office.until_heard(running, prompt, count)
    assert PRIMER not in heard["heard"]
    assert "Mail #" not in heard["heard"]
    return heard


def test_a_new_session_is_not_the_agent(office):
    """By `claude --bg`: while bob sits there, and when his seat is free."""
    running = bob(office)
    before = office.session()
    number = office.send("for bob alone")
    shell = f"RUN {office.xats_path} whoami; {office.xats_path} inbox; true"
    other = office.start(launch=False, XATS_AGENT="bob")
    asks(office, running, shell[:20], lambda: other.launch("claude", "--bg", shell))
    assert INHERITED in office.until_heard(running, INHERITED, kind="result")["heard"]
    assert office.session() == before
    assert office.unread(number)

    command(running, "/exit")
    running.until(lambda: not office.agent()["online"], what="bob has left")
    count = len(office.model.requests())
    asks(office, running, shell[:20], lambda: other.launch("claude", "--bg", shell + " # again"))
    office.until_heard(running, INHERITED, count, kind="result")
    assert len(roster(office)) == 2
    assert office.session() == before
    assert office.unread(number)
    other.launch("claude")  # one in a terminal takes the seat, which is free
    other.wait_idle()
    assert f"Mail #{number} " in office.say(other, "hello again")["heard"]
    assert office.session().seat.pane.pane_id == other.pane


def test_a_session_that_is_moved_stays_the_agent(office):
    """By /background: it is bob in another process, and is reached by its inbox."""
    running = bob(office)
    to_the_background(office, running, lambda: command(running, "/background"))
    running.until(lambda: running.format("#{pane_current_command}") == "bash", what="the shell is back")
    assert office.agent()["online"]
    is_reached(office, running)
    assert office.log() == ""


def test_the_agents_view(office):
    """By the left arrow: bob moves, the spare and what is begun there are others. The pane shows any of them."""
    running = bob(office)
    parked = office.session().seat.pid
    assert not helpers.is_parked(parked)
    to_the_background(office, running, lambda: running.keys("Left"))
    running.wait_for(VIEW)
    assert helpers.is_parked(parked)
    seat = office.session().seat
    running.until(lambda: any(one.get("spare") for one in records(office).values()), what="a spare waits")
    is_reached(office, running)
    number = office.send("for bob alone")
    asks(office, running, "count the files", lambda: command(running, "count the files"))
    running.settled(minimum=2)
    assert len({one["sessionId"] for one in roster(office).values()}) >= 2
    assert office.session().seat == seat
    assert office.unread(number)
    assert office.log() == ""


def test_a_session_without_a_conversation_is_moved_too(office):
    running = bob(office, talk=False)
    to_the_background(office, running, lambda: running.keys("Left"))
    is_reached(office, running)
    assert office.log() == ""


def test_a_copy_is_another(office):
    """By /fork: bob goes on where he is."""
    running = bob(office)
    before = office.session()
    command(running, "/fork")
    running.until(lambda: len(roster(office)) == 1, what="the copy runs")
    job = next(iter(roster(office).values()))
    running.until(lambda: job["sessionId"] in records(office), what="the copy is there")
    running.wait_idle()
    number = office.send("for bob alone")
    office.xats("deliver", "--once")
    assert f"Mail #{number} " in office.until_heard(running, f"Mail #{number} ")["heard"]
    running.wait_idle()
    assert office.session() == before
    assert office.log() == ""
