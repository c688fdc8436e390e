"""The engine for PostgreSQL on a real server: one writer at a time, the time, a server that goes away, errors."""

import random
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest

from tests.support import postgres as servers
from xats.base import errors
from xats.base.location import key
from xats.core import clock as clocks
from xats.store import port
from xats.store.open import open_store
from xats.store.postgres import engine
from xats.store.postgres.statements import statements, translated
from xats.store.sqlite import SCHEMA_VERSION


@pytest.fixture
def opened(postgres, empty):
    """`opened()` opens one and the same new store each time."""
    stores = []

    def again(**options):
        stores.append(open_store(postgres.url(empty), **options))
        return stores[-1]

    yield again
    for one in stores:
        one.close()


def note(store, subject: str = "a") -> None:
    store.write(lambda tx: tx.event("noted", "crew", None, subject))


def subjects(store) -> list[str]:
    return [row["subject"] for row in store.read(lambda tx: tx.all("select subject from events order by id"))]


# -- statements --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select :a, :a_2", "select %(a)s, %(a_2)s"),
        ("select ':a', \":b\", 'it''s :c'", "select ':a', \":b\", 'it''s :c'"),
        ("select 1::text -- :a\n, :b /* :c\n */", "select 1::text -- :a\n, %(b)s /* :c\n */"),
        ("a like 'x%' and 7 % :b", "a like 'x%%' and 7 %% %(b)s"),
    ],
)
def test_named_parameters_are_translated(sql, said):
    assert translated(sql) == said


def test_a_script_is_split_at_semicolons_outside_of_texts_and_comments():
    assert statements("select ';'; -- a;b\nselect 1; ") == ["select ';';", " -- a;b\nselect 1;"]


def test_values_are_those_of_the_dialect(opened):
    store = opened()
    row = store.read(
        lambda tx: tx.one(
            "select sum(x) as s, avg(x) as a, max(x) > 1 as t, :big as b from (values (1), (2)) v (x)", big=2**62
        )
    )
    assert [*row] == [3, 1.5, 1, 2**62]
    assert [type(one) for one in row] == [int, float, int, int]
    assert "'s': 3" in repr(row)


def test_many_statements_are_one_round_trip_for_each_batch(opened):
    store = opened()
    subjects_ = [f"{one} 100% ' ; :x" for one in range(2 * engine.BATCH + 1)]
    store.write(lambda tx: [tx.event("noted", "crew", None, one) for one in subjects_])
    assert subjects(store) == subjects_


def test_a_read_leaves_no_transaction_open_and_does_not_wait_for_its_end(opened, postgres, empty, until):
    store = opened()
    pid = store.read(lambda tx: tx.one("select pg_backend_pid() as pid"))["pid"]
    assert store.connected().info.backend_pid == pid
    store.read(lambda tx: tx.all("select 1"))
    assert store._connection.info.transaction_status != engine.IDLE  # the answer was not waited for
    with postgres.connect(empty) as admin:
        state = "select state from pg_stat_activity where pid = %s"
        until(lambda: admin.execute(state, (pid,)).fetchone() == ("idle",))
    assert store.read(lambda tx: tx.one("select pg_backend_pid() as pid"))["pid"] == pid  # the same connection


# -- one writer at a time ----------------------------------------------------------------------------------------------


def follow(store, stop) -> list[tuple[int, int]]:
    """Read the events after the last one that was seen, until `stop` is set and nothing is new."""
    seen: list[tuple[int, int]] = []
    while True:
        ending = stop.is_set()
        last = seen[-1][0] if seen else 0
        new = store.read(
            lambda tx, last=last: tx.all("select id, at from events where id > :last order by id", last=last)
        )
        seen += [(row["id"], row["at"]) for row in new]
        if ending and not new:
            return seen


