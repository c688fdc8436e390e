"""A team at its limit, and the real daemon: as many wakes as are allowed, and each message is there afterwards."""

import threading

import pytest

from tests.support.scripted import daemon
from xats.base import host
from xats.core.agents.agents import Seat
from xats.core.crews import limits
from xats.core.crews.limits import Setter
from xats.core.mail import inbox
from xats.core.waking import pacing, pauses
from xats.delivery.transports import Delivered, Skipped
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

HOST = host.id()
NAMES = [f"a{number}" for number in range(16)]


class Script:
    """The inbox of all agents: whoever is woken reads all of it."""

    NAME, CLIENTS, RESTS = "claude-inbox", ("claude-code",), False

    def __init__(self, path):
        self.path, self.woken, self._lock = path, [], threading.Lock()

    def reach(self, session):
        return "its socket"

    def deliver(self, request):
        if request.line() is None:
            return Skipped("already_read")
        name, store = request.session.seat.client_session, open_store(self.path)
        try:
            with self._lock:
                self.woken.append(name)
                store.write(lambda tx: _read(tx, request.session.agent_id))
        finally:
            store.close()
        return Delivered()


def _read(tx, agent_id):
    from xats.core.agents import agents

    me = agents.by_id(tx, agent_id)
    inbox.mark_read(tx, me, [one.message.id for one in inbox.peek(tx, me, inbox.Query(100)).letters])


@pytest.fixture
def crew(team, clock, monkeypatch):
    monkeypatch.setattr(pacing, "SOON", 50)
    clock.now = host_clock()
    for name in NAMES:
        team.register(name, client="claude-code", seat=Seat(HOST, client_session=name))
    team.register("ada", client="human")
    return team


def paused(crew):
    return crew.store.read(lambda tx: pauses.by_limit(tx, "crew")) == "wakes"


def put(crew, value, action):
    by = Setter("crew", "ada", None, "user")
    crew.store.write(lambda tx: limits.put(tx, by, "wakes", value, action, None))


def test_sixteen_wakes_at_once_against_a_limit_of_five(crew, clock, monkeypatch, until):
    put(crew, 5, "pause")
    script = Script(crew.store.path)
    for name in NAMES:
        crew.send("ada", name)
    with daemon(crew, script, monkeypatch):
        until(lambda: paused(crew))
        assert len(script.woken) == 5
        for count in (10, 15):
            clock.now = host_clock()
            crew.do("ada", pauses.resume, "crew", None)
            until(lambda: paused(crew))
            assert len(script.woken) == count
        clock.now = host_clock()
        crew.do("ada", pauses.resume, "crew", None)
        until(lambda: len(script.woken) == 16)
    assert sorted(script.woken) == sorted(NAMES)
    assert (
        crew.rows(
            "select 1 from deliveries d join agents a on a.id = d.agent_id where d.state = 'unread' "
            "and a.client <> 'human'"
        )
        == []
    )


def test_spaced_wakes_wait_with_their_reason_and_go_on_when_the_limit_is_dropped(crew, clock, monkeypatch, until):
    put(crew, 5, "space")
    script = Script(crew.store.path)
    for name in NAMES:
        crew.send("ada", name)
    waiting = "select 1 from wakes where reason = 'team_limit' and closed_at is null and next_attempt_at > :now"
    with daemon(crew, script, monkeypatch):
        until(lambda: len(crew.rows(waiting, now=host_clock())) == 11)
        assert len(script.woken) == 5
        clock.now = host_clock()
        crew.store.write(lambda tx: limits.drop(tx, Setter("crew", "ada", None, "user"), "wakes"))
        until(lambda: len(script.woken) == 16)
    assert sorted(script.woken) == sorted(NAMES)
