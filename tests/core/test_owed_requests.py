"""Requests that were read and not answered: who is reminded of them, and who is told."""

import pytest

from xats.core.agents import presence, registration
from xats.core.mail import inbox, owed, sending
from xats.core.mail.sending import Draft
from xats.core.mail.status import status
from xats.core.tasks import claims, offers, planning, pools, reviews
from xats.core.waking import pauses, stops

MINUTE = 60_000
HOUR = 60 * MINUTE


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "carol")
    return team


def read(crew, name: str = "bob") -> None:
    """Let `name` read all its mail."""
    crew.do(name, lambda tx, me: inbox.mark_read(tx, me, [one.message.id for one in unread(tx, me)]))


def unread(tx, me):
    return inbox.peek(tx, me, inbox.Query()).letters


def ids(crew, name: str = "bob") -> list[int]:
    found, count = crew.see(name, owed.requests, 100)
    assert len(found) == count
    listed = crew.see(name, inbox.peek, inbox.Query(owed=True)).letters
    assert sorted(one.id for one in found) == [one.message.id for one in listed]
    assert bool(found) <= crew.see(name, lambda tx, me: presence.may_owe(tx, me.id))
    return [one.id for one in found]


def sweep(crew) -> int:
    return crew.store.write(owed.overdue)


def alerts_to(crew, name: str = "alice") -> list:
    letters = crew.see(name, inbox.peek, inbox.Query(every=True)).letters
    return [one.message for one in letters if one.message.kind == "alert"]


def does(crew, state: str, name: str = "bob") -> None:
    agent = crew.agent(name)
    crew.store.write(lambda tx: presence.put(tx, agent.id, state, "s1"))


# -- what is owed ------------------------------------------------------------------------------------------------------


def test_a_request_is_owed_from_reading_to_the_reply(crew, clock):
    first = crew.send("alice", "bob", "one\n\ntwo", subject="the parser").message.id
    second = crew.send("carol", "bob", "look at   the lexer").message.id
    assert ids(crew) == []
    read(crew)
    assert ids(crew) == [second, first]
    (newest, oldest), _ = crew.see("bob", owed.requests, 2)
    assert (oldest.sender, oldest.about, oldest.sent_at) == ("alice@crew", "the parser", clock.now)
    assert newest.about == "look at   the lexer"
    found, count = crew.see("bob", owed.requests, 1)
    assert ([one.id for one in found], count) == ([second], 2)
    crew.do("bob", sending.reply, "pane", first, Draft("", "done"))
    assert ids(crew) == [second]
    crew.do("bob", inbox.ack, second)
    assert ids(crew) == []


@pytest.mark.parametrize(
    "address, draft", [("bob", {"need_reply": False}), ("all", {}), ("bob", {"ttl": HOUR})], ids=str
)
def test_what_needs_no_reply_or_has_expired_is_not_owed(crew, clock, address, draft):
    crew.send("alice", address, **draft)
    read(crew)
    clock.tick(HOUR)
    assert ids(crew) == []
    clock.tick(5 * HOUR)
    assert sweep(crew) == 0


def test_a_note_to_oneself_is_not_owed(crew, clock):
    crew.send("bob", "me")
    read(crew)
    clock.tick(5 * HOUR)
    assert ids(crew) == []
    assert sweep(crew) == 0


def test_a_request_to_a_group_is_owed_by_each(crew):
    crew.send("alice", "all", need_reply=True)
    read(crew, "bob")
    assert (ids(crew, "bob"), ids(crew, "carol")) == ([1], [])


def test_a_request_of_a_stopped_pair_is_not_owed(crew, clock):
    crew.send("alice", "bob")
    crew.send("carol", "bob")
    read(crew)
    for low, high in (("alice", "bob"), ("alice", "carol")):
        values = {"low": crew.agent(low).id, "high": crew.agent(high).id, "now": clock.now}
        crew.store.write(lambda tx, values=values: tx.run(stops.STOP, **values))
    assert ids(crew) == [2]
    clock.tick(2 * HOUR)
    assert sweep(crew) == 1
    assert alerts_to(crew) == []
    crew.do("bob", lambda tx, me: stops.restart(tx, me.id))
    assert ids(crew) == [2, 1]