def test_a_follower_sees_each_event_once_beside_slow_and_rolled_back_writers(opened):
    stop, seen, written = threading.Event(), [], []
    reader = opened()

    def write(store, chance: random.Random) -> None:
        def work(tx):
            tx.event("noted", "crew", None, "a")
            tx.event("noted", "crew", None, "b")
            tx.write_events()
            time.sleep(chance.random() / 100)  # slow: the follower reads meanwhile
            if chance.random() < 0.3:
                raise errors.Refused
            return tx.all("select id from events order by id desc limit 2")

        for _ in range(25):
            try:
                written.extend(row["id"] for row in store.write(work))
            except errors.Refused:
                pass

    writers = [threading.Thread(target=write, args=(opened(), random.Random(seed))) for seed in range(3)]
    follower = threading.Thread(target=lambda: seen.extend(follow(reader, stop)))
    for one in (*writers, follower):
        one.start()
    for one in writers:
        one.join(60)
    stop.set()
    follower.join(60)
    assert [one for one, _ in seen] == sorted(written)
    assert [at for _, at in seen] == sorted(at for _, at in seen)


@pytest.mark.parametrize("locks", [True, False])
def test_an_event_becomes_visible_after_those_with_smaller_ids(opened, monkeypatch, locks):
    """Without the lock a follower misses an event: this shows that the test can fail."""
    if not locks:
        monkeypatch.setattr(engine, "WRITE", engine.WRITE.replace(f"select pg_advisory_xact_lock({engine.LOCK});", ""))
    slow, quick, reader = opened(), opened(), opened()
    begun, done = threading.Event(), threading.Event()

    def first(tx):
        tx.event("noted", "crew", None, "first")
        tx.write_events()
        begun.set()
        done.wait(1.0)

    def second() -> None:
        begun.wait(30)
        note(quick, "second")
        seen.extend(follow(reader, stopped))
        done.set()

    seen, stopped = [], threading.Event()
    stopped.set()
    other = threading.Thread(target=second)
    other.start()
    slow.write(first)
    other.join(30)
    seen += [(one, at) for one, at in follow(reader, stopped) if one > seen[-1][0]]
    assert len(seen) == (2 if locks else 1)


def test_times_follow_the_ids_although_the_clock_of_the_server_goes_back(opened, postgres, empty):
    store = opened()
    note(store)
    with postgres.connect(empty) as admin:
        admin.execute("update xats.events set at = at + 3600000")
    note(store)
    ats = [row["at"] for row in store.read(lambda tx: tx.all("select at from events order by id"))]
    assert ats[1] == ats[0]
    assert store.read(lambda tx: tx.now) >= ats[0]


def test_the_time_is_that_of_the_server_on_a_host_an_hour_ahead(opened, monkeypatch):
    from xats.base import faults

    monkeypatch.setattr(faults, "CLOCK", 3_600_000)
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 3_600_000_000_000)
    store = opened()
    with_server = real() // 1_000_000
    now = store.write(lambda tx: tx.now)
    assert abs(now - with_server) < 60_000
    assert abs(store.clock() - with_server) < 60_000
    assert store.write(clocks.observe).cause in ("first", "hidden")


def test_a_clock_of_a_caller_wins(opened):
    store = opened(clock=lambda: 42)
    assert (store.write(lambda tx: tx.now), store.read(lambda tx: tx.now), store.clock()) == (42, 42, 42)


HOLDER = """
import sys, time
from xats.store.open import open_store
store = open_store(sys.argv[1])
def work(tx):
    tx.event("noted", "crew", None, "stopped")
    tx.write_events()
    print("holds", flush=True)
    sys.stdin.readline()
    return 1
try:
    store.write(work)
    print("written", flush=True)
finally:
    store.close()
"""


def test_a_stopped_process_holds_up_the_others_for_no_longer_than_six_seconds(opened, postgres, empty):
    store = opened()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, postgres.url(empty)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "holds\n"
        holder.send_signal(signal.SIGSTOP)
        began = time.monotonic()
        note(store, "other")
        assert time.monotonic() - began < 6 + 2  # two seconds for a loaded machine
        holder.send_signal(signal.SIGCONT)
        said, _ = holder.communicate("\n\n", timeout=60)
        assert said == "holds\nwritten\n"
        assert sorted(subjects(store)) == ["other", "stopped"]  # its transaction was run again, from the beginning
    finally:
        holder.kill()
        holder.communicate()


# -- generation --------------------------------------------------------------------------------------------------------


def changes(store, before: int, until) -> int:
    return until(lambda: (now := store.generation()) != before and now)


