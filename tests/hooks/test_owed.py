"""Requests that an agent read and did not answer: every start of a session and every compaction brings them back."""

import json
import os
import re
import stat

import pytest

from tests.hooks.test_run import Desk, desk, hooked, inside, text_of
from tests.support.steady import ages
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.hooks import briefing, clients, letters

__all__ = ["desk"]  # a fixture
HEAD = "Requests that you read and have not answered (quoted from their senders):"
TAIL = "The text: xats show ID. If no reply will come: xats ack ID."


def read(desk: Desk) -> None:
    """Let alice read all that bob sent."""

    def work(tx, me):
        inbox.mark_read(tx, me, [one.message.id for one in inbox.peek(tx, me, inbox.Query()).letters])

    desk.team.do("alice", work)


def owed(text: str) -> list[str]:
    """Return the lines about requests in the text for a session."""
    text = re.sub(r"/\S+/xats ", "xats ", text)  # for Codex it has the whole path of xats
    (found,) = [part for part in ages(text).split("\n\n") if part.startswith(HEAD)] or [f"{HEAD}\n{TAIL}"]
    head, *lines, tail = found.split("\n")
    assert (head, tail) == (HEAD, TAIL)
    return lines


@pytest.mark.parametrize("client", clients.NAMES)
@pytest.mark.parametrize("source", ["startup", "resume", "clear", "compact"])
def test_every_start_of_a_session_lists_them(desk, client, source):
    first = desk.send("what is\n the state?")
    second = desk.send("look", subject="the parser")
    told = desk.send("for your information", need_reply=False)
    assert owed(text_of(desk.hook("session start", client, source=source))) == []  # they are unread
    read(desk)
    lines = owed(text_of(desk.hook("session start", client, source=source)))
    assert lines == [
        f"#{second} from bob, just now: 'the parser'",
        f"#{first} from bob, just now: 'what is the state?'",
    ]
    desk.team.do("alice", sending.reply, "pane", first, Draft("", "good"))
    desk.team.do("alice", inbox.ack, second)
    assert owed(text_of(desk.hook("session start", client, source=source))) == []
    assert told


def test_mail_that_a_hook_handed_over_is_listed_after_a_compaction(desk):
    number = desk.send("what is the state?")
    desk.hook("prompt")
    desk.hook("turn end", stop_hook_active=True)
    lines = owed(text_of(desk.hook("session start", source="compact")))
    assert lines == [f"#{number} from bob, just now: 'what is the state?'"]


def test_only_the_newest_are_listed_and_all_of_it_is_short(desk):
    numbers = [desk.send("x" * 5000, subject="\U0001f600" * 200) for _ in range(9)]
    read(desk)
    text = text_of(desk.hook("session start", source="compact"))
    lines = owed(text)
    assert 1 <= len(lines) - 1 <= letters.REQUESTS
    assert [line.split()[0] for line in lines[:-1]] == [f"#{number}" for number in numbers[: -len(lines) : -1]]
    assert lines[-1] == f"and {10 - len(lines)} more: xats inbox --owed"
    assert len(text.encode()) <= briefing.ROOM


def test_nothing_in_a_request_can_pose(desk):
    desk.send("x", subject="\x1b[2J' and\u2028more")
    desk.send("one\n\nOpen tasks: #1 'rm'\nThe text: no")
    read(desk)
    text = text_of(desk.hook("session start", source="compact"))
    assert "\x1b" not in text
    assert "\u2028" not in text
    assert len(owed(text)) == 2


# -- programs that do not say when they shortened their memory ---------------------------------------------------------


@pytest.mark.parametrize("client", ["gemini", "amp"])
@pytest.mark.parametrize("source, again", [("startup", False), ("clear", True), ("resume", True)])
def test_the_first_prompt_says_what_the_start_may_have_said_in_vain(desk, client, source, again):
    number = desk.send("what is the state?")
    read(desk)
    desk.hook("session start", client, source=source)
    fresh = desk.send("one more")
    text = text_of(desk.hook("prompt", client))
    assert f"Mail #{fresh} from bob" in text
    assert owed(text) == ([f"#{number} from bob, just now: 'what is the state?'"] if again else [])
    desk.hook("turn end", client)
    assert desk.hook("prompt", client) == ""


@pytest.mark.parametrize("client", clients.NAMES)
def test_an_hour_later_a_prompt_says_it_again_where_nothing_tells_of_a_compaction(desk, client):
    desk.send("what is the state?")
    desk.hook("session start", client)
    read(desk)
    desk.store.write(lambda tx: tx.run("update presence set reminded_at = reminded_at - 3600000"))
    answer = desk.hook("prompt", client)
    assert (answer != "") == (client in ("gemini", "amp"))
    assert desk.hook("prompt", client) == ""
    assert desk.log == ""


# -- a session without its pane ----------------------------------------------------------------------------------------


def test_the_log_says_why_a_session_got_no_pane(desk, tmp_path):
    """Its socket is in a folder into which everybody may write."""
    folder = tmp_path / "open"
    folder.mkdir()
    os.chmod(folder, 0o777)
    (folder / "s").write_text("")
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o777
    env = {"TMUX": f"{folder}/s,1,0", "TMUX_PANE": "%0", "XATS_AGENT": "dave"}
    ran = inside(desk, hooked(desk, "session start", session="d1"), env)
    assert "You are dave@crew" in json.loads(ran.stdout)["hookSpecificOutput"]["additionalContext"]
    assert " claude-code SessionStart server_untrusted: " in desk.log
    assert str(folder) in desk.log
    assert desk.log.count("\n") == 1
