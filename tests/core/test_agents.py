"""Agents and their sessions: who holds a name, who holds a pane, and whose word no longer counts."""

import os
import subprocess
import sys

import pytest

from xats.base import errors, host, process
from xats.base.pane import Pane
from xats.cli.agents import states
from xats.core.agents import agents, listing, presence, registration
from xats.core.agents.agents import Seat
from xats.core.mail import inbox, messages

HERE, ELSEWHERE = "h1+0123456789abcdef", "h1+fedcba9876543210"


def pane(number: int = 1, server: int = 100, socket: str = "/tmp/s", pid: int = 1000) -> Pane:
    return Pane(socket, server, 1_700_000_000, f"%{number}", pid + number, f"/dev/pts/{number}")


def seat(pid: int | None = None, started: int = 1, **more) -> Seat:
    return Seat(HERE, pid, started if pid is not None else None, **more)


def events(rows, kind: str) -> list[dict]:
    return rows("select team, actor, subject, data from events where type = :kind order by id", kind=kind)


def test_the_lookup_of_agents_loads_no_rules_of_mail_wakes_or_registration():
    """Every hook and every verb looks up who it is; few of them do more."""
    code = "import sys, xats.core.agents.agents; print(*sorted(name for name in sys.modules if '.core.' in name))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert found == [
        "xats.core.address",
        "xats.core.agents",
        "xats.core.agents.agents",
        "xats.core.teams",
        "xats.core.teams.teams",
    ]


# -- registering -------------------------------------------------------------------------------------------------------


def test_the_first_registration_makes_the_agent(team):
    done = team.register("Alice", seat=seat(10), role="Backend", client="codex", model="o9", tags=("GPU", "big", "gpu"))
    agent = done.details.agent
    assert (done.created, done.new_session, done.unseated) == (True, True, None)
    assert (agent.name, agent.team, agent.role, agent.client, agent.model, agent.epoch) == (
        "Alice",
        "crew",
        "backend",
        "codex",
        "o9",
        1,
    )
    assert done.details.tags == ("big", "gpu")
    assert agent.registered


def test_again_is_the_same_agent_and_session(team):
    first = team.register("alice", seat=seat(10))
    again = team.register("ALICE", seat=seat(10))
    assert (again.created, again.new_session) == (False, False)
    assert again.details.agent.id == first.details.agent.id
    assert again.details.agent.name == "alice"
    assert again.details.agent.epoch == 1


def test_again_changes_only_what_is_given(team):
    given = {"role": "backend", "client": "codex", "model": "o9", "tags": ("gpu",), "capabilities": ("rust",)}
    team.register("alice", seat=seat(10), **given)
    kept = team.register("alice", seat=seat(10)).details
    assert (kept.agent.role, kept.agent.client, kept.agent.model) == ("backend", "codex", "o9")
    assert (kept.tags, kept.capabilities) == (("gpu",), ("rust",))
    changed = team.register("alice", seat=seat(10), tags=("cpu", "arm")).details
    assert (changed.tags, changed.capabilities, changed.agent.role) == (("arm", "cpu"), ("rust",), "backend")
    assert team.register("alice", seat=seat(10), tags=()).details.tags == ()


def test_a_new_session_keeps_the_mail_and_gets_the_next_epoch(team):
    team.add("bob")
    team.register("alice", seat=seat(10))
    team.send("bob", "alice")
    again = team.register("alice", seat=seat(11), alive=lambda _: False)
    assert (again.new_session, again.details.agent.epoch) == (True, 2)
    assert team.see("alice", inbox.unread) == 1


def test_names_are_one_without_regard_to_case_and_apart_in_each_team(team):
    one = team.register("alice").details.agent
    assert team.agent("ALICE").id == one.id
    assert team.register("alice", "other").details.agent.id != one.id


@pytest.mark.parametrize("alive, taken", [(True, True), (False, False), (None, False)])
def test_only_a_living_holder_keeps_a_name_from_others(team, alive, taken):
    team.register("alice", seat=seat(10))
    if taken:
        with pytest.raises(errors.NameTaken) as caught:
            team.register("alice", seat=seat(11), alive=lambda _: alive)
        assert caught.value.exit == 4
        assert "--takeover" in caught.value.hint
        assert team.agent("alice").epoch == 1
    else:
        assert team.register("alice", seat=seat(11), alive=lambda _: alive).details.agent.epoch == 2


def test_a_name_is_asked_for_by_the_session_that_holds_it(team):
    team.register("alice", seat=seat(10))
    asked = []
    team.register("alice", seat=seat(11), alive=lambda session: asked.append(session.seat.pid))
    assert asked == [10]


