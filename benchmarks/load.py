"""Rows of many messages: many processes at once, one batch, and a store that has grown."""

from __future__ import annotations

import json
import os
import sqlite3
import statistics
import sys
import threading
import time

from benchmarks.rig import HERE, Command, Row, interleaved

LANES, EACH = 8, 25
SENDERS = 200
PATIENCE = "10"  # seconds that a sender waits for a busy store; the floor script waits as long
BATCH = 10_000


def parallel(rig):
    """200 sends from 8 processes at once, against 200 floor scripts run the same way: at most 2.2 times, none lost."""
    home = rig.home()
    taken = {"floor": [], "xats": []}
    for _ in range(3):
        taken["floor"].append(lanes(home.floor()))
        taken["xats"].append(lanes(home.xats("send", "bob", "hello bob")))
    floor, xats = (statistics.median(taken[name]) for name in ("floor", "xats"))
    sent = home.count("messages")
    wanted = 3 * LANES * EACH
    what = f"200 sends in 8 lanes: {xats:.2f} s, floor {floor:.2f} s; {sent} of {wanted} stored"
    return [Row("parallel", xats / floor, 2.2, "x floor", what, holds=sent == wanted)]


def lanes(command):
    """Run `command` 25 times, one after another, in each of 8 lanes; return how long all of it took."""
    failed = []

    def lane():
        try:
            for _ in range(EACH):
                command.run()
        except SystemExit as problem:
            failed.append(problem)

    threads = [threading.Thread(target=lane) for _ in range(LANES)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return time.perf_counter() - began


def senders(rig):
    """200 sends that start at the same moment, against 200 floor scripts that do: at most 2.2 times, none refused."""
    home = rig.home()
    floor_words = home.floor().words
    taken = {"floor": [], "xats": []}
    refused = {"floor": 0, "xats": 0}
    for _ in range(3):
        for name, command in (
            ("floor", Command([*floor_words, PATIENCE], home.env())),
            ("xats", home.xats("send", "bob", "hello bob")),
        ):
            took, failed = at_once(command, SENDERS)
            taken[name].append(took)
            refused[name] += failed
    floor, xats = (statistics.median(taken[name]) for name in ("floor", "xats"))
    stored = home.count("messages")
    what = (
        f"{SENDERS} sends at once: {xats:.2f} s, {refused['xats']} refused, {stored} of {3 * SENDERS} stored;"
        f" floor {floor:.2f} s, {refused['floor']} refused"
    )
    return [Row("senders", xats / floor, 2.2, "x floor", what, holds=stored == 3 * SENDERS and not refused["xats"])]


def at_once(command, count):
    """Start `command` `count` times without waiting for any; return how long all of it took, and how many failed."""
    began = time.perf_counter()
    running = [command.start() for _ in range(count)]
    ended = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in running]
    return time.perf_counter() - began, sum(code != command.code for code in ended)


def batch(rig):
    """10,000 messages by --batch: at least 0.4 times the rate of a bare loop for the same rows in one commit."""
    source = rig.path("batch.jsonl")
    with open(source, "w") as file:
        for number in range(BATCH):
            file.write(json.dumps({"to": "bob", "body": f"message {number} of the batch"}) + "\n")
    taken = {"bare": [], "xats": []}
    stored = set()
    for _ in range(5):
        home = rig.home()
        bare = Command(
            [sys.executable, os.path.join(HERE, "bare_batch.py"), home.floor().words[2], str(BATCH)], home.env()
        )
        taken["bare"].append(bare.run())
        taken["xats"].append(home.xats("send", "--batch", source).run())
        stored.add(home.count("messages"))
    bare, xats = (statistics.median(taken[name]) for name in ("bare", "xats"))
    what = f"xats send --batch: {BATCH / xats:,.0f}/s, bare loop {BATCH / bare:,.0f}/s, whole processes"
    return [Row("batch", bare / xats, 0.4, "x rate", what, at_least=True, holds=stored == {BATCH})]


