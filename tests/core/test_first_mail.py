"""The first mail: an agent sends it to itself once, and it wakes no agent."""

from xats.core.mail import first, inbox


def test_it_is_sent_once_and_wakes_nobody(team, rows):
    team.add("kim", client="human")
    team.add("bob")
    assert team.see("kim", first.find) is None
    sent = team.do("kim", first.send, "user")
    assert team.do("kim", first.send, "user") == sent
    assert team.see("kim", first.find) == first.First(sent, "unread")
    assert team.see("bob", first.find) is None
    assert rows("select * from wakes") == []
    (letter,) = team.see("kim", inbox.peek, inbox.Query()).letters
    assert (letter.message.subject, letter.message.need_reply) == (first.SUBJECT, False)
    team.do("kim", inbox.mark_read, [sent])
    assert team.see("kim", first.find) == first.First(sent, "read")
