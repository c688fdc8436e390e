"""kill -9 of senders, readers and the daemon at random moments, with a ledger of what they had said before.

XATS_FAULT_ROUNDS sets how many rounds there are in all (300, and 12 on PostgreSQL), XATS_FAULT_SEED where the dice
begin.
"""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import sqlite3
import sys
import threading
import time
from collections import Counter

import pytest

from tests import support
from tests.support import checks
from tests.support.dump import assert_whole
from tests.support.hosts import Host, make_host, server
from tests.support.world import Composer, until
from xats.core.waking import attempts
from xats.store.open import open_store
from xats.store.sqlite import check
from xats.store.sqlite.engine import Store

__all__ = ("make_host", "server")

CLERK = os.path.join(support.FOLDER, "clerk.py")
SHARDS = 6
ROUNDS = int(os.environ.get("XATS_FAULT_ROUNDS", "300"))
ON_A_SERVER = int(os.environ.get("XATS_FAULT_ROUNDS", "12"))
SEED = int(os.environ.get("XATS_FAULT_SEED", str(time.time_ns() % 1_000_000)))
NAMES = ("alice", "bob", "carol", "dave")  # bob and carol sit in panes
LINE = r"xats: \d+ new from [a-z, ]+(?: and \d+ more)? - run: xats inbox"
LONGEST = 0.25  # seconds that a process may live at the most; about what one needs when several share two cores
LONGEST_ON_A_SERVER = 1.0  # it imports more


class Ledger:
    """What was tried, what was acknowledged, what was seen."""

    def __init__(self):
        self.tried: dict[str, str] = {}  # body: address
        self.acknowledged: dict[str, int] = {}  # body: id
        self.seen: Counter[tuple[str, int]] = Counter()  # (reader, id)


class Rounds:
    """Rounds of processes that are killed."""

    def __init__(self, world, dice, longest=LONGEST):
        self.world, self.dice, self.longest, self.ledger = world, dice, longest, Ledger()
        self.daemon = None
        self.serial = 0

    def sender(self):
        self.serial += 1
        body = f"letter {self.serial}"
        sender = self.dice.choice(NAMES)
        address = self.dice.choice([*(name for name in NAMES if name != sender), "all"])
        self.ledger.tried[body] = address
        options = ["--key", body] if self.dice.random() < 0.5 else []
        made = self.world.start("send", address, body, "--as", sender, "-q", *options)

        def look(out, code):
            if out.endswith("\n"):
                self.ledger.acknowledged[body] = int(out)
            else:
                assert code == -signal.SIGKILL, (code, out)

        return made, look

    def reader(self):
        name = self.dice.choice(NAMES)
        made = self.world.start("inbox", "--as", name, "--json", "-n", str(self.dice.choice([1, 3, 50])))

        def look(out, code):
            assert out.endswith("\n") or code == -signal.SIGKILL, (code, out)
            for letter in json.loads(out)["messages"] if out.endswith("\n") else ():
                self.ledger.seen[name, letter["id"]] += 1

        return made, look

    def play(self):
        """Start some processes at once, kill each of them at a moment of its own, and note what it had said."""
        if self.daemon is None or self.daemon.poll() is not None:
            self.daemon = self.world.start("daemon", "run")
        at_work = [self.sender() for _ in range(3)] + [self.reader()]
        doomed = [made for made, _ in at_work if self.dice.random() < 0.8]
        if self.dice.random() < 0.3:
            doomed.append(self.daemon)
        moments = sorted((self.dice.random() * self.longest, index) for index in range(len(doomed)))
        began = time.monotonic()
        for moment, index in moments:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            doomed[index].kill()
        for made, look in at_work:
            out, err = made.communicate(timeout=60)
            assert made.returncode in (0, -signal.SIGKILL), err
            look(out, made.returncode)


@pytest.fixture
def clerks(world):
    return registered(world)


def registered(world):
    """Register everybody; return {name: composer} of those who sit in panes."""
    for name in ("alice", "dave"):
        world.register(name)
    tmux, found = world.tmux(), {}
    for name in ("bob", "carol"):
        log = os.path.join(world.folder, f"{name}.log")
        found[name] = Composer(tmux, tmux.open("exec " + shlex.join([sys.executable, CLERK, log])), log)
        world.register(name, found[name])
    return found


