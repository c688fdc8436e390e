"""Accepting mail: whom it reaches, once each, what it needs, and what is refused with nothing stored."""

import json

import pytest

from xats.base import errors
from xats.core.agents import agents, registration
from xats.core.contracts import contracts
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft


@pytest.fixture
def crowd(team):
    """alice and bob (reviewers, bob with a GPU), carol (a person), dave in another team."""
    team.add("alice", role="reviewer")
    team.add("bob", role="Reviewer", tags=("gpu",), capabilities=("rust",))
    team.add("carol", client="human")
    team.register("dave", "other", client="generic")
    return team


def nothing_stored(rows) -> bool:
    tables = ("messages", "deliveries", "wakes")
    return not any(rows(f"select * from {table}") for table in tables) and not rows(
        "select * from events where type = 'message_sent'"
    )


# -- whom --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address, recipients",
    [
        ("bob", ["bob@crew"]),
        ("BOB", ["bob@crew"]),
        ("bob@crew", ["bob@crew"]),
        ("dave@other", ["dave@other"]),
        ("all", ["bob@crew", "carol@crew"]),
        ("all@other", ["dave@other"]),
        ("role:reviewer", ["bob@crew"]),
        ("ROLE:x", None),
        ("role:REVIEWER", ["bob@crew"]),
        ("tag:gpu", ["bob@crew"]),
        ("cap:rust", ["bob@crew"]),
        ("me", ["alice@crew"]),
        ("alice", ["alice@crew"]),
        ("bob,carol", ["bob@crew", "carol@crew"]),
        ("bob, BOB,role:reviewer,tag:gpu,all", ["bob@crew", "carol@crew"]),
        ("all,all@other", ["bob@crew", "carol@crew", "dave@other"]),
        ("alice,all", ["alice@crew", "bob@crew", "carol@crew"]),
    ],
)
def test_an_address_reaches_each_once_and_a_group_never_the_sender(crowd, rows, address, recipients):
    if recipients is None:
        with pytest.raises(errors.InvalidName):
            crowd.send("alice", address)
        return
    sent = crowd.send("alice", address)
    assert sorted(sent.recipients) == recipients
    reached = rows(
        "select a.name || '@' || a.team as who from deliveries d join agents a on a.id = d.agent_id order by who"
    )
    assert [row["who"] for row in reached] == recipients
    assert len(rows("select * from messages")) == 1


@pytest.mark.parametrize(
    "address, hint",
    [
        ("bobb", "did you mean bob?"),
        ("nobody", "xats agents --team crew"),
        ("dave", "did you mean dave@other?"),
        ("role:reviewers", "did you mean role:reviewer?"),
        ("role:zzz", "xats agents --team crew"),
        ("tag:none", "xats agents --team crew"),
        ("cap:none", "xats agents --team crew"),
        ("all@zzz", "to begin a new team: xats register NAME --team zzz"),
        ("eve@othre", "did you mean other?"),
        ("bob,bobb", "did you mean bob?"),
        ("bob@other", "did you mean bob@crew?"),
    ],
)
def test_an_address_of_nobody_stores_nothing_and_says_what_was_probably_meant(crowd, rows, address, hint):
    with pytest.raises(errors.UnknownRecipient) as caught:
        crowd.send("alice", address)
    assert caught.value.exit == 3
    assert caught.value.hint == hint
    assert "Nothing was sent" in str(caught.value)
    assert nothing_stored(rows)


def test_a_group_of_nobody_but_the_sender_is_nobody(crowd, rows):
    with pytest.raises(errors.UnknownRecipient):
        crowd.send("bob", "tag:gpu")
    assert nothing_stored(rows)


def test_who_joins_later_does_not_see_a_fan_out(crowd):
    crowd.send("alice", "all")
    crowd.add("erin")
    assert crowd.see("erin", inbox.unread) == 0
    with pytest.raises(errors.UnknownMessage):
        crowd.see("erin", inbox.show, 1)


# -- what it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address, draft, kind, need_reply",
    [
        ("bob", {}, "mail", True),
        ("bob,carol", {}, "mail", True),
        ("bob", {"need_reply": False}, "mail", False),
        ("all", {}, "broadcast", False),
        ("role:reviewer", {}, "broadcast", False),
        ("bob,all", {}, "broadcast", False),
        ("all", {"need_reply": True}, "broadcast", True),
        ("bob", {"kind": "review"}, "review", True),
        ("bob", {"kind": "info"}, "info", False),
        ("bob", {"kind": "Info"}, "Info", False),
        ("bob", {"kind": "info", "need_reply": True}, "info", True),
        ("me", {}, "mail", True),
    ],
)
def test_direct_mail_needs_a_reply_and_a_fan_out_does_not(crowd, rows, address, draft, kind, need_reply):
    message = crowd.send("alice", address, **draft).message
    assert (message.kind, message.need_reply) == (kind, need_reply)
    (row,) = rows("select kind, need_reply from messages")
    assert (row["kind"], bool(row["need_reply"])) == (kind, need_reply)


