"""Held mail: for a name that is not there yet, or that has left, and only where that was asked for."""

import pytest

from xats.base import errors
from xats.core.agents import agents, changes, listing, registration
from xats.core.agents.agents import Seat
from xats.core.mail import alerts, inbox, sending, status
from xats.core.mail.sending import Draft
from xats.core.waking import attempts

HERE = "h1+0123456789abcdef"


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    return team


def bodies(crew, name):
    return [one.message.body for one in crew.see(name, inbox.peek, inbox.Query()).letters]


def leave(crew, name, by):
    kim = crew.agent(by)
    return crew.do(name, lambda tx, me: registration.unregister(tx, me, kim))


def test_the_error_says_when_an_agent_left_and_how_to_keep_the_mail(crew, clock):
    leave(crew, "bob", "alice")
    clock.tick(3 * 60_000)
    with pytest.raises(errors.UnknownRecipient) as caught:
        crew.send("alice", "bob")
    assert str(caught.value) == "bob left 3 min ago (unregistered by alice). Nothing was sent."
    assert caught.value.hint == "to hold mail for that name: xats send bob --hold 'text'"
    assert caught.value.data["left_by"] == "alice"
    with pytest.raises(errors.UnknownAgent, match=r"bob left team crew 3 min ago \(unregistered by alice\)"):
        crew.agent("bob")


def test_who_left_by_itself_is_said_to_have_left(crew, clock):
    leave(crew, "bob", "bob")
    clock.tick(60_000)
    with pytest.raises(errors.UnknownRecipient, match=r"bob left 60 s ago\. Nothing"):
        crew.send("alice", "bob")


def test_mail_is_held_for_an_agent_that_left(crew):
    leave(crew, "bob", "bob")
    sent = crew.send("alice", "bob", "kept", hold=True)
    assert (sent.recipients, sent.not_woken) == (("bob@crew",), (("bob@crew", "not_registered"),))
    crew.register("bob", seat=Seat(HERE, 10, 1))
    assert bodies(crew, "bob") == ["kept"]
    assert [one.agent_id for one in crew.store.read(attempts.due)] == [crew.agent("bob").id]


def test_mail_is_held_for_a_name_that_is_not_there_yet(crew, rows):
    sent = crew.send("alice", "Kim", "kept", hold=True)
    shown = crew.see("alice", status.status, sent.message.id)[1][0]
    assert (shown.agent, shown.state, shown.wake.reason, shown.wake.next_attempt_at) == (
        "Kim@crew",
        "unread",
        "not_registered",
        None,
    )
    assert crew.store.read(attempts.due) == []
    assert [one.agent.name for one in crew.store.read(lambda tx: listing.agents(tx, "crew", None))] == ["alice", "bob"]
    crew.send("alice", "all", "for those that are here")
    crew.register("kim", seat=Seat(HERE, 10, 1))
    assert bodies(crew, "kim") == ["kept"]


def test_without_hold_such_a_name_is_still_refused(crew):
    crew.send("alice", "kim", hold=True)
    with pytest.raises(
        errors.UnknownRecipient, match="kim has not registered yet; xats holds 1 message for it"
    ) as caught:
        crew.send("alice", "kim")
    assert "--hold" in caught.value.hint
    with pytest.raises(errors.UnknownAgent, match="There is no agent kim"):
        crew.agent("kim")


def test_a_typo_is_an_error_with_close_names(crew, rows):
    crew.add("bobby")
    with pytest.raises(errors.UnknownRecipient) as caught:
        crew.send("alice", "bobb")
    assert set(caught.value.hint.removeprefix("did you mean ").removesuffix("?").split(" or ")) == {"bob", "bobby"}
    assert rows("select 1 from agents where name_key = 'bobb'") == []


def test_held_mail_expires(crew, clock):
    crew.send("alice", "kim", "too late", hold=True, ttl=60_000)
    clock.tick(60_001)
    crew.store.write(inbox.sweep)
    crew.register("kim", seat=Seat(HERE, 10, 1))
    assert bodies(crew, "kim") == []
    assert crew.store.read(attempts.due) == []