def test_a_commit_is_heard_at_once_and_ones_own_is_not(opened):
    store, other = opened(), opened()
    before = store.generation()
    note(store)
    until = time.monotonic() + 0.2
    while time.monotonic() < until:
        assert store.generation() == before
    began = time.monotonic()
    note(other)
    while store.generation() == before:
        assert time.monotonic() - began < 30
    assert not store.replaced


def test_a_poll_finds_a_commit_without_a_notification(opened, monkeypatch, until):
    store, other = opened(), opened()
    before = store.generation()
    monkeypatch.setattr(engine, "COMMIT", engine.COMMIT.replace("notify xats;", ""))
    note(other)
    assert changes(store, before, until)


def test_a_killed_connection_is_replaced_and_the_gap_is_found(opened, postgres, empty, until):
    store, other = opened(), opened()
    before = store.generation()
    with postgres.connect() as admin:
        admin.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{empty}'")
    note(other)
    assert changes(store, before, until)
    assert len(subjects(store)) == 1


def test_a_restarted_server_is_listened_to_again(own_postgres, until):
    store, other = open_store(own_postgres.url("team")), open_store(own_postgres.url("team"))
    before = store.generation()
    own_postgres.kill()
    store.patience = 0.1
    with pytest.raises(errors.StoreAway) as caught:
        note(store)
    assert (caught.value.exit, caught.value.code) == (75, "store_away")
    store.patience = None
    own_postgres.start()
    note(other, "after")
    after = changes(store, before, until)
    note(other, "again")
    assert changes(store, after, until)
    assert subjects(store) == ["after", "again"]
    store.close()
    other.close()


# -- the schema --------------------------------------------------------------------------------------------------------


