"""Seats: the file in which this host records where its own commands registered agents."""

import os
import stat

import pytest

from xats.base import host, seats, sidefile
from xats.base.pane import Pane
from xats.base.record import replace
from xats.core.agents.agents import Agent, Seat, Session

URL = "postgresql:///seats"
PANE = Pane("/tmp/s", 7, 1, "%1", 70, "/dev/pts/1")
OTHER = replace(PANE, pane_id="%2", pane_pid=71)
PROGRAMS = ("1", "2", None, None)


def agent(number, client="codex"):
    return Agent(number, "t", f"a{number}", None, client, None, 1, 0, True, "auto", None, None)


def session(seat, programs=None, xats_path=None):
    return Session(1, 1, 1, seat, 0, None, programs=programs, xats_path=xats_path)


@pytest.fixture(autouse=True)
def _home(monkeypatch, tmp_path):
    monkeypatch.setenv("XATS_HOME", str(tmp_path))


def seat(pane=PANE, process=(70, 5), client_session=None, at=None):
    pid, started = process or (None, None)
    return Seat(at or host.id(), pid, started, client_session, pane)


def note(number, where, client="codex", **more):
    seats.write(URL, [seats.Note(number, client=client, seat=where, **more)])


def ours(number, where, client="codex", **more):
    return seats.ours(URL, agent(number, client), session(where, **more))


def test_a_row_that_agrees_with_the_file_is_ours():
    assert not ours(1, seat())
    note(1, seat(client_session="s"), programs=PROGRAMS, xats_path="/bin/xats")
    assert ours(1, seat(client_session="s"), programs=PROGRAMS, xats_path="/bin/xats")
    assert ours(1, seat(pane=None, process=None)), "a row that says less leads nowhere else"
    path = sidefile.path_for(URL, seats.KIND)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.parametrize(
    ("where", "more"),
    [
        (seat(pane=OTHER), {}),
        (seat(pane=replace(PANE, socket="/tmp/t")), {}),
        (seat(pane=replace(PANE, server_start=2)), {}),
        (seat(pane=replace(PANE, tty="/dev/pts/2")), {}),
        (seat(process=(71, 5)), {}),
        (seat(process=(70, 6)), {}),
        (seat(client_session="s"), {}),
        (seat(at="h1+other"), {}),
        (seat(), {"client": "claude-code"}),
        (seat(), {"programs": ("9", "9", None, None)}),
        (seat(), {"programs": None}),
        (seat(), {"xats_path": "/tmp/evil"}),
    ],
)
def test_a_row_that_names_anything_else_is_not(where, more):
    note(1, seat(), programs=PROGRAMS)
    assert ours(1, seat(), programs=PROGRAMS)
    assert not ours(1, where, **{"programs": PROGRAMS, **more})


def test_a_pane_and_a_process_belong_to_the_agent_that_registered_there_last():
    note(1, seat())
    note(2, seat())
    assert ours(2, seat())
    assert not ours(1, seat())
    note(1, seat(pane=OTHER, process=(71, 5)))
    assert ours(1, seat(pane=OTHER, process=(71, 5)))
    assert not ours(1, seat()), "where it was before"


def test_one_process_may_serve_several_sessions():
    note(1, seat(pane=None, client_session="one"))
    note(2, seat(pane=None, client_session="two"))
    assert ours(1, seat(pane=None, client_session="one"))
    assert ours(2, seat(pane=None, client_session="two"))
    assert not ours(1, seat(pane=None, client_session="two"))


def test_a_sandbox_records_its_session_and_neither_a_pane_nor_a_process():
    note(1, seat())
    note(1, seat(pane=OTHER, process=(9, 9), client_session="s", at=f"{host.machine()}-inside"))
    assert ours(1, seat(client_session="s"))
    assert not ours(1, seat(pane=OTHER, process=(9, 9)))


def test_a_store_in_a_file_needs_no_record(tmp_path):
    assert seats.ours(str(tmp_path / "xats.db"), agent(1), session(seat()))
    assert not os.path.exists(sidefile.path_for(URL, seats.KIND))


def test_a_file_of_another_kind_proves_nothing(tmp_path):
    path = sidefile.path_for(URL, seats.KIND)
    with open(path, "w") as file:
        file.write("[1")
    assert not ours(1, seat())
    os.unlink(path)
    os.symlink(tmp_path / "elsewhere", path)
    assert not ours(1, seat())


def test_the_file_holds_the_agents_that_registered_last(monkeypatch):
    monkeypatch.setattr(seats, "MOST", 3)
    for number in range(5):
        note(number, seat(pane=replace(PANE, pane_id=f"%{number}"), process=(100 + number, 5)))
    held = [ours(n, seat(pane=replace(PANE, pane_id=f"%{n}"), process=(100 + n, 5))) for n in range(5)]
    assert held == [False, False, True, True, True]
