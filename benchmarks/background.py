"""Rows of the daemon: what it costs when nothing happens, and how soon it acts when something does."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time

import psutil

from benchmarks.rig import XATS, Row, pane, until

IDLE = 20.0  # seconds
SAMPLES = 100
PANES = 50
QUIET = 2000  # ms: the default


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

    The tmux is a script that notes the time and fails, so its own start counts too.
    """
    home = rig.home(daemon=False)
    calls, fake = rig.path("calls"), rig.path("tmux")
    with open(fake, "w") as file:
        file.write(f'#!/bin/sh\necho "$(date +%s%N) $*" >>{calls}\nexit 1\n')
    os.chmod(fake, 0o700)
    for number in range(SAMPLES):
        home.seat(f"a{number}", pane(1000 + number))
    run_daemon(rig, home, XATS_TMUX=fake, XATS_LADDER="1h")
    dice, sent = random.Random(1), {}
    for number in range(SAMPLES):
        home.send(f"a{number}")
        sent[number] = time.time_ns()
        time.sleep(0.02 + dice.random() * 0.15)  # at every phase of the daemon's own rhythm
    ended = "select count(*) as n from wakes where attempts = 1 and lease_token is null"
    until(lambda: home.store.read(lambda tx: tx.one(ended))["n"] == SAMPLES)
    began = {}
    with open(calls) as file:
        for line in file:
            words = line.split()
            number = int(words[words.index("-t") + 1][1:]) - 1000
            began.setdefault(number, int(words[0]))
    waits = sorted((began[number] - sent[number]) / 1_000_000 for number in sent)
    p95 = waits[int(0.95 * len(waits)) - 1]
    what = f"{SAMPLES} sends: median {statistics.median(waits):.0f} ms, p95 {p95:.0f} ms, longest {waits[-1]:.0f} ms"
    return [Row("prompt", p95, 250.0, "ms p95", what)]


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
