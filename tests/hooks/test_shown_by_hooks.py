"""Mail that a hook handed over is shown: only a later hook of the same session proves that the program took it."""

import json
import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from tests.hooks.test_run import Desk, claude_record, event, text_of
from xats.base import output, process
from xats.clients import claude_code
from xats.core.agents import agents
from xats.core.mail import inbox
from xats.hooks import call as calls
from xats.hooks import handover, turn


@pytest.fixture
def desk(xats):
    made = Desk(xats)
    yield made
    made.store.close()


def states(desk) -> list[str]:
    sql = (
        "select d.state from deliveries d join agents a on a.id = d.agent_id where a.name = 'alice' order by message_id"
    )
    return [row["state"] for row in desk.team.rows(sql)]


def shell(desk, script: str) -> str:
    """Run `script`, in which "$@" is xats as alice, as a tool of her program does."""
    words = ["bash", "--norc", "-c", script, "bash", *desk.xats.words]
    ran = desk.xats.run(words, env={"XATS_AGENT": "alice@crew"})
    assert ran.returncode == 0, ran
    return ran.stdout.decode()


@pytest.mark.parametrize("point", ["prompt", "before a change", "after a tool", "waiting", "turn end"])
def test_mail_is_shown_until_the_next_hook(desk, point):
    desk.send(need_reply=False)
    assert "Mail #1" in desk.hook("prompt")
    assert states(desk) == ["shown"]
    assert desk.unread() == 0
    assert desk.team.rows("select state, reason from wakes") == [{"state": "skipped", "reason": "already_read"}]
    assert desk.hook(point) == ""
    assert (states(desk), desk.log) == (["read"], "")


def test_what_the_next_hook_proves_and_what_it_hands_over_itself(desk):
    desk.send()
    desk.hook("prompt")
    desk.send()
    desk.hook("after a tool")
    assert states(desk) == ["read", "shown"]
    desk.send("a question")
    assert "a question" in text_of(desk.hook("turn end"))
    assert states(desk) == ["read", "read", "shown"]


def test_the_end_of_a_session_proves_nothing_and_the_next_one_names_it(desk):
    desk.record.write_text("")
    first, second = desk.send("lost"), desk.send("also lost")
    desk.hook("prompt")
    desk.hook("session end")
    assert states(desk) == ["shown"] * 2
    said = text_of(desk.hook("session start", session="s2", env={"XATS_AGENT": "alice@crew"}))
    assert f"perhaps not seen: #{first} from bob@crew, #{second} from bob@crew; print again: xats inbox --again" in said
    assert states(desk) == ["shown"] * 2
    assert desk.hook("after a tool", session="s2") == ""
    assert states(desk) == ["shown"] * 2
    assert desk.hook("prompt", session="s2") == ""
    assert states(desk) == ["read"] * 2
    assert "also lost" in shell(desk, '"$@" inbox --again')


def test_a_session_that_replaced_another_does_not_speak_for_it(desk):
    """It began without the hook that names what the other one was shown."""
    desk.send("lost")
    desk.hook("prompt")
    desk.send("cut")
    shell(desk, '"$@" inbox | head -1')
    desk.team.register("alice", seat=agents.Seat("h", client_session="s2"), takeover=True)
    desk.hook("prompt", session="s2")
    assert states(desk) == ["read", "shown"]  # the command named the first
    assert "#2 from bob" in shell(desk, '"$@" inbox')
    assert states(desk) == ["read"] * 2


def test_what_a_command_showed_is_read_with_the_next_prompt(desk):
    desk.send()
    shell(desk, '"$@" inbox | head -1')
    for point in ("after a tool", "before a change", "turn end"):
        assert desk.hook(point) == ""
        assert states(desk) == ["shown"]
    assert desk.hook("prompt") == ""
    assert states(desk) == ["read"]
    assert "hello" in shell(desk, '"$@" inbox --again')


def test_a_command_names_what_a_hook_has_shown(desk):
    desk.send()
    desk.hook("prompt")
    assert shell(desk, '"$@" inbox; true').startswith("shown before, perhaps not seen: #1 from bob (print again: ")
    assert states(desk) == ["read"]
    assert "hello" in shell(desk, '"$@" inbox --again')


