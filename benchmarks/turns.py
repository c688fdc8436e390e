"""Rows of turns: how soon one that waits gets the turn, and that a long history costs nothing."""

from __future__ import annotations

import subprocess
import time

from benchmarks.background import p95, spread
from benchmarks.rig import XATS, Row, interleaved, until
from xats.base import process
from xats.core.agents import agents
from xats.core.turns import handoffs, holding, membership, turns
from xats.core.turns.turns import Probe

PROBE = Probe(lambda _: None, process.gone)
PASSES = 40
NOTE = handoffs.Draft("what was done", "what is to do")
WAITS = "select 1 from turn_waits"


def verbs(rig):
    """From the return of the commit that passes the turn on until one that waits has it: at most 200 ms (p95)."""
    home = rig.home()
    home.store.write(_start)
    waits = []
    for _ in range(PASSES):
        words = [XATS, "turn", "take", "--wait", "60s", "-q", "--as", "bob"]
        made = rig.spawn(words, home.env(), stdout=subprocess.PIPE)
        until(lambda: home.store.read(lambda tx: tx.one(WAITS)))
        time.sleep(0.1)  # its first look is over
        home.store.write(_pass_to_bob)
        sent = time.monotonic_ns()
        assert made.stdout.readline()
        waits.append((time.monotonic_ns() - sent) / 1_000_000)
        made.wait()
        home.store.write(_back_to_alice)
    return [Row("turn", p95(waits), 200.0, "ms p95", spread(waits)), *_grown(rig)]


def _grown(rig):
    """Compare turn status with 1,000 turns in the history, and with 10."""
    commands = {}
    for size, count in {"small": 10, "large": 1000}.items():
        home = rig.home(size)
        home.store.write(_start)

        def fill(tx, count=count):
            for _ in range(count // 2):
                _pass_to_bob(tx)
                _take(tx, "bob")
                _back_to_alice(tx)

        home.store.write(fill)
        commands[size] = home.xats("turn", "status")
    taken = interleaved(commands, times=31)
    large, small = taken["large"], taken["small"]
    what = f"xats turn status: {large * 1000:.1f} ms with 1,000 turns in the history, {small * 1000:.1f} ms with 10"
    return [Row("turn status", large / small, 1.2, "x small", what)]


def _agent(tx, name):
    row = tx.one("select id from agents where name_key = :name", name=name)
    return agents.by_id(tx, row["id"])


def _turn(tx):
    return turns.find(tx, _agent(tx, "alice").team)


def _start(tx):
    alice = _agent(tx, "alice")
    turn = turns.create(tx, alice.team, turns.MAIN)
    membership.join(tx, alice, turn)
    membership.join(tx, _agent(tx, "bob"), turn)
    holding.take(tx, alice, turn, PROBE)


def _take(tx, name):
    holding.take(tx, _agent(tx, name), _turn(tx), PROBE)


def _pass_to_bob(tx):
    holding.pass_on(tx, _agent(tx, "alice"), _turn(tx), _agent(tx, "bob"), NOTE, PROBE)


def _back_to_alice(tx):
    holding.pass_on(tx, _agent(tx, "bob"), _turn(tx), _agent(tx, "alice"), NOTE, PROBE)
    _take(tx, "alice")