@pytest.mark.parametrize("shard", range(SHARDS))
def test_killed_at_random_moments(world, clerks, shard):
    kill(world, clerks, Rounds(world, random.Random(SEED + shard)), ROUNDS // SHARDS + (shard < ROUNDS % SHARDS))


def test_killed_at_random_moments_on_postgresql(make_host):
    host = make_host("here")
    kill(host, registered(host), Rounds(host, random.Random(SEED), LONGEST_ON_A_SERVER), ON_A_SERVER)


def kill(world, clerks, rounds, count):
    """Play `count` rounds, and check the store, the wakes, the panes and the mail."""
    print(f"XATS_FAULT_SEED={SEED}")  # shown when it fails
    world.env.update(XATS_QUIET_MS="30", XATS_LADDER="200ms,200ms,200ms,200ms,1s,1s,1s,1s")
    for _ in range(count):
        rounds.play()
    whole(world)  # while a daemon may be at work
    if rounds.daemon.poll() is None:
        rounds.daemon.kill()
    rounds.daemon.communicate()
    settle(world)
    check_wakes(world, clerks)
    check_mail(world, rounds.ledger)


def whole(world):
    """Assert that nothing is half done in the store."""
    if isinstance(world, Host):
        assert checks.broken(world.store, states=(check.FAIL,)) == []
    else:
        assert_whole(world)


def settle(world):
    """Let a daemon that nobody kills bring every wake to its end, or to a rest with its reason."""
    daemon = world.daemon()
    ended = """
        select count(*) from wakes where closed_at is null and not
        (lease_token is null and next_attempt_at is null and reason = 'no_pane')
    """
    # A server can still commit the lease of a daemon that was killed; the next daemon may see it only once it ends.
    more = attempts.LEASE / 1000 if isinstance(world, Host) else 0
    until(lambda: world.rows(ended)[0][0] == 0, 40 + more, "the end of every wake")
    daemon.terminate()
    assert daemon.wait(10) == 0
    whole(world)


def check_wakes(world, clerks):
    for name in NAMES:
        sql = "select w.* from wakes w join agents a on a.id = w.agent_id where a.name = :name"
        wakes = world.rows(sql, name=name)
        ends = {"delivered", "skipped"} if name in clerks else {"queued", "retrying", "skipped"}
        assert {wake["state"] for wake in wakes} <= ends, [
            (w["state"], w["reason"], w["last_refusal"], w["detail"]) for w in wakes
        ]
        assert {wake["lease_token"] for wake in wakes} <= {None}
        if name in clerks:
            check_pane(clerks[name], wakes)


def check_pane(clerk, wakes):
    """Nothing but our lines was submitted, and no line twice for one wake."""
    submitted = [entry for entry in clerk.entries() if "submit" in entry]
    assert all(re.fullmatch(LINE, entry["submit"]) for entry in submitted), submitted
    tokens = [entry["wake"] for entry in submitted]
    assert len(set(tokens)) == len(tokens), f"submitted twice for one wake: {tokens}"
    woken = {int(token.split("-")[0]) for token in tokens}
    ended = {state: {wake["id"] for wake in wakes if wake["state"] == state} for state in ("delivered", "skipped")}
    assert woken <= ended["delivered"] | ended["skipped"]
    # A killed attempt may leave its line in the composer. When its mail is read, the next wake sends that line off.
    assert len(ended["delivered"] - woken) <= len(woken & ended["skipped"]), "said to be delivered, never submitted"


def check_mail(world, ledger):
    stored = Counter(row["body"] for row in world.rows("select body from messages"))
    ids = {row["body"]: row["id"] for row in world.rows("select body, id from messages")}
    assert set(stored) <= set(ledger.tried)
    assert set(stored.values()) <= {1}
    assert len(ledger.acknowledged) > 0
    for body, number in ledger.acknowledged.items():
        assert ids.get(body) == number, f"#{number} {body!r} was acknowledged"
    recipients = Counter(row["message_id"] for row in world.rows("select message_id from deliveries"))
    for body, number in ids.items():
        assert recipients[number] == (len(NAMES) - 1 if ledger.tried[body] == "all" else 1)
    # What is shown or read was printed for its reader; what is unread can be read, all of it, once.
    names = {row["id"]: row["name"] for row in world.rows("select id, name from agents")}
    for row in world.rows("select * from deliveries"):
        assert row["state"] == "unread" or ledger.seen[names[row["agent_id"]], row["message_id"]] >= 1
    for name in NAMES:
        unread = {
            row["message_id"]
            for row in world.rows("select * from deliveries where state = 'unread'")
            if names[row["agent_id"]] == name
        }
        left = world.json("inbox", "--as", name, "-n", "100000", XATS_INBOX_BUDGET="0")["messages"]
        assert [letter["id"] for letter in left] == sorted(unread)
    assert world.rows("select 1 from deliveries where state not in ('shown', 'read') or claim is not null") == []
    assert world.rows("select 1 from wakes where closed_at is null") == []
    whole(world)


def test_the_check_sees_what_is_broken(world, monkeypatch):
    """A ledger that finds nothing is worth nothing: break a store by hand, in each way."""
    world.register("alice")
    world.register("bob")
    world.send("bob")
    assert_whole(world)
    for harm in (
        "delete from deliveries",
        "delete from events where type = 'message_sent'",
        "update deliveries set wake_id = null",
        "update wakes set agent_id = 1",
        "update deliveries set state = 'read', read_at = 1",
        "update wakes set state = 'skipped', closed_at = 1, next_attempt_at = null",
        "update wakes set next_attempt_at = null",
        "update wakes set state = 'delivered', closed_at = 1, next_attempt_at = null",
    ):
        connection = sqlite3.connect(world.path, isolation_level=None)
        connection.execute("begin")
        try:
            connection.execute(harm)
            with monkeypatch.context() as patch, pytest.raises(AssertionError):
                patch.setattr(world, "rows", lambda sql, db=connection: db.execute(sql).fetchall())
                assert_whole(world)
        finally:
            connection.execute("rollback")
            connection.close()


def test_opening_a_store_that_is_locked_for_a_moment(world, monkeypatch):
    """Just what happens when a writer was killed in its commit: the first to come rolls the journal back, alone."""
    world.register("alice")
    recognise = Store._recognise
    other = sqlite3.connect(world.path, isolation_level=None, check_same_thread=False)

    def and_then_locked(store, connection):
        version = recognise(store, connection)
        other.execute("begin exclusive")
        threading.Timer(0.2, other.execute, ["rollback"]).start()
        return version

    monkeypatch.setattr(Store, "_recognise", and_then_locked)
    try:
        open_store(world.path).close()
    finally:
        until(lambda: not other.in_transaction)
        other.close()