def test_what_was_shown_in_a_turn_that_is_taken_back_is_unread(desk):
    number = desk.send()
    desk.record.write_text(claude_record(desk, desk.hook("prompt")))
    desk.hook("before a change")
    assert states(desk) == ["read"]
    assert f"Mail #{number} " in desk.hook("prompt")
    assert states(desk) == ["shown"]


def test_what_was_shown_in_an_earlier_turn_stays_so_if_the_next_is_taken_back(desk):
    desk.send("earlier", need_reply=False)
    desk.hook("after a tool")
    desk.hook("turn end")
    desk.send("taken back")
    desk.record.write_text(claude_record(desk, desk.hook("prompt")))
    assert "taken back" in desk.hook("prompt")
    assert states(desk) == ["read", "shown"]


def test_a_hook_beside_the_one_that_hands_over_proves_nothing(desk):
    """Programs run tools at once, and the hooks after them."""
    beside = desk.xats.start("hook", "run", "claude-code", stdin=subprocess.PIPE)
    assert beside.stdin
    while not process.read(beside.pid):
        continue
    desk.hook("prompt")
    desk.send()
    desk.hook("after a tool")
    out, _ = beside.communicate(event("claude-code", "after a tool").encode(), timeout=30)
    assert (out, states(desk)) == (b"", ["shown"])
    desk.hook("after a tool")
    assert states(desk) == ["read"]


def test_a_program_that_has_waited_too_long_may_have_dropped_it(desk, monkeypatch):
    desk.send()
    told = json.loads(event("claude-code", "prompt"))
    call = calls.Call(claude_code.CLIENT, "UserPromptSubmit", told, desk.xats.path)
    alice, written = desk.team.agent("alice"), []
    monkeypatch.setattr(output, "write", lambda _, data: written.append(bytes(data)))
    for age, state in ((handover.LATE + 1, "unread"), (handover.LATE - 1, "shown")):
        mail = desk.store.write(lambda tx: handover.claim(tx, call, alice))
        monkeypatch.setattr(process, "began", lambda age=age: time.time() - age)
        handover.hand_over(call, desk.store, alice, mail, "")
        assert states(desk) == [state]
        assert b"Mail #1" in written.pop()
    assert desk.team.rows("select claim from deliveries") == [{"claim": None}]


def test_when_this_process_began_is_known_to_a_hundredth(xats):
    script = "from xats.base import process; print(process.began())"
    before = time.time()
    began = float(xats.run([sys.executable, "-c", script]).stdout)
    assert before - 0.02 < began < time.time()


def test_a_hook_into_a_pipe_that_does_not_block_waits_for_its_reader(desk):
    number = desk.send("x" * 3000)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    filled = 0
    while True:
        try:
            filled += os.write(writing, b"\n" * 4096)
        except BlockingIOError:
            break
    running = desk.xats.start("hook", "run", "claude-code", stdin=subprocess.PIPE, stdout=writing)
    os.close(writing)
    running.stdin.write(event("claude-code", "prompt").encode())
    running.stdin.close()
    running.stdin = None
    said = b""
    while part := os.read(reading, 65536):
        said += part
    os.close(reading)
    assert desk.xats.end(running).code == 0
    assert f"Mail #{number} " in text_of(said.decode().strip())
    assert states(desk) == ["shown"]


def test_events_tell_what_was_shown_and_what_was_read(desk):
    desk.send()
    desk.hook("prompt")
    desk.hook("turn end")
    found = desk.team.rows("select type, actor from events where type like 'mail_%'")
    assert found == [{"type": "mail_shown", "actor": "alice"}, {"type": "mail_read", "actor": "alice"}]
    assert inbox.HOOK == "hook "


def test_the_begin_of_a_hook_is_a_time_of_the_clock_of_the_store():
    """Otherwise a host an hour ahead of its database takes mail for seen that another hook is about to show."""
    hour = 3_600_000
    tx = SimpleNamespace(clock=lambda: round(time.time() * 1000) - hour)
    _, began = turn._proof(tx, SimpleNamespace(session="s"))
    assert abs(began - (process.began() * 1000 - hour)) < 60_000
