"""The recap: the last mail of an agent as far as a viewer may see it, and who else is in its team."""

from tests.conftest import HOST
from xats.core import recap
from xats.core.agents import agents, doing, presence, registration
from xats.core.agents.agents import Seat
from xats.core.mail import sending
from xats.core.mail.sending import Draft


def ids(found) -> list[int]:
    return [one.id for one in found]


def test_it_has_the_last_mail_in_both_directions_and_changes_none_of_it(team, rows):
    team.add("alice", "bob", "carol")
    asked = team.send("alice", "bob", "look\nhere").message.id
    team.do("bob", sending.reply, "pane", asked, Draft("", "done"))
    team.send("carol", "alice", "not bob's")
    told = team.send("bob", "alice,carol", "x", subject="Ready").message.id
    before = rows("select * from deliveries")
    found = team.see("bob", recap.mail, None, 10)
    assert [(one.id, one.sent, one.other, one.about, one.state) for one in found] == [
        (told, True, "alice,carol", "Ready", None),
        (2, True, "alice@crew", "done", None),
        (asked, False, "alice@crew", "look\nhere", "replied"),
    ]
    assert ids(team.see("bob", recap.mail, None, 1)) == [told]
    assert rows("select * from deliveries") == before


def test_another_agent_sees_the_mail_between_them_alone(team):
    team.add("alice", "bob", "carol")
    first = team.send("alice", "bob").message.id
    for _ in range(20):
        team.send("carol", "bob")
    both = team.send("bob", "alice,carol").message.id
    alice, carol = team.agent("alice"), team.agent("carol")
    assert ids(team.see("bob", recap.mail, alice, 10)) == [both, first]
    assert len(team.see("bob", recap.mail, carol, 100)) == 21
    assert len(team.see("bob", recap.mail, None, 100)) == 22


def test_a_letter_to_oneself_is_there_once(team):
    team.add("bob")
    number = team.send("bob", "me").message.id
    assert ids(team.see("bob", recap.mail, None, 10)) == [number]


def test_the_others_are_those_of_the_team_with_a_session(team, clock):
    team.add("alice", "bob", "carol")
    team.register("zoe", team="other")
    team.register("dave", seat=Seat(HOST, 5, 1, "s1"), client="codex")
    team.do("dave", doing.put, "fixing the parser")
    dave = team.agent("dave")
    team.store.write(lambda tx: presence.put(tx, dave.id, "busy", "s1"))
    team.do("carol", registration.unregister)
    clock.tick(1000)
    team.store.write(lambda tx: agents.touch(tx, dave))
    found = team.see("bob", recap.others, 10)
    assert [one.agent.name for one in found] == ["dave", "alice"]
    assert found[0].session.doing == "fixing the parser"
    assert found[0].presence.doing[0] == "busy"
    assert found[1].presence is None
    assert len(team.see("bob", recap.others, 1)) == 1