def test_takeover_ends_the_living_session(team, rows):
    team.register("alice", seat=seat(10))
    done = team.register("alice", seat=seat(11), alive=lambda _: True, takeover=True)
    assert done.details.agent.epoch == 2
    ended = rows("select epoch, end_reason from sessions where ended_at is not null")
    assert ended == [{"epoch": 1, "end_reason": "replaced"}]


@pytest.mark.parametrize(
    "held, other, same",
    [
        (seat(10), seat(10), True),
        (seat(10), seat(10, started=2), False),
        (seat(10), seat(11), False),
        (seat(10), Seat(ELSEWHERE, 10, 1), False),
        (seat(10, client_session="s"), seat(10, client_session="s"), True),
        (seat(10, client_session="s"), seat(11, client_session="s"), True),
        (seat(10, client_session="s"), seat(10), True),
        (seat(None), seat(None), True),
        (seat(None), seat(10), False),
    ],
)
def test_which_registration_is_the_same_session(team, held, other, same):
    team.register("alice", seat=held)
    assert team.register("alice", seat=other, alive=lambda _: False).new_session is not same


def test_a_session_that_a_new_process_resumed_is_known_by_that_process(team):
    team.register("alice", seat=seat(10, client_session="s"))
    team.register("alice", seat=seat(11, client_session="s"), alive=lambda _: False)
    session = team.see("alice", agents.current_session)
    assert (session.seat.pid, session.epoch) == (11, 1)
    assert team.store.read(lambda tx: agents.by_processes(tx, HERE, [(11, 1)]))[0][0].name == "alice"


def test_a_registration_is_told_by_an_event(team, rows):
    team.register("alice", seat=seat(10), client="codex")
    (event,) = events(rows, "agent_registered")
    assert (event["team"], event["actor"], event["subject"]) == ("crew", "alice", "agent:alice")
    assert '"epoch": 1' in event["data"]


def test_a_refused_registration_changes_nothing(team, rows):
    team.register("alice", seat=seat(10), role="backend")
    before = rows("select * from agents"), rows("select * from sessions"), rows("select * from events")
    with pytest.raises(errors.NameTaken):
        team.register("alice", seat=seat(11), alive=lambda _: True, role="thief")
    assert (rows("select * from agents"), rows("select * from sessions"), rows("select * from events")) == before


# -- panes -------------------------------------------------------------------------------------------------------------


def test_one_pane_has_one_agent_and_the_loser_is_told(team, rows):
    team.register("alice", seat=seat(10, pane=pane()))
    done = team.register("bob", seat=seat(11, pane=pane()))
    assert done.unseated == "alice@crew"
    assert team.see("alice", agents.current_session).seat.pane is None
    assert team.see("bob", agents.current_session).seat.pane == pane()
    (event,) = events(rows, "pane_lost")
    assert (event["actor"], event["subject"]) == ("bob", "agent:alice")
    assert '"to": "bob@crew"' in event["data"]


def test_the_loser_may_be_in_another_team(team, rows):
    team.register("alice", "other", seat=seat(10, pane=pane()))
    assert team.register("bob", seat=seat(11, pane=pane())).unseated == "alice@other"
    assert [event["team"] for event in events(rows, "pane_lost")] == ["other"]


@pytest.mark.parametrize("other", [pane(2), pane(server=101), pane(socket="/tmp/t")])
def test_another_pane_unseats_nobody(team, rows, other):
    team.register("alice", seat=seat(10, pane=pane()))
    assert team.register("bob", seat=seat(11, pane=other)).unseated is None
    assert team.see("alice", agents.current_session).seat.pane == pane()
    assert events(rows, "pane_lost") == []


def state_of(team, name: str) -> str:
    found = team.store.read(lambda tx: listing.agents(tx, None, None))
    return next(states.of(one, 0).name for one in found if one.agent.name == name)


@pytest.mark.parametrize("more", [{}, {"client_session": "s1"}, {"pane": pane()}], ids=["process", "session", "pane"])
def test_one_process_has_one_agent(team, rows, more):
    own = (os.getpid(), process.started(os.getpid()))
    place = Seat(host.id(), *own, **more)
    team.register("alice", seat=place)
    team.send("bob", "alice") if team.add("bob") else None
    done = team.register("carol", seat=place)
    assert done.unseated == "alice@crew"
    assert (state_of(team, "alice"), state_of(team, "carol")) == ("unknown", "online")
    assert team.see("alice", agents.current_session).seat.place == (place.host, None, None, None)
    assert team.see("alice", inbox.unread) == 1
    (event,) = events(rows, "pane_lost" if "pane" in more else "seat_lost")
    assert (event["actor"], event["subject"]) == ("carol", "agent:alice")
    assert team.register("alice", seat=place).unseated == "carol@crew"
    assert (state_of(team, "alice"), state_of(team, "carol")) == ("online", "unknown")
    assert found(team, agents.by_processes, place.host, [own])[0] == "alice"


