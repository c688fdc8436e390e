"""What an agent says that it works on: who keeps it, and when it is gone."""

import pytest

from tests.conftest import HOST
from xats.base.errors import Refused, Usage
from xats.base.pane import Pane
from xats.core.agents import agents, changes, departures, doing, registration
from xats.core.agents.agents import Seat

PANE = Pane("/tmp/s", 1, 1, "%1", 10, "/dev/pts/1")


def said(team, name: str = "bob"):
    session = team.see(name, agents.current_session)
    return session and (session.doing, session.doing_at)


def in_pane(pid: int, session: str) -> Seat:
    return Seat(HOST, pid, 1, session, PANE)


def test_the_text_is_kept_with_its_time_and_reported_once(team, clock, rows):
    team.add("bob")
    assert said(team) == (None, None)
    assert team.do("bob", doing.put, "fixing the parser")
    first = clock()
    clock.tick(5000)
    assert not team.do("bob", doing.put, "fixing the parser")
    assert said(team) == ("fixing the parser", first)
    clock.tick(5000)
    assert team.do("bob", doing.put, "fixing the lexer")
    assert said(team) == ("fixing the lexer", first + 10_000)
    assert team.do("bob", doing.put, None)
    assert not team.do("bob", doing.put, None)
    assert said(team) == (None, None)
    found = rows("select actor, subject, data from events where type = 'agent_doing' order by id")
    assert [(row["actor"], row["subject"]) for row in found] == [("bob", "agent:bob")] * 3
    assert [row["data"] for row in found][2] == '{"doing": null}'


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\rb", "a\tb", "\x1b[2J", "x" * 201, "a\u202eb", "a\0b", "\udcff"])
def test_only_one_short_visible_line_is_taken(text):
    with pytest.raises(Usage):
        doing.check(text)


def test_a_text_of_the_greatest_length_is_taken():
    assert doing.check(f" {'é' * 200} ") == "é" * 200


def test_clear_in_the_program_keeps_it_and_a_new_program_does_not(team):
    team.register("bob", seat=in_pane(10, "s1"))
    team.do("bob", doing.put, "fixing the parser")
    team.register("bob", seat=in_pane(10, "s2"))  # /clear: the same process and pane
    assert said(team)[0] == "fixing the parser"
    team.register("bob", seat=in_pane(11, "s3"))
    assert said(team) == (None, None)


def test_clear_in_a_program_without_a_pane_keeps_it(team):
    team.register("bob", seat=Seat(HOST, 10, 1, "s1"))
    team.do("bob", doing.put, "fixing the parser")
    assert team.register("bob", seat=Seat(HOST, 10, 1, "s2")).new_session
    assert said(team)[0] == "fixing the parser"


def test_a_session_that_is_resumed_in_a_new_process_keeps_it(team):
    team.register("bob", seat=in_pane(10, "s1"))
    team.do("bob", doing.put, "fixing the parser")
    team.store.write(lambda tx: departures.settle(tx, HOST, lambda _: True))
    team.register("bob", seat=in_pane(11, "s1"))
    assert said(team)[0] == "fixing the parser"


def test_it_goes_with_the_session_and_nothing_of_it_is_left(team, rows):
    for name in ("bob", "carol", "dave"):
        team.register(name, seat=Seat(HOST, 10 + len(name), 1, name, None))
        team.do(name, doing.put, "fixing the parser")
    team.do("bob", registration.unregister)
    team.store.write(
        lambda tx: changes.expect(
            tx, "crew", name="carol", changes=registration.Changes(), about=None, living=lambda _: False
        )
    )
    team.register("erin", seat=Seat(HOST, 14, 1, "dave", None))  # the process of dave
    assert [row["name"] for row in rows(
        "select a.name from sessions s join agents a on a.id = s.agent_id where s.doing is not null"
    )] == []  # fmt: skip


def test_an_agent_without_a_session_is_refused(team):
    team.add("bob")
    team.store.write(
        lambda tx: changes.expect(
            tx, "crew", name="kim", changes=registration.Changes(), about=None, living=lambda _: None
        )
    )
    with pytest.raises(Refused, match="no session"):
        team.do("kim", doing.put, "fixing the parser")
