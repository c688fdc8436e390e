"""What became of a question: its first reply, who may still reply, and who will not."""

import pytest

from xats.base.errors import Refused, UnknownMessage
from xats.core.mail import inbox, replies
from xats.core.mail.sending import Draft, reply, send


@pytest.fixture
def asked(team):
    """Alice has asked bob and dave: message 1."""
    team.add("alice", "bob", "dave")
    team.send("alice", "bob,dave", "Which port?", need_reply=True)
    return team


def answer(team, name, body="8080", to=1):
    return team.do(name, lambda tx, me: reply(tx, me, "pane", to, Draft("", body))).message.id


def look(team, message_id=1, name="alice"):
    found = team.see(name, replies.look, message_id)
    return found.reply and found.reply.message.id, tuple(one.agent for one in found.owing), found.ended


def test_nobody_has_replied_yet(asked):
    assert look(asked) == (None, ("bob@crew", "dave@crew"), ())
    asked.do("bob", inbox.mark_read, [1])
    assert look(asked) == (None, ("bob@crew", "dave@crew"), ())


def test_the_first_reply_to_the_sender_counts(asked):
    first, _ = answer(asked, "dave"), answer(asked, "bob")
    assert look(asked) == (first, (), (("bob@crew", "replied"), ("dave@crew", "replied")))
    found = asked.see("alice", replies.look, 1)
    assert (found.reply.message.body, found.reply.state, found.message.id) == ("8080", "unread", 1)
    asked.do("alice", inbox.mark_read, [first])
    assert look(asked)[0] == first


def test_a_reply_to_a_reply_is_not_a_reply_to_the_question(asked):
    mine = asked.do("alice", lambda tx, me: reply(tx, me, "pane", 1, Draft("", "Please"))).message.id
    assert look(asked)[0] is None
    to_that = answer(asked, "bob", to=mine)
    assert look(asked) == (None, ("bob@crew", "dave@crew"), ())
    assert look(asked, mine)[0] == to_that


def test_who_will_not_reply(asked, clock):
    asked.do("bob", inbox.ack, 1)
    asked.do("dave", lambda tx, me: send(tx, me, "pane", Draft("bob", "you answer", reply_to=1)))
    assert look(asked) == (None, (), (("bob@crew", "acked"), ("dave@crew", "replied")))
    answer(asked, "bob")  # all the same
    assert look(asked)[0] is not None


def test_a_copy_that_expired(asked, clock):
    asked.send("alice", "bob", "Quick?", need_reply=True, ttl=1000)
    clock.tick(2000)
    assert look(asked, 2) == (None, (), (("bob@crew", "expired"),))


def test_only_its_sender_may_look(asked):
    with pytest.raises(Refused):
        look(asked, name="bob")
    with pytest.raises(UnknownMessage):
        look(asked, 7)