def test_what_a_program_said_goes_with_its_process(team, rows):
    team.register("alice", seat=seat(10))
    team.do("alice", lambda tx, me: presence.put(tx, me.id, "busy", "s1"))
    team.register("bob", seat=seat(10))
    assert rows("select * from presence") == []


def test_a_process_that_serves_several_sessions_has_several_agents(team, rows):
    """As the daemon of Codex does, which is in no pane."""
    team.register("alice", seat=seat(10, client_session="t1"))
    assert team.register("bob", seat=seat(10, client_session="t2")).unseated is None
    assert team.see("alice", agents.current_session).seat.pid == 10
    assert events(rows, "seat_lost") == []


def test_the_same_pane_id_on_another_host_is_another_pane(team):
    team.register("alice", seat=Seat(ELSEWHERE, 10, 1, None, pane()))
    assert team.register("bob", seat=seat(11, pane=pane())).unseated is None


@pytest.mark.parametrize("pid", [10, 12], ids=["the same process", "started again"])
def test_an_agent_that_registers_again_in_its_own_pane_loses_it_to_nobody(team, rows, pid):
    team.register("alice", seat=seat(10, pane=pane()))
    assert team.register("alice", seat=seat(pid, pane=pane()), takeover=True).unseated is None
    assert events(rows, "pane_lost") == []
    assert [row["pane_id"] for row in rows("select pane_id from sessions where ended_at is null")] == [pane().pane_id]


def test_an_agent_moves_with_its_process_to_another_pane(team):
    team.register("alice", seat=seat(10, pane=pane(1)))
    moved = team.register("alice", seat=seat(10, pane=pane(2)))
    assert (moved.new_session, moved.details.session.seat.pane) == (False, pane(2))
    assert team.store.read(lambda tx: agents.by_pane(tx, HERE, "/tmp/s", 100, "%1")) is None


@pytest.mark.parametrize("leave, kept", [(False, pane()), (True, None)])
def test_registering_without_a_pane_keeps_it_unless_told_otherwise(team, leave, kept):
    team.register("alice", seat=seat(10, pane=pane()))
    assert team.register("alice", seat=seat(10), leave_pane=leave).details.session.seat.pane == kept


# -- who am I ----------------------------------------------------------------------------------------------------------


def found(team, by, *args):
    pair = team.store.read(lambda tx: by(tx, *args))
    pair = next(iter(pair), None) if isinstance(pair, list) else pair
    return (pair[0].name, pair[1].epoch) if pair else None


def test_a_session_is_found_by_each_of_its_marks(team):
    team.register("alice", seat=seat(10, client_session="s-1", pane=pane()))
    assert found(team, agents.by_client_session, "s-1") == ("alice", 1)
    assert found(team, agents.by_pane, HERE, "/tmp/s", 100, "%1") == ("alice", 1)
    assert found(team, agents.by_processes, HERE, [(9, 1), (10, 1)]) == ("alice", 1)


@pytest.mark.parametrize(
    "by, args",
    [
        (agents.by_client_session, ("s-2",)),
        (agents.by_pane, (HERE, "/tmp/s", 101, "%1")),
        (agents.by_pane, (HERE, "/tmp/t", 100, "%1")),
        (agents.by_pane, (ELSEWHERE, "/tmp/s", 100, "%1")),
        (agents.by_pane, (HERE, "/tmp/s", 100, "%2")),
        (agents.by_processes, (HERE, [(10, 2)])),
        (agents.by_processes, (ELSEWHERE, [(10, 1)])),
        (agents.by_processes, (HERE, [])),
    ],
)
def test_nobody_is_found_by_half_a_mark(team, by, args):
    team.register("alice", seat=seat(10, client_session="s-1", pane=pane()))
    assert found(team, by, *args) is None


def test_the_nearest_process_decides(team):
    team.register("outer", seat=seat(10))
    team.register("inner", seat=seat(11))
    both = team.store.read(lambda tx: agents.by_processes(tx, HERE, [(11, 1), (9, 1), (10, 1)]))
    assert [agent.name for agent, _ in both] == ["inner", "outer"]


