"""Sixteen real processes at once: of those who claim one task exactly one wins, and no task is claimed twice."""

import json
import sys

import pytest

from xats.core.agents import agents
from xats.core.tasks import planning

MANY = 16


@pytest.fixture
def crowd(crew):
    crew.add(*(f"w{n}" for n in range(MANY)), role="dev")
    return crew


def at_once(xats, lines):
    """Start all of `lines` and return what they came to."""
    running = [xats.start(*line) for line in lines]
    return [xats.end(one) for one in running]


def test_one_task_has_one_winner(xats, crowd):
    for number in range(1, 4):
        xats("--as", "alice", "task", "add", "t", "-q")
        ran = at_once(xats, [("--as", f"w{n}", "task", "claim", str(number), "--json") for n in range(MANY)])
        won = [one for one in ran if one.code == 0]
        lost = [json.loads(one.stderr)["error"] for one in ran if one.code != 0]
        assert (len(won), {error["code"] for error in lost}) == (1, {"held"}), ran
        owner = json.loads(won[0].stdout)["task"]["owner"]
        assert {error["owner"] for error in lost} == {owner}
        assert crowd.rows("select claims from tasks where id = :id", id=number) == [{"claims": 1}]


def test_one_agent_in_many_processes_gets_it_once(xats, crowd):
    xats("--as", "alice", "task", "add", "t")
    ran = at_once(xats, [("--as", "w1", "task", "claim", "1")] * MANY)
    assert sorted(one.code for one in ran) == [0] + [4] * (MANY - 1)


DRAIN = """
import io, json, os, sys
from contextlib import redirect_stdout
from xats.__main__ import main
claimed = []
while True:
    sys.argv = ["xats", "--as", os.environ["WHO"], "task", "claim", "--next", "-q"]
    with redirect_stdout(io.StringIO()) as out:
        code = main()
    if code or not out.getvalue():
        break
    claimed.append(int(out.getvalue()))
print(json.dumps(claimed))
"""


def test_a_hundred_tasks_are_claimed_once_each_and_the_urgent_first(xats, crowd):
    """Each process claims until nothing is left."""

    def fill(tx):
        alice = agents.by_name(tx, "crew", "alice")
        for n in range(100):
            planning.add(tx, alice, planning.New(f"t{n}", priority=n % 10, role="dev" if n % 2 else None))

    crowd.store.write(fill)
    running = [xats.start(command=[sys.executable, "-P", "-c", DRAIN], env={"WHO": f"w{n}"}) for n in range(MANY)]
    ran = [xats.end(one) for one in running]
    assert {one.code for one in ran} == {0}, ran
    got = [json.loads(one.stdout) for one in ran]
    flat = [number for numbers in got for number in numbers]
    assert sorted(flat) == list(range(1, 101))
    order = [
        int(row["subject"].partition(":")[2])
        for row in crowd.rows("select subject from events where type = 'task_claimed' order by id")
    ]
    assert order == sorted(order, key=lambda number: ((number - 1) % 10, number))


def test_a_pool_s_message_has_one_winner(xats, crowd):
    xats("--as", "alice", "send", "pool:dev", "x")
    ran = at_once(xats, [("--as", f"w{n}", "task", "claim", "--next", "-q") for n in range(MANY)])
    assert sorted(one.stdout for one in ran) == [""] * (MANY - 1) + ["1\n"]
    assert {one.code for one in ran} == {0}


def test_finishing_at_once_what_one_waits_for_makes_it_ready_once(xats, crowd):
    for n in range(8):
        xats("--as", "alice", "task", "add", f"t{n}", "-q")
        xats("--as", f"w{n}", "task", "claim", str(n + 1), "-q")
    needs = [word for n in range(8) for word in ("--dep", str(n + 1))]
    xats("--as", "alice", "task", "add", "last", "--to", "bob", *needs)
    ran = at_once(xats, [("--as", f"w{n}", "task", "done", str(n + 1)) for n in range(8)])
    assert {one.code for one in ran} == {0}
    assert crowd.rows("select waits_for from tasks where id = 9") == [{"waits_for": 0}]
    assert len(crowd.rows("select * from events where type = 'task_ready'")) == 1


def test_two_edits_cannot_close_a_cycle_between_them(xats, crowd):
    for _ in range(2):
        xats("--as", "alice", "task", "add", "t", "-q")
    lines = [("--as", "alice", "task", "edit", "1", "--dep", "2"), ("--as", "alice", "task", "edit", "2", "--dep", "1")]
    assert sorted(one.code for one in at_once(xats, lines * 4))[0] == 0
    assert len(crowd.rows("select * from task_needs")) == 1
