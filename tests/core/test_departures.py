"""Departures: the end of an agent's process is noted once, its return too, and who waits for its reply is told once."""

import json

import pytest

from tests.conftest import HOST, HostClock, Team
from xats.base.pane import Pane
from xats.core import clock
from xats.core.agents import agents, departures, registration
from xats.core.agents.agents import Seat
from xats.core.mail import alerts, inbox, owed, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import pools
from xats.store.open import open_store

MINUTE = 60_000
PANE = Pane("/tmp/s", 1, 1, "%1", 4_000_009, "/dev/pts/1")
FIRST, SECOND = Seat(HOST, 4_000_001, 1), Seat(HOST, 4_000_002, 2)


@pytest.fixture
def crew(team):
    """bob has a process, alice has none that is known."""
    team.add("alice", "carol")
    team.register("bob", seat=FIRST)
    return team


def settle(crew, gone=lambda _: True) -> int:
    return crew.store.write(lambda tx: departures.settle(tx, HOST, gone))


def tell(crew) -> int:
    return crew.store.write(departures.report)


def events(crew, kind: str = "agent_%") -> list[tuple[str, dict]]:
    sql = "select type, data from events where type like :kind and type <> 'agent_registered' order by id"
    return [(row["type"], json.loads(row["data"])) for row in crew.rows(sql, kind=kind)]


def gone_since(crew, name: str = "bob") -> int | None:
    agent = crew.agent(name)
    return agents.gone_since(agent, crew.store.read(lambda tx: agents.current_session(tx, agent)))


def read(crew, name: str = "bob") -> None:
    letters = crew.see(name, inbox.peek, inbox.Query(10)).letters
    crew.do(name, inbox.mark_read, [one.message.id for one in letters])


def subjects(crew, name: str = "alice") -> list[str]:
    letters = crew.see(name, inbox.peek, inbox.Query(every=True)).letters
    return [one.message.subject for one in letters if one.message.kind == "alert"]


# -- gone and back -----------------------------------------------------------------------------------------------------


def test_the_end_of_a_process_is_noted_once(crew, clock):
    assert settle(crew, lambda _: False) == settle(crew, lambda _: None) == 0
    assert settle(crew) == 1
    clock.tick(MINUTE)
    assert settle(crew) == 0
    assert gone_since(crew) == clock.now - MINUTE
    assert events(crew) == [("agent_gone", {"epoch": 1, "reason": "process_ended", "pid": 4_000_001, "pane": None})]


def test_a_pane_that_is_gone_is_the_end_of_an_agent_of_unknown_process(crew):
    crew.register("carol", seat=Seat(HOST, None, None, None, PANE))
    assert settle(crew, lambda session: session.seat.pane is not None) == 1
    assert events(crew) == [("agent_gone", {"epoch": 2, "reason": "pane_gone", "pid": None, "pane": "%1"})]


@pytest.mark.parametrize(
    "seat, client",
    [(Seat("h1+elsewhere", 4_000_001, 1), "codex"), (FIRST, "human"), (Seat(HOST), "codex")],
    ids=["on another host", "a person", "no process is known"],
)
def test_nothing_is_noted_of_others(team, seat, client):
    team.register("bob", seat=seat, client=client)
    assert settle(team) == 0
    assert events(team) == []


def test_a_new_session_is_the_return(crew, clock):
    settle(crew)
    crew.register("bob", seat=SECOND, alive=lambda _: False)
    assert gone_since(crew) is None
    assert events(crew)[1:] == [("agent_returned", {"epoch": 2, "gone_at": clock.now})]
    crew.register("bob", seat=SECOND)
    assert len(events(crew)) == 2
    settle(crew)
    assert [kind for kind, _ in events(crew)] == ["agent_gone", "agent_returned", "agent_gone"]


def test_a_session_that_another_process_resumes_is_the_return_too(team):
    team.register("bob", seat=Seat(HOST, 4_000_001, 1, "s1"))
    settle(team)
    team.register("bob", seat=Seat(HOST, 4_000_002, 2, "s1"), alive=lambda _: False)
    assert gone_since(team) is None
    assert [kind for kind, _ in events(team)] == ["agent_gone", "agent_returned"]
    assert team.agent("bob").epoch == 1


def test_the_process_that_has_ended_does_not_return(crew, clock):
    """As from a sandbox that sees neither it nor its pane: somebody acts, but that process is gone."""
    settle(crew)
    clock.tick(MINUTE)
    crew.register("bob", seat=FIRST)
    assert [kind for kind, _ in events(crew)] == ["agent_gone"]
    assert settle(crew) == 0
    assert gone_since(crew) is None  # it acted since


def test_an_agent_that_left_is_not_back_when_its_name_returns(crew):
    settle(crew)
    crew.do("bob", registration.unregister)
    crew.register("bob", seat=SECOND)
    assert [kind for kind, _ in events(crew)] == ["agent_gone", "agent_unregistered"]


def test_who_started_again_between_the_look_and_the_note_is_not_gone(crew):
    found = crew.store.read(lambda tx: departures.seated(tx, HOST))
    crew.register("bob", seat=SECOND, alive=lambda _: False)

    def gone(session):
        return session.seat.pid == FIRST.pid

    assert crew.store.write(lambda tx: [departures.note(tx, one.agent, gone) for one in found]) == [False]
    assert events(crew) == []


