"""Rows of the daemon: what it costs when nothing happens, and how soon it acts when something does."""

from __future__ import annotations

import json
import os
import random
import shlex
import statistics
import subprocess
import sys
import time

import psutil

from benchmarks.commands import none
from benchmarks.rig import HERE, XATS, Row, pane, until
from xats.clients import waiters
from xats.core.waking import wakes
from xats.daemon import bell

IDLE = 20.0  # seconds
SAMPLES = 200
PANES = 50
WAKES = 50
EARLY = 30
WAITERS = 20  # a pair may wake each other no more often
REFUSED = "select 1 from wakes where state = 'retrying' and lease_token is null"
QUIET = 2000  # ms: the default


def p95(waits):
    return sorted(waits)[int(0.95 * len(waits)) - 1]


def spread(waits):
    return f"{len(waits)} times: median {statistics.median(waits):.0f} ms, longest {max(waits):.0f} ms"


def run_daemon(rig, home, **env):
    """Start the daemon of `home` and return its process when it is at work."""
    log = rig.path("daemon.log")
    with open(log, "w") as file:
        made = rig.spawn([XATS, "daemon", "run"], home.env(**env), stdout=file, stderr=subprocess.STDOUT)
    until(lambda: " started, " in open(log).read())  # noqa: SIM115
    return made


def idle(rig):
    """The daemon with nothing to do, after it has woken somebody: at most 0.5 % of a core and 45 MiB."""
    home, tmux = rig.home(daemon=False), rig.tmux()
    home.seat("carol", tmux.open("exec cat"))
    made = run_daemon(rig, home, XATS_QUIET_MS="100")
    home.send("carol")
    until(lambda: home.store.read(lambda tx: tx.one("select 1 from wakes where state = 'delivered'")))
    time.sleep(1)
    process = psutil.Process(made.pid)
    before, began = process.cpu_times(), time.perf_counter()
    time.sleep(IDLE)
    after, took = process.cpu_times(), time.perf_counter() - began
    spent = after.user + after.system - before.user - before.system
    memory = process.memory_info().rss / (1 << 20)
    return [
        Row("idle cpu", 100 * spent / took, 0.5, "% core", f"{spent * 1000:.0f} ms of processor time in {took:.0f} s"),
        Row("idle memory", memory, 45.0, "MiB", "resident, after one delivery"),
    ]


def prompt(rig):
    """From the return of the sender's commit to the first call of tmux: at most 250 ms (p95).

    The tmux is a script that notes the time and fails, so its own start counts too. Every other sender cannot ring.
    """
    home, tmux = rig.home(daemon=False), rig.tmux()
    server = int(tmux.cmd("display-message", "-p", "#{pid}"))  # no other one would be connected to
    calls, fake = rig.path("calls"), rig.path("tmux")
    with open(fake, "w") as file:
        file.write(f'#!/bin/sh\necho "$(date +%s%N) $*" >>{calls}\nexit 1\n')
    os.chmod(fake, 0o700)
    for number in range(SAMPLES):
        home.seat(f"a{number}", pane(1000 + number, tmux.socket, server))
    run_daemon(rig, home, XATS_TMUX=fake, XATS_LADDER="1h")
    dice, sent = random.Random(1), {}
    for number in range(SAMPLES):
        home.send(f"a{number}")
        sent[number] = time.time_ns()
        if number % 2:
            bell.ring(home.db)
        time.sleep(0.02 + dice.random() * 0.15)  # at every phase of the daemon's own rhythm
    ended = "select count(*) as n from wakes where attempts = 1 and lease_token is null"
    until(lambda: home.store.read(lambda tx: tx.one(ended))["n"] == SAMPLES)
    began = {}
    with open(calls) as file:
        for line in file:
            words = line.split()
            if "-t" not in words:
                continue
            number = int(words[words.index("-t") + 1][1:]) - 1000
            began.setdefault(number, int(words[0]))
    rows = []
    for name, rung in (("prompt", 1), ("prompt unrung", 0)):
        waits = [(began[number] - sent[number]) / 1_000_000 for number in sent if number % 2 == rung]
        rows.append(Row(name, p95(waits), 250.0, "ms p95", spread(waits)))
    return rows


class Player:
    """A program that plays Claude Code in a pane, and notes when a line was submitted (tests/support/players.py)."""

    def __init__(self, rig, tmux):
        self.log = rig.path("player.log")
        script = os.path.join(os.path.dirname(HERE), "tests", "support", "players.py")
        words = [sys.executable, "-IS", script, self.log, "--look", "claude-code"]
        self.pane = tmux.open("exec " + shlex.join(words))
        until(lambda: self.all("ready"))

    def all(self, what):
        """Return all entries of its log that have `what`."""
        if not os.path.exists(self.log):
            return []
        with open(self.log) as file:
            return [entry for line in file if line.endswith("\n") and what in (entry := json.loads(line))]

    def do(self, line):
        """Have it do `line`; return when that was on the screen (ns, monotonic)."""
        before = len(self.all("did"))
        with open(self.log + ".in", "w") as file:
            file.write(line + "\n")
        return until(lambda: self.all("did")[before:])[0]["at"]

    def submitted(self, count):
        """Wait for its `count`-th submission; return when that was (ns, monotonic)."""
        return until(lambda: self.all("submit")[count - 1 :])[0]["at"]


