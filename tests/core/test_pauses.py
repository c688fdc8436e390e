"""Pauses: mail is stored and wakes nobody until the pause ends; then one wake covers all of it."""

import pytest

from xats.core.agents import registration
from xats.core.mail import inbox
from xats.core.waking import attempts, pauses


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    return team


def wake_of(crew, name: str):
    (row,) = crew.rows("select * from wakes where agent_id = :id and closed_at is null", id=crew.agent(name).id)
    return row


def pause(crew, name: str | None, by: str = "alice", reason: str | None = None) -> bool:
    return crew.do(by, pauses.pause, "crew", crew.agent(name) if name else None, reason)


def resume(crew, name: str | None) -> tuple[bool, int]:
    return crew.do("alice", pauses.resume, "crew", crew.agent(name) if name else None)


def due(crew) -> list[int]:
    return [wake.agent_id for wake in crew.store.read(attempts.due)]


def test_mail_to_a_paused_agent_is_stored_and_its_sender_is_told(crew):
    assert pause(crew, "bob")
    sent = crew.send("alice", "bob,carol")
    assert sent.not_woken == (("bob@crew", "paused"),)
    assert (wake_of(crew, "bob")["state"], wake_of(crew, "bob")["reason"]) == ("held", "paused")
    assert due(crew) == [crew.agent("carol").id]
    assert crew.see("bob", inbox.unread) == 1


def test_a_pause_holds_what_is_already_open(crew):
    crew.send("alice", "bob")
    pause(crew, "bob")
    assert due(crew) == []
    assert crew.send("carol", "bob").not_woken == (("bob@crew", "paused"),)


def test_resuming_wakes_once_for_all_of_it(crew):
    pause(crew, "bob")
    for _ in range(3):
        crew.send("alice", "bob")
    assert resume(crew, "bob") == (True, 1)
    assert due(crew) == [crew.agent("bob").id]
    assert wake_of(crew, "bob")["mails"] == 3
    assert len(crew.rows("select * from wakes")) == 1


def test_what_was_read_meanwhile_needs_no_wake(crew):
    pause(crew, "bob")
    sent = crew.send("alice", "bob")
    crew.do("bob", inbox.mark_read, [sent.message.id])
    assert resume(crew, "bob") == (True, 0)
    assert crew.rows("select state, reason from wakes") == [{"state": "skipped", "reason": "already_read"}]


def test_a_whole_team_is_paused_and_no_other(crew):
    crew.register("dave", team="elsewhere")
    crew.send("alice", "bob,dave@elsewhere")
    assert pause(crew, None)
    assert due(crew) == [crew.agent("dave", "elsewhere").id]
    crew.send("alice", "carol")
    assert resume(crew, None) == (True, 2)
    assert len(due(crew)) == 3


def test_who_has_left_the_team_is_not_counted_and_not_woken(crew):
    crew.send("alice", "bob,carol")
    pause(crew, None)
    crew.do("bob", registration.unregister)
    assert resume(crew, None) == (True, 1)
    assert due(crew) == [crew.agent("carol").id]
    (row,) = crew.rows("select data from events where type = 'resumed'")
    assert row["data"] == '{"due": 1, "pairs": 0}'
    crew.register("bob")
    assert len(due(crew)) == 2  # its mail was kept, and so was its wake


def test_mail_that_expired_during_a_pause_wakes_nobody(crew, clock):
    crew.send("alice", "bob", ttl=1000)
    crew.send("alice", "carol")
    pause(crew, None)
    clock.tick(1000)
    assert resume(crew, None) == (True, 1)
    assert due(crew) == [crew.agent("carol").id]


def test_the_end_of_one_pause_leaves_the_other(crew):
    crew.send("alice", "bob,carol")
    pause(crew, "bob")
    pause(crew, None)
    assert resume(crew, None) == (True, 1)
    assert due(crew) == [crew.agent("carol").id]
    assert resume(crew, "bob") == (True, 1)
    assert len(due(crew)) == 2


def test_an_attempt_under_way_loses_its_lease(crew):
    crew.send("alice", "bob")
    (wake,) = crew.store.read(attempts.due)
    crew.store.write(lambda tx: attempts.lease(tx, [wake], "d1"))
    pause(crew, "bob")
    assert not crew.store.read(lambda tx: attempts.still_leased(tx, wake, "d1"))
    assert not crew.store.write(lambda tx: attempts.delivered(tx, wake, "d1", "tmux", 1))
    assert wake_of(crew, "bob")["state"] == "held"


def test_a_held_wake_keeps_its_rung(crew):
    crew.send("alice", "bob")
    (wake,) = crew.store.read(attempts.due)
    crew.store.write(lambda tx: attempts.lease(tx, [wake], "d1"))
    crew.store.write(lambda tx: attempts.refused(tx, wake, "d1", "busy", "tmux", lambda _, now: now + 30_000))
    pause(crew, "bob")
    resume(crew, "bob")
    again = wake_of(crew, "bob")
    assert (again["state"], again["reason"], again["attempts"]) == ("retrying", "busy", 1)


def test_pausing_twice_is_one_pause(crew):
    assert pause(crew, "bob", reason="first")
    assert not pause(crew, "bob", by="carol", reason="second")
    assert pause(crew, None)
    assert not pause(crew, None)
    found = crew.store.read(lambda tx: pauses.listing(tx, "crew"))
    assert [(one.agent, one.reason, one.by) for one in found] == [
        (None, None, "alice@crew"),
        ("bob@crew", "first", "alice@crew"),
    ]
    assert crew.store.read(lambda tx: pauses.listing(tx, "elsewhere")) == []


def test_resuming_what_is_not_paused_changes_nothing(crew):
    assert resume(crew, "bob") == (False, 0)
    assert resume(crew, None) == (False, 0)
    assert [row["type"] for row in crew.rows("select type from events")].count("resumed") == 0


def test_the_pause_that_holds_an_agent_is_its_own_before_its_team_s(crew):
    assert crew.see("bob", pauses.of_agent) is None
    pause(crew, None, reason="all")
    assert crew.see("bob", pauses.of_agent).reason == "all"
    pause(crew, "bob", reason="bob")
    assert crew.see("bob", pauses.of_agent).reason == "bob"
    assert crew.see("carol", pauses.of_agent).agent is None


def test_a_new_session_does_not_end_a_pause(crew):
    pause(crew, "bob")
    crew.send("alice", "bob")
    crew.register("bob", takeover=True)
    assert wake_of(crew, "bob")["state"] == "held"


def test_events_tell_of_it(crew):
    crew.send("alice", "bob")
    pause(crew, "bob", reason="release")
    resume(crew, "bob")
    told = crew.rows("select type, actor, subject, data from events where type in ('paused', 'resumed') order by id")
    assert told == [
        {"type": "paused", "actor": "alice", "subject": "agent:bob", "data": '{"reason": "release", "held": 1}'},
        {"type": "resumed", "actor": "alice", "subject": "agent:bob", "data": '{"due": 1, "pairs": 0}'},
    ]
