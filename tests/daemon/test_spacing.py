"""Two scripted agents that answer each other at once, and the real daemon: their wakes are spaced, and none is lost."""

import threading

import pytest

from tests.support.scripted import daemon
from xats.base import host
from xats.core.agents import agents
from xats.core.agents.agents import Seat
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Draft
from xats.core.waking import limits, pauses, stops
from xats.delivery.transports import Delivered, Skipped
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

HOST = host.id()
SPACE = 250  # ms


class Script:
    """The inbox of both agents: whoever is woken reads all of it, and writes to the other until enough was said."""

    NAME, CLIENTS, RESTS = "claude-inbox", ("claude-code",), False

    def __init__(self, path, most, **draft):
        self.path, self.most, self.draft = path, most, draft
        self.woken: list[str] = []
        self.sent = 0
        self._lock = threading.Lock()

    def reach(self, session):
        return "its socket"

    def deliver(self, request):
        if request.line() is None:
            return Skipped("already_read")
        name = request.session.seat.client_session
        store = open_store(self.path)
        try:
            with self._lock:
                self.woken.append(name)
                store.write(lambda tx: self._turn(tx, agents.by_name(tx, "crew", name)))
        finally:
            store.close()
        return Delivered()

    def _turn(self, tx, me):
        letters = inbox.peek(tx, me, inbox.Query(100)).letters
        inbox.mark_read(tx, me, [one.message.id for one in letters])
        if self.sent < self.most:
            self.sent += 1
            to = "alice" if me.name == "bob" else "bob"
            sending.send(tx, me, "session", Draft(to, f"answer {self.sent}", **self.draft))


@pytest.fixture
def pair(team, clock, monkeypatch):
    monkeypatch.setattr(limits, "PAIR_MOST", 3)
    monkeypatch.setattr(limits, "SPACE", SPACE)
    clock.now = host_clock()
    for name in ("alice", "bob"):
        team.register(name, client="claude-code", seat=Seat(HOST, client_session=name))
    team.register("carol", client="human")
    return team


def unread(team):
    return team.rows(
        "select 1 from deliveries d join agents a on a.id = d.agent_id where d.state = 'unread' and a.client <> 'human'"
    )


def test_over_the_rate_they_are_woken_more_slowly_and_for_everything(pair, monkeypatch, until):
    script = Script(pair.store.path, 12)
    with daemon(pair, script, monkeypatch):
        pair.send("alice", "bob")
        until(lambda: script.sent == 12 and not unread(pair))
    assert len(script.woken) == 13
    (row,) = pair.rows("select wakes, recent from pairs")
    assert row["wakes"] == 13
    first, *more = [int(at) for at in row["recent"].split(",")]
    for at in more:  # the last three, all of them over the limit
        assert at - first >= SPACE
        first = at
    assert pair.rows("select 1 from deliveries where no_wake_reason is not null") == []


def test_a_pair_that_is_stopped_goes_on_with_its_last_mail_when_a_person_says_so(pair, monkeypatch, until):
    script = Script(pair.store.path, 100, hops=6)
    with daemon(pair, script, monkeypatch):
        pair.send("alice", "bob", hops=6)
        until(lambda: pair.store.read(stops.listing))
        assert script.sent == 6  # and what alice wrote first
        until(lambda: len(script.woken) == 6)
        assert len(unread(pair)) == 1
        assert pair.see("carol", inbox.unread) == 1
        script.most = 9
        pair.do("carol", pauses.resume, "crew", pair.agent("alice"))
        until(lambda: script.sent == 9 and not unread(pair))
    assert len(script.woken) == 10
    assert pair.store.read(stops.listing) == []
