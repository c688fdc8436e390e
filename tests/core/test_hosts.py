"""On which host a session sits: releases before hosts had ids marked it with the host's name, and names change."""

import pytest

from xats.base.pane import Pane
from xats.core import hosts
from xats.core.agents import agents, registration
from xats.core.agents.agents import Seat

HERE, INSIDE, TOWER = "h1+0123456789abcdef", "h1+0123456789abcdef-0123456789abcdef", "h1+fedcba9876543210"


def pane(number=1):
    return Pane("/tmp/s", 100, 1_700_000_000, f"%{number}", 1000 + number, f"/dev/pts/{number}")


def where(team, name="bob"):
    seat = team.see(name, agents.current_session).seat
    return seat.host, seat.host_name, seat.pane and seat.pane.pane_id


def settle(team, mine=True, host=HERE, name="lap"):
    return team.store.write(lambda tx: hosts.settle(tx, host, name, lambda _: mine))


def follow(team, mine=True, host=HERE, name="lap", agent="bob"):
    me = team.agent(agent)
    team.store.write(lambda tx: hosts.follow(tx, me, host, name, lambda _: mine))


def test_a_session_that_is_marked_with_a_name_is_bound_to_the_id(team):
    team.register("bob", seat=Seat("oldname", 10, 1, None, pane()))
    assert where(team) == ("oldname", None, "%1")
    assert settle(team, mine=False) == 0
    assert where(team) == ("oldname", None, "%1")
    assert settle(team) == 1
    assert where(team) == (HERE, "lap", "%1")
    assert settle(team) == 0


def test_what_is_marked_with_an_id_gets_the_new_name_alone(team):
    team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"))
    team.register("carol", seat=Seat(TOWER, 10, 1, None, pane(), "tower"))
    assert settle(team, name="lap.home") == 0
    assert where(team) == (HERE, "lap.home", "%1")
    assert where(team, "carol") == (TOWER, "tower", "%1")


def test_the_last_one_bound_keeps_the_pane(team):
    """Two hosts may have had a pane of that number, and so may one host under two names."""
    team.register("first", seat=Seat("name-1", 10, 1, None, pane()))
    team.register("second", seat=Seat("name-2", 11, 1, None, pane()))
    team.register("third", seat=Seat("name-3", 12, 1, None, pane(2)))
    assert settle(team) == 3
    assert [where(team, name)[2] for name in ("first", "second", "third")] == [None, "%1", "%2"]


def test_who_is_bound_to_the_id_keeps_the_pane(team):
    team.register("bob", seat=Seat("oldname", 10, 1, None, pane()))
    team.register("carol", seat=Seat(HERE, 11, 1, None, pane(), "lap"))
    follow(team)
    assert where(team) == (HERE, "lap", None)
    assert where(team, "carol") == (HERE, "lap", "%1")


def test_an_agent_is_followed_to_where_it_acts(team):
    team.register("bob", seat=Seat("oldname", 10, 1, None, pane()))
    follow(team, mine=False)
    assert where(team)[0] == "oldname"
    follow(team)
    assert where(team) == (HERE, "lap", "%1")
    follow(team, mine=False, name="lap.home")
    assert where(team) == (HERE, "lap.home", "%1")


@pytest.mark.parametrize("there", [INSIDE, TOWER])
def test_an_agent_that_acts_on_another_host_stays_where_it_is(team, there):
    """Such as in a sandbox for a tool."""
    team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"))
    follow(team, host=there, name="lap")
    assert where(team) == (HERE, "lap", "%1")


def test_what_is_known_of_the_host_of_an_agent(team):
    team.register("bob", seat=Seat("oldname", 10, 1))
    team.register("carol", seat=Seat(HERE, 10, 1, host_name="lap"))
    carol = team.agent("carol")
    assert team.see("bob", agents.host_of) == ("oldname", None)
    assert team.see("carol", agents.host_of) == (HERE, "lap")
    team.do("carol", registration.unregister)
    assert team.store.read(lambda tx: agents.host_of(tx, carol)) == ("", None)


# -- registering -------------------------------------------------------------------------------------------------------


def test_the_process_that_was_registered_under_a_name_is_the_same_under_the_id(team):
    before = team.register("bob", seat=Seat("oldname", 10, 1, None, pane())).details.agent.epoch
    again = team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"), alive=lambda _: True)
    assert (again.new_session, again.details.agent.epoch) == (False, before)
    assert where(team) == (HERE, "lap", "%1")


def test_a_process_of_that_number_on_another_host_is_not(team):
    team.register("bob", seat=Seat("oldname", 10, 1, None, pane()))
    again = team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"), alive=lambda _: None)
    assert again.new_session


@pytest.mark.parametrize("there", [INSIDE, TOWER, "tower"])
def test_a_tool_of_the_session_in_a_sandbox_does_not_move_it(team, there):
    team.register("bob", seat=Seat(HERE, 10, 1, "s-1", pane(), "lap"))
    team.register("bob", seat=Seat(there, None, None, "s-1", None, "box"))
    seat = team.see("bob", agents.current_session).seat
    assert seat == Seat(HERE, 10, 1, "s-1", pane(), "lap")


def test_a_session_that_is_resumed_on_another_host_moves_with_nothing_of_the_old_one(team):
    team.register("bob", seat=Seat(HERE, 10, 1, "s-1", pane(), "lap"))
    done = team.register("bob", seat=Seat(TOWER, 20, 2, "s-1", None, "tower"))
    assert not done.new_session
    assert team.see("bob", agents.current_session).seat == Seat(TOWER, 20, 2, "s-1", None, "tower")
    team.register("bob", seat=Seat(HERE, None, None, "s-1", pane(3), "lap"))
    assert team.see("bob", agents.current_session).seat == Seat(HERE, None, None, "s-1", pane(3), "lap")


def test_the_name_of_the_host_is_said_and_not_its_id(team):
    team.register("bob", seat=Seat(HERE, 10, 1, host_name="lap"))
    with pytest.raises(Exception, match=r"pid 10 on lap\)"):
        team.register("bob", seat=Seat(HERE, 11, 1, host_name="lap"), alive=lambda _: True)


# -- from inside a sandbox ---------------------------------------------------------------------------------------------


def outside(team, machine=HERE):
    pair = team.store.read(lambda tx: agents.by_pane_outside(tx, machine, "/tmp/s", 100, "%1"))
    return pair and pair[0].name


def test_a_pane_outside_of_a_sandbox_is_found_on_its_machine(team):
    assert outside(team) is None
    team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"))
    team.register("carol", seat=Seat(TOWER, 10, 1, None, pane(), "tower"))
    assert outside(team) == "bob"
    assert outside(team, TOWER) == "carol"


def test_a_pane_that_two_hosts_of_the_machine_have_is_not_guessed(team):
    team.register("bob", seat=Seat(HERE, 10, 1, None, pane(), "lap"))
    team.register("carol", seat=Seat(INSIDE, 10, 1, None, pane(), "box"))
    assert outside(team) is None


def test_whether_anybody_sits_on_a_host(team):
    def sits(host):
        return team.store.read(lambda tx: hosts.has_agents(tx, host))

    team.register("bob", seat=Seat(INSIDE, 10, 1))
    assert (sits(HERE), sits(INSIDE)) == (False, True)
    team.do("bob", registration.unregister)
    assert not sits(INSIDE)
