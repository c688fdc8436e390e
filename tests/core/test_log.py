"""The log of mail: who sees which of it, and that looking costs little and changes nothing."""

import pytest

from tests.support.steps import steps
from xats.core.agents import registration
from xats.core.mail import inbox, log, sending
from xats.core.mail.sending import Draft


@pytest.fixture
def crew(team, clock):
    team.add("alice", "bob", "carol")
    team.register("dora", "other", client="generic")
    team.send("alice", "bob", "for bob", subject="Parser")  # 1
    clock.tick(1000)
    team.send("alice", "carol", "for carol", kind="question")  # 2
    team.do("bob", sending.reply, "pane", 1, Draft("", "an answer"))  # 3
    team.send("bob", "all", "for all")  # 4
    return team


def ids(crew, limit=50, **query):
    found, has_more = crew.store.read(lambda tx: log.latest(tx, log.Query(**query), limit))
    return [one.message.id for one in found], has_more


def test_a_person_sees_all_mail_of_the_team_the_newest_last(crew):
    assert ids(crew, team="crew") == ([1, 2, 3, 4], False)
    assert ids(crew, team="crew", limit=2) == ([3, 4], True)
    assert ids(crew, team="other") == ([], False)
    assert ids(crew, team=None) == ([1, 2, 3, 4], False)


def test_mail_between_two_teams_is_in_both_logs(crew):
    crew.send("alice", "dora@other", "across")
    assert ids(crew, team="other") == ([5], False)
    assert ids(crew, team="crew")[0][-1] == 5


def test_an_agent_sees_what_it_sent_and_what_it_got(crew):
    alice, bob, carol = (crew.agent(name) for name in ("alice", "bob", "carol"))
    assert ids(crew, viewer=carol, team="crew") == ([2, 4], False)
    assert ids(crew, viewer=bob, team="crew") == ([1, 3, 4], False)
    assert ids(crew, viewer=bob, sender=carol) == ([], False)
    assert ids(crew, viewer=bob, recipient=carol) == ([4], False)
    assert ids(crew, viewer=alice, sender=alice) == ([1, 2], False)


def test_the_conditions_can_be_joined(crew, clock):
    alice, carol = crew.agent("alice"), crew.agent("carol")
    assert ids(crew, team="crew", sender=alice) == ([1, 2], False)
    assert ids(crew, team="crew", sender=alice, recipient=carol) == ([2], False)
    assert ids(crew, team="crew", kind="question") == ([2], False)
    assert ids(crew, team="crew", since=2) == ([3, 4], False)
    assert ids(crew, team="crew", since_at=clock.now) == ([2, 3, 4], False)


def test_a_recipient_sees_no_state_but_its_own(crew):
    crew.do("carol", inbox.mark_read, [4])

    def copies(viewer):
        query = log.Query(viewer=crew.agent(viewer) if viewer else None, team="crew", since=3)
        ((entry,), _) = crew.store.read(lambda tx: log.latest(tx, query, 9))
        return [(one.agent, one.state) for one in entry.copies]

    assert copies(None) == copies("bob") == [("alice@crew", "unread"), ("carol@crew", "read")]
    assert copies("carol") == [("carol@crew", "read")]
    assert copies("alice") == [("alice@crew", "unread")]


def test_what_is_new_comes_oldest_first_and_loses_nothing(crew):
    seen, query, has_more = [], log.Query(team="crew", since=0), True
    while has_more:
        found, has_more = crew.store.read(lambda tx, query=query: log.newer(tx, query, 3))
        seen += [one.message.id for one in found]
        query = query.behind(seen[-1])
    assert seen == [1, 2, 3, 4]
    assert crew.store.read(log.newest) == 4


def test_mail_of_an_agent_that_has_left_stays_in_the_log(crew):
    crew.do("bob", registration.unregister)
    assert ids(crew, team="crew")[0] == [1, 2, 3, 4]


def many(crew, count):
    draft = Draft("bob", "text")
    crew.do("alice", lambda tx, me: [sending.send(tx, me, "pane", draft) for _ in range(count)])


@pytest.mark.sqlite
@pytest.mark.parametrize("viewer", [None, "alice"])
def test_a_page_costs_the_same_with_much_mail(crew, viewer):
    def page(tx, me):
        return log.latest(tx, log.Query(viewer=me if viewer else None, team="crew"), 20)

    many(crew, 30)
    few = steps(crew, page)
    many(crew, 300)
    assert steps(crew, page) < 1.2 * few