def test_what_is_handed_back_is_what_is_stored(crowd):
    sent = crowd.send("alice", "bob", "a body", subject="S", ttl=1000, dedupe_key="k", evidence="flag")
    assert crowd.see("bob", inbox.show, sent.message.id).message == sent.message
    answer = crowd.send("bob", "alice", "an answer", reply_to=sent.message.id)
    assert crowd.see("alice", inbox.show, answer.message.id).message == answer.message


def test_sending_is_told_by_an_event(crowd, rows):
    crowd.send("alice", "all", "secret words")
    (event,) = rows("select * from events where type = 'message_sent'")
    assert (event["team"], event["actor"], event["subject"]) == ("crew", "alice", "message:1")
    data = json.loads(event["data"])
    assert data == {"address": "all", "recipients": 2, "kind": "broadcast", "thread_id": 1}
    assert "secret" not in event["data"]


# -- the key -----------------------------------------------------------------------------------------------------------


def test_a_key_sends_once_for_each_sender(crowd, rows):
    first = crowd.send("alice", "bob", "one", dedupe_key="k")
    again = crowd.send("alice", "bob", "one", dedupe_key="k")
    other = crowd.send("carol", "bob", "three", dedupe_key="k")
    assert (first.created, again.created, other.created) == (True, False, True)
    assert again.message == first.message
    assert again.recipients == ("bob@crew",)
    assert len(rows("select * from deliveries")) == 2
    assert len(rows("select * from events where type = 'message_sent'")) == 2
    assert rows("select mails from wakes") == [{"mails": 2}]


@pytest.mark.parametrize("address", ["bob", "tag:gpu"])
def test_a_key_is_remembered_after_its_recipients_have_left(crowd, address):
    first = crowd.send("alice", address, dedupe_key="k")
    crowd.do("bob", registration.unregister)
    again = crowd.send("alice", address, dedupe_key="k")
    assert (again.created, again.message.id) == (False, first.message.id)
    with pytest.raises(errors.UnknownRecipient):
        crowd.send("alice", address, dedupe_key="another")


FIRST = {"address": "bob", "body": "one", "subject": "S", "dedupe_key": "k"}


@pytest.mark.parametrize(
    "change, differs",
    [
        ({"body": "two"}, "body"),
        ({"body": "one "}, "body"),
        ({"address": "carol"}, "address"),
        ({"address": "bob@crew"}, "address"),
        ({"address": "all", "kind": "mail", "need_reply": True}, "address"),
        ({"subject": "T"}, "subject"),
        ({"subject": None}, "subject"),
        ({"kind": "note"}, "kind"),
        ({"need_reply": False}, "need_reply"),
        ({"reply_to": 1, "kind": "mail", "need_reply": True}, "reply_to"),
    ],
    ids=str,
)
def test_a_key_for_another_message_is_refused_and_takes_no_id(crowd, rows, clock, change, differs):
    crowd.send("alice", **FIRST)
    clock.tick(120_000)
    before = rows("select * from messages"), rows("select * from events")
    with pytest.raises(errors.KeyReused) as caught:
        crowd.send("alice", **FIRST | change)
    assert (caught.value.code, caught.value.exit) == ("key_reused", 4)
    assert caught.value.data["differs"] == [differs]
    assert (caught.value.data["id"], caught.value.data["address"]) == (1, "bob")
    assert "Message 1 to bob, sent 2 min ago, has this key" in str(caught.value)
    assert (rows("select * from messages"), rows("select * from events")) == before
    assert crowd.send("alice", "bob", "next").message.id == 2


@pytest.mark.parametrize(
    "change", [{"ttl": 5000}, {"wake": False}, {"hops": 1}, {"kind": "mail"}, {"need_reply": True}], ids=str
)
def test_the_same_message_under_its_key_is_sent_once_and_takes_no_id(crowd, change):
    first = crowd.send("alice", **FIRST)
    again = crowd.send("alice", **FIRST | change)
    assert (again.created, again.message) == (False, first.message)
    assert crowd.send("alice", "bob", "next").message.id == 2