@pytest.mark.parametrize("address", ["all", "role:dev", "tag:gpu", "cap:rust", "kim,all"])
def test_only_names_can_be_held(crew, address, rows):
    with pytest.raises(errors.Usage, match="is a group"):
        crew.send("alice", address, hold=True)
    assert rows("select 1 from agents where name_key = 'kim'") == []


def test_who_is_here_gets_it_at_once(crew):
    sent = crew.send("alice", "bob,kim", "both", hold=True)
    assert sent.recipients == ("bob@crew", "kim@crew")
    assert sent.not_woken == (("kim@crew", "not_registered"),)
    assert bodies(crew, "bob") == ["both"]


def test_xats_itself_and_unknown_teams_hold_nothing(crew):
    crew.store.write(lambda tx: agents.system(tx, "crew"))
    with pytest.raises(errors.UnknownRecipient, match="reads no mail"):
        crew.send("alice", "xats", hold=True)
    with pytest.raises(errors.UnknownRecipient, match=r"No team is called nowhere\. Teams: crew\."):
        crew.send("alice", "bob@nowhere", hold=True)


def test_an_answer_can_be_held_too(crew, clock):
    asked = crew.send("bob", "alice", "question").message.id
    leave(crew, "bob", "alice")
    clock.tick(3 * 60_000)
    with pytest.raises(errors.UnknownRecipient, match="bob left 3 min ago") as caught:
        crew.do("alice", sending.reply, "pane", asked, Draft("", "answer"))
    assert f"xats reply {asked} --hold" in caught.value.hint
    crew.do("alice", sending.reply, "pane", asked, Draft("", "answer", hold=True))
    crew.register("bob", seat=Seat(HERE, 10, 1))
    assert bodies(crew, "bob") == ["answer"]


def test_an_answer_to_several_goes_to_those_that_are_here(crew):
    crew.add("carol")
    sent = crew.send("alice", "bob,carol").message.id
    leave(crew, "carol", "carol")
    more = crew.do("alice", sending.reply, "pane", sent, Draft("", "more"))
    assert more.recipients == ("bob@crew",)


def test_a_batch_holds_line_by_line(crew):
    me = crew.agent("alice")
    drafts = [Draft("kim", "one", hold=True), Draft("kim", "two")]
    with pytest.raises(errors.UnknownRecipient) as caught:
        crew.store.write(lambda tx: sending.send_all(tx, me, "pane", drafts))
    assert caught.value.index == 1
    drafts = [Draft("kim", "one", hold=True), Draft("kim", "two", hold=True)]
    crew.store.write(lambda tx: sending.send_all(tx, me, "pane", drafts))
    crew.register("kim", seat=Seat(HERE, 10, 1))
    assert bodies(crew, "kim") == ["one", "two"]


def test_the_sender_of_held_mail_is_told_after_the_usual_time(crew, clock):
    crew.send("alice", "kim", hold=True)
    clock.tick(alerts.AFTER + 1)
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    assert "mail is held until an agent registers under that name" in bodies(crew, "alice")[-1]


def test_a_person_who_registers_such_a_name_stays_a_person(crew):
    crew.send("alice", "kim", hold=True)
    crew.register("kim", client="human")
    assert crew.agent("kim").client == "human"


def test_a_former_name_leads_to_an_agent_that_has_left(crew, clock):
    bob = crew.agent("bob")
    crew.store.write(lambda tx: changes.rename(tx, bob, bob, "builder"))
    leave(crew, "builder", "alice")
    with pytest.raises(errors.UnknownRecipient, match="bob left just now"):
        crew.send("alice", "bob")
    held = crew.send("alice", "bob", hold=True)
    assert held.recipients == ("builder@crew",)
    assert crew.register("bob").details.agent.name == "builder"
    assert len(bodies(crew, "builder")) == 1
