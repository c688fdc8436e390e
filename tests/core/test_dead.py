"""Dead letters: seen with their reason, sent once more, given to another, dropped; and never lost by any of it."""

import pytest

from xats.base import errors
from xats.core.agents import registration
from xats.core.mail import dead, inbox
from xats.core.waking import attempts


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    return team


def fail(crew, reason: str = "busy") -> None:
    """Let the last attempt of every due wake be refused."""
    for wake in crew.store.read(attempts.due):
        crew.store.write(lambda tx, wake=wake: attempts.lease(tx, [wake], "d1"))
        crew.store.write(lambda tx, wake=wake: attempts.refused(tx, wake, "d1", reason, "tmux", lambda *_: None))


def expire(crew, clock) -> None:
    clock.tick(1000)
    crew.store.write(inbox.sweep)


def listing(crew, team: str = "crew", limit: int = 50):
    return crew.store.read(lambda tx: dead.listing(tx, team, limit))


def letters(crew, message_id: int):
    return crew.store.read(lambda tx: dead.find(tx, "crew", message_id))


def due(crew) -> list[int]:
    return [wake.agent_id for wake in crew.store.read(attempts.due)]


def test_mail_whose_wake_failed_is_a_dead_letter(crew):
    assert listing(crew) == ([], False)
    sent = crew.send("alice", "bob")
    assert listing(crew) == ([], False)
    fail(crew, "draft_present")
    ((one,), more) = listing(crew)
    assert not more
    assert (one.message.id, one.agent, one.message.sender) == (sent.message.id, "bob@crew", "alice@crew")
    assert (one.reason, one.last_refusal, one.attempts) == ("retry_exhausted", "draft_present", 1)


def test_a_line_that_nobody_saw_being_taken_is_a_dead_letter(crew):
    crew.send("alice", "bob")
    fail(crew, "unconfirmed")
    ((one,), _) = listing(crew)
    assert one.reason == "unconfirmed"


def test_expired_mail_is_a_dead_letter(crew, clock):
    crew.send("alice", "bob", ttl=500)
    expire(crew, clock)
    ((one,), _) = listing(crew)
    assert (one.reason, one.attempts) == ("expired", 0)


def test_what_was_read_after_all_is_none(crew):
    sent = crew.send("alice", "bob")
    fail(crew)
    crew.do("bob", inbox.mark_read, [sent.message.id])
    assert listing(crew) == ([], False)


def test_new_mail_gives_it_another_wake(crew):
    crew.send("alice", "bob")
    fail(crew)
    crew.send("carol", "bob")
    assert listing(crew) == ([], False)
    assert due(crew) == [crew.agent("bob").id]


def test_retrying_wakes_the_recipient_once_more(crew):
    sent = crew.send("alice", "bob")
    fail(crew)
    assert crew.do("alice", dead.retry, letters(crew, sent.message.id)) == [sent.message.id]
    assert due(crew) == [crew.agent("bob").id]
    assert listing(crew) == ([], False)
    fail(crew)
    assert len(listing(crew)[0]) == 1


def test_retrying_several_of_one_recipient_is_one_wake(crew):
    crew.send("alice", "bob")
    crew.send("alice", "bob")
    fail(crew)
    found, _ = listing(crew)
    crew.do("alice", dead.retry, found)
    assert due(crew) == [crew.agent("bob").id]


def test_what_expired_is_sent_anew_and_does_not_end(crew, clock):
    sent = crew.send("alice", "bob", "the body", subject="s", ttl=500)
    expire(crew, clock)
    (again,) = crew.do("carol", dead.retry, letters(crew, sent.message.id))
    assert again != sent.message.id
    (letter,) = crew.see("bob", inbox.peek, inbox.Query()).letters
    assert (letter.message.sender, letter.message.body, letter.message.expires_at) == ("alice@crew", "the body", None)
    assert letter.message.thread_id == sent.message.id
    assert listing(crew) == ([], False)
    assert crew.agent("bob").id in due(crew)


def test_another_agent_gets_it_in_its_sender_s_name(crew):
    sent = crew.send("alice", "bob", "the body")
    fail(crew)
    (one,) = letters(crew, sent.message.id)
    again = crew.do("bob", dead.redirect, one, crew.agent("carol"))
    (letter,) = crew.see("carol", inbox.peek, inbox.Query()).letters
    assert (letter.message.id, letter.message.sender, letter.message.body) == (again, "alice@crew", "the body")
    assert letter.message.need_reply
    assert due(crew) == [crew.agent("carol").id]
    assert listing(crew) == ([], False)
    assert crew.see("bob", inbox.unread) == 1


def test_dropping_takes_it_off_the_list_and_out_of_no_inbox(crew):
    sent = crew.send("alice", "bob,carol")
    fail(crew)
    bob_s, carol_s = letters(crew, sent.message.id)
    crew.do("alice", dead.drop, bob_s)
    assert listing(crew)[0] == [carol_s]
    assert crew.see("bob", inbox.unread) == 1


def test_one_who_left_can_only_be_replaced(crew):
    sent = crew.send("alice", "bob")
    fail(crew)
    crew.do("bob", registration.unregister)
    with pytest.raises(errors.Refused):
        crew.do("alice", dead.retry, letters(crew, sent.message.id))
    (one,) = letters(crew, sent.message.id)
    crew.do("alice", dead.redirect, one, crew.agent("carol"))
    assert crew.see("carol", inbox.unread) == 1


def test_pages_go_by_message(crew, clock):
    first = crew.send("alice", "bob", ttl=500)
    second = crew.send("alice", "carol")
    expire(crew, clock)
    fail(crew)
    found, more = listing(crew, limit=1)
    assert ([one.message.id for one in found], more) == ([first.message.id], True)
    found, more = listing(crew, limit=2)
    assert ([one.message.id for one in found], more) == ([first.message.id, second.message.id], False)


def test_other_teams_see_theirs(crew):
    crew.register("dave", team="elsewhere")
    crew.send("alice", "dave@elsewhere")
    fail(crew)
    assert len(listing(crew)[0]) == len(listing(crew, "elsewhere")[0]) == 1
    assert listing(crew, "third") == ([], False)
    assert crew.store.read(lambda tx: (dead.count(tx, "crew"), dead.count(tx, "elsewhere"), dead.count(tx))) == (
        0,
        1,
        1,
    )


def test_a_letter_that_is_not_dead_is_not_found(crew):
    sent = crew.send("alice", "bob")
    with pytest.raises(errors.NotFound):
        letters(crew, sent.message.id)
    fail(crew)
    carol = crew.agent("carol")
    with pytest.raises(errors.NotFound):
        crew.store.read(lambda tx: dead.find(tx, "crew", sent.message.id, carol))


def test_events_tell_of_it(crew):
    sent = crew.send("alice", "bob")
    fail(crew)
    (one,) = letters(crew, sent.message.id)
    crew.do("carol", dead.retry, [one])
    crew.do("carol", dead.drop, one)
    told = crew.rows("select type, actor, subject from events where type like 'dead%' order by id")
    assert told == [
        {"type": kind, "actor": "carol", "subject": f"message:{sent.message.id}"}
        for kind in ("dead_retried", "dead_dropped")
    ]
