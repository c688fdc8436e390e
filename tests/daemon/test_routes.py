"""Wakes that are suspended because nothing leads to their agent are tried when its inbox comes."""

import os
import sys
import threading

import pytest

from tests.core.test_wakes import due, the_wake
from tests.delivery.test_routing import LINE, Inbox, make
from xats.base import host
from xats.base.pane import Pane
from xats.core.agents.agents import Seat
from xats.daemon import routes
from xats.daemon.loop import Daemon
from xats.delivery.settings import Settings
from xats.delivery.transports import Refused
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

HOST = host.id()
GONE = Pane("/nowhere/s", 2**22 + 1, 1, "%1", 1, "/dev/null")  # no process has such a pid


@pytest.fixture
def inbox(monkeypatch):
    made = Inbox()
    made.place = None
    monkeypatch.setitem(sys.modules, "xats.delivery.transports.claude_inbox", made)
    return made


@pytest.fixture(params=[None, GONE], ids=["without a pane", "with a pane that is gone"])
def bob(team, inbox, request):
    """Bob's wake is suspended: his program has no inbox yet."""
    team.add("alice")
    team.register("bob", client="claude-code", seat=Seat(HOST, client_session="s1", pane=request.param))
    team.send("alice", "bob")
    assert make(team).reason == ("server_gone" if request.param else "no_pane")
    assert due(team) == []
    return team


def round_of(team, off=(), stopping=bool):
    """Make a round, and wait for its end."""
    made = routes.Routes(
        lambda: open_store(team.store.path, clock=team.store.clock),
        stopping,
        team.store.path,
        lambda *_: Settings(off=frozenset(off)),
    )
    go(made, team)
    return made


def go(made, team):
    made(team.store)
    for one in threading.enumerate():
        if one.name == "routes":
            one.join()


def test_an_inbox_that_comes_is_tried(bob, inbox, clock):
    round_of(bob)
    assert due(bob) == []
    inbox.place = "its socket"
    round_of(bob, off={"claude-inbox"})
    assert due(bob) == []
    round_of(bob)
    assert len(due(bob)) == 1
    assert make(bob).state == "delivered"
    assert inbox.lines == [LINE]


def test_one_that_fails_then_uses_the_ladder(bob, inbox, rows, clock):
    inbox.place, inbox.answer = "its socket", Refused("inbox_failed")
    round_of(bob)
    make(bob)
    assert (the_wake(rows)["reason"], the_wake(rows)["attempts"]) == ("inbox_failed", 1)
    round_of(bob)
    assert due(bob) == []


@pytest.mark.parametrize(
    "change",
    [
        "update sessions set ended_at = 1, end_reason = 'unregistered'",
        "update sessions set host = 'elsewhere'",
        "update agents set wake_by = 'tmux'",
        "update wakes set state = 'held'",
    ],
)
def test_whom_no_inbox_can_help_is_left_alone(bob, inbox, change):
    inbox.place = "its socket"
    bob.store.write(lambda tx: tx.run(change))
    round_of(bob)
    assert due(bob) == []


@pytest.mark.sqlite  # a database has no file
def test_a_round_of_a_daemon_that_ends_makes_no_new_store(bob, inbox):
    """Its file may have been taken away."""
    inbox.place = "its socket"
    path = bob.store.path
    os.rename(path, f"{path}.away")
    round_of(bob, stopping=lambda: True)
    assert not os.path.exists(path)
    os.rename(f"{path}.away", path)
    assert due(bob) == []


def test_a_round_that_fails_is_logged_and_is_not_the_last(bob, inbox, caplog, monkeypatch):
    inbox.place = "its socket"
    monkeypatch.setattr(routes, "EVERY", 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(routes, "reached", lambda *_: 1 / 0)
        made = round_of(bob)
    assert "ZeroDivisionError" in caplog.text
    go(made, bob)
    assert len(due(bob)) == 1


def test_the_daemon_makes_them(bob, inbox, clock, monkeypatch, until):
    monkeypatch.setattr(routes, "EVERY", 0.1)
    clock.now = host_clock()
    daemon = Daemon(bob.store.path, Settings())
    running = threading.Thread(target=daemon.run)
    running.start()
    try:
        until(lambda: daemon._routes._thread)
        assert inbox.lines == []
        inbox.place = "its socket"
        until(lambda: inbox.lines)
    finally:
        daemon.end()
        running.join()
    assert inbox.lines == [LINE]
