"""Transactions: all or nothing, patience with a busy store, and the generation."""

import os
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

from xats.base import errors
from xats.store.open import open_store
from xats.store.sqlite import engine, waiting

HOLD = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("begin exclusive")
print("held", flush=True)
sys.stdin.readline()
held.execute("commit")
"""


@pytest.fixture
def holder(store):
    """A process that holds the store locked until a line is written to it."""
    command = [sys.executable, "-c", HOLD, store.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout.readline() == "held\n"
        yield running
        running.kill()


def note(tx) -> None:
    tx.event("noted", "crew", None, "agent:x")


def count(store) -> int:
    return store.read(lambda tx: tx.one("select count(*) as n from events"))["n"]


@pytest.mark.sqlite
@pytest.mark.usefixtures("rollback")  # a write-ahead log lets others read
@pytest.mark.parametrize("act", ["write", "read"])
def test_a_busy_store_is_given_up_after_a_while(store, holder, monkeypatch, act):
    monkeypatch.setattr(waiting, "PATIENCE", 0.5)
    began = time.monotonic()
    with pytest.raises(errors.StoreBusy) as caught:
        getattr(store, act)(note if act == "write" else lambda tx: tx.all("select * from events"))
    assert 0.5 <= time.monotonic() - began < 3
    assert caught.value.exit == 75
    assert caught.value.hint.startswith("try again")
    assert (caught.value.data["pid"], caught.value.data["state"]) == (holder.pid, "running")
    holder.stdin.write("\n")
    holder.stdin.flush()
    holder.wait(10)
    assert count(store) == 0


@pytest.mark.sqlite
@pytest.mark.usefixtures("rollback")
def test_a_busy_store_cannot_be_opened(store, holder, monkeypatch):
    monkeypatch.setattr(waiting, "PATIENCE", 0.3)
    with pytest.raises(errors.StoreBusy):
        open_store(store.path)


def test_ten_seconds_is_the_patience():
    assert waiting.PATIENCE == 10.0


@pytest.mark.sqlite
def test_a_writer_waits_for_its_turn(store, holder, monkeypatch):
    tries = []
    real = time.sleep

    def sleep(seconds: float) -> None:
        tries.append(seconds)
        if len(tries) == 3:
            holder.stdin.write("\n")
            holder.stdin.flush()
        real(seconds)

    monkeypatch.setattr(waiting.time, "sleep", sleep)
    store.write(note)
    assert len(tries) >= 3
    assert all(0 < seconds <= 0.005 for seconds in tries)
    assert len(set(tries)) > 1
    assert count(store) == 1


@pytest.mark.sqlite
def test_a_commit_waits_for_readers(store, monkeypatch):
    """In a rollback journal a commit has to wait until the last reader has finished."""
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("begin")
    reader.execute("select count(*) from events").fetchone()
    tries = []

    def sleep(seconds: float) -> None:
        tries.append(seconds)
        reader.execute("rollback")

    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: sleep(seconds) if not tries else None)
    store.write(note)
    assert tries or store.connection.execute("pragma journal_mode").fetchone()[0] == "wal"
    reader.close()
    assert count(store) == 1


@pytest.mark.parametrize("raised", [ValueError("no"), KeyboardInterrupt(), errors.Refused("no")])
def test_what_is_raised_rolls_back(store, raised):
    def work(tx):
        note(tx)
        raise raised

    with pytest.raises(type(raised)):
        store.write(work)
    assert count(store) == 0
    store.write(note)
    assert count(store) == 1


def test_a_statement_that_fails_rolls_back_all(store):
    def work(tx):
        note(tx)
        tx.run("insert into agents (team) values ('crew')")

    with pytest.raises(errors.StoreError):
        store.write(work)
    assert count(store) == 0


def test_a_write_inside_a_write_is_refused(store):
    with pytest.raises(errors.StoreError):
        store.write(lambda tx: (note(tx), store.write(note)))
    assert count(store) == 0


def test_a_snapshot_keeps_nothing_that_is_written_in_it(store):
    store.read(note)
    assert count(store) == 0


def test_a_snapshot_does_not_see_what_is_committed_meanwhile(tmp_path, monkeypatch):
    from xats.store.sqlite import migrate

    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: True)
    one, other = open_store(str(tmp_path / "wal.db")), open_store(str(tmp_path / "wal.db"))

    def look(tx):
        before = tx.one("select count(*) as n from events")["n"]
        other.write(note)
        return before, tx.one("select count(*) as n from events")["n"]

    assert one.read(look) == (0, 0)
    assert count(one) == 1
    one.close()
    other.close()


def test_one_transaction_has_one_time(store, clock):
    def work(tx):
        first = tx.now
        clock.tick(5)
        note(tx)
        return first, tx.now

    first, second = store.write(work)
    written = store.read(lambda tx: tx.one("select at from events"))["at"]
    assert first == second == written == clock.now - 5


def test_the_generation_changes_when_another_commits_and_only_then(store, until):
    other = open_store(store.path)
    before = store.generation()
    assert store.generation() == before
    other.read(lambda tx: tx.all("select * from events"))
    with pytest.raises(ValueError, match="no"):
        other.write(lambda tx: (note(tx), int("no")))
    assert store.generation() == before
    other.write(note)
    until(lambda: store.generation() != before)  # a notification takes its time
    after = store.generation()
    assert store.generation() == after
    other.close()


@pytest.fixture
def journaled(rollback, store):
    """A store with a rollback journal."""
    return store


@pytest.mark.sqlite
def test_a_look_at_a_store_that_was_replaced_leaves_the_journal_of_the_new_one(journaled):
    journaled.write(note)
    shutil.copy(journaled.path, f"{journaled.path}.new")
    os.replace(f"{journaled.path}.new", journaled.path)
    new = open_store(journaled.path)

    def work(tx):
        tx.event("much", "crew", "alice", "x", text="x" * 4_000_000)  # more than the cache holds: it goes to the disk
        tx.write_events()
        with open(f"{journaled.path}-journal", "rb") as journal:
            assert journal.read(1) != b"\0"  # whole: a reader who finds it rolls it back
        assert (journaled.replaced, journaled.generation(), new.replaced) == (True, -1, False)

    new.write(work)
    assert len(new.read(lambda tx: tx.all("select * from events"))) == 2
    new.close()


@pytest.mark.sqlite
def test_an_error_over_which_sqlite_gives_the_snapshot_up_is_told_as_it_is(journaled):
    os.mkdir(f"{journaled.path}-journal")
    for verb in (journaled.read, journaled.write):
        with pytest.raises(errors.StoreError, match="disk I/O error"):
            verb(lambda tx: tx.all("select * from events"))
    with pytest.raises(errors.StoreForeign, match="is not a regular file"):
        open_store(journaled.path)
    os.rmdir(f"{journaled.path}-journal")
    journaled.write(note)


@pytest.mark.sqlite
def test_a_journal_that_was_taken_away_says_so(journaled):
    def work(tx):
        note(tx)
        tx.write_events()
        os.rename(f"{journaled.path}-journal", f"{journaled.path}-journal.away")

    with pytest.raises(errors.StoreError, match="was moved or replaced"):
        journaled.write(work)


@pytest.mark.sqlite
def test_an_open_store_is_left_alone_once_a_newer_xats_has_changed_it(store):
    other = sqlite3.connect(store.path)
    other.execute(f"pragma user_version = {engine.SCHEMA_VERSION + 1}")
    for verb in (store.read, store.write):
        with pytest.raises(errors.StoreTooNew, match="this xats knows"):
            verb(lambda tx: pytest.fail("it looked"))
    other.execute(f"pragma user_version = {engine.SCHEMA_VERSION}")
    other.close()
    store.write(note)


def test_result_of_the_work_is_handed_back(store):
    assert store.write(lambda tx: "written") == "written"
    assert store.read(lambda tx: "read") == "read"


def test_ids_are_never_used_again(store):
    store.write(note)
    first = store.read(lambda tx: tx.one("select max(id) as id from events"))["id"]
    store.write(lambda tx: tx.run("delete from events"))
    store.write(note)
    assert store.read(lambda tx: tx.one("select max(id) as id from events"))["id"] == first + 1
