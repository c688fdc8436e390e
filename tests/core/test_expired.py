"""Mail whose time is over is expired everywhere at that moment: whether or not a sweep has noted it yet."""

import pytest

from tests.conftest import HostClock
from xats.base.pane import Pane
from xats.core import candidates
from xats.core import clock as clock_rules
from xats.core.agents import agents, listing, registration
from xats.core.mail import alerts, dead, inbox, owed, status, threads
from xats.core.waking import attempts, notices, wakes, watched

PANE = Pane("/tmp/s", 1, 1, "%1", 2, "/dev/pts/1")


@pytest.fixture
def clock():
    return HostClock()


@pytest.fixture
def crew(team):
    """alice writes to bob: message 1 lives for a second, message 2 for ever; the wake of both has failed."""
    team.add("alice", "bob")
    team.register("bob", seat=agents.Seat("here", 10, 1, "s-1", PANE), client="generic", wake_by="notice")
    team.send("alice", "bob", "short", subject="first", ttl=1000)
    team.send("alice", "bob", "long", subject="second", reply_to=1, need_reply=True)
    (wake,) = team.store.read(attempts.due)
    team.store.write(lambda tx: attempts.lease(tx, [wake], "d"))
    team.store.write(lambda tx: attempts.refused(tx, wake, "d", "busy", "tmux", lambda *_: None))
    team.store.write(lambda tx: tx.run("update deliveries set alerted_at = 1"))
    return team


def seen(tx, alice, bob) -> dict:
    """Return what every part of the core says of bob's mail."""
    (listed,) = [one for one in listing.agents(tx, "crew", None) if one.agent.name == "bob"]
    letters = {number: inbox.show(tx, bob, number).state for number in (1, 2)}
    said = [(one.message.id, copy.state) for one in threads.conversation(tx, 1, None, 9) for copy in one.copies]
    return {
        "agents": (listed.unread, listed.oldest_unread_at, listed.no_wake_reason),
        "inbox": (inbox.unread(tx, bob), [one.message.id for one in inbox.peek(tx, bob, inbox.Query()).letters]),
        "every": [(one.message.id, one.state) for one in inbox.peek(tx, bob, inbox.Query(every=True)).letters],
        "show": letters,
        "thread": [one.state for one in inbox.thread(tx, bob, 1, 9)[0]],
        "status": [status.status(tx, alice, number)[1][0].state for number in (1, 2)],
        "dead": [(one.message.id, one.reason, one.since) for one in dead.listing(tx, "crew", 9)[0]],
        "dead count": (dead.count(tx), dead.count(tx, "crew")),
        "wakes": (wakes.pending(tx, bob.id).unread, wakes.wanted(tx, bob.id)),
        "given up": [wake.agent_id for wake in watched.given_up(tx, "here", 9)],
        "badge": notices.unread(tx, "here", lambda *_: True),
        "alerts": alerts.standing(tx),
        "owed": owed.requests(tx, bob, 9),
        "Tab": list(candidates.received(tx, bob.id, "")),
        "top": (threads.headlines(tx, bob, None, 9)[0].state, said),
    }


def look(crew) -> dict:
    alice, bob = crew.agent("alice"), crew.agent("bob")
    return crew.store.read(lambda tx: seen(tx, alice, bob))


def test_every_part_says_the_same_before_and_after_a_sweep(crew, clock):
    before = look(crew)
    assert before["inbox"] == (2, [1, 2])
    clock.tick(999)
    assert look(crew)["inbox"] == (2, [1, 2])
    clock.tick(1)
    unswept = look(crew)
    assert unswept["inbox"] == (1, [2])
    assert unswept["status"] == ["expired", "unread"]
    assert unswept["dead"] == [(1, "expired", clock.now), (2, "retry_exhausted", clock.now - 1000)]
    assert (unswept["agents"][0], unswept["alerts"], unswept["badge"]) == (1, 1, {PANE: 1})
    assert unswept["Tab"][0] == ("2", "unread, alice: second")
    assert ("1", "expired, alice: first") in unswept["Tab"]
    assert crew.store.write(inbox.sweep) == 1
    assert look(crew) == unswept


def test_nothing_is_over_by_a_clock_that_may_be_wrong(crew, clock):
    crew.store.write(clock_rules.observe)
    before = look(crew)
    clock.jump(3600_000)
    after = look(crew)
    assert after["status"] == ["unread", "unread"]
    assert {part for part in after if after[part] != before[part]} == set()


def test_a_dead_letter_that_no_sweep_has_noted_can_be_sent_again_or_dropped(crew, clock):
    clock.tick(1000)
    (first,) = crew.store.read(lambda tx: dead.find(tx, "crew", 1))
    (again,) = crew.do("alice", dead.retry, [first])
    assert again == 3
    assert crew.see("bob", inbox.unread) == 2
    assert [one.message.id for one in crew.store.read(lambda tx: dead.listing(tx, "crew", 9))[0]] == []
    crew.store.write(inbox.sweep)
    assert crew.store.read(dead.count) == 0


def test_who_leaves_is_told_what_is_really_unread(crew, clock):
    clock.tick(1000)
    assert crew.do("bob", registration.unregister) == 1


def test_an_ack_after_the_end_counts(crew, clock):
    clock.tick(1000)
    crew.do("bob", inbox.ack, 1)
    assert look(crew)["status"] == ["read", "unread"]