def with_player(rig):
    """Return a home with a daemon in which carol runs the player, the player, and some to write to her.

    They are many because xats does not wake for everything that one of them sends so often.
    """
    home, player = rig.home(daemon=False), Player(rig, rig.tmux())
    home.seat("carol", player.pane, "claude-code")
    senders = [home.seat(f"s{number}", None) for number in range(10)]
    run_daemon(rig, home, XATS_LADDER="1h")
    return home, player, senders


def ended(home, count):
    """Wait until `count` wakes are delivered."""
    done = "select count(*) as n from wakes where state = 'delivered'"
    until(lambda: home.store.read(lambda tx: tx.one(done))["n"] == count)


def wake(rig):
    """From the return of the sender's commit until an idle agent has got the line: at most 300 ms (p95)."""
    home, player, senders = with_player(rig)
    dice, waits = random.Random(1), []
    for number in range(1, WAKES + 1):
        home.send("carol", sender=senders[number % len(senders)])
        sent = time.monotonic_ns()
        bell.ring(home.db)
        waits.append((player.submitted(number) - sent) / 1_000_000)
        ended(home, number)
        time.sleep(dice.random() * 0.15)
    return [Row("wake", p95(waits), 300.0, "ms p95", spread(waits))]


def waiter(rig):
    """A waiter: from the return of the sender's commit until it has said the line, at most 200 ms (p95); 16 MiB."""
    home = rig.home(daemon=False)
    carol = home.seat("carol", None, session="s")
    session = home.store.read(lambda tx: tx.one("select id, started_at from sessions order by id desc limit 1"))
    place = waiters.path_for(home.db, session["id"], session["started_at"], "s")
    run_daemon(rig, home)
    waits, memory, event = [], 0.0, rig.path("event.json")
    with open(event, "w") as file:
        json.dump({"hook_event_name": "Stop", "session_id": "s"}, file)
    for _ in range(WAITERS):
        words = [XATS, "hook", "wait", "claude-code"]
        with open(event) as told:
            made = rig.spawn(words, home.env(), stdin=told, stderr=subprocess.PIPE)
        until(lambda: waiters.listens(place))
        memory = psutil.Process(made.pid).memory_info().rss / (1 << 20)
        home.send("carol")
        sent = time.monotonic_ns()
        bell.ring(home.db)
        assert made.stderr.read().startswith(b"xats: 1 new from alice")
        waits.append((time.monotonic_ns() - sent) / 1_000_000)
        made.wait()
        none(home)
        home.store.write(lambda tx: wakes.close_if_read(tx, carol.id))
    return [
        Row("waiter", p95(waits), 200.0, "ms p95", spread(waits)),
        Row("waiter memory", memory, 16.0, "MiB", "resident, asleep"),
    ]


def early(rig):
    """From the moment at which an agent's dialog is closed until it has got the line: at most 1 s (p95)."""
    home, player, senders = with_player(rig)
    dice, waits = random.Random(1), []
    for number in range(1, EARLY + 1):
        player.do("dialog")
        home.send("carol", sender=senders[number % len(senders)])
        bell.ring(home.db)
        until(lambda: home.store.read(lambda tx: tx.one(REFUSED)))
        time.sleep(0.5 + dice.random())  # at every phase of the watch's rhythm
        closed = player.do("close")
        waits.append((player.submitted(number) - closed) / 1_000_000)
        ended(home, number)
    return [Row("early", p95(waits), 1000.0, "ms p95", spread(waits))]


def crowd(rig):
    """50 wakes due at once for 50 quiet panes: all delivered within the quiet window and 2 s."""
    home, tmux = rig.home(daemon=False), rig.tmux()
    for number in range(PANES):
        home.seat(f"a{number}", tmux.open("exec cat"))
    home.seat("bob", None)
    home.store.write(lambda tx: tx.run("update agents set role = 'crowd' where name like 'a_%' and name <> 'alice'"))
    run_daemon(rig, home)
    home.send("role:crowd")
    began = time.time_ns() // 1_000_000
    count = "select count(*) as n, max(closed_at) as last from wakes where state = 'delivered'"
    found = until(lambda: (row := home.store.read(lambda tx: tx.one(count)))["n"] == PANES and row)
    took = (found["last"] - began) / 1000
    what = f"the last of {PANES} was delivered {took:.2f} s after the commit; quiet window {QUIET / 1000:.0f} s"
    return [Row("crowd", took, QUIET / 1000 + 2.0, "s", what)]
