"""Migrations: each in one transaction with its record, after a backup, and never half done."""

import glob
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap

import pytest

from xats.base import errors, process
from xats.core.agents import agents
from xats.core.waking import attempts
from xats.store.open import open_store
from xats.store.sqlite import engine, migrate

ADD = "create table colours (name text not null) strict;\ninsert into colours values ('red');\n"
BREAK = "create table colours (name text not null) strict;\ninsert into nowhere values ('red');\n"


@pytest.fixture
def old(tmp_path):
    """The path of a store with the schema of today and an event in it."""
    path = str(tmp_path / "xats.db")
    store = open_store(path)
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    store.close()
    return path


@pytest.fixture
def tomorrow(monkeypatch):
    """Let xats know `scripts` as further migrations."""
    known = migrate.migrations()

    def know(*scripts: str) -> int:
        more = [(engine.SCHEMA_VERSION + n, f"more{n}", script) for n, script in enumerate(scripts, 1)]
        monkeypatch.setattr(migrate, "migrations", lambda: known + more)
        monkeypatch.setattr(engine, "SCHEMA_VERSION", engine.SCHEMA_VERSION + len(scripts))
        return engine.SCHEMA_VERSION

    return know


def version(path: str) -> int:
    other = sqlite3.connect(path)
    found = other.execute("pragma user_version").fetchone()[0]
    other.close()
    return found


def tables(path: str) -> set[str]:
    other = sqlite3.connect(path)
    found = {row[0] for row in other.execute("select name from sqlite_master where type = 'table'")}
    other.close()
    return found


def backups(path: str) -> list[str]:
    return glob.glob(f"{path}.*.bak")


def test_an_older_store_is_migrated_after_a_backup(old, tomorrow):
    today = version(old)
    newest = tomorrow(ADD)
    store = open_store(old)
    assert store.read(lambda tx: tx.one("select name from colours"))["name"] == "red"
    recorded = store.read(lambda tx: tx.all("select number, name from migrations order by number"))
    assert tuple(recorded[-1]) == (newest, "more1")
    assert len(store.read(lambda tx: tx.all("select * from events"))) == 1
    store.close()
    assert version(old) == newest
    (backup,) = backups(old)
    assert version(backup) == today
    assert "colours" not in tables(backup)
    assert stat.S_IMODE(os.stat(backup).st_mode) == 0o600


def test_a_migrated_store_is_not_migrated_or_backed_up_again(old, tomorrow):
    tomorrow(ADD)
    open_store(old).close()
    open_store(old).close()
    assert len(backups(old)) == 1


def test_a_new_store_gets_every_migration_and_no_backup(tmp_path, tomorrow):
    newest = tomorrow(ADD, "insert into colours values ('blue');\n")
    path = str(tmp_path / "new.db")
    open_store(path).close()
    assert version(path) == newest
    assert backups(path) == []


def test_a_migration_that_fails_leaves_version_and_data_as_they_were(old, tomorrow):
    today, before = version(old), tables(old)
    tomorrow(BREAK)
    with pytest.raises(errors.StoreError):
        open_store(old)
    assert version(old) == today
    assert tables(old) == before
    other = sqlite3.connect(old)
    assert other.execute("select count(*) from events").fetchone()[0] == 1
    assert other.execute("select max(number) from migrations").fetchone()[0] == today
    other.close()


def test_the_migrations_before_the_one_that_fails_stay(old, tomorrow):
    today = version(old)
    tomorrow(ADD, BREAK)
    with pytest.raises(errors.StoreError):
        open_store(old)
    assert version(old) == today + 1
    assert "colours" in tables(old)


def test_nothing_is_migrated_without_its_backup(old, tomorrow, monkeypatch):
    today = version(old)
    tomorrow(ADD)

    def fail(*_):
        raise errors.StoreFull

    monkeypatch.setattr(migrate, "back_up", fail)
    with pytest.raises(errors.StoreFull):
        open_store(old)
    assert version(old) == today


FULL = """
import resource, signal, sys
from xats.base.errors import XatsError
from xats.store.open import open_store
from xats.store.sqlite import engine
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
engine.SCHEMA_VERSION += 1
try:
    open_store(sys.argv[1])
except XatsError as problem:
    print(problem.code)
"""


