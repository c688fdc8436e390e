"""How many files the list of agents says that an agent has locked, on both engines."""

from xats.core.agents import agents, listing
from xats.core.locks import automatic, locks
from xats.core.locks.files import File

MINUTE = 60_000


def file(path):
    return File("h1", "/shop/.git", "/shop", path, path)


def counts(team):
    return {one.agent.name: one.locks for one in team.store.read(lambda tx: listing.agents(tx, "crew"))}


def test_locks_are_counted_while_they_hold(team, clock):
    team.add("alice", "bob")
    team.do("alice", locks.take, [file("a.py"), file("b.py")], 10 * MINUTE)
    team.do("alice", automatic.take, file("c.py"))
    team.do("bob", automatic.take, file("d.py"))
    assert counts(team) == {"alice": 2, "bob": 0}  # an automatic lock is not asked for
    clock.tick(6 * MINUTE)
    team.store.write(lambda tx: agents.touch(tx, agents.by_name(tx, "crew", "alice")))
    clock.tick(6 * MINUTE)
    assert counts(team)["alice"] == 2  # a sign of life has renewed them
    clock.tick(5 * MINUTE)
    assert counts(team)["alice"] == 0  # no sweep has removed them yet
    assert team.rows("select count(*) as n from locks where kind = 'explicit'") == [{"n": 2}]
