"""The attempts for one message: those that covered it, of every wake that its recipients had while it was unread."""

import pytest

from xats.core.agents import registration
from xats.core.mail import history, inbox, status
from xats.core.waking import attempts, wakes
from xats.delivery import ladder


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    return team


def lease(team):
    def work(tx):
        found = attempts.due(tx)
        return attempts.lease(tx, found, "d")

    (wake,) = team.store.write(work)
    return wake


def refuse(team, clock, reason):
    clock.tick(600_000)
    wake, climb = lease(team), lambda made, now: ladder.next_attempt(made, now, 0.5)
    assert team.store.write(lambda tx: attempts.refused(tx, wake, "d", reason, "tmux", climb))


def deliver(team, clock, before=lambda: None):
    clock.tick(600_000)
    wake = lease(team)
    before()
    clock.tick(100)
    assert team.store.write(lambda tx: attempts.delivered(tx, wake, "d", "tmux", wake.mails))


def story(team, message, of="bob"):
    """Return (state, reason, transport) of each attempt to wake `of` for `message`, which alice sent."""
    found, _ = team.see("alice", status.status, message)
    made = team.store.read(lambda tx: history.attempts(tx, found)).get(team.agent(of).id, [])
    assert [one.at for one in made] == sorted(one.at for one in made)
    return [(one.state, one.reason, one.transport) for one in made]


def test_every_attempt_is_told_with_its_reason_and_transport(crew, clock):
    crew.send("alice", "bob")
    assert story(crew, 1) == []
    refuse(crew, clock, "draft_present")
    refuse(crew, clock, "busy")
    deliver(crew, clock)
    assert story(crew, 1) == [
        ("retrying", "draft_present", "tmux"),
        ("retrying", "busy", "tmux"),
        ("delivered", None, "tmux"),
    ]


def test_a_later_message_has_only_the_attempts_that_covered_it(crew, clock):
    crew.send("alice", "bob")
    refuse(crew, clock, "draft_present")
    crew.send("alice", "bob")
    refuse(crew, clock, "busy")
    assert [reason for _, reason, _ in story(crew, 1)] == ["draft_present", "busy"]
    assert [reason for _, reason, _ in story(crew, 2)] == ["busy"]


def test_attempts_after_the_message_was_read_are_not_its_own(crew, clock):
    crew.send("alice", "bob")
    refuse(crew, clock, "draft_present")
    crew.send("alice", "bob")
    crew.do("bob", inbox.mark_read, [1])
    refuse(crew, clock, "busy")
    refuse(crew, clock, "busy")
    assert len(story(crew, 2)) == 2
    assert [reason for _, reason, _ in story(crew, 1)] == ["draft_present"]


def test_the_attempt_that_worked_is_there_although_it_ended_after_the_reading(crew, clock):
    crew.send("alice", "bob")
    deliver(crew, clock, before=lambda: crew.do("bob", inbox.mark_read, [1]))
    assert story(crew, 1) == [("delivered", None, "tmux")]


def test_a_wake_that_is_opened_again_continues_the_story(crew, clock):
    crew.send("alice", "bob")
    deliver(crew, clock)
    crew.do("bob", lambda tx, me: wakes.retry_now(tx, me.id, "new_session"))
    refuse(crew, clock, "shell_foreground")
    assert [state for state, _, _ in story(crew, 1)] == ["delivered", "retrying"]


def test_each_recipient_has_its_own_also_under_a_new_name(crew, clock):
    crew.send("alice", "bob,carol")
    clock.tick(60_000)
    found = crew.store.write(lambda tx: attempts.lease(tx, attempts.due(tx), "d"))
    for wake, reason in zip(sorted(found, key=lambda one: one.agent_id), ("busy", "dialog_open"), strict=True):
        crew.store.write(
            lambda tx, wake=wake, reason=reason: attempts.refused(tx, wake, "d", reason, "tmux", lambda *_: 1)
        )
    assert story(crew, 1, "bob") == [("retrying", "busy", "tmux")]
    assert story(crew, 1, "carol") == [("retrying", "dialog_open", "tmux")]
    crew.do("bob", registration.unregister)


def test_mail_that_wakes_nobody_has_no_attempts(crew):
    crew.send("alice", "bob", wake=False)
    assert story(crew, 1) == []


def older(team, message, of="bob"):
    """Return (wake, attempts before the message) of the older wake that `message` of alice joined, or None."""
    found, copies = team.see("alice", status.status, message)
    joined = team.store.read(lambda tx: history.joined(tx, found)).get(team.agent(of).id)
    assert {one.agent: one.joined for one in copies}[f"{of}@crew"] == (joined is not None)
    return joined and (joined.wake, joined.attempts)


def test_a_message_that_joins_an_older_wake_has_only_the_attempts_since(crew, clock):
    crew.send("alice", "bob")
    assert older(crew, 1) is None
    refuse(crew, clock, "draft_present")
    refuse(crew, clock, "busy")
    clock.tick(1000)
    crew.send("alice", "bob,carol")
    crew.send("alice", "bob", wake=False)
    assert older(crew, 2) == (1, 2)
    assert older(crew, 2, "carol") is None
    assert older(crew, 1) is None
    assert story(crew, 2) == []
    refuse_bob(crew, clock, "not_quiet")
    assert [reason for _, reason, _ in story(crew, 1)] == ["draft_present", "busy", "not_quiet"]
    assert [reason for _, reason, _ in story(crew, 2)] == ["not_quiet"]


def refuse_bob(team, clock, reason):
    clock.tick(600_000)
    bob = team.agent("bob").id

    def work(tx):
        (wake,) = attempts.lease(tx, [one for one in attempts.due(tx) if one.agent_id == bob], "d")
        return attempts.refused(tx, wake, "d", reason, "tmux", lambda made, now: now + 1000)

    assert team.store.write(work)


def test_attempts_from_before_a_message_are_left_out_after_its_event_was_pruned(crew, clock):
    crew.send("alice", "bob")
    refuse(crew, clock, "draft_present")
    clock.tick(1000)
    crew.send("alice", "bob")
    crew.store.write(lambda tx: tx.run("delete from events where subject = 'message:2'"))
    assert story(crew, 2) == []
    assert older(crew, 2) == (1, None)
