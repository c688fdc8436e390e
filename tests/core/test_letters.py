"""The inbox: unread, claimed, read, replied, expired - and what one sees of a thread and of what one sent."""

import json

import pytest

from xats.base import errors
from xats.core import events
from xats.core.mail import inbox, sending
from xats.core.mail.inbox import CLAIM, Query
from xats.core.mail.sending import Draft
from xats.core.mail.status import status


@pytest.fixture
def pair(team):
    team.add("alice", "bob")
    return team


def ids(page) -> list[int]:
    return [letter.message.id for letter in page.letters]


def claim(team, token: str, name: str = "bob", gone=lambda _: False, **query):
    return team.do(name, inbox.claim, Query(**query), token, gone)


def states(rows) -> list[str]:
    return [row["state"] for row in rows("select state from deliveries order by message_id")]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_mail_comes_oldest_first_and_is_unread_until_it_is_marked(pair, rows):
    for n in range(3):
        pair.send("alice", "bob", f"n{n}")
    page = claim(pair, "r1")
    assert ids(page) == [1, 2, 3]
    assert (page.unread, page.has_more, page.claim) == (3, False, "r1")
    assert states(rows) == ["unread"] * 3
    assert pair.do("bob", inbox.mark_read, ids(page)) == 3
    assert states(rows) == ["read"] * 3
    assert pair.see("bob", inbox.unread) == 0


def test_reading_is_told_by_an_event_and_only_once(pair, rows):
    pair.send("alice", "bob")
    assert pair.do("bob", inbox.mark_read, [1]) == 1
    assert pair.do("bob", inbox.mark_read, [1]) == 0
    (event,) = rows("select * from events where type = 'mail_read'")
    assert (event["actor"], json.loads(event["data"])) == ("bob", {"messages": [1]})


def test_looking_marks_and_claims_nothing(pair, rows):
    pair.send("alice", "bob")
    assert ids(pair.see("bob", inbox.peek, Query())) == [1]
    assert states(rows) == ["unread"]
    assert ids(claim(pair, "r1")) == [1]
    assert ids(pair.see("bob", inbox.peek, Query())) == [1]


def test_nobody_marks_what_is_not_his(pair, rows):
    pair.send("alice", "bob")
    assert pair.do("alice", inbox.mark_read, [1]) == 0
    assert states(rows) == ["unread"]


# -- claims ------------------------------------------------------------------------------------------------------------


def test_two_readers_never_get_the_same(pair):
    for _ in range(5):
        pair.send("alice", "bob")
    first, second, third = claim(pair, "r1", limit=2), claim(pair, "r2", limit=2), claim(pair, "r3")
    assert (ids(first), ids(second), ids(third)) == ([1, 2], [3, 4], [5])
    assert ids(claim(pair, "r4")) == []


def test_what_could_not_be_written_out_is_given_back(pair):
    pair.send("alice", "bob")
    page = claim(pair, "r1")
    pair.do("bob", inbox.release, page)
    assert ids(claim(pair, "r2")) == [1]


def test_nobody_gives_back_what_another_holds_by_now(pair, clock):
    pair.send("alice", "bob")
    page = claim(pair, "r1")
    clock.tick(CLAIM)
    assert ids(claim(pair, "r2")) == [1]
    pair.do("bob", inbox.release, page)
    assert ids(claim(pair, "r3")) == []


def test_a_claim_lapses(pair, clock):
    pair.send("alice", "bob")
    claim(pair, "r1")
    clock.tick(CLAIM - 1)
    assert ids(claim(pair, "r2")) == []
    clock.tick(1)
    assert ids(claim(pair, "r2")) == [1]


def test_what_a_dead_reader_held_is_free_at_once(pair):
    pair.send("alice", "bob")
    pair.send("alice", "bob")
    claim(pair, "dead", limit=1)
    claim(pair, "slow", limit=1)
    asked = []
    page = claim(pair, "r3", gone=lambda token: asked.append(token) or token == "dead")
    assert ids(page) == [1]
    assert sorted(asked) == ["dead", "slow"]


def test_a_claim_of_before_the_clock_was_set_back_does_not_hold_for_ever(pair, clock):
    pair.send("alice", "bob")
    claim(pair, "r1")
    clock.tick(-3_600_000)
    assert ids(claim(pair, "r2")) == [1]


def test_claims_of_one_agent_do_not_touch_another(team):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob,carol")
    assert ids(claim(team, "r1", "bob")) == [1]
    assert ids(claim(team, "r2", "carol")) == [1]


