"""Threads as somebody sees them who looks on: what he may see, how much of it, and at what cost."""

import pytest

from xats.core.mail import inbox, sending, threads
from xats.core.mail.sending import Draft


@pytest.fixture
def crew(team, clock):
    team.add("alice", "bob", "carol")
    team.send("alice", "bob", "for bob", subject="Parser")  # 1
    team.send("alice", "carol", "for carol", subject="Lexer")  # 2
    clock.tick(1000)
    team.do("bob", sending.reply, "pane", 1, Draft("", "an answer"))  # 3, in thread 1
    team.send("bob", "all", "for all", subject="Freeze")  # 4
    return team


def heads(team, agent, viewer=None, limit=50):
    whose, by = team.agent(agent), team.agent(viewer) if viewer else None
    found = team.store.read(lambda tx: threads.headlines(tx, whose, by, limit))
    return [(one.message.thread_id, one.message.id, one.messages, one.state) for one in found]


def said(team, thread, viewer=None, limit=50):
    by = team.agent(viewer) if viewer else None
    return team.store.read(lambda tx: threads.conversation(tx, thread, by, limit))


def test_a_person_sees_every_thread_of_an_agent_the_newest_first(crew):
    assert heads(crew, "alice") == [(4, 4, 1, "unread"), (1, 3, 2, "unread"), (2, 2, 1, None)]
    assert heads(crew, "bob") == [(4, 4, 1, None), (1, 3, 2, None)]
    assert heads(crew, "carol") == [(4, 4, 1, "unread"), (2, 2, 1, "unread")]
    assert heads(crew, "alice", limit=1) == [(4, 4, 1, "unread")]


def test_an_agent_sees_what_it_is_in_and_no_state_of_what_it_has_not_sent(crew):
    assert heads(crew, "alice", "carol") == [(4, 4, 1, None), (2, 2, 1, None)]
    assert heads(crew, "bob", "carol") == [(4, 4, 1, None)]
    assert heads(crew, "carol", "alice") == [(4, 4, 1, None), (2, 2, 1, "unread")]
    assert heads(crew, "bob", "bob") == heads(crew, "bob")


def test_a_headline_has_no_body(crew):
    me = crew.agent("alice")
    found = crew.store.read(lambda tx: threads.headlines(tx, me, None, 9))
    assert [(one.message.subject, one.message.body) for one in found] == [
        ("Freeze", ""),
        ("Re: Parser", ""),
        ("Lexer", ""),
    ]


def test_a_conversation_is_read_in_its_order_with_what_became_of_it(crew):
    first, second = said(crew, 1)
    assert (first.message.id, first.message.body, second.message.id, second.message.body) == (
        1,
        "for bob",
        3,
        "an answer",
    )
    assert [(copy.agent, copy.state, copy.at) for copy in first.copies] == [("bob@crew", "replied", 1_750_000_001_000)]
    assert [(copy.agent, copy.state, copy.at) for copy in second.copies] == [("alice@crew", "unread", None)]


def test_a_conversation_holds_what_the_viewer_may_see(crew):
    assert [one.message.id for one in said(crew, 1, "carol")] == []
    mine = said(crew, 1, "alice")
    assert [(one.message.id, len(one.copies)) for one in mine] == [(1, 1), (3, 0)]
    assert said(crew, 99) == []


def test_of_a_long_thread_the_newest_are_shown(crew):
    for n in range(10):
        crew.send("alice", "bob", f"more {n}", reply_to=1)
    assert [one.message.body for one in said(crew, 1, limit=3)] == ["more 7", "more 8", "more 9"]


def test_an_acknowledgement_is_told_and_a_text_is_whole(crew):
    crew.do("carol", inbox.ack, 2)
    (one,) = said(crew, 2)
    assert [(copy.state, copy.at) for copy in one.copies] == [("acked", 1_750_000_001_000)]
    crew.send("alice", "bob", "before\x01after")
    assert said(crew, 5)[0].message.body == "before\x01after"


def test_a_subject_is_for_those_in_it(crew):
    def of(viewer):
        by = crew.agent(viewer) if viewer else None
        return crew.store.read(lambda tx: [threads.subject(tx, n, by) for n in (1, 2, 3, 4, 99)])

    assert of(None) == ["Parser", "Lexer", "Re: Parser", "Freeze", None]
    assert of("bob") == ["Parser", None, "Re: Parser", "Freeze", None]
    assert of("carol") == [None, "Lexer", None, "Freeze", None]


def test_looking_changes_nothing(crew):
    before = crew.rows("select * from deliveries"), crew.rows("select * from events"), crew.rows("select * from wakes")
    for agent in ("alice", "bob", "carol"):
        heads(crew, agent)
    for thread in (1, 2, 4):
        said(crew, thread)
    assert before == (
        crew.rows("select * from deliveries"),
        crew.rows("select * from events"),
        crew.rows("select * from wakes"),
    )


def test_of_many_recipients_those_with_problems_come_first_and_all_are_counted(crew, clock):
    names = [f"agent{n:02}" for n in range(12)]
    crew.add(*names)
    sent = crew.send("bob", "all", "for all").message.id
    for name in ("alice", "carol", *names[:9]):
        crew.do(name, inbox.mark_read, [sent])
    crew.do(names[0], inbox.ack, sent)
    crew.do("carol", inbox.take_back, 0)
    crew.do("carol", inbox.mark_shown, [sent], inbox.hook_reader("s"))
    (one,) = said(crew, sent)
    assert (one.recipients, one.read, one.shown, len(one.copies)) == (14, 10, 1, threads.RECIPIENTS)
    assert [copy.agent for copy in one.copies[:4]] == [f"{name}@crew" for name in (*names[9:], "carol")]
    assert [copy.state for copy in one.copies[:5]] == ["unread"] * 3 + ["shown", "read"]
    assert [(one.recipients, one.read) for one in said(crew, sent, "alice")] == [(0, 0)]


def test_a_recipient_whose_wake_failed_comes_before_other_unread_mail(crew):
    sent = crew.send("bob", "all", "for all").message.id
    whose = crew.agent("carol").id
    fail = "update wakes set state = 'failed', next_attempt_at = null, closed_at = opened_at where agent_id = :id"
    crew.store.write(lambda tx: tx.run(fail, id=whose))
    (one,) = said(crew, sent)
    assert [(copy.agent, copy.given_up) for copy in one.copies] == [("carol@crew", True), ("alice@crew", False)]
    assert (one.recipients, one.read) == (2, 0)
