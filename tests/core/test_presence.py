"""Presence: what an agent's program says it is doing, and since when."""

import pytest

from xats.core.agents import presence


class Bob:
    """An agent whose program says what it does; `now` is the time on the clock of the test."""

    def __init__(self, team, clock) -> None:
        (agent,) = team.add("bob")
        self.id, self.store, self.clock = agent.id, team.store, clock

    def does(self, work, *args, **values):
        """Run one function of presence a second later; return the presence."""
        self.clock.tick(1000)
        self.store.write(lambda tx: work(tx, self.id, *args, **values))
        return self.seen

    @property
    def seen(self) -> presence.Presence:
        return self.store.read(lambda tx: presence.get(tx, self.id))

    @property
    def now(self) -> int:
        return self.store.clock()


@pytest.fixture
def bob(team, clock):
    return Bob(team, clock)


def test_the_same_state_of_the_same_session_keeps_its_time(bob):
    first = bob.does(presence.put, "busy", "s1")
    assert first.at == bob.now
    assert bob.does(presence.put, "busy", "s1").at == first.at
    assert bob.does(presence.begin_turn, "s1").at == first.at
    assert bob.does(presence.put, "busy", "s2").at == bob.now


def test_another_state_has_another_time(bob):
    bob.does(presence.put, "busy", "s1")
    assert bob.does(presence.put, "waiting", "s1").at == bob.now


def test_an_interrupted_agent_is_idle_since_its_user_broke_the_turn_off(bob):
    bob.does(presence.begin_turn, "s1")
    seen = bob.does(presence.interrupt, "s1", 2)
    assert (seen.state, seen.broken_off_at, seen.continued) == ("idle", bob.now, 2)
    assert seen.doing == ("idle", bob.now)


def test_a_turn_after_one_that_was_broken_off_begins_anew(bob):
    bob.does(presence.begin_turn, "s1")
    assert bob.does(presence.broken_off, bob.seen).broken_off_at == bob.now
    seen = bob.does(presence.begin_turn, "s1", 3)
    assert (seen.state, seen.at, seen.broken_off_at, seen.continued) == ("busy", bob.now, None, 3)


def test_a_hook_inside_a_turn_that_was_broken_off_keeps_its_time(bob):
    first = bob.does(presence.begin_turn, "s1")
    bob.does(presence.broken_off, first)
    seen = bob.does(presence.put, "busy", "s1")
    assert (seen.at, seen.broken_off_at) == (first.at, None)


def test_a_turn_is_not_broken_off_after_the_program_has_said_another_state(bob):
    old = bob.does(presence.begin_turn, "s1")
    bob.does(presence.put, "idle", "s1")
    assert bob.does(presence.broken_off, old).broken_off_at is None