def test_a_review_that_somebody_else_did_is_not_owed(team, clock):
    team.add("owner")
    team.add("rita", "rob", role="reviewer")
    team.do("owner", planning.add, planning.New("the parser", review=("reviewer",)))
    team.do("owner", claims.claim, 1, HOUR)
    team.do("owner", reviews.submit, "pane", 1, "result")
    read(team, "rita")
    read(team, "rob")
    assert (len(ids(team, "rita")), len(ids(team, "rob"))) == (1, 1)
    team.do("rita", reviews.approve, 1)
    assert (ids(team, "rita"), ids(team, "rob")) == ([], [])
    clock.tick(5 * HOUR)
    assert sweep(team) == 0


def test_a_claimed_message_is_answered_by_the_end_of_its_task(team, clock):
    team.add("alice")
    team.add("dora", "dirk", role="dev")
    _, task = team.do("alice", pools.send, "pane", Draft("pool:dev", "do it", need_reply=True))
    clock.tick(2 * MINUTE)
    team.store.write(offers.offer_due)
    read(team, "dora")
    read(team, "dirk")
    assert (len(ids(team, "dora")), len(ids(team, "dirk"))) == (1, 1)
    team.do("dora", claims.claim, task.id, HOUR)
    assert (ids(team, "dora"), ids(team, "dirk")) == ([], [])


def test_what_is_unread_again_is_not_owed(crew, clock):
    crew.send("alice", "bob")
    begun = clock.now
    read(crew)
    crew.do("bob", inbox.take_back, begun)
    assert ids(crew) == []
    read(crew)
    assert ids(crew) == [1]


def test_a_message_that_is_sent_again_keeps_its_wish(crew):
    first = crew.send("alice", "bob").message.id
    carol = crew.agent("carol")
    second = crew.store.write(lambda tx: sending.repeat(tx, first, carol))
    read(crew, "carol")
    assert ids(crew, "carol") == [second]


# -- who is told -------------------------------------------------------------------------------------------------------


def test_the_sender_is_told_an_hour_after_reading_and_once(crew, clock, rows):
    sent = crew.send("alice", "bob", subject="the parser")
    clock.tick(5 * HOUR)
    read(crew)
    clock.tick(HOUR - 1)
    assert sweep(crew) == 0
    clock.tick(1)
    assert sweep(crew) == 1
    (alert,) = alerts_to(crew)
    assert (alert.sender, alert.subject) == ("xats@crew", f"not answered: #{sent.message.id}")
    assert f"  #{sent.message.id} 'the parser' to bob, read 60 min ago\n" in alert.body
    assert alert.body.startswith("Read, but not answered:\n")
    assert f"xats status {sent.message.id}" in alert.body
    assert not alert.need_reply
    assert [row["subject"] for row in rows("select subject from events where type = 'reply_overdue'")] == [
        "agent:alice"
    ]
    for _ in range(5):
        clock.tick(5 * HOUR)
        read(crew, "alice")
        assert sweep(crew) == 0
    assert len(alerts_to(crew)) == 1
    assert ids(crew) == [sent.message.id]


def test_several_requests_are_one_alert_for_each_sender(crew, clock):
    for _ in range(3):
        crew.send("alice", "bob")
    crew.send("carol", "bob")
    read(crew)
    clock.tick(HOUR)
    assert sweep(crew) == 4
    assert [one.subject for one in alerts_to(crew)] == ["not answered: #1 and 2 more"]
    assert [one.subject for one in alerts_to(crew, "carol")] == ["not answered: #4"]


@pytest.mark.parametrize("state", presence.STATES)
def test_an_agent_in_a_turn_has_four_hours(crew, clock, state):
    crew.send("alice", "bob")
    read(crew)
    does(crew, state)
    clock.tick(HOUR)
    in_turn = state in ("busy", "waiting")
    assert sweep(crew) == (not in_turn)
    clock.tick(3 * HOUR - 1)
    assert sweep(crew) == 0
    clock.tick(1)
    assert sweep(crew) == in_turn