# -- which -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10, 50])
def test_pages_have_no_gaps_and_no_repeats(pair, size):
    for _ in range(10):
        pair.send("alice", "bob")
    seen, since = [], 0
    while True:
        page = pair.see("bob", inbox.peek, Query(limit=size, since=since))
        seen += ids(page)
        if not page.has_more:
            break
        assert len(page.letters) == size
        since = seen[-1]
    assert seen == list(range(1, 11))


@pytest.mark.parametrize("size", [1, 3, 10])
def test_reading_page_by_page_reads_everything_once(pair, size):
    for _ in range(10):
        pair.send("alice", "bob")
    seen = []
    for _ in range(20):
        page = claim(pair, "r1", limit=size)
        if not page.letters:
            break
        assert page.has_more == (page.unread > len(page.letters))
        seen += ids(page)
        pair.do("bob", inbox.mark_read, ids(page))
    assert seen == list(range(1, 11))


def test_mail_can_be_picked_by_sender_thread_and_id(team):
    team.add("alice", "bob", "carol")
    for sender in ("alice", "carol", "alice"):
        team.send(sender, "bob")
    team.send("alice", "bob", "more", reply_to=1)
    carol = team.agent("carol")

    def look(**query) -> list[int]:
        return ids(team.see("bob", inbox.peek, Query(**query)))

    assert look(sender=carol) == [2]
    assert look(thread=1) == [1, 4]
    assert look(thread=4) == [1, 4]  # any message names its thread
    assert look(thread=99) == []
    assert look(since=2) == [3, 4]
    assert look(since=2, sender=carol) == []
    team.do("bob", inbox.mark_read, [1, 2])
    assert look() == [3, 4]
    assert look(every=True) == [1, 2, 3, 4]
    assert look(every=True, thread=1, limit=1) == [1]


# -- expiry ------------------------------------------------------------------------------------------------------------


def test_unread_mail_expires_when_it_is_looked_at(pair, clock):
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob")
    clock.tick(999)
    assert pair.see("bob", inbox.unread) == 2
    clock.tick(1)
    assert pair.see("bob", inbox.unread) == 1
    assert ids(pair.see("bob", inbox.peek, Query())) == [2]
    assert ids(claim(pair, "r1")) == [2]


def test_expired_mail_is_shown_as_expired_and_not_marked(pair, clock):
    pair.send("alice", "bob", ttl=1000)
    clock.tick(1000)
    assert pair.see("bob", inbox.show, 1).state == "expired"
    letters, _ = pair.see("bob", inbox.thread, 1, 10)
    assert [letter.state for letter in letters] == ["expired"]
    page = pair.see("bob", inbox.peek, Query(every=True))
    assert [letter.state for letter in page.letters] == ["expired"]
    assert pair.see("alice", status, 1)[1][0].state == "expired"


def test_the_sweep_expires_and_closes_the_wake(pair, clock, rows):
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob", ttl=5000)
    clock.tick(1000)
    assert pair.store.write(inbox.sweep) == 1
    assert states(rows) == ["expired", "unread"]
    assert rows("select state from wakes") == [{"state": "queued"}]
    clock.tick(4000)
    assert pair.store.write(inbox.sweep) == 1
    assert rows("select state, reason from wakes") == [{"state": "skipped", "reason": "expired"}]
    assert pair.store.write(inbox.sweep) == 0


def test_expiry_is_told_by_an_event(pair, clock, rows):
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob")
    clock.tick(1000)
    pair.store.write(inbox.sweep)
    (event,) = rows("select * from events where type = 'mail_expired'")
    assert (event["team"], event["subject"]) == ("crew", "agent:bob")
    assert json.loads(event["data"]) == {"messages": [1, 2]}


def test_a_reader_that_expires_mail_tells_it_too(pair, clock, rows):
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob")
    clock.tick(1000)
    claim(pair, "r1")
    assert states(rows) == ["expired", "unread"]
    assert [json.loads(row["data"]) for row in rows("select data from events where type = 'mail_expired'")] == [
        {"messages": [1]}
    ]


def test_mail_that_was_read_does_not_expire(pair, clock, rows):
    pair.send("alice", "bob", ttl=1000)
    pair.do("bob", inbox.mark_read, [1])
    clock.tick(5000)
    assert pair.store.write(inbox.sweep) == 0
    assert states(rows) == ["read"]
    assert pair.see("bob", inbox.show, 1).state == "read"


# -- showing, threads, acks --------------------------------------------------------------------------------------------