def test_many_processes_make_one_schema(postgres, empty):
    found, lock = [], threading.Lock()

    def make() -> None:
        store = open_store(postgres.url(empty))
        with lock:
            found.append((store.id, store.schema))
        store.close()

    threads = [threading.Thread(target=make) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    assert len(set(found)) == 1 and len(found) == 5
    assert found[0][1] == SCHEMA_VERSION


def test_a_newer_schema_is_refused(opened, postgres, empty):
    store = opened()
    with postgres.connect(empty) as admin:
        admin.execute(f"update xats.meta set schema = {SCHEMA_VERSION + 1}")
    for attempt in (lambda: note(store), lambda: subjects(store), opened):
        with pytest.raises(errors.StoreTooNew):
            attempt()


def test_a_schema_of_another_program_is_refused(postgres, empty):
    with postgres.connect(empty, user="xats") as owner:
        owner.execute("create schema xats; create table xats.theirs (id int)")
    with pytest.raises(errors.StoreForeign):
        open_store(postgres.url(empty))


def test_another_store_in_the_same_place_is_noticed(opened, postgres, empty, until):
    store = opened()
    before = store.generation()
    with postgres.connect(empty, user="xats") as owner:
        owner.execute("drop schema xats cascade")
    new = opened()
    note(new)
    until(lambda: store.generation() != before)
    assert (store.generation(), store.replaced, store.lost) == (-1, True, True)
    with pytest.raises(errors.StoreError, match="Another store"):
        note(store)


def test_without_the_right_to_create_the_schema_the_grant_is_shown(postgres, empty):
    role = f"r{uuid.uuid4().hex[:8]}"
    with postgres.connect(empty) as admin:
        admin.execute(f"create role {role} login")
        try:
            with pytest.raises(errors.StoreDenied) as caught:
                open_store(postgres.url(empty, role))
            assert caught.value.hint.endswith(f"create schema xats authorization {role}")
            open_store(postgres.url(empty)).close()
            with pytest.raises(errors.StoreDenied) as caught:
                open_store(postgres.url(empty, role))
            assert caught.value.exit == 1
            for line in caught.value.hint.partition(": ")[2].split("; "):
                admin.execute(line)
            store = open_store(postgres.url(empty, role))
            note(store)
            store.close()
        finally:
            admin.execute(f"drop owned by {role}; drop role {role}")


# -- errors ------------------------------------------------------------------------------------------------------------


def refused(url: str) -> errors.StoreError:
    with pytest.raises(errors.StoreError) as caught:
        open_store(url, patience=0)
    return caught.value


def test_an_unknown_database_names_createdb(postgres):
    problem = refused(postgres.url("nowhere"))
    assert (problem.exit, "createdb -E UTF8" in problem.hint, "nowhere" in problem.hint) == (1, True, True)


def test_a_wrong_or_missing_password_names_pgpass(own_postgres, monkeypatch):
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    port = own_postgres.port
    url = own_postgres.url("postgres", tcp=True)
    missing = refused(url)
    assert (missing.exit, missing.code) == (1, "store_denied")
    assert f"127.0.0.1:{port}:postgres:xats:PASSWORD" in missing.hint
    monkeypatch.setenv("PGPASSWORD", "opensesame")
    wrong = refused(url)
    assert (wrong.exit, wrong.code) == (1, "store_denied")
    assert "opensesame" not in f"{wrong} {wrong.hint} {wrong!r} {wrong.__cause__} {wrong.__context__}"


def test_a_server_that_is_away_is_a_temporary_error(tmp_path):
    for url in (f"postgresql:///x?host={tmp_path}", f"postgresql://127.0.0.1:{servers.free_port()}/x"):
        problem = refused(url)
        assert (problem.exit, problem.code, "pg_isready" in problem.hint) == (75, "store_away", True)


def test_a_server_that_ends_is_a_temporary_error(own_postgres):
    store = open_store(own_postgres.url("team"))
    store.patience = 0.2
    own_postgres.stop()
    try:
        with pytest.raises(errors.StoreAway):
            note(store)
    finally:
        own_postgres.start()
    note(store)
    store.close()


def test_a_read_only_server_is_a_temporary_error(opened, postgres, empty):
    store = opened(patience=0.1)
    with postgres.connect(empty) as admin:
        admin.execute(f"alter database {empty} set default_transaction_read_only = on")
        others = f"datname = '{empty}' and pid <> pg_backend_pid()"
        admin.execute(f"select pg_terminate_backend(pid) from pg_stat_activity where {others}")
    store.patience = 0.1
    with pytest.raises(errors.StoreAway, match="read-only"):
        note(store)


def test_a_busy_store_is_a_temporary_error(opened, postgres, empty):
    store = opened()
    store.patience = 0.1
    with postgres.connect(empty) as admin:
        admin.execute(f"select pg_advisory_lock({engine.LOCK})")
        with pytest.raises(errors.StoreBusy) as caught:
            note(store)
    assert (caught.value.exit, caught.value.code) == (75, "store_busy")
    note(store)


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:port/x", "postgresql://h/x?nonsense=1", "postgresql://127.0.0.1/x?sslmode=no"]
)
def test_a_malformed_url_is_no_temporary_error(url):
    assert refused(url).exit == 1


def test_a_text_with_nul_is_refused(opened):
    store = opened()
    with pytest.raises(errors.Usage):
        store.read(lambda tx: tx.one("select :a as a", a="x\0y"))
    assert subjects(store) == []


def test_a_broken_constraint_is_a_fault_of_xats(opened):
    with pytest.raises(errors.StoreError, match="23502"):
        opened().write(lambda tx: tx.run("insert into events (at) values (1)"))


def test_the_key_is_the_same_for_every_spelling(monkeypatch):
    same = {
        key(url, {"PGUSER": "bob"})
        for url in (
            "postgresql://db.example/team",
            "postgres://bob@DB.example:5432/team",
            "postgresql://ann@/team?host=db.example",
            "postgresql://db.example:5432/team?sslmode=require",
        )
    }
    assert same == {"db.example:5432/team"}
    assert key("postgresql://", {"PGHOST": "h", "PGPORT": "1", "PGDATABASE": "d"}) == "h:1/d"
    assert key("postgresql://[::1]:7/d", {}) == "::1:7/d"


def test_the_store_has_all_that_the_port_has(opened):
    store = opened()
    wanted = {*port.Store.__annotations__, *(name for name in vars(port.Store) if not name.startswith("_"))}
    assert {name for name in wanted if not hasattr(store, name)} == set()