def grown(rig):
    """inbox and send with 1,000,000 messages and 10,000 agents: at most 1.2 times the time with 1,000 messages."""
    sizes = {"small": (1_000, 10), "large": (1_000_000, 10_000)}
    commands = {}
    for size, (count, agents) in sizes.items():
        home = rig.home(size)
        fill(home, count, agents)
        home.send()
        commands[f"send {size}"] = home.xats("send", "bob", "hello bob")
        commands[f"inbox {size}"] = home.xats("inbox", who="bob", before=home.send)
    taken = interleaved(commands, times=31)
    rows = []
    for verb in ("send", "inbox"):
        large, small = taken[f"{verb} large"], taken[f"{verb} small"]
        what = f"xats {verb}: {large * 1000:.1f} ms with 1,000,000 messages, {small * 1000:.1f} ms with 1,000"
        rows.append(Row(f"grown {verb}", large / small, 1.2, "x small", what))
    return rows


FILL = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :agents)
insert into agents (team, name, name_key, client, registered_at, seen_at)
select 't', 'agent' || i, 'agent' || i, 'generic', 1, 1 from n;

with recursive n (i) as (select 1 union all select i + 1 from n where i < :agents)
insert into sessions (agent_id, epoch, host, pid, pid_started, started_at)
select id, 1, 'far', id, 1, 1 from agents where name like 'agent%';

with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into messages (id, sender_id, evidence, address, body, kind, need_reply, wake, thread_id, sent_at)
select i, 3 + i % :agents, 'process', 'agent', 'message ' || i || ' is about so long as a short mail is',
    'mail', 1, 1, case when i % 3 = 0 then i - 1 end, 1000000 + i from n;

insert into wakes (id, agent_id, state, opened_at, updated_at, closed_at)
select id, 3 + (id * 7) % :agents, 'delivered', sent_at, sent_at, sent_at from messages where id % 10 = 0;

insert into deliveries (agent_id, message_id, state, wake_id, read_at)
select 3 + (id * 7) % :agents, id, case when id % 100 = 0 then 'unread' else 'read' end,
    case when id % 10 = 0 then id end, case when id % 100 <> 0 then sent_at end
from messages where sender_id > 2 order by 1, 2;

insert into events (at, team, type, actor, subject, data)
select sent_at, 't', 'message_sent', 'agent', 'message:' || id, '{}' from messages where sender_id > 2;
"""


def fill(home, count, agents):
    """Write `count` messages among `agents` agents straight into the store of `home`."""
    store = sqlite3.connect(home.db, isolation_level=None)
    store.execute("pragma synchronous = off")
    store.execute("pragma cache_size = -400000")
    store.execute("begin immediate")
    for statement in FILL.split(";\n"):
        if statement.strip():
            store.execute(statement, {"count": count, "agents": agents} if ":" in statement else {})
    store.execute("commit")
    store.close()


MAIL = """
with recursive n (i) as (select 1 union all select i + 1 from n where i < :count)
insert into messages (sender_id, evidence, address, subject, body, kind, need_reply, wake, sent_at)
select a.id, 'process', 'bob', 'subject ' || i, :body, 'mail', 0, 1, 1000000 + i from n
join agents a on a.name_key = 'alice';

insert into deliveries (agent_id, message_id, state, read_at)
select b.id, m.id, 'read', m.sent_at from messages m join agents b on b.name_key = 'bob' where m.body = :body
"""


def search(rig):
    """Search for a word that occurs nowhere in 100,000 messages of 400 characters: at most 1 s."""
    home, count = rig.home(), 100_000
    body = "the parser is ready and its tests are green " * 9

    def work(tx):
        for statement in MAIL.split(";\n"):
            values = {"count": count} if ":count" in statement else {}
            tx.run(statement, body=body, **values)

    home.store.write(work)
    taken = interleaved({"search": home.xats("search", "nowhere")}, times=5, warm=1)
    what = f"xats search with {count:,} messages of {len(body)} characters, all of which are read"
    return [Row("search", taken["search"], 1, "s", what)]
