"""Alerts: who needs an answer is told, once, that nobody has read his mail."""

import pytest

from xats.base import errors
from xats.core.agents import listing, registration
from xats.core.mail import alerts, dead, inbox
from xats.core.waking import attempts, pauses

MINUTE = 60_000


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    return team


def sweep(crew, after: int = 0) -> int:
    return crew.store.write(lambda tx: alerts.overdue(tx, after))


def alerts_to(crew, name: str) -> list:
    letters = crew.see(name, inbox.peek, inbox.Query(every=True)).letters
    return [one.message for one in letters if one.message.kind == "alert"]


def fail(crew, name: str, reason: str = "busy") -> None:
    """Let the last attempt to wake `name` be refused."""
    me = crew.agent(name)
    (wake,) = [one for one in crew.store.read(attempts.due) if one.agent_id == me.id]

    def work(tx):
        attempts.lease(tx, [wake], "d1")
        attempts.refused(tx, wake, "d1", reason, "tmux", lambda *_: None)
        alerts.given_up(tx, me.id)

    crew.store.write(work)


def test_the_sender_is_told_after_fifteen_minutes_and_not_before(crew, clock):
    sent = crew.send("alice", "bob", subject="the parser")
    clock.tick(15 * MINUTE - 1)
    sweep(crew)
    assert alerts_to(crew, "alice") == []
    clock.tick(1)
    sweep(crew)
    (alert,) = alerts_to(crew, "alice")
    assert alert.sender == "xats@crew"
    assert alert.subject == f"not read: #{sent.message.id}"
    assert f"#{sent.message.id} 'the parser' to bob, sent 15 min ago: not woken yet" in alert.body
    assert not alert.need_reply


def test_a_clock_that_was_set_back_skips_nobody(crew, clock):
    """What was written before has a later time than what came after it."""
    first = crew.send("alice", "bob")
    clock.tick(-5 * MINUTE)
    second = crew.send("alice", "bob")
    clock.tick(15 * MINUTE)
    after = sweep(crew)
    assert [one.subject for one in alerts_to(crew, "alice")] == [f"not read: #{second.message.id}"]
    clock.tick(5 * MINUTE)
    sweep(crew, after)
    assert [one.subject for one in alerts_to(crew, "alice")][1:] == [f"not read: #{first.message.id}"]


def test_once_also_after_a_restart(crew, clock):
    crew.send("alice", "bob")
    clock.tick(16 * MINUTE)
    after = sweep(crew)
    clock.tick(16 * MINUTE)
    sweep(crew, after)
    sweep(crew, 0)
    assert len(alerts_to(crew, "alice")) == 1
    assert alerts_to(crew, "bob") == []


def test_going_on_from_where_it_was_misses_nothing(crew, clock):
    after = sweep(crew)
    for _ in range(5):
        crew.send("alice", "bob")
        clock.tick(7 * MINUTE)
        after = sweep(crew, after)
    clock.tick(15 * MINUTE)
    sweep(crew, after)
    told = [row["message_id"] for row in crew.rows("select message_id from deliveries where alerted_at is not null")]
    need = [row["id"] for row in crew.rows("select id from messages where need_reply = 1")]
    assert told == need
    assert len(need) == 5


@pytest.mark.parametrize(
    "draft",
    [{"need_reply": False}, {"ttl": 10 * MINUTE}],
    ids=["needs no reply", "expired"],
)
def test_nobody_is_told_of_what_is_not_owed(crew, clock, draft):
    crew.send("alice", "bob", **draft)
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert alerts_to(crew, "alice") == []


def test_nobody_is_told_of_what_was_read_or_is_his_own(crew, clock):
    sent = crew.send("alice", "bob")
    crew.send("alice", "me", need_reply=True)
    crew.do("bob", inbox.mark_read, [sent.message.id])
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert alerts_to(crew, "alice") == []


def test_several_messages_are_one_alert(crew, clock):
    first, second = crew.send("alice", "bob"), crew.send("alice", "bob,carol")
    crew.send("carol", "bob")
    clock.tick(16 * MINUTE)
    sweep(crew)
    (alert,) = alerts_to(crew, "alice")
    assert alert.subject == f"not read: #{first.message.id} and 1 more"
    assert alert.body.count(f"#{second.message.id} to ") == 2
    assert len(alerts_to(crew, "carol")) == 1


def test_a_long_alert_says_how_many_more(crew, clock):
    for _ in range(25):
        crew.send("alice", "bob")
    clock.tick(16 * MINUTE)
    sweep(crew)
    (alert,) = alerts_to(crew, "alice")
    assert alert.body.count(" to bob, sent ") == 20
    assert "and 5 more" in alert.body


def test_the_end_of_the_ladder_is_told_at_once(crew, clock):
    crew.send("alice", "bob")
    fail(crew, "bob", "draft_present")
    (alert,) = alerts_to(crew, "alice")
    assert "xats has given up: there is a half-written line in its composer" in alert.body
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert len(alerts_to(crew, "alice")) == 1


def test_giving_up_tells_nothing_of_mail_that_was_to_wake_nobody(crew):
    crew.send("alice", "bob", wake=False)
    crew.send("carol", "bob")
    fail(crew, "bob")
    assert alerts_to(crew, "alice") == []
    assert len(alerts_to(crew, "carol")) == 1


def test_the_alert_says_why(crew, clock):
    crew.do("alice", pauses.pause, "crew", crew.agent("bob"), None)
    crew.send("alice", "bob")
    crew.send("alice", "carol", wake=False)
    clock.tick(16 * MINUTE)
    sweep(crew)
    (alert,) = alerts_to(crew, "alice")
    assert "to bob, sent 16 min ago: not woken: wakes are paused" in alert.body
    assert "to carol, sent 16 min ago: not woken: this mail wakes no agent" in alert.body


def test_a_sender_who_is_gone_is_not_written_to(crew, clock):
    crew.send("alice", "bob")
    crew.do("alice", registration.unregister)
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert crew.rows("select * from messages where kind = 'alert'") == []


def test_a_dropped_letter_is_not_told_of(crew, clock):
    sent = crew.send("alice", "bob")
    crew.store.write(
        lambda tx: tx.run("update wakes set state = 'failed', next_attempt_at = null, closed_at = :now", now=tx.now)
    )
    for one in crew.store.read(lambda tx: dead.find(tx, "crew", sent.message.id)):
        crew.do("alice", dead.drop, one)
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert alerts_to(crew, "alice") == []


def test_an_alert_wakes_its_reader_and_is_itself_never_alerted(crew, clock):
    crew.send("alice", "bob")
    clock.tick(16 * MINUTE)
    after = sweep(crew)
    assert crew.agent("alice").id in [one.agent_id for one in crew.store.read(attempts.due)]
    clock.tick(16 * MINUTE)
    sweep(crew, after)
    assert len(alerts_to(crew, "alice")) == 1


def test_xats_itself_is_nobody_to_write_to(crew, clock):
    crew.send("alice", "bob")
    clock.tick(16 * MINUTE)
    sweep(crew)
    assert "xats" not in [one.agent.name for one in crew.store.read(lambda tx: listing.agents(tx, "crew", None))]
    with pytest.raises(errors.UnknownRecipient):
        crew.send("alice", "xats")
    assert "xats@crew" not in crew.send("alice", "all").recipients
    for name in ("xats", "XATS"):
        with pytest.raises(errors.InvalidName):
            crew.register(name)
