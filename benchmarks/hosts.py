"""The row of two hosts that share a PostgreSQL store: how soon one acts on what the other has committed."""

from __future__ import annotations

import contextlib
import os
import random
import time

from benchmarks.background import p95, run_daemon, spread
from benchmarks.rig import Row, pane, until
from tests.support import postgres as servers
from xats.base import host
from xats.core.agents import agents, registration
from xats.core.mail import sending
from xats.store.open import open_store

SAMPLES = 100
BOUND = 250.0  # ms
ENDED = "select count(*) as n from wakes where attempts = 1 and lease_token is null"


@contextlib.contextmanager
def on(name, folder):
    """Let this process be on the host `name`, with its files in `folder`."""
    before = {key: os.environ.get(key) for key in ("XATS_HOST", "XATS_HOME")}
    os.environ.update(XATS_HOST=name, XATS_HOME=folder)
    host._known.clear()
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key) if value is None else os.environ.update({key: value})
        host._known.clear()


def hosts(rig):
    """From the return of a commit on one host to the first call of tmux on the other: at most 250 ms (p95).

    The tmux is a script that notes the time and fails, so its own start counts too.
    """
    server = servers.own(durable=True)
    try:
        return [measured(rig, server)]
    finally:
        server.remove()


def measured(rig, server):
    with server.connect() as admin:
        admin.execute(f"create database hosts owner {servers.OWNER} template template0")
    url, there, tmux = server.url("hosts"), rig.home(daemon=False), rig.tmux()
    pid = int(tmux.cmd("display-message", "-p", "#{pid}"))  # no other one would be connected to
    calls, fake = rig.path("calls"), rig.path("tmux")
    with open(fake, "w") as file:
        file.write(f'#!/bin/sh\necho "$(date +%s%N) $*" >>{calls}\nexit 1\n')
    os.chmod(fake, 0o700)

    def register(store, name, where):
        seat = agents.Seat(host.id(), pane=where, host_name=host.name())
        work = lambda tx: registration.register(tx, "t", name, registration.Changes(), seat, lambda _: None)  # noqa: E731
        return store.write(work).details.agent

    with on("there", there.folder), contextlib.closing(open_store(url)) as store:
        for number in range(SAMPLES):
            register(store, f"a{number}", pane(1000 + number, tmux.socket, pid))
    run_daemon(rig, there, XATS_DB=url, XATS_HOST="there", XATS_TMUX=fake, XATS_LADDER="1h")
    dice, sent = random.Random(1), {}
    here = rig.path("here")
    os.mkdir(here, 0o700)
    with on("here", here), contextlib.closing(open_store(url)) as store:
        alice = register(store, "alice", None)
        for number in range(SAMPLES):
            draft = sending.Draft(f"a{number}", "hello")
            store.write(lambda tx, draft=draft: sending.send(tx, alice, "pane", draft))
            sent[number] = time.time_ns()
            time.sleep(0.02 + dice.random() * 0.15)  # at every phase of the daemon's own rhythm
        until(lambda: store.read(lambda tx: tx.one(ENDED))["n"] == SAMPLES)
    began = {}
    with open(calls) as file:
        for line in file:
            words = line.split()
            if "-t" in words:
                began.setdefault(int(words[words.index("-t") + 1][1:]) - 1000, int(words[0]))
    waits = [(began[number] - sent[number]) / 1_000_000 for number in sent]
    return Row("hosts", p95(waits), BOUND, "ms p95", spread(waits))