def test_no_half_backup_is_left_where_there_is_no_room_for_one(old):
    before = tables(old), version(old)
    half = str(os.path.getsize(old) // 2)
    command = [sys.executable, "-c", FULL, old, half]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout in ("disk_full\n", "store_unusable\n"), done
    assert backups(old) == []
    assert (tables(old), version(old)) == before


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma locking_mode = exclusive")
connection.execute("begin exclusive")
connection.execute("delete from labels")
print("held", flush=True)
sys.stdin.readline()
"""
BACK_UP = """
import sqlite3, sys
from xats.store.sqlite import migrate; from xats.store.open import open_store
store = open_store(sys.argv[1], patience=0.3)
store.close()
print("open", flush=True)
sys.stdin.readline()
store.connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    migrate.back_up(store)
except sqlite3.OperationalError as error:
    print(error.sqlite_errorname)
"""


def test_a_backup_does_not_wait_for_ever_for_a_writer_that_stands_still(old):
    """The lock may be taken between recognising the store and copying it."""
    several = []
    try:
        for script in (BACK_UP, HOLD):
            command = [sys.executable, "-c", script, old]
            several.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
            several[-1].stdout.readline()
        said, _ = several[0].communicate("go\n", timeout=10)
        assert said == "SQLITE_BUSY\n"
        assert backups(old) == []
    finally:
        for one in several:
            one.kill()
            one.communicate()


def test_a_backup_that_finds_no_place_is_said_so(old, tomorrow, monkeypatch):
    tomorrow(ADD)
    monkeypatch.setattr(os, "getpid", lambda: "/nowhere/1")
    with pytest.raises(errors.StoreReadOnly, match="the backup before it failed: No such file or directory"):
        open_store(old)


def test_a_store_knows_whether_opening_it_has_migrated_it(old, tomorrow, tmp_path):
    seen = []
    for path in (str(tmp_path / "new.db"), old):
        store = open_store(path)
        seen.append(store.upgraded)
        store.close()
    tomorrow(ADD)
    store = open_store(old)
    assert (seen, store.upgraded) == ([False, False], True)
    store.close()


def test_a_failed_migration_leaves_the_store_closed(old, tomorrow):
    tomorrow(BREAK)
    with pytest.raises(errors.StoreError) as caught:  # whose traceback keeps the store alive
        open_store(old)
    assert caught.value.code == "store_unusable"
    assert os.path.realpath(old) not in process.open_files(os.getpid())


OPEN = """
import sys
from xats.store.open import open_store
store = open_store(sys.argv[1])
store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
print(sorted(name for name in sys.modules if name.startswith("xats.store")))
"""


def test_an_up_to_date_store_imports_its_engine_alone(old):
    names = [
        "xats.store",
        "xats.store.open",
        *(f"xats.store.sqlite{name}" for name in ("", ".driver", ".engine", ".paths")),
    ]
    done = subprocess.run([sys.executable, "-c", OPEN, old], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == f"{sorted(names)}\n"


UPGRADE = """
import sys
from xats.store.open import open_store; from xats.store.sqlite import migrate
from xats.store.sqlite import engine
known = migrate.migrations()
engine.SCHEMA_VERSION += 1
migrate.migrations = lambda: known + [(engine.SCHEMA_VERSION, "more", "create table colours (name text) strict;")]
print("up", flush=True)
sys.stdin.readline()
store = open_store(sys.argv[1], clock=lambda: 1)
store.write(lambda tx: tx.event("upgraded", "crew", None, "agent:x"))
store.close()
"""


def test_several_processes_may_migrate_at_once(old):
    today = version(old)
    command = [sys.executable, "-c", textwrap.dedent(UPGRADE), old]
    several = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(4)
    ]
    for one in several:
        one.stdout.readline()
    for one in several:
        one.stdin.write(b"go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=30)[0].decode() for one in several]
    assert [one.returncode for one in several] == [0] * 4, said
    assert version(old) == today + 1
    other = sqlite3.connect(old)
    assert other.execute("select count(*) from migrations").fetchone()[0] == len(migrate.migrations()) + 1
    assert other.execute("select count(*) from events").fetchone()[0] == 5
    other.close()


def test_statements_are_split_where_they_end():
    script = "-- a; comment\ncreate table a (x text default ';');\n\ninsert into a values ('1\n2;');\n-- the end\n"
    assert len(list(migrate.statements(script))) == 2


# -- from the first schema to this one ---------------------------------------------------------------------------------

FIRST_MAIL = """
insert into agents values (1, 'crew', 'alice', 'alice', 'lead', 'codex', null, 1, 10, 20, null);
insert into agents values (2, 'crew', 'Bob', 'bob', null, 'generic', null, 2, 10, 20, null);
insert into messages values (1, 1, 'pane', 'bob', 's', 'one', 'mail', 1, 1, null, null, null, 30, null);
insert into messages values (2, 1, 'pane', 'bob', null, 'two', 'mail', 1, 1, 1, 1, 'k', 40, 50);
insert into wakes values (6, 2, 'delivered', null, 'busy', 1, 2, 'tmux', null, null, null, 30, 35, 35);
insert into wakes values (7, 2, 'retrying', 'busy', 'busy', 2, 1, 'tmux', 99, 'here:1:2', 100, 40, 41, null);
insert into deliveries values (2, 1, 'read', 6, null, null, null, 36, null, null);
insert into deliveries values (2, 2, 'unread', 7, 50, null, null, null, null, null);
"""


@pytest.fixture
def first(tmp_path):
    """The path of a store as the first xats made it, with mail in it."""
    path = str(tmp_path / "first.db")
    (number, name, script) = migrate.migrations()[0]
    other = sqlite3.connect(path)
    other.executescript(script)
    other.execute("insert into migrations values (?, ?, 1, '0.1')", (number, name))
    other.executescript(FIRST_MAIL)
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute("pragma user_version = 1")
    other.close()
    return path


def schema(path: str) -> dict[str, str]:
    other = sqlite3.connect(path)
    found = {
        name: " ".join(sql.split())
        for name, sql in other.execute("select name, sql from sqlite_master where sql is not null")
    }
    other.close()
    return {name: sql.replace('"wakes"', "wakes") for name, sql in found.items()}


def test_a_store_of_the_first_schema_comes_to_be_like_a_new_one(first, tmp_path):
    open_store(first).close()
    open_store(str(tmp_path / "new.db")).close()
    assert schema(first) == schema(str(tmp_path / "new.db"))


def test_its_mail_and_its_wakes_are_what_they_were(first):
    store = open_store(first)
    found = [tuple(row) for row in store.read(lambda tx: tx.all("select * from wakes order by id"))]
    assert found == [
        (6, 2, "delivered", None, "busy", 1, 2, "tmux", None, None, None, 30, 35, 35, None, None, None),
        (7, 2, "retrying", "busy", "busy", 2, 1, "tmux", 99, "here:1:2", 100, 40, 41, None, None, None, None),
    ]
    deliveries = store.read(lambda tx: tx.all("select message_id, state, wake_id from deliveries order by message_id"))
    assert [tuple(row) for row in deliveries] == [(1, "read", 6), (2, "unread", 7)]
    assert [row["hops"] for row in store.read(lambda tx: tx.all("select hops from messages"))] == [0, 0]
    assert store.read(lambda tx: tx.all("pragma foreign_key_check")) == []
    assert store.read(lambda tx: tx.one("pragma foreign_keys"))[0] == 1
    with pytest.raises(errors.StoreError):  # what refers to the rebuilt table is still held to it
        store.write(lambda tx: tx.run("update deliveries set wake_id = 5"))
    store.close()


def test_a_new_wake_never_gets_the_number_of_an_old_one(first):
    store = open_store(first)
    row = store.write(
        lambda tx: tx.one(
            "insert into wakes (agent_id, state, opened_at, updated_at) values (1, 'queued', 1, 1) returning id"
        )
    )
    assert row["id"] == 8
    store.close()


def test_a_reference_to_nothing_stops_the_migration(first):
    other = sqlite3.connect(first)
    other.execute("insert into labels values (77, 'tag', 'gpu')")
    other.commit()
    other.close()
    with pytest.raises(errors.StoreCorrupt):
        open_store(first)
    assert version(first) == 1


# -- before what is handed over stayed open ----------------------------------------------------------------------------

WAKES = (  # one of every state that there was, suspended and leased ones too: an agent has one open wake at the most
    (1, 1, "queued", None, None, 1, 0, None, 90, None, None, 30, 30, None),
    (2, 2, "queued", "no_pane", "no_pane", 1, 0, None, None, None, None, 30, 31, None),
    (3, 3, "retrying", "busy", "busy", 2, 1, "tmux", 99, None, None, 30, 32, None),
    (4, 4, "retrying", "busy", "busy", 2, 2, "tmux", 99, "here:1:2", 100, 30, 33, None),
    (5, 5, "held", "paused", "busy", 3, 1, "tmux", None, None, None, 30, 34, None),
    (6, 6, "delivered", None, "busy", 1, 2, "tmux", None, None, None, 30, 35, 35),
    (7, 6, "skipped", "already_read", None, 1, 0, None, None, None, None, 30, 36, 36),
    (8, 6, "failed", "retry_exhausted", "dialog_open", 1, 4, "tmux", None, None, None, 30, 37, 37),
    (9, 6, "failed", "unconfirmed", "unconfirmed", 1, 1, "tmux", None, None, None, 30, 38, 38),
)


@pytest.fixture
def fifth(tmp_path):
    """The path of a store of the fifth schema, with mail and wakes in every state."""
    path = str(tmp_path / "fifth.db")
    other = sqlite3.connect(path)
    for number, name, script in migrate.migrations()[:5]:
        other.executescript(script)
        other.execute("insert into migrations values (?, ?, 1, '0.1')", (number, name))
    for number in range(1, len(WAKES) + 1):
        values = (number, f"a{number}", f"a{number}")
        agent = "(id, team, name, name_key, client, epoch, registered_at, seen_at)"
        other.execute(f"insert into agents {agent} values (?, 'crew', ?, ?, 'codex', 1, 1, 1)", values)
        columns = "(id, sender_id, evidence, address, body, kind, need_reply, wake, sent_at)"
        other.execute(f"insert into messages {columns} values (?, 1, 'pane', 'x', 'x', 'mail', 0, 1, 1)", (number,))
    for wake in WAKES:
        other.execute(f"insert into wakes values ({', '.join('?' * len(wake))})", wake)
        read = wake[2] in ("skipped", "delivered")
        columns = "(agent_id, message_id, state, wake_id, read_at)"
        values = (wake[1], wake[0], "read" if read else "unread", wake[0], 1 if read else None)
        other.execute(f"insert into deliveries {columns} values (?, ?, ?, ?, ?)", values)
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute("pragma user_version = 5")
    other.commit()
    other.close()
    return path


def test_wakes_of_every_state_are_what_they_were(fifth, tmp_path):
    store = open_store(fifth, clock=lambda: 95)
    found = [tuple(row) for row in store.read(lambda tx: tx.all("select * from wakes order by id"))]
    assert found == [(*wake, None, None, None) for wake in WAKES]
    assert store.read(lambda tx: tx.all("pragma foreign_key_check")) == []
    assert len(store.read(lambda tx: tx.all("select * from deliveries"))) == len(WAKES)
    assert [one.id for one in store.read(attempts.due)] == [1]
    assert store.read(attempts.next_due) == 90
    open_store(str(tmp_path / "new.db")).close()
    assert schema(fifth) == schema(str(tmp_path / "new.db"))
    store.close()


def test_what_was_open_goes_on_and_can_be_handed_over(fifth):
    store = open_store(fifth, clock=lambda: 95)

    def work(tx):
        [wake] = attempts.due(tx)
        attempts.lease(tx, [wake], "d")
        return attempts.handed_over(tx, wake, "d", "waiter", tx.now + 60_000)

    assert store.write(work)
    row = store.read(lambda tx: tx.one("select state, handed, closed_at from wakes where id = 1"))
    assert tuple(row) == ("delivered", "waiter", None)
    store.close()


SILENT = (  # agent, why it woke nobody, state of the mail, whether the agent has an open wake, whether it is paused
    ("capped", "rate_capped", "unread", False, False),
    ("chained", "hop_limit", "unread", False, False),
    ("paused", "rate_capped", "unread", False, True),
    ("waiting", "rate_capped", "unread", True, False),
    ("read", "rate_capped", "read", False, False),
    ("quiet", "no_wake", "unread", False, False),
)


def test_unread_mail_over_the_former_limits_gets_a_wake(tmp_path):
    path = str(tmp_path / "ninth.db")
    other = sqlite3.connect(path)
    before = [found for found in migrate.migrations() if found[0] <= 9]
    for number, name, script in before:
        other.executescript(script)
        other.execute("insert into migrations values (?, ?, 1, '0.9')", (number, name))
    for number, (name, why, state, open_wake, paused) in enumerate(SILENT, 1):
        agent = "(id, team, name, name_key, client, epoch, registered_at, seen_at)"
        other.execute(f"insert into agents {agent} values (?, 'crew', ?, ?, 'codex', 1, 1, 1)", (number, name, name))
        for message in (number * 10, number * 10 + 1):
            columns = "(id, sender_id, evidence, address, body, kind, need_reply, wake, sent_at)"
            other.execute(
                f"insert into messages {columns} values (?, 1, 'pane', 'x', 'x', 'mail', 0, 1, ?)", (message, message)
            )
            columns = "(agent_id, message_id, state, no_wake_reason, read_at)"
            read = 1 if state == "read" else None
            other.execute(
                f"insert into deliveries {columns} values (?, ?, ?, ?, ?)", (number, message, state, why, read)
            )
        if open_wake:
            columns = "(agent_id, state, next_attempt_at, opened_at, updated_at)"
            other.execute(f"insert into wakes {columns} values (?, 'queued', 5000, 1, 1)", (number,))
        if paused:
            columns = "(team, agent_id, paused_by, paused_at)"
            other.execute(f"insert into pauses {columns} values ('crew', ?, 'a@crew', 1)", (number,))
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute("pragma user_version = 9")
    other.commit()
    other.close()
    store = open_store(path, clock=lambda: 1000)
    rows = store.read(
        lambda tx: tx.all(
            "select a.name, d.no_wake_reason as why, w.state, w.next_attempt_at, w.mails from deliveries d"
            " join agents a on a.id = d.agent_id left join wakes w on w.id = d.wake_id order by d.message_id"
        )
    )
    found = {}
    for name, *what in rows:
        assert found.setdefault(name, what) == what
    assert found == {
        "capped": [None, "queued", 11, 2],
        "chained": [None, "queued", 21, 2],
        "paused": [None, "held", None, 2],
        "waiting": [None, "queued", 5000, 1],
        "read": ["rate_capped", None, None, None],
        "quiet": ["no_wake", None, None, None],
    }
    assert {one.agent_id for one in store.read(attempts.due)} == {1, 2}
    store.close()


def test_requests_that_were_read_before_they_were_watched_are_not_reported(first):
    from xats.core.mail import owed

    store = open_store(first, clock=lambda: 10**12)
    assert store.write(owed.overdue) == 0
    found = store.read(lambda tx: tx.all("select need_reply, unanswered_at from deliveries order by message_id"))
    assert [tuple(row) for row in found] == [(1, 36), (1, None)]
    bob = store.read(lambda tx: agents.by_name(tx, "crew", "bob"))
    assert [one.id for one in store.read(lambda tx: owed.requests(tx, bob, 9))[0]] == [1]
    store.close()


# -- before tasks said that their owners are gone ----------------------------------------------------------------------


def test_the_history_of_tasks_is_what_it_was(tmp_path):
    path = str(tmp_path / "tenth.db")
    other = sqlite3.connect(path)
    for number, name, script in [found for found in migrate.migrations() if found[0] <= 10]:
        other.executescript(script)
        other.execute("insert into migrations values (?, ?, 1, '0.9')", (number, name))
    agent = "(id, team, name, name_key, client, epoch, registered_at, seen_at)"
    other.execute(f"insert into agents {agent} values (1, 'crew', 'a', 'a', 'codex', 1, 1, 1)")
    columns = "(id, team, title, description, state, priority, created_by, created_at, updated_at"
    held = ", owner_id, claimed_at, lease_ms, lease_until, claims"
    other.execute(f"insert into tasks {columns}) values (1, 'crew', 'open', '', 'open', 5, 1, 1, 1)")
    other.execute(
        f"insert into tasks {columns}{held}) values (2, 'crew', 'mine', '', 'claimed', 5, 1, 1, 1, 1, 2, 3, 4, 1)"
    )
    notes = [(3, 1, 1, 1, "added", None), (7, 2, 1, 1, "added", None), (9, 2, 2, 1, "claimed", "x")]
    other.executemany("insert into task_notes values (?, ?, ?, ?, ?, ?)", notes)
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute("pragma user_version = 10")
    other.commit()
    other.close()
    store = open_store(path, clock=lambda: 95)
    assert [tuple(row) for row in store.read(lambda tx: tx.all("select * from task_notes order by id"))] == notes
    rows = store.read(lambda tx: tx.all("select id, state, owner_gone_at from tasks order by id"))
    assert [tuple(row) for row in rows] == [(1, "open", None), (2, "claimed", None)]
    assert store.read(lambda tx: tx.all("pragma foreign_key_check")) == []
    insert = "insert into task_notes (task_id, at, kind) values (2, 3, 'owner_gone') returning id"
    assert store.write(lambda tx: tx.one(insert))["id"] == 10
    open_store(str(tmp_path / "new.db")).close()
    assert schema(path) == schema(str(tmp_path / "new.db"))
    store.close()


# -- before teams had projects -----------------------------------------------------------------------------------------


def test_each_team_of_before_has_a_row_and_keeps_its_agents(first):
    other = sqlite3.connect(first)
    columns = "(id, team, name, name_key, client, epoch, registered_at, seen_at)"
    for number, team in ((50, "shop-fix"), (51, "shop-fix"), (52, "default")):
        name = f"n{number}"
        other.execute(
            f"insert into agents {columns} values (?, ?, ?, ?, 'codex', 1, ?, 1)", (number, team, name, name, number)
        )
    other.commit()
    other.close()
    store = open_store(first)
    rows = store.read(lambda tx: tx.all("select name, created_at, moved_to, archived_at from teams order by name"))
    assert [tuple(row)[1:] for row in rows if row["name"] == "shop-fix"] == [(50, None, None)]
    assert [row["name"] for row in rows] == ["crew", "default", "shop-fix"]
    assert store.read(lambda tx: agents.by_name(tx, "shop-fix", "n51")).id == 51
    store.close()


# -- before events had plainer words -----------------------------------------------------------------------------------

OLD_EVENTS = (
    ("mail_taken_back", '{"messages": [1]}', "mail_unread_again", '{"messages": [1]}'),
    ("alerted", '{"messages": [1]}', "read_overdue", '{"messages": [1]}'),
    ("agent_back", '{"epoch": 2}', "agent_returned", '{"epoch": 2}'),
    ("task_unheard", '{"title": "t"}', "task_notify_failed", '{"title": "t"}'),
    ("agent_renamed", '{"was": "bob"}', "agent_renamed", '{"old_name": "bob"}'),
    ("project_adopted", '{"path": "/p", "was": null}', "project_adopted", '{"path": "/p", "old_team": null}'),
    ("contract_changed", '{"compat": "full", "was": "none"}', None, '{"compat": "full", "old_compat": "none"}'),
    ("agent_forgotten", '{"dead": 1, "released": []}', None, '{"dead_letters": 1, "released": []}'),
    ("dead_retried", '{"to": "bob@crew", "as_message": 2}', None, '{"to": "bob@crew", "new_id": 2}'),
    ("task_done", '{"result": null, "despite": [1]}', None, '{"result": null, "open_needs": [1]}'),
    # What only looks like a name stays.
    (
        "task_reopened",
        r'{"title": "say \"was\": yes", "was": "done"}',
        None,
        r'{"title": "say \"was\": yes", "old_state": "done"}',
    ),
    ("task_added", '{"title": "x", "was": 1}', None, '{"title": "x", "was": 1}'),
)


def test_events_of_before_have_the_words_of_today(tmp_path):
    path = str(tmp_path / "old.db")
    other = sqlite3.connect(path)
    for number, name, script in migrate.migrations()[:20]:
        other.executescript(script)
        other.execute("insert into migrations values (?, ?, 1, '0.1')", (number, name))
    columns = "(at, team, type, subject, data)"
    for kind, data, _, _ in OLD_EVENTS:
        other.execute(f"insert into events {columns} values (1, 'crew', ?, 'agent:bob', ?)", (kind, data))
    other.execute(f"pragma application_id = {engine.APPLICATION_ID}")
    other.execute("pragma user_version = 20")
    other.commit()
    other.close()
    store = open_store(path, clock=lambda: 95)
    found = [tuple(row) for row in store.read(lambda tx: tx.all("select type, data from events order by id"))]
    assert found == [(new or kind, data) for kind, _, new, data in OLD_EVENTS]
    store.close()