def test_a_key_is_for_one_contract(crowd):
    order, bill = (1, "order", 1), (2, "bill", 1)
    for name in ("order", "bill"):
        crowd.do("alice", contracts.put, contracts.New(name, "{}"), None)
    crowd.send("alice", "bob", "{}", dedupe_key="k", contract=order)
    assert not crowd.send("alice", "bob", "{}", dedupe_key="k", contract=order).created
    for other in (bill, None):
        with pytest.raises(errors.KeyReused, match="another contract"):
            crowd.send("alice", "bob", "{}", dedupe_key="k", contract=other)


def test_a_key_of_a_group_outlives_its_members(crowd):
    first = crowd.send("alice", "role:reviewer", dedupe_key="k")
    crowd.register("dave", role="reviewer")
    again = crowd.send("alice", "role:reviewer", dedupe_key="k")
    assert (again.created, again.recipients) == (False, first.recipients)


def test_a_reply_is_not_another_one_because_of_what_its_address_is_called(crowd):
    crowd.send("alice", "bob")
    crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes", dedupe_key="k"))
    crowd.store.write(lambda tx: tx.run("update agents set name = 'ann', name_key = 'ann' where name = 'alice'"))
    assert not crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes", dedupe_key="k")).created
    with pytest.raises(errors.KeyReused, match="another body"):
        crowd.do("bob", sending.reply, "pane", 1, Draft("", "no", dedupe_key="k"))


def test_a_batch_refuses_a_key_for_two_messages(crowd, rows):
    drafts = [Draft("bob", "one"), Draft("bob", "two", dedupe_key="k"), Draft("bob", "three", dedupe_key="k")]
    with pytest.raises(errors.KeyReused) as caught:
        crowd.do("alice", sending.send_all, "pane", drafts)
    assert caught.value.index == 2
    assert nothing_stored(rows)


def test_a_reply_can_have_a_key(crowd):
    crowd.send("alice", "bob")
    first = crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes", dedupe_key="k"))
    again = crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes", dedupe_key="k"))
    assert (first.created, again.created, again.message.id) == (True, False, first.message.id)


# -- bodies ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        " ",
        "\n\t \n",
        "x" * (sending.LARGEST_BODY + 1),
        "é" * (sending.LARGEST_BODY // 2 + 1),
        "\ud800",
        "a\udcff",
        "a\0b",
    ],
    ids=[
        "empty",
        "space",
        "white",
        "one-byte-too-many",
        "too-many-bytes-of-letters",
        "surrogate",
        "escaped-byte",
        "NUL",
    ],
)
def test_a_bad_body_is_refused_and_nothing_stored(crowd, rows, body):
    with pytest.raises(errors.InvalidBody) as caught:
        crowd.send("alice", "bob", body)
    assert (caught.value.code, caught.value.exit) == ("invalid_body", 2)
    assert "Nothing was sent" in str(caught.value)
    assert caught.value.hint
    assert nothing_stored(rows)