def test_a_message_is_shown_to_its_two_ends_alone(team):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob")
    assert team.see("bob", inbox.show, 1).state == "unread"
    assert team.see("alice", inbox.show, 1).state == "sent"
    for what in (inbox.show, status):
        with pytest.raises(errors.UnknownMessage) as caught:
            team.see("carol", what, 1)
        assert caught.value.exit == 3


def test_a_thread_shows_what_one_sent_and_got_of_it(team):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob")
    team.do("bob", sending.reply, "pane", 1, Draft("", "yes"))
    team.send("bob", "carol", "look", reply_to=1)
    team.do("alice", sending.reply, "pane", 2, Draft("", "good"))

    def look(name: str, number: int, limit: int = 10):
        letters, more = team.see(name, inbox.thread, number, limit)
        return [letter.message.id for letter in letters], more

    assert look("bob", 4) == ([1, 2, 3, 4], False)
    assert look("alice", 1) == ([1, 2, 4], False)
    assert look("carol", 3) == ([3], False)
    assert look("bob", 1, 2) == ([3, 4], True)  # the newest
    assert look("bob", 1, 4) == ([1, 2, 3, 4], False)


@pytest.mark.parametrize(
    "before, after", [("unread", "read"), ("read", "read"), ("replied", "replied"), ("expired", "read")]
)
def test_an_ack_says_seen_and_closes_the_wake(pair, rows, clock, before, after):
    pair.send("alice", "bob", ttl=1000)
    if before == "read":
        pair.do("bob", inbox.mark_read, [1])
    elif before == "replied":
        pair.do("bob", sending.reply, "pane", 1, Draft("", "yes"))
    elif before == "expired":
        clock.tick(1000)
        pair.store.write(inbox.sweep)
    wakes = len(rows("select * from wakes where agent_id = (select id from agents where name = 'alice')"))
    pair.do("bob", inbox.ack, 1)
    (row,) = rows("select state, acked_at, read_at from deliveries where message_id = 1")
    assert row["state"] == after
    assert row["acked_at"] == clock.now
    assert row["read_at"] is not None
    assert rows("select * from wakes where closed_at is null and agent_id = 2") == []
    assert len(rows("select * from wakes where agent_id = 1")) == wakes
    assert len(rows("select * from events where type = 'message_acked'")) == 1


def test_only_a_recipient_acknowledges(pair):
    pair.send("alice", "bob")
    with pytest.raises(errors.Refused) as caught:
        pair.do("alice", inbox.ack, 1)
    assert caught.value.exit == 4


# -- status ------------------------------------------------------------------------------------------------------------


def test_status_is_for_the_sender(pair):
    pair.send("alice", "bob")
    with pytest.raises(errors.Refused) as caught:
        pair.see("bob", status, 1)
    assert (caught.value.exit, caught.value.hint) == (4, "xats show 1")


def test_status_without_a_number_is_of_the_last_one_sent(pair):
    with pytest.raises(errors.UnknownMessage):
        pair.see("alice", status, None)
    pair.send("alice", "bob")
    pair.send("alice", "bob")
    pair.send("bob", "alice")
    assert pair.see("alice", status, None)[0].id == 2


def test_status_shows_each_copy_and_its_wake(team):
    team.add("alice", "bob", "dave")
    team.add("carol", client="human")
    team.send("alice", "all,me")
    team.do("bob", inbox.mark_read, [1])
    _, found = team.see("alice", status, 1)
    told = {one.agent: (one.state, one.wake.state if one.wake else None, one.no_wake_reason) for one in found}
    assert told == {
        "alice@crew": ("unread", None, "self"),
        "bob@crew": ("read", "skipped", None),
        "carol@crew": ("unread", None, "no_wake"),
        "dave@crew": ("unread", "queued", None),
    }


# -- the outbox --------------------------------------------------------------------------------------------------------


def test_events_are_read_in_order_from_where_one_was(pair):
    for n in range(4):
        pair.send("alice", "bob", f"n{n}")

    def after(since, kind, limit):
        query = events.Query("crew", since, types=(kind,) if kind else ())
        found, more, _ = pair.store.read(lambda tx: events.after(tx, query, limit))
        return [(one.type, one.subject) for one in found], more

    everything = [("agent_registered", f"agent:{name}") for name in ("alice", "bob")]
    everything += [("message_sent", f"message:{n}") for n in range(1, 5)]
    assert after(0, None, 10) == (everything, False)
    assert after(0, None, 6) == (everything, False)
    assert after(0, None, 5) == (everything[:5], True)
    assert after(2, None, 2) == (everything[2:4], True)
    assert after(None, None, 2) == (everything[-2:], False)
    assert after(0, "agent_registered", 10) == (everything[:2], False)
    assert after(99, None, 10) == ([], False)


