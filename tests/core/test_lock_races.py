"""Locks between real processes: exactly one wins, several files go all or none, and kill -9 blocks no other agent."""

import os
import random
import signal
import subprocess
import sys

import pytest

from tests.conftest import HOST, LIMIT, Team
from tests.support.waiting import until
from xats.base import process
from xats.core.agents.agents import Seat
from xats.core.locks import locks, waits
from xats.core.locks.files import File
from xats.core.mail import inbox
from xats.daemon import chores
from xats.store.open import open_store

MANY = 16
AGENT = """
import sys
from xats.base import process
from xats.core.agents import agents
from xats.core.locks import locks, waits
from xats.core.locks.errors import LockAwaited, LockHeld
from xats.core.locks.files import File
from xats.store.open import open_store

address, name, *paths = sys.argv[1:]
files = [File("h", "/r/.git", "/r", path, path) for path in paths]
store = open_store(address)
mark = process.mark()

def take(tx):
    me = agents.by_name(tx, "crew", name)
    waits.refuse_before(tx, me, files, mark, process.gone)
    found = locks.take(tx, me, files)
    waits.leave(tx, me, mark)
    return found

print("open", flush=True)
for line in sys.stdin:
    try:
        if line == "take\\n":
            print("won", *(lock.id for lock in store.write(take)), flush=True)
        else:
            store.write(lambda tx: waits.join(tx, agents.by_name(tx, "crew", name), files, mark, process.gone))
            print("waits", flush=True)
    except (LockHeld, LockAwaited) as problem:
        print(problem.code, flush=True)
"""


def file(path):
    return File("h", "/r/.git", "/r", path, path)


class Agent:
    """An agent in a process of its own, which takes files or waits for them when it is asked."""

    def __init__(self, team, address, name, paths):
        self.name, self.paths = name, paths
        command = [sys.executable, "-c", AGENT, address, name, *paths]
        self.made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        team.register(name, client="generic", seat=Seat(HOST, self.made.pid, process.started(self.made.pid)))
        assert self.answer() == "open"

    def ask(self, what):
        self.made.stdin.write(f"{what}\n")
        self.made.stdin.flush()

    def answer(self):
        return self.made.stdout.readline().rstrip("\n")

    def do(self, what):
        self.ask(what)
        return self.answer()

    def kill(self):
        os.kill(self.made.pid, signal.SIGKILL)
        self.made.wait(LIMIT)

    def close(self):
        if self.made.poll() is None:
            self.kill()
        self.made.stdin.close()
        self.made.stdout.close()


@pytest.fixture
def crew(store_address):
    """A team in a store with the clock of the host."""
    made = Team(open_store(store_address))
    yield made
    made.store.close()


@pytest.fixture
def start(crew, store_address):
    """`start(name, *paths)`: start an agent that takes `paths`."""
    running = []

    def one(name, *paths):
        running.append(Agent(crew, store_address, name, paths))
        return running[-1]

    yield one
    for one in running:
        one.close()


def held(crew):
    """Return who holds what: {path: name}."""
    return {
        row["path"]: row["name"]
        for row in crew.rows("select t.path, a.name from locks t join agents a on a.id = t.holder_id")
    }


def test_exactly_one_of_many_processes_wins(crew, start):
    racing = [start(f"agent-{number}", "x") for number in range(MANY)]
    for one in racing:
        one.ask("take")
    said = {one.name: one.answer() for one in racing}
    [winner] = [name for name, word in said.items() if word.startswith("won ")]
    assert [word for name, word in said.items() if name != winner] == ["lock_held"] * (MANY - 1)
    assert held(crew) == {"x": winner}
    assert crew.rows("select count(*) as n from events where type = 'lock_taken'") == [{"n": 1}]


def test_several_files_in_any_order_are_taken_all_or_none(crew, start):
    paths = [f"f{number}" for number in range(5)]
    chance = random.Random(17)
    racing = [start(f"agent-{number}", *chance.sample(paths, 3)) for number in range(MANY)]
    for one in racing:
        one.ask("take")
    said = {one: one.answer() for one in racing}
    winners = [one for one, word in said.items() if word.startswith("won ")]
    assert winners
    assert {word for one, word in said.items() if one not in winners} == {"lock_held"}
    assert held(crew) == {path: one.name for one in winners for path in one.paths}
    assert sum(len(one.paths) for one in winners) == len(held(crew))


def test_a_killed_holder_makes_room_for_the_next_in_line(crew, start):
    bob, alice, carol = start("bob", "x", "y"), start("alice", "y"), start("carol", "y")
    assert bob.do("take").startswith("won ")
    assert alice.do("wait") == carol.do("wait") == "waits"
    assert alice.do("take") == "lock_held"
    crew.store.write(chores.sweep)
    assert held(crew) == {"x": "bob", "y": "bob"}
    bob.kill()
    crew.store.write(chores.sweep)
    assert held(crew) == {}
    assert carol.do("take") == "lock_awaited"
    assert alice.do("take").startswith("won ")
    assert carol.do("take") == "lock_held"
    assert crew.rows("select a.name from lock_waits w join agents a on a.id = w.agent_id") == [{"name": "carol"}]
    [letter] = crew.see("bob", inbox.peek, inbox.Query()).letters
    assert letter.message.subject == "your locks on 2 files are over"


def test_a_killed_process_that_waits_blocks_no_other_agent(crew, start):
    crew.add("bob", "dave")
    crew.do("bob", locks.take, [file("x")])
    alice, carol = start("alice", "x"), start("carol", "x")
    assert alice.do("wait") == carol.do("wait") == "waits"
    crew.do("dave", waits.join, [file("x")], None, process.gone)
    crew.do("bob", locks.release, [file("x")])
    assert carol.do("take") == "lock_awaited"
    alice.kill()
    assert carol.do("take").startswith("won ")  # before any sweep
    carol.kill()
    crew.store.write(chores.sweep)
    assert crew.rows("select kind from lock_waits where notified_at is not null") == [{"kind": "queue"}]
    [letter] = crew.see("dave", inbox.peek, inbox.Query()).letters
    assert letter.message.subject == "x is free"


def test_the_lock_of_a_process_that_lives_is_not_taken(crew, start):
    bob = start("bob", "x")
    assert bob.do("take").startswith("won ")
    crew.add("alice")
    with pytest.raises(locks.LockHeld):
        crew.do("alice", locks.take, [file("x")], gone=chores.liveness.process_gone)
    bob.kill()
    until(lambda: process.started(bob.made.pid) is None)
    crew.do("alice", locks.take, [file("x")], gone=chores.liveness.process_gone)  # before the daemon saw it
    assert held(crew) == {"x": "alice"}
