"""The status of a message to many: problems first, recipients with the same state in one row, no one left out."""

import re

import pytest

from xats.core.mail import inbox
from xats.core.waking import attempts

NAMES = [f"agent{number:02}" for number in range(12)]


@pytest.fixture
def sent(xats, crew):
    """A message to 13 agents: 10 have read it, the wake of one has failed, two have not read it."""
    crew.add(*NAMES)
    crew.send("alice", "all", "hello", subject="Deploy")

    last = crew.agent(NAMES[11])

    def fail(tx) -> None:
        (wake,) = [one for one in attempts.due(tx) if one.agent_id == last.id]
        attempts.lease(tx, [wake], "d")
        attempts.refused(tx, wake, "d", "not_quiet", "tmux", lambda _, now: None)

    crew.store.write(fail)
    for name in ("bob", *NAMES[:9]):
        crew.do(name, inbox.mark_read, [1])
    return xats


def seen(xats, columns: int = 80) -> list[str]:
    env = {"NO_COLOR": "1", "COLUMNS": str(columns)}
    return xats.on_terminal("status", "1", "--as", "alice", env=env).splitlines()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_recipients_with_the_same_state_share_a_row_and_problems_come_first(sent, columns):
    head, title, *rows = seen(sent, columns)
    assert re.fullmatch(r"#1 'Deploy' to all, (just now|\d+ s ago): read by 10 of 13", head)
    assert title.split() == ["AGENT", "MAIL", "WAKE"]
    assert rows[0].split()[:3] == [NAMES[11], "unread", "failed"]
    said = "\n".join(rows)
    assert said.index(NAMES[11]) < said.index("2 agents:") < said.index("10 agents:")
    assert all(said.count(name) == 1 for name in ("bob", *NAMES))
    assert all(len(row) <= columns for row in rows)


def test_shown_copies_are_counted_by_themselves(sent):
    sent("inbox", "--as", NAMES[9])
    assert seen(sent)[0].endswith(": read by 10 of 13, shown to 1")


def test_a_few_recipients_have_a_row_each(xats, crew):
    crew.send("alice", "bob", "hello")
    head, _, row = seen(xats)
    assert "read by" not in head
    assert row.split()[:2] == ["bob", "unread"]


def test_a_pipe_gets_a_line_for_each_recipient_problems_first(sent):
    lines = [line.split("\t") for line in sent("status", "1", "--as", "alice").stdout.splitlines()]
    assert [line[0] for line in lines] == [NAMES[11], *NAMES[9:11], "bob", *NAMES[:9]]
    assert len(lines) == 13
    assert [line[1] for line in lines[:3]] == ["unread"] * 3
    assert all(re.match(r"read ", line[1]) for line in lines[3:])


def test_a_request_that_is_read_and_not_answered_is_a_state_of_its_own(xats, crew):
    crew.add(*NAMES)
    crew.send("alice", "all", "hello", need_reply=True)
    for name in NAMES[:6]:
        crew.do(name, inbox.mark_read, [1])
    crew.do(NAMES[0], inbox.ack, 1)
    rows = [row for row in seen(xats, 120)[2:] if not row.startswith(" ")]
    assert rows[0].startswith("7 agents: bob")
    assert "read, not answered" in "\n".join(rows)
    assert rows[-1].split()[:2] == [NAMES[0], "acked"]