def test_a_last_hook_is_no_return_and_a_later_sign_of_life_is(crew, clock):
    settle(crew)
    clock.tick(agents.LAST_HOOKS)
    crew.do("bob", agents.touch)
    assert gone_since(crew) == clock.now - agents.LAST_HOOKS
    clock.tick(1)
    crew.do("bob", agents.touch)
    assert gone_since(crew) is None


def test_a_pool_asks_those_who_are_gone_last(crew):
    for name, seat in (("bob", FIRST), ("carol", Seat(HOST))):
        crew.register(name, seat=seat, role="dev")
    settle(crew)
    sent, _ = crew.do("alice", pools.send, "pane", Draft("pool:dev", "look"))
    assert sent.recipients == ("carol@crew",)


# -- who waits for it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["unread", "shown", "read"])
def test_the_sender_is_told_once_after_some_minutes(crew, clock, state):
    sent = crew.send("alice", "bob", subject="the parser").message.id
    if state == "shown":
        crew.do("bob", inbox.mark_shown, [sent], inbox.hook_reader("s-1"))
    if state == "read":
        read(crew)
    settle(crew)
    clock.tick(departures.AFTER - 1)
    assert tell(crew) == 0
    clock.tick(1)
    assert tell(crew) == 1
    assert tell(crew) == 0
    assert subjects(crew) == [f"recipient gone: #{sent}"]
    (letter,) = crew.see("alice", inbox.peek, inbox.Query(10)).letters
    assert letter.message.body.startswith("Gone before it answered:\n")
    assert f"#{sent} 'the parser' to bob, {state}: bob has been gone for 5 min" in letter.message.body
    assert not letter.message.need_reply
    assert [kind for kind, _ in events(crew, "recipient_gone")] == ["recipient_gone"]


def test_no_other_alert_tells_of_the_same(crew, clock):
    crew.send("alice", "bob")
    settle(crew)
    clock.tick(5 * 60 * MINUTE)
    assert tell(crew) == 1
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    crew.store.write(owed.overdue)
    assert len(subjects(crew)) == 1


def test_who_was_told_by_another_alert_is_not_told_again(crew, clock):
    crew.send("alice", "bob")
    clock.tick(alerts.AFTER)
    crew.store.write(lambda tx: alerts.overdue(tx, 0))
    settle(crew)
    clock.tick(departures.AFTER)
    assert tell(crew) == 0
    assert len(subjects(crew)) == 1


def test_mail_to_an_agent_that_is_gone_for_long_is_told_at_once(crew, clock):
    settle(crew)
    clock.tick(departures.AFTER)
    crew.send("alice", "bob")
    assert tell(crew) == 1


def test_a_restart_is_no_alarm(crew, clock):
    crew.send("alice", "bob")
    settle(crew)
    clock.tick(MINUTE)
    crew.register("bob", seat=SECOND, alive=lambda _: False)
    clock.tick(departures.AFTER)
    assert tell(crew) == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda crew: crew.do("bob", sending.reply, "pane", 1, Draft("", "done")),
        lambda crew: crew.do("bob", inbox.ack, 1),
        lambda crew: crew.do("alice", registration.unregister),
        lambda crew: crew.do("bob", registration.unregister),
    ],
    ids=["answered", "acknowledged", "the sender left", "the recipient left"],
)
def test_nobody_is_told_who_does_not_wait(crew, clock, act):
    crew.send("alice", "bob")
    act(crew)
    crew.store.write(lambda tx: tx.run("update sessions set gone_at = :now where pid is not null", now=tx.now))
    clock.tick(departures.AFTER)
    assert tell(crew) == 0


@pytest.mark.parametrize("draft", [{"need_reply": False}, {"ttl": MINUTE}], ids=str)
def test_nobody_is_told_of_what_needs_no_reply(crew, clock, draft):
    crew.send("alice", "bob", **draft)
    settle(crew)
    clock.tick(departures.AFTER)
    assert tell(crew) == 0


# -- the clock ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hosted(tmp_path):
    """A team in a store whose host has a clock that can be set wrongly, trusted by now."""
    at = HostClock()
    store = open_store(str(tmp_path / "h.db"), at)
    team = Team(store)
    team.add("alice")
    team.register("bob", seat=FIRST)
    store.write(clock.observe)
    at.tick(clock.SETTLE)
    store.write(clock.observe)
    yield team, at
    store.close()


def test_a_clock_that_jumps_ahead_tells_nobody_too_early(hosted):
    team, at = hosted
    team.send("alice", "bob")
    settle(team)
    at.jump(departures.AFTER)
    assert tell(team) == 0
    at.tick(MINUTE)
    team.store.write(clock.observe)
    assert tell(team) == 0


def test_a_mark_from_a_clock_that_was_set_back_is_set_right(crew, clock):
    crew.send("alice", "bob")
    clock.tick(60 * MINUTE)
    settle(crew)
    clock.tick(-60 * MINUTE)
    assert tell(crew) == 0
    clock.tick(departures.AFTER)
    assert tell(crew) == 1


@pytest.mark.sqlite
def test_no_look_for_who_waits_scans_a_table(crew, clock):
    for name in ("bob", "carol"):
        crew.send("alice", name)
    settle(crew)
    clock.tick(departures.AFTER)
    heard = []
    crew.store.connection.set_trace_callback(heard.append)
    assert tell(crew) == 1
    crew.store.connection.set_trace_callback(None)
    (sql,) = [one for one in heard if "gone_at <=" in one]
    plan = [row["detail"] for row in crew.store.connection.execute(f"explain query plan {sql}").fetchall()]
    assert [detail for detail in plan if detail.startswith("SCAN")] == []
    assert any("sessions_gone" in detail for detail in plan)
