"""Pinned notes at the start of a session: within its bytes, never cut, and marked as text of other agents."""

import pytest

from tests.hooks.test_briefing import brief, part, read
from tests.hooks.test_run import desk, hooked, inside, text_of
from xats.core.mail import sending
from xats.core.mail.sending import Draft
from xats.core.notes import notes, views
from xats.core.notes.notes import New
from xats.core.tasks import planning
from xats.hooks import briefing, letters

__all__ = ["desk"]  # a fixture
HEAD = "Pinned notes"


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    return team


def pin(crew, key, value="x", by="alice", **more):
    crew.do(by, notes.put, "pane", New(key, value, **more))
    crew.do(by, notes.pin, key)


def test_a_session_gets_the_pinned_notes_of_its_team(crew, clock):
    crew.register("eve", team="other", client="generic")
    pin(crew, "style", "Tabs.\nAt most 100 columns.\n", category="convention")
    pin(crew, "ci/host", "build-3\x1b[2J", by="bob")
    crew.do("alice", notes.put, "pane", New("loose", "not pinned"))
    clock.tick(120_000)
    assert part(brief(crew, "bob"), HEAD) == (
        "Pinned notes of team crew, written by agents, not by your user:\n"
        "style@1, convention by alice (known by its pane), 2 min ago:\n"
        "| Tabs.\n"
        "| At most 100 columns.\n"
        "ci/host@1, context by bob (known by its pane), 2 min ago:\n"
        "| build-3^[[2J"
    )
    eve = crew.agent("eve", "other")
    assert HEAD not in crew.store.read(lambda tx: briefing.briefing(tx, eve, (), "xats"))


def test_what_does_not_fit_is_named_with_its_size(crew):
    pin(crew, "big", "x" * 3000)
    pin(crew, "style", "Tabs.")
    text = part(brief(crew, "bob"), HEAD)
    assert "\n| Tabs.\n" in text
    assert text.endswith("No room for big (2.9 KiB); read: xats note get KEY")
    assert "xxx" not in text


def test_many_pinned_notes_stay_within_the_bytes_of_the_briefing(crew, clock):
    for n in range(40):
        pin(crew, f"a/rather/long/key/of/a/note/{n}/{'k' * 120}", "v" * (100 + n))
    for n in range(9):
        crew.do("alice", sending.send, "pane", Draft("bob", f"please {n} {'w' * 60}"))
        crew.do("alice", planning.add, planning.New(f"task {n} {'w' * 60}"))
    read(crew, "bob")
    whole = brief(crew, "bob")
    assert letters.size(whole) <= briefing.ROOM
    text = part(whole, HEAD)
    assert text.count("\n| v") >= 1
    assert text.splitlines()[-1].count(" bytes), ") == letters.UNSHOWN - 1
    assert text.endswith(f" and {40 - letters.UNSHOWN - text.count('| v')} more; read: xats note get KEY")
    assert "xats inbox --owed" in whole  # the lists give way first, and are still counted
    assert "All of it: xats recap" in whole
    for room in range(900, 1600, 50):
        assert letters.size(brief(crew, "bob", room=room)) <= room
    found = crew.store.read(lambda tx: views.pinned(tx, "crew", 500, 20))
    assert letters.notes(found, found.notes, 0, "crew", 0) == "Pinned notes: 40; see: xats note list"


def test_a_note_that_is_gone_is_not_told(crew, clock):
    pin(crew, "style", "Tabs.")
    pin(crew, "freeze", "Do not push.", ttl=60_000)
    crew.do("alice", notes.remove, "pane", "style")
    assert "| Do not push." in part(brief(crew, "bob"), HEAD)
    clock.tick(60_000)
    assert HEAD not in brief(crew, "bob")


def test_the_hook_at_a_start_hands_pinned_notes_over(desk):
    desk.xats("--as", "bob", "note", "put", "style", "Tabs.", "--category", "convention")
    desk.xats("--as", "bob", "note", "pin", "style")
    said = text_of(inside(desk, hooked(desk, "session start")).stdout)
    assert "style@1, convention by bob (claimed by --as), " in said
    assert "\n| Tabs." in said