@pytest.mark.parametrize(
    "body",
    ["x", "x" * sending.LARGEST_BODY, "é" * (sending.LARGEST_BODY // 2), "\x1b[31m\x01\x9b", "日本語 🙂", " x\n"],
    ids=["one", "1MiB", "1MiB-of-letters", "control", "unicode", "space-around"],
)
def test_a_good_body_is_kept_to_the_byte(crowd, body):
    crowd.send("alice", "bob", body)
    (letter,) = crowd.see("bob", inbox.peek, inbox.Query()).letters
    assert letter.message.body == body


@pytest.mark.parametrize("subject", ["x" * 201, "two\nlines", "\ud800", "a\0"])
def test_a_bad_subject_is_refused(crowd, rows, subject):
    with pytest.raises(errors.InvalidBody):
        crowd.send("alice", "bob", subject=subject)
    assert nothing_stored(rows)


# -- threads -----------------------------------------------------------------------------------------------------------


def test_answers_stay_in_the_thread_of_the_first_message(crowd):
    first = crowd.send("alice", "bob", subject="Parser").message
    second = crowd.do("bob", sending.reply, "pane", first.id, Draft("", "yes")).message
    third = crowd.do("alice", sending.reply, "pane", second.id, Draft("", "thanks", need_reply=True)).message
    other = crowd.send("alice", "bob").message
    assert (first.thread_id, second.thread_id, third.thread_id) == (first.id,) * 3
    assert (second.reply_to, third.reply_to) == (first.id, second.id)
    assert (second.subject, third.subject) == ("Re: Parser", "Re: Parser")
    assert (second.kind, second.need_reply, third.need_reply) == ("reply", False, True)
    assert other.thread_id == other.id


def test_an_answer_goes_to_the_sender_and_marks_the_message_replied(crowd, rows):
    crowd.send("alice", "bob,carol")
    sent = crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes"))
    assert sent.recipients == ("alice@crew",)
    states = rows("select a.name, d.state from deliveries d join agents a on a.id = d.agent_id where message_id = 1")
    assert {row["name"]: row["state"] for row in states} == {"bob": "replied", "carol": "unread"}


def test_an_answer_to_my_own_message_goes_to_whom_that_went(crowd):
    crowd.send("alice", "bob,carol")
    sent = crowd.do("alice", sending.reply, "pane", 1, Draft("", "and another thing"))
    assert sorted(sent.recipients) == ["bob@crew", "carol@crew"]
    assert sent.message.thread_id == 1


def test_an_answer_crosses_teams(crowd):
    crowd.send("alice", "dave@other")
    dave = crowd.agent("dave", "other")
    sent = crowd.store.write(lambda tx: sending.reply(tx, dave, "pane", 1, Draft("", "hi")))
    assert sent.recipients == ("alice@crew",)


def test_reply_to_threads_a_message_to_somebody_else(crowd):
    first = crowd.send("alice", "bob")
    sent = crowd.send("bob", "carol", "see this", reply_to=first.message.id)
    assert (sent.message.thread_id, sent.message.kind, sent.message.need_reply) == (first.message.id, "reply", False)


@pytest.mark.parametrize("number", [0, -1, 2, 99])
def test_an_answer_to_what_one_never_got_is_refused(crowd, rows, number):
    crowd.send("alice", "bob")
    crowd.send("alice", "bob")
    before = rows("select * from messages"), rows("select * from events")
    with pytest.raises(errors.UnknownMessage):
        crowd.send("carol", "bob", reply_to=number)
    with pytest.raises(errors.UnknownMessage):
        crowd.do("carol", sending.reply, "pane", number, Draft("", "me too"))
    assert (rows("select * from messages"), rows("select * from events")) == before


def test_an_answer_that_nobody_would_read_is_refused(crowd, rows):
    """xats itself has no inbox: what is sent to it would stay unread for ever."""

    def tell(tx) -> None:
        sending.send(tx, agents.system(tx, "crew"), "process", Draft("alice", "done"))

    crowd.store.write(tell)
    with pytest.raises(errors.UnknownRecipient, match="from xats itself"):
        crowd.do("alice", sending.reply, "pane", 1, Draft("", "thanks"))
    assert rows("select state from deliveries") == [{"state": "unread"}]
    assert crowd.send("alice", "bob", "look", reply_to=1).recipients == ("bob@crew",)


def test_a_long_subject_is_still_answered(crowd):
    crowd.send("alice", "bob", subject="s" * 200)
    answer = crowd.do("bob", sending.reply, "pane", 1, Draft("", "yes")).message
    assert len(answer.subject) == 200
    assert answer.subject.startswith("Re: s")


# -- many --------------------------------------------------------------------------------------------------------------


def test_a_batch_is_sent_in_order(crowd):
    drafts = [Draft("bob", f"n{n}") for n in range(5)] + [Draft("all", "everybody")]
    sent = crowd.do("alice", sending.send_all, "pane", drafts)
    assert [one.message.id for one in sent] == [1, 2, 3, 4, 5, 6]
    assert [one.message.need_reply for one in sent] == [True] * 5 + [False]
    assert crowd.see("bob", inbox.unread) == 6


def test_a_key_that_a_batch_has_twice_is_sent_once_and_has_the_same_recipients(crowd):
    first, again = crowd.do("alice", sending.send_all, "pane", [Draft("bob", "x", dedupe_key="k")] * 2)
    assert (again.created, again.message.id, again.recipients) == (False, first.message.id, first.recipients)
    assert again.recipients == ("bob@crew",)
    assert crowd.see("bob", inbox.unread) == 1


@pytest.mark.parametrize(
    "bad, kind",
    [
        (Draft("nobody", "x"), errors.UnknownRecipient),
        (Draft("a b", "x"), errors.InvalidName),
        (Draft("bob", "x", reply_to=99), errors.UnknownMessage),
    ],
)
def test_a_batch_is_sent_whole_or_not_at_all_and_says_which_was_wrong(crowd, rows, bad, kind):
    with pytest.raises(kind) as caught:
        crowd.do("alice", sending.send_all, "pane", [Draft("bob", "one"), Draft("bob", "two"), bad])
    assert caught.value.index == 2
    assert nothing_stored(rows)