def test_events_of_another_team_are_not_seen(team):
    team.add("alice")
    team.register("bob", "other")
    found, _, _ = team.store.read(lambda tx: events.after(tx, events.Query("other", 0), 10))
    assert [one.subject for one in found] == ["agent:bob"]


# -- shown -------------------------------------------------------------------------------------------------------------

HOOK = inbox.hook_reader("s-1")


def test_shown_mail_is_not_unread_and_does_not_expire(pair, rows, clock):
    pair.send("alice", "bob", ttl=1000)
    pair.send("alice", "bob", ttl=1000)
    assert pair.do("bob", inbox.mark_shown, [1], HOOK) == 1
    assert pair.see("bob", inbox.unread) == 1
    clock.tick(2000)
    pair.store.write(inbox.sweep)
    assert states(rows) == ["shown", "expired"]
    assert ids(claim(pair, "r1")) == []


def test_shown_mail_is_listed_with_its_reader_until_it_is_read(pair, clock):
    pair.send("alice", "bob")
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1, 2], HOOK)
    found = pair.see("bob", inbox.shown, 10)
    assert found == [inbox.Shown(1, "alice@crew", HOOK.by, clock.now), inbox.Shown(2, "alice@crew", HOOK.by, clock.now)]
    assert pair.see("bob", inbox.shown, 1) == found[:1]
    pair.do("bob", inbox.ack, 1)
    assert pair.see("bob", inbox.shown, 10) == found[1:]


def test_only_another_reader_settles_what_was_shown(pair, rows):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1], HOOK)
    named = pair.see("bob", inbox.shown, 10)
    assert pair.do("bob", inbox.settle, named, HOOK) == []
    assert states(rows) == ["shown"]
    assert pair.do("bob", inbox.settle, named, inbox.hook_reader("s-2")) == [1]
    assert states(rows) == ["read"]
    assert pair.do("bob", inbox.settle, named, inbox.hook_reader("s-2")) == []
    assert [row["type"] for row in rows("select type from events where type like 'mail_%'")] == [
        "mail_shown",
        "mail_read",
    ]


def test_a_hook_settles_what_was_shown_before_it_began_in_its_session(pair, rows, clock):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1], HOOK)
    shown_at = clock.now
    clock.tick(5)
    for reader, before, prompt in ((HOOK, shown_at - 1, True), (inbox.hook_reader("s-2"), clock.now, True)):
        assert not pair.see("bob", inbox.has_proven, reader, before, prompt=prompt)
        assert pair.do("bob", inbox.mark_proven, reader, before, prompt=prompt) == []
    assert pair.see("bob", inbox.has_proven, HOOK, shown_at, prompt=False)
    assert pair.do("bob", inbox.mark_proven, HOOK, shown_at, prompt=False) == [1]


def test_a_prompt_settles_what_commands_showed_in_its_session_alone(pair, rows, clock):
    bob = pair.agent("bob")
    for _ in range(2):
        pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1], inbox.command_reader(bob, "l", ("l",)))
    pair.do("bob", inbox.mark_shown, [2], inbox.Reader(f"{bob.epoch + 1} line l"))
    assert pair.do("bob", inbox.mark_proven, HOOK, clock.now, prompt=False) == []
    assert pair.do("bob", inbox.mark_proven, HOOK, clock.now, prompt=True) == [1]
    assert states(rows) == ["read", "shown"]


def test_shown_mail_of_a_lost_turn_is_unread_and_wakes_again(pair, rows, clock):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1], HOOK)
    began = clock.now + 1
    clock.tick(10)
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [2], HOOK)
    pair.do("bob", inbox.mark_proven, HOOK, clock.now, prompt=False)
    pair.do("bob", inbox.take_back, began)
    assert states(rows) == ["read", "unread"]
    assert rows("select shown_at, shown_by, read_at from deliveries where message_id = 2") == [
        {"shown_at": None, "shown_by": None, "read_at": None}
    ]
    assert rows("select state from wakes where closed_at is null") == [{"state": "queued"}]


def test_mail_that_was_acknowledged_in_a_lost_turn_stays_read(pair, rows, clock):
    pair.send("alice", "bob")
    pair.do("bob", inbox.mark_shown, [1], HOOK)
    pair.do("bob", inbox.ack, 1)
    pair.do("bob", inbox.take_back, clock.now)
    assert states(rows) == ["read"]
    assert rows("select state from wakes where closed_at is null") == []
