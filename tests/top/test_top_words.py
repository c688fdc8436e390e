"""What is said in words, and lines that are as wide as they are asked to be."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from xats.cli.agents.states import State
from xats.cli.top import lines, words
from xats.cli.top.lines import Column, Widths
from xats.cli.top.watch import AgentRow
from xats.core.agents.agents import Agent, Details
from xats.core.events import Event
from xats.core.waking.reasons import REASONS
from xats.core.waking.wakes import Wake

NOW = 1_750_000_000_000
BOB = Agent(2, "crew", "bob", None, "codex", None, 1, NOW, True, "tmux")


def told(kind, subject, actor=None, title=None, **data):
    return words.event(Event(1, NOW, "crew", kind, actor, subject, json.dumps(data)), "crew", title)


@pytest.mark.parametrize(
    "event, who, what",
    [
        (
            ("message_sent", "message:7", "alice", "Hi", {"address": "bob", "recipients": 1}),
            "alice",
            "sent #7 to bob: Hi",
        ),
        (
            ("message_sent", "message:7", "alice", None, {"address": "all", "recipients": 3}),
            "alice",
            "sent #7 to all (3 agents)",
        ),
        (
            ("message_sent", "message:9", "alice", None, {"address": "bob@crew", "repeats": 7}),
            "alice",
            "sent #9 to bob, a repeat of #7",
        ),
        (("mail_shown", "agent:bob", "bob", None, {"messages": [1]}), "bob", "was shown #1"),
        (("mail_read", "agent:bob", "bob", None, {"messages": [1, 2]}), "bob", "read #1, #2"),
        (
            ("mail_read", "agent:bob", "bob", None, {"messages": list(range(1, 9))}),
            "bob",
            "read #1, #2, #3, #4, #5 and 3 more",
        ),
        (("mail_expired", "agent:bob", None, None, {"messages": [3]}), "bob", "did not read #3 in time"),
        (("message_acked", "message:3", "bob", None, {}), "bob", "acknowledged #3"),
        (
            ("agent_registered", "agent:bob", "bob", None, {"client": "codex", "pane": "%3", "epoch": 1}),
            "bob",
            "registered (codex, pane %3)",
        ),
        (
            ("agent_expected", "agent:bob", None, None, {"client": "codex", "pane": "%3", "ttl_ms": 1}),
            "bob",
            "is expected: codex in pane %3",
        ),
        (
            ("expectation_expired", "agent:bob", None, None, {"client": "codex", "pane": "%3", "reason": "expired"}),
            "bob",
            "did not appear: no codex in pane %3",
        ),
        (
            ("expectation_replaced", "agent:bob", None, None, {"pane": "%3"}),
            "bob",
            "is no longer expected in pane %3",
        ),
        (("agent_unregistered", "agent:bob", "bob", None, {}), "bob", "left the team"),
        (
            ("wake_retrying", "wake:1", None, None, {"agent": "bob@crew", "reason": "busy"}),
            "bob",
            "is not woken yet: the agent is busy",
        ),
        (
            ("wake_delivered", "wake:1", None, None, {"agent": "bob@crew", "transport": "tmux"}),
            "bob",
            "was woken (tmux)",
        ),
        (
            ("wake_failed", "wake:1", None, None, {"agent": "eve@other", "reason": "retry_exhausted"}),
            "eve@other",
            "gets no more attempts: every attempt was refused",
        ),
        (("agent_gone", "agent:bob", None, None, {"reason": "process_ended"}), "bob", "is gone: its process has ended"),
        (("agent_gone", "agent:bob", None, None, {"reason": "pane_gone"}), "bob", "is gone: its pane is closed"),
        (("agent_returned", "agent:bob", "bob", None, {"epoch": 2}), "bob", "is back"),
        (("agent_pruned", "agent:bob", None, None, {"seen_at": 1}), "bob", "was removed: unused for a long time"),
        (
            ("recipient_gone", "agent:alice", None, None, {"messages": [4]}),
            "alice",
            "was alerted: the agent that should answer #4 is gone",
        ),
        (("paused", "agent:bob", "carol", None, {"reason": "lunch"}), "carol", "paused bob, because: lunch"),
        (("resumed", "team:crew", "carol", None, {"due": 2}), "carol", "resumed the whole team"),
        (
            ("dead_dropped", "message:4", "carol", None, {"agent": "bob@crew"}),
            "carol",
            "dropped the dead letter #4 to bob",
        ),
        (
            ("dead_retried", "message:4", "carol", None, {"agent": "bob@crew", "to": "eve@crew"}),
            "carol",
            "retried the dead letter #4 to eve",
        ),
        (("task_owner_gone", "task:7", None, None, {"agent": "bob@crew"}), "bob", "is gone, and has claimed task #7"),
        (("read_overdue", "agent:alice", None, None, {"messages": [1]}), "alice", "was alerted: unread #1"),
        (
            ("reply_overdue", "agent:alice", None, None, {"messages": [1, 2]}),
            "alice",
            "was alerted: read, but no answer to #1, #2",
        ),
        (
            ("poked", "agent:bob", "carol", None, {"outcome": "refused", "reason": "busy"}),
            "carol",
            "poked bob, refused: the agent is busy",
        ),
        (("turn_taken", "turn:main", "bob", None, {"agent": "bob@crew", "number": 1}), "bob", "took the turn"),
        (
            ("turn_lapsed", "turn:docs", None, None, {"agent": "bob@crew", "reason": "its lease was over"}),
            "bob",
            "has lost the turn docs: its lease was over",
        ),
        (
            (
                "turn_stolen",
                "turn:main",
                "ann",
                None,
                {"agent": "ann@crew", "other": "bob@crew", "reason": "gone: why"},
            ),
            "ann",
            "took the turn from bob: gone: why",
        ),
        (
            ("turn_renamed", "turn:main-fix", "carol", None, {"old_name": "main", "old_team": "fix"}),
            "carol",
            "renamed the turn main of team fix to main-fix",
        ),
        (
            ("lock_taken", "lock:a.py", "bob", None, {"path": "a\x1b[2J", "holder": "bob@crew", "reason": "new lexer"}),
            "bob",
            "locked a^[[2J, because: new lexer",
        ),
        (
            ("lock_lapsed", "lock:a.py", None, None, {"path": "a.py", "holder": "bob@crew"}),
            "xats",
            "ended the lock of bob on a.py",
        ),
        (
            ("lock_stolen", "lock:a.py", "carol", None, {"path": "a.py", "holder": "bob@crew", "reason": "it hangs"}),
            "carol",
            "took the lock of bob on a.py, because: it hangs",
        ),
        (
            ("task_added", "task:7", "bob", None, {"path": "a\x1b[2J", "n": 1}),
            "bob",
            "task added task:7 path=a^[[2J n=1",
        ),
    ],
)
def test_an_event_is_told(event, who, what):
    kind, subject, actor, title, data = event
    assert told(kind, subject, actor, title, **data) == (who, what)


def seen(wake=None, unread=1, **more):
    return AgentRow(
        Details(BOB, (), (), None, unread, NOW - 1000, wake, **more), None, State("online", "online", "online")
    )


def wake(state, reason=None, attempts=1, at=None, token=None, last=None, handed=None):
    return Wake(1, 2, state, reason, last or reason, 1, attempts, "tmux", at, token, NOW, NOW, handed)


@pytest.mark.parametrize(
    "found, full, brief",
    [
        (wake("queued", attempts=0, at=NOW), "queued, due now", "queued, due now"),
        (wake("queued", attempts=0, at=NOW, token="t"), "queued, attempt runs now", "queued, attempt runs now"),
        (
            wake("retrying", "busy", 2, NOW + 22_001),
            "retrying: the agent is busy; 2 attempts, in 23 s",
            "busy, in 23 s",
        ),
        (wake("retrying", "busy", 1, NOW + 1), "retrying: the agent is busy; 1 attempt, in 1 s", "busy, in 1 s"),
        (
            wake("queued", "no_pane", 0),
            "suspended until it registers again: it has no tmux pane, or the pane is gone",
            "suspended: no pane",
        ),
        (wake("held", "paused"), "held: wakes are paused", "held: paused"),
        (wake("delivered"), "woken just now, not read", "woken just now"),
        (
            wake("failed", "retry_exhausted", 9, last="dialog_open"),
            "given up after 9 attempts: a dialog is open in its pane",
            "given up: dialog open",
        ),
        (
            wake("failed", "unconfirmed"),
            "given up after 1 attempt: the line was pasted, but nobody saw it submitted; it is not pasted again",
            "given up: unconfirmed",
        ),
        (
            wake("delivered", None, 0, NOW + 41_001, handed="waiter,claude-inbox"),
            "handed over just now by waiter, claude-inbox, not read, in 42 s",
            "handed over just now",
        ),
        (wake("delivered", handed="waiter"), "woken just now, not read", "woken just now"),
        (
            wake("queued", "recipient_active", 0, NOW + 41_001),
            "queued: it is busy or is asking its user; its next hook hands the mail over, in 42 s",
            "at work, in 42 s",
        ),
        (wake("skipped", "no_wake"), "not woken: this mail wakes no agent", "not woken: nobody to wake"),
    ],
)
def test_a_wake_is_told_in_full_and_in_brief(found, full, brief):
    told = words.wake(seen(found), NOW)
    assert (told[0], told[-1]) == (full, brief)
    assert [len(form) for form in told] == sorted((len(form) for form in told), reverse=True)


def test_why_there_is_no_wake_is_told():
    assert words.wake(seen(unread=0), NOW) == ("",)
    assert words.wake(seen(no_wake_reason="rate_capped"), NOW)[-1] == "not woken: too often"
    assert words.wake(seen(no_wake_reason="of a newer xats"), NOW)[0] == "not woken: of a newer xats"


def test_every_reason_has_a_short_word():
    assert set(words.SHORT) >= set(REASONS)
    assert max(map(len, words.SHORT.values())) <= 14


# -- lines -------------------------------------------------------------------------------------------------------------

TEXT = st.text(st.sampled_from("ab c 你好é…é-"), max_size=60)


@given(TEXT, st.integers(0, 40), st.booleans())
def test_a_padded_text_fills_its_cells_exactly(text, width, right):
    assert cell_len(lines.pad(text, width, right=right)) == width
    assert cell_len(lines.cut(text, width)) <= width
    if cell_len(text) <= width:
        assert lines.cut(text, width) == text


@given(TEXT, st.integers(4, 40))
def test_a_wrapped_text_fits_and_loses_nothing_but_spaces(text, width):
    pieces = lines.wrap(text, width)
    assert all(cell_len(piece) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


@given(st.lists(st.tuples(TEXT, st.sampled_from(["", "bold"])), max_size=5), st.integers(0, 50))
def test_a_whole_line_has_the_width_that_it_should(spans, width):
    assert sum(cell_len(text) for text, _ in lines.fit(tuple(spans), width)) == width


CELLS = st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=5)


@given(CELLS, st.integers(10, 120))
def test_a_table_never_overflows(rows, width):
    columns = [
        Column("NAME", tuple((a,) for a, _, _ in rows), most=20),
        Column("ROLE", tuple((b,) for _, b, _ in rows), drop=1, most=12),
        Column("WAKE", tuple((f"{c} and more", c) for _, _, c in rows), least=10, most=23),
    ]
    head, drawn = lines.table(columns, width, Widths(), 0, len(rows))
    for line in (head, *drawn):
        assert sum(cell_len(text) for text, _ in line) <= width
    assert len(drawn) == len(rows)


def test_the_fullest_wording_that_fits_is_taken_and_columns_give_way_in_their_order():
    columns = [
        Column("NAME", (("bob",),)),
        Column("ROLE", (("reviewer",),), drop=2),
        Column("CLIENT", (("codex",),), drop=1),
        Column("WAKE", (("retrying: the agent is busy", "busy"),)),
    ]

    def at(width):
        head, (row,) = lines.table(columns, width, Widths(), 0, 1)
        return "".join(text for text, _ in head).split(), "".join(text for text, _ in row).rstrip()

    assert at(60)[1] == "bob   reviewer  codex   retrying: the agent is busy"
    assert at(30) == (["NAME", "ROLE", "CLIENT", "WAKE"], "bob   reviewer  codex   busy")
    assert at(20) == (["NAME", "CLIENT", "WAKE"], "bob   codex   busy")
    assert at(12) == (["NAME", "WAKE"], "bob   busy")


@pytest.mark.parametrize(
    "client, name, said",
    [
        ("human", "unknown", ("person, seen 5 min ago", "person")),
        ("human", "online", ("online, pid 7", "online", "online")),
        ("codex", "waiting", ("needs a person, 8 s, pid 7", "needs a person, 8 s", "needs a person")),
    ],
)
def test_a_person_is_called_a_person_and_an_agent_that_asks_needs_one(client, name, said):
    state = State(
        name, said[0].removeprefix("person, "), said[min(1, len(said) - 2)] if len(said) > 2 else "seen 5 min ago"
    )
    agent = Agent(2, "crew", "kim", None, client, None, 1, NOW - 300_000, True, "none")
    row = AgentRow(Details(agent, (), (), None), None, state)
    assert words.state(row, NOW) == said
