"""The rows of a store in PostgreSQL: what a hook costs whose daemon has a server that is near, or far away."""

from __future__ import annotations

import json
import os
import sys

from benchmarks.delay import Delay
from benchmarks.rig import HERE, XATS, Command, Row, interleaved, until
from tests.support import postgres as servers
from xats.base import location
from xats.core.agents import agents, registration
from xats.core.mail import sending
from xats.store.open import open_store

DELAYS = (0, 20, 80)  # ms that are added to a round trip between the daemon and the server
BOUND = 1.6  # x F, besides one round trip to the server
MAIL = 5.0  # seconds: a program that waits for more than 7 may drop the answer


def remote(rig):
    """`xats hook run` after a tool, and `xats badge`, of a store in PostgreSQL: at most 1.6 F and one round trip.

    A hook with mail takes some 25 round trips, one for each statement. It hands the mail over within 5 s.
    """
    rows = []
    server = servers.own()
    try:
        for delay in DELAYS:
            rows += measured(rig, server, delay)
    finally:
        server.remove()
    return rows


def measured(rig, server, delay):
    home = rig.home(daemon=False)
    name = f"delay{delay}"
    with server.connect() as admin:
        admin.execute(f"create database {name} owner xats template template0")
    near = server.url(name)
    folder = rig.path("link")
    os.mkdir(folder)
    link = Delay(folder, os.path.join(server.folder, f".s.PGSQL.{server.port or servers.PORT}"), delay / 1000)
    far = f"postgresql:///{name}?host={folder}&user=xats"
    store = open_store(near)
    seat = agents.Seat(home.host, client_session="s")
    changes = registration.Changes(client="claude-code")
    work = lambda tx: registration.register(tx, "t", "carol", changes, seat, lambda _: None)  # noqa: E731
    carol = store.write(work).details.agent
    event = rig.path("event.json")
    with open(event, "w") as file:
        said = {"session_id": "s", "cwd": home.folder, "hook_event_name": "PostToolUse", "tool_name": "Bash"}
        json.dump({**said, "tool_input": {"command": "make"}, "tool_response": {"stdout": "x" * 2000}}, file)
    env = home.env(XATS_DB=far, USER="carol", LANG="C.UTF-8")
    before = os.environ.get("XATS_HOME")
    os.environ["XATS_HOME"] = home.folder
    mark = location.beside(far, location.STORE)
    os.environ.pop("XATS_HOME") if before is None else os.environ.update(XATS_HOME=before)
    with open(mark, "w"):
        pass
    daemon = rig.spawn([XATS, "daemon", "run"], env, stderr=open(rig.path("log"), "w"))  # noqa: SIM115
    until(lambda: any(one.endswith(".socket") for one in os.listdir(home.folder)))

    def read():
        store.write(lambda tx: tx.run("update deliveries set state = 'read', read_at = :now", now=tx.now))

    def mail():
        read()
        draft = sending.Draft("carol", "hello", need_reply=False)
        store.write(lambda tx: sending.send(tx, carol, "pane", draft))

    hook = [XATS, "hook", "run", "claude-code"]
    commands = {
        "F": Command([sys.executable, os.path.join(HERE, "floor.py"), home.db, "hello"], home.env()),
        "nothing": Command(hook, env, stdin=event, before=read),
        "mail": Command(hook, env, stdin=event, before=mail),
        "badge": Command([XATS, "badge"], env),
    }
    taken = interleaved(commands, 21)
    mail()
    commands["mail"].before = None
    commands["mail"].run()
    shown = store.read(lambda tx: tx.all("select 1 from deliveries where state = 'unread'")) == []
    daemon.terminate()
    daemon.wait()
    store.close()
    link.close()
    floor = taken.pop("F")
    base = f"F = {floor * 1000:.1f} ms, {delay} ms added"
    trip = delay / 1000
    rows = [
        Row(f"{name} +{delay} ms", (taken[name] - trip) / floor, BOUND, "x F", f"{taken[name] * 1000:.1f} ms; {base}")
        for name in ("nothing", "badge")
    ]
    said = f"{taken['mail'] * 1000:.1f} ms; {base}"
    return [*rows, Row(f"mail +{delay} ms", taken["mail"], MAIL, "s", said, holds=shown)]