def test_a_replaced_session_is_stale(team):
    team.register("alice", seat=seat(10, client_session="old"))
    team.register("alice", seat=seat(11, client_session="new"), takeover=True)
    agent, session = team.store.read(lambda tx: agents.by_client_session(tx, "old"))
    with pytest.raises(errors.StaleSession) as caught:
        agents.refuse_stale(agent, session)
    assert caught.value.exit == 4
    assert (caught.value.data["epoch"], caught.value.data["current_epoch"]) == (1, 2)
    agents.refuse_stale(*team.store.read(lambda tx: agents.by_client_session(tx, "new")))


# -- leaving -----------------------------------------------------------------------------------------------------------


def test_unregister_keeps_the_mail_for_the_name(team, rows):
    team.add("bob")
    team.register("alice", seat=seat(10), role="backend")
    team.send("bob", "alice", "keep this")
    assert team.do("alice", registration.unregister) == 1
    with pytest.raises(errors.UnknownAgent):
        team.agent("alice")
    assert events(rows, "agent_unregistered")[0]["subject"] == "agent:alice"
    back = team.register("Alice", seat=seat(12))
    assert (back.created, back.details.agent.epoch, back.details.agent.role) == (True, 2, "backend")
    (letter,) = team.see("alice", inbox.peek, inbox.Query()).letters
    assert letter.message.body == "keep this"


def test_who_left_gets_no_mail_and_is_not_listed(team):
    team.add("alice", "bob", "carol")
    team.do("alice", registration.unregister)
    assert team.send("bob", "all").recipients == ("carol@crew",)
    with pytest.raises(errors.UnknownRecipient):
        team.send("bob", "alice")
    listed = team.store.read(lambda tx: listing.agents(tx, "crew", None))
    assert [one.agent.name for one in listed] == ["bob", "carol"]


def test_who_left_holds_no_pane(team):
    team.register("alice", seat=seat(10, pane=pane()))
    team.do("alice", registration.unregister)
    assert team.register("bob", seat=seat(11, pane=pane())).unseated is None
    assert found(team, agents.by_pane, HERE, "/tmp/s", 100, "%1") == ("bob", 1)


# -- listing -----------------------------------------------------------------------------------------------------------


def test_the_listing_tells_what_is_unread_since_when(team, clock):
    team.register("alice", seat=seat(10), role="backend", tags=("gpu",), capabilities=("rust",))
    team.register("bob", role="frontend")
    team.register("carol", "other")
    first = clock.now
    team.send("bob", "alice")
    clock.tick(1000)
    team.send("bob", "alice")
    listed = team.store.read(lambda tx: listing.agents(tx, "crew", None))
    assert [one.agent.name for one in listed] == ["alice", "bob"]
    assert (listed[0].unread, listed[0].oldest_unread_at) == (2, first)
    assert (listed[0].tags, listed[0].capabilities, listed[0].session.seat.pid) == (("gpu",), ("rust",), 10)
    assert [one.agent.name for one in team.store.read(lambda tx: listing.agents(tx, "crew", "Backend"))] == ["alice"]
    assert len(team.store.read(lambda tx: listing.agents(tx, None, None))) == 3


def test_a_touch_is_when_it_was_last_seen(team, clock):
    (alice,) = team.add("alice")
    clock.tick(5000)
    team.do("alice", agents.touch)
    assert team.agent("alice").seen_at == alice.seen_at + 5000


def test_what_nobody_is_called_is_unknown_with_the_mend(team):
    with pytest.raises(errors.UnknownAgent) as caught:
        team.agent("nobody")
    assert caught.value.exit == 3
    assert caught.value.hint == "xats agents --team crew"


def test_messages_know_their_sender_by_its_present_name(team):
    team.add("alice", "bob")
    sent = team.send("alice", "bob")
    assert team.see("bob", inbox.show, sent.message.id).message.sender == "alice@crew"
    assert messages.message_of is not None


# -- sessions of one client process ------------------------------------------------------------------------------------


def test_a_new_client_session_in_the_same_process_and_pane_is_still_the_same(team):
    """`/clear` in Claude Code gives a new session id in the same process."""
    place = {"pane": pane(1)}
    first = team.register("alice", seat=seat(10, client_session="s1", **place), alive=lambda _: True)
    again = team.register("alice", seat=seat(10, client_session="s2", **place), alive=lambda _: True)
    assert (again.new_session, again.details.agent.epoch) == (False, first.details.agent.epoch)
    assert again.details.session.seat.client_session == "s2"


def test_two_client_sessions_of_one_process_without_a_pane_are_two(team):
    """Codex's daemon serves several threads: one may not take the other's name in silence."""
    team.register("alice", seat=seat(10, client_session="t1"), alive=lambda _: True)
    with pytest.raises(errors.NameTaken):
        team.register("alice", seat=seat(10, client_session="t2"), alive=lambda _: True)
