"""Limits: agents cannot wake each other for ever, and people are never limited."""

import pytest

from xats.core import inbox, limits, messages
from xats.core.messages import Draft

MINUTE = 60_000


@pytest.fixture
def crew(team):
    team.add("alice", "bob", "dave")
    team.register("carol", client="human")
    return team


def reply(crew, name: str, to, **draft):
    me = crew.agent(name)
    return crew.store.write(lambda tx: messages.reply(tx, me, "pane", to.message.id, Draft("", "again", **draft)))


def why(sent) -> list[str]:
    return [reason for _, reason in sent.unwoken]


# -- a pair ------------------------------------------------------------------------------------------------------------


def test_a_pair_may_wake_each_other_twenty_times(crew):
    for number in range(limits.PAIR_MOST):
        assert why(crew.send(*(("alice", "bob") if number % 2 else ("bob", "alice")))) == []
    for sender, recipient in (("alice", "bob"), ("bob", "alice")):
        sent = crew.send(sender, recipient)
        assert why(sent) == ["rate_capped"]
        (row,) = crew.rows("select * from deliveries where message_id = :id", id=sent.message.id)
        assert (row["state"], row["wake_id"], row["no_wake_reason"]) == ("unread", None, "rate_capped")
    assert why(crew.send("alice", "dave")) == []


def test_the_cap_ends_when_ten_minutes_are_over(crew, clock):
    for _ in range(limits.PAIR_MOST):
        crew.send("alice", "bob")
    clock.tick(10 * MINUTE - 1)
    assert why(crew.send("alice", "bob")) == ["rate_capped"]
    clock.tick(1)
    assert why(crew.send("alice", "bob")) == []


def test_mail_that_wakes_nobody_does_not_count(crew):
    for _ in range(limits.PAIR_MOST * 2):
        crew.send("alice", "bob", wake=False)
    assert why(crew.send("alice", "bob")) == []


def test_people_are_not_capped(crew):
    for _ in range(limits.PAIR_MOST + 1):
        assert why(crew.send("carol", "bob")) == []
        assert why(crew.send("bob", "carol")) == []


def test_of_a_batch_only_the_first_twenty_wake(crew):
    me = crew.agent("alice")
    drafts = [Draft("bob" if number % 2 else "dave", "text") for number in range(60)]
    sent = crew.store.write(lambda tx: messages.send_all(tx, me, "pane", drafts))
    assert [bool(one.unwoken) for one in sent] == [False] * 40 + [True] * 20
    assert len(crew.rows("select * from wakes")) == 2


def test_capped_mail_is_in_the_inbox(crew):
    for _ in range(limits.PAIR_MOST + 5):
        crew.send("alice", "bob")
    assert crew.see("bob", inbox.unread) == limits.PAIR_MOST + 5


# -- a chain of answers ------------------------------------------------------------------------------------------------


def chain(crew, answers: int):
    sent = crew.send("alice", "bob", wake=False)
    for number in range(answers):
        sent = reply(crew, "alice" if number % 2 else "bob", sent, wake=False)
    return sent


def test_a_chain_of_answers_stops_waking_after_twenty(crew):
    last = chain(crew, limits.HOPS - 1)
    name, other = ("alice", "bob") if limits.HOPS % 2 == 0 else ("bob", "alice")
    twentieth = reply(crew, name, last)
    assert why(twentieth) == []
    beyond = reply(crew, other, twentieth)
    assert why(beyond) == ["hop_limit"]
    assert crew.see(name, inbox.unread) >= 1


def test_a_person_begins_the_count_anew(crew):
    last = chain(crew, limits.HOPS)
    (row,) = crew.rows("select hops from messages where id = :id", id=last.message.id)
    assert row["hops"] == limits.HOPS
    me = crew.agent("carol")
    crew.send("alice", "carol", reply_to=last.message.id)
    (copy,) = crew.rows("select max(id) as id from messages")
    answer = crew.store.write(lambda tx: messages.reply(tx, me, "user", copy["id"], Draft("", "go on")))
    (row,) = crew.rows("select hops from messages where id = :id", id=answer.message.id)
    assert row["hops"] == 0
    assert why(reply(crew, "alice", answer)) == []


def test_many_answers_to_one_message_are_no_chain(crew):
    first = crew.send("alice", "bob,dave", wake=False)
    for _ in range(limits.HOPS + 2):
        last = reply(crew, "bob", first, wake=False)
    (row,) = crew.rows("select hops from messages where id = :id", id=last.message.id)
    assert row["hops"] == 1


def test_the_limit_can_be_another(crew):
    last = chain(crew, 2)
    assert why(reply(crew, "bob", last, hops=3)) == []
    assert why(reply(crew, "bob", last, hops=2)) == ["hop_limit"]


def test_a_message_of_its_own_is_at_the_beginning(crew):
    crew.send("alice", "bob")
    assert crew.rows("select hops from messages") == [{"hops": 0}]