def test_the_end_of_the_turn_ends_the_wait(crew, clock):
    crew.send("alice", "bob")
    read(crew)
    does(crew, "busy")
    clock.tick(90 * MINUTE)
    assert sweep(crew) == 0
    crew.do("bob", lambda tx, me: presence.broken_off(tx, me.id, presence.get(tx, me.id)))
    assert sweep(crew) == 1


def test_a_sender_who_is_gone_is_not_written_to(crew, clock):
    crew.send("alice", "bob")
    read(crew)
    crew.do("alice", registration.unregister)
    clock.tick(5 * HOUR)
    assert sweep(crew) == 0


def test_mail_that_was_reported_unread_is_reported_unanswered_too(crew, clock):
    from xats.core.mail import alerts

    crew.send("alice", "bob")
    clock.tick(HOUR)
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    read(crew)
    clock.tick(HOUR)
    sweep(crew)
    assert [one.subject for one in alerts_to(crew)] == ["not read: #1", "not answered: #1"]


def test_a_pause_of_the_reader_changes_nothing(crew, clock):
    crew.send("alice", "bob")
    read(crew)
    crew.do("alice", pauses.pause, "crew", crew.agent("bob"), None)
    clock.tick(HOUR)
    assert sweep(crew) == 1


def test_status_knows_whether_a_reply_is_still_wanted(crew):
    crew.send("alice", "bob,carol")
    crew.send("alice", "bob", need_reply=False)
    read(crew)

    def wanted(number: int) -> list[bool]:
        return [one.need_reply for one in crew.see("alice", status, number)[1]]

    assert (wanted(1), wanted(2)) == ([True, True], [False])
    crew.do("bob", inbox.ack, 1)
    crew.do("carol", sending.reply, "pane", 1, Draft("", "done"))
    assert wanted(1) == [False, False]


def test_the_sender_of_a_request_that_was_only_shown_is_told_after_four_hours(crew, clock):
    number = crew.send("alice", "bob", "one").message.id
    crew.do("bob", inbox.mark_shown, [number], inbox.hook_reader("s1"))
    clock.tick(4 * HOUR - 1)
    assert sweep(crew) == 0
    clock.tick(1)
    assert [sweep(crew), sweep(crew)] == [1, 0]
    (alert,) = alerts_to(crew)
    assert alert.subject == f"not answered: #{number}"
    assert f"#{number} to bob, shown 4 h ago, perhaps not seen" in alert.body


# -- what a sender waits for -------------------------------------------------------------------------------------------


def awaited(crew, name: str = "alice") -> list[tuple[int, str, str]]:
    found, count = crew.see(name, owed.awaited, 100)
    assert len(found) == count
    return [(one.id, one.recipient, one.state) for one in found]


def test_a_request_is_awaited_from_sending_to_the_reply(crew, clock):
    first = crew.send("alice", "bob,carol", "one", subject="the parser").message.id
    crew.send("alice", "bob", "no answer needed", need_reply=False)
    second = crew.send("alice", "carol", "two").message.id
    rows = [(second, "carol@crew", "unread"), (first, "bob@crew", "unread"), (first, "carol@crew", "unread")]
    assert awaited(crew) == rows
    (one,), count = crew.see("alice", owed.awaited, 1)
    assert (one.about, one.sent_at, count) == ("two", clock.now, 3)
    read(crew)
    assert awaited(crew)[1] == (first, "bob@crew", "read")
    crew.do("bob", sending.reply, "pane", first, Draft("", "done"))
    crew.do("carol", inbox.ack, second)
    assert awaited(crew) == [(first, "carol@crew", "unread")]
    assert awaited(crew, "bob") == awaited(crew, "carol") == []


def test_what_is_over_is_not_awaited(crew, clock):
    crew.send("alice", "me", "a note")
    crew.send("alice", "bob", "soon over", ttl=MINUTE)
    gone = crew.send("alice", "carol", "withdrawn").message.id
    assert len(awaited(crew)) == 2
    crew.store.write(lambda tx: inbox.withdraw(tx, gone))
    clock.tick(2 * MINUTE)
    assert awaited(crew) == []
