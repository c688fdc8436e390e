"""Keeping the store: looking, copying, exporting and asking; of a store in use, of a bad one, and of none."""

import contextlib
import json
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import time

import pytest

from tests.conftest import listed
from tests.support.faulty import DIE, content, cut_off, empty, fill, filled, flipped, folder, foreign, nothing, text
from tests.support.waiting import until
from xats.base import errors
from xats.store.open import open_store
from xats.store.sqlite import atomic_write, backup, engine, export, glance, info, inspect, query
from xats.store.sqlite.file_systems import network_file_system

pytestmark = pytest.mark.sqlite

NOBODY = 65534


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture
def crew(team):
    team.add("alice", "bob")
    for n in range(3):
        team.send("alice", "bob", f"text {n}")
    return team


# -- bad files ---------------------------------------------------------------------------------------------------------


USES = {
    "info": info.info,
    "copy": lambda path: inspect.copy(path).close(),
    "backup": lambda path: backup.backup(path, path + ".bak"),
    "export": lambda path: exported(path, "events"),
    "query": lambda path: query.query(path, "select * from events", {}, 1000, 10),
}


def exported(path, *names) -> dict[str, list[dict]]:
    with export.export(path, names) as found:
        return {name: list(found.rows(name)) for name in found.names}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "make, kind, said",
    [
        (nothing, errors.NotFound, "There is no store"),
        (empty, errors.NotFound, "is empty"),
        (foreign, errors.StoreForeign, "another application"),
        (text, errors.StoreForeign, "not a SQLite database"),
        (folder, errors.StoreReadOnly, "unable to open"),
        (cut_off, errors.StoreCorrupt, "damaged"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_bad_file_has_its_own_error_and_stays_as_it_was(tmp_path, use, make, kind, said):
    path = tmp_path / "xats.db"
    make(path)
    before = content(path) if path.is_file() else None
    with pytest.raises(kind, match=said) as caught:
        USES[use](str(path))
    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert (content(path) if path.is_file() else None) == before
    assert listed(tmp_path) == ([] if make is nothing else ["xats.db"])


@pytest.mark.parametrize("use", ["backup", "export", "query"])
def test_flipped_bits_are_found_by_whatever_meets_them(tmp_path, use):
    path = tmp_path / "xats.db"
    flipped(path)
    before = content(path)
    with pytest.raises(errors.StoreCorrupt, match="damaged") as caught:
        USES[use](str(path))
    assert caught.value.hint
    assert content(path) == before
    assert listed(tmp_path) == ["xats.db"]  # and no backup of it, not even a part


def test_no_backup_is_made_of_a_page_that_can_be_read_and_is_wrong(tmp_path):
    path = tmp_path / "xats.db"
    filled(path)
    data = bytearray(content(path))
    leaf = next(at for at in range(len(data) - 4096, 0, -4096) if data[at] == 13)
    data[leaf + 7] += 9  # the count of its lost bytes: https://sqlite.org/fileformat2.html#b_tree_pages
    path.write_bytes(data)
    assert len(exported(str(path), "events")["events"]) == 200
    with pytest.raises(errors.StoreCorrupt, match="No backup was made"):
        backup.backup(str(path), str(tmp_path / "copy"))
    assert listed(tmp_path) == ["xats.db"]


def test_a_newer_schema_can_be_looked_at_and_copied(tmp_path):
    path = tmp_path / "xats.db"
    filled(path)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.executescript(f"""
            pragma user_version = {engine.SCHEMA_VERSION + 1};
            create table later (x integer) strict;
            insert into later values (7)
        """)
    assert info.info(str(path)).schema_version == engine.SCHEMA_VERSION + 1
    assert info.info(str(path)).rows["later"] == 1
    assert exported(str(path), "later") == {"later": [{"x": 7}]}
    assert backup.backup(str(path), str(tmp_path / "copy")) == os.path.getsize(path)


# -- info --------------------------------------------------------------------------------------------------------------


def test_info_counts_what_there_is(crew, store, clock):
    first = clock.now
    clock.tick(5000)
    crew.send("alice", "bob")
    found = info.info(store.path)
    assert (found.path, found.files[""]) == (store.path, os.path.getsize(store.path))
    assert found.size == sum(found.files.values())
    assert (found.schema_version, found.application_id) == (engine.SCHEMA_VERSION, engine.APPLICATION_ID)
    assert found.sqlite_version == sqlite3.sqlite_version
    assert found.journal_mode == store.connection.execute("pragma journal_mode").fetchone()[0]
    if found.journal_mode != "wal":  # else the newest pages are in the WAL
        assert found.pages * found.page_size == found.files[""]
    assert (found.rows["agents"], found.rows["messages"], found.rows["deliveries"]) == (2, 4, 4)
    assert set(found.rows) == {row["name"] for row in crew.rows(TABLES)}
    assert not any(name.startswith("sqlite") for name in found.rows)
    assert (found.messages, found.events) == (info.Span(first, clock.now), info.Span(first, clock.now))
    assert (found.file_mode, found.folder_mode) == (mode(store.path), mode(os.path.dirname(store.path)))
    assert found.network == network_file_system(os.path.dirname(store.path))


def test_info_counts_every_file_of_a_store_in_use(crew, store):
    crew.store.close()
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as user:
        assert user.execute("pragma journal_mode = wal").fetchone() == ("wal",)
        user.execute("update agents set seen_at = seen_at + 1")
        found = info.info(store.path)
        assert found.files.keys() == {"", "-wal", "-shm"}
        assert all(found.files.values())
        assert found.files == {end: os.stat(store.path + end).st_size for end in found.files}
        assert found.size == sum(found.files.values())


def test_info_of_a_store_with_nothing_in_it(store):
    found = info.info(store.path)
    assert found.rows["messages"] == found.rows["events"] == 0
    assert found.free_pages < 10  # a migration gives some back
    assert found.messages == found.events == info.Span(None, None)


def test_info_sees_the_room_that_was_given_back(store):
    fill(store)
    store.write(lambda tx: tx.run("delete from events"))
    assert info.info(store.path).free_pages > 10


# -- backup ------------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_whole_store_that_only_its_owner_reads(crew, store, tmp_path):
    before = os.umask(0)
    try:
        size = backup.backup(store.path, str(tmp_path / "copy.db"))
    finally:
        os.umask(before)
    assert size == os.path.getsize(tmp_path / "copy.db")
    assert mode(tmp_path / "copy.db") == 0o600
    assert exported(str(tmp_path / "copy.db")) == exported(store.path)
    restored = open_store(str(tmp_path / "copy.db"))
    assert restored.read(lambda tx: tx.one("select count(*) as n from messages"))["n"] == 3
    restored.close()
    assert listed(tmp_path) == ["copy.db", "xats.db"]


def test_a_backup_takes_no_place_but_by_force(store, tmp_path):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    taken.chmod(0o644)
    with pytest.raises(errors.Refused, match="already exists") as caught:
        backup.backup(store.path, str(taken))
    assert "--force" in caught.value.hint
    assert taken.read_text() == "mine"
    backup.backup(store.path, str(taken), force=True)
    assert (mode(taken), content(taken)[:15]) == (0o600, b"SQLite format 3")


def test_a_name_that_is_taken_meanwhile_is_left(store, tmp_path):
    target = str(tmp_path / "copy")
    with pytest.raises(errors.Refused, match="already exists"), atomic_write.atomic_file(target, store.path) as draft:
        with open(draft, "w") as file:
            file.write("ours")
        with open(target, "w") as file:
            file.write("theirs")
    assert content(target) == b"theirs"
    assert listed(tmp_path) == ["copy", "xats.db"]


def test_a_link_that_leads_nowhere_is_a_name_that_is_taken(store, tmp_path):
    os.symlink(tmp_path / "elsewhere", tmp_path / "link")
    with pytest.raises(errors.Refused):
        backup.backup(store.path, str(tmp_path / "link"))
    assert not os.path.exists(tmp_path / "elsewhere")


def test_a_backup_takes_no_pipe_nor_device_away(store, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for force in (False, True):
        with pytest.raises(errors.Usage, match="not a regular file"):
            backup.backup(store.path, str(tmp_path / "pipe"), force=force)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


def test_a_path_that_begins_with_two_slashes_is_one(crew, store, tmp_path):
    """POSIX leaves it as it is; in an address the first name of it would be a host."""
    path = f"/{store.path}"
    assert path.startswith("//")
    assert info.info(path).rows["agents"] == 2
    assert backup.backup(path, f"/{tmp_path}/copy.bak") > 0
    assert glance.glance(path, 0.1, lambda tx: len(tx.all("select 1 from agents"))) == 2


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("suffix", ["", "-journal", "-wal", "-shm"])
def test_a_backup_never_touches_the_store_itself(crew, store, tmp_path, suffix, force):
    os.symlink(store.path, tmp_path / "alias")
    os.symlink(tmp_path, tmp_path / "here")
    for name in (store.path + suffix, str(tmp_path / "here" / "xats.db") + suffix, str(tmp_path / "alias")):
        before = content(store.path), sorted(os.listdir(tmp_path))
        with pytest.raises(errors.Usage, match="belongs to the store"):
            backup.backup(store.path, name, force=force)
        assert (content(store.path), sorted(os.listdir(tmp_path))) == before


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
def test_no_backup_is_put_beside_what_sqlite_would_take_for_its_journal(store, tmp_path, suffix):
    (tmp_path / f"copy{suffix}").write_text("of another database")
    with pytest.raises(errors.Refused, match="take it for a part of"):
        backup.backup(store.path, str(tmp_path / "copy"), force=True)
    assert not (tmp_path / "copy").exists()


def test_a_backup_that_cannot_be_written_is_said_so(store, tmp_path):
    (tmp_path / "file").write_text("")
    for name in (tmp_path / "nowhere" / "copy", tmp_path / "file" / "copy"):
        with pytest.raises(errors.StoreReadOnly, match="cannot be written"):
            backup.backup(store.path, str(name))
    with pytest.raises(errors.Usage, match="is a folder"):
        backup.backup(store.path, str(tmp_path), force=True)


def test_the_name_of_a_backup_says_when_it_was_made():
    assert backup.default_name("/x/xats.db", 1_750_000_000_123) == "/x/xats.db.20250615T150640.123Z.bak"


FULL = """
import resource, sys
from xats.base.errors import XatsError
from xats.store.sqlite import backup
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
try:
    backup.backup(sys.argv[1], sys.argv[2])
except XatsError as problem:
    print(problem.code)
"""


def test_a_backup_that_finds_no_room_leaves_nothing(store, tmp_path):
    fill(store)
    half = str(os.path.getsize(store.path) // 2)
    command = [sys.executable, "-c", FULL, store.path, str(tmp_path / "copy"), half]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout in ("disk_full\n", "store_unusable\n"), done
    assert listed(tmp_path) == ["xats.db"]


# -- in use ------------------------------------------------------------------------------------------------------------

WRITE = """
import sys
from xats.core.agents import agents; from xats.core.mail import sending
from xats.core.mail.sending import Draft
from xats.store.open import open_store
store = open_store(sys.argv[1])
me = store.read(lambda tx: agents.by_name(tx, "crew", "alice"))
while True:
    sent = store.write(lambda tx: sending.send(tx, me, "pane", Draft("all", "x" * 3000)))
    print(sent.message.id, flush=True)
"""
WHOLE = """
select count(*) from messages m where (select count(*) from deliveries d where d.message_id = m.id) <> 3
    or not exists (select 1 from events e where e.subject = 'message:' || m.id)
"""


@pytest.fixture
def busy(team):
    """A store to which four processes write, without a pause, messages to three agents each."""
    team.add("alice", "bob", "carol", "dave")
    command = [sys.executable, "-c", WRITE, team.store.path]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for one in running:
        assert one.stdout.readline()
    yield team.store.path
    assert [one.poll() for one in running] == [None] * 4  # none of them was ever refused
    for one in running:
        one.kill()
        one.communicate()


def test_a_backup_of_a_store_in_use_is_one_moment_of_it(busy, tmp_path):
    counts = []
    for n in range(5):
        target = str(tmp_path / f"copy{n}")
        backup.backup(busy, target)
        with contextlib.closing(sqlite3.connect(target)) as copy:
            assert copy.execute(WHOLE).fetchone()[0] == 0
            assert copy.execute("pragma integrity_check").fetchone()[0] == "ok"
            assert copy.execute("pragma foreign_key_check").fetchall() == []
            counts.append(copy.execute("select count(*) from messages").fetchone()[0])
        until(lambda: _messages(busy) > counts[-1])  # they go on writing
    assert counts == sorted(set(counts))


def _messages(path):
    with contextlib.closing(sqlite3.connect(path, timeout=30)) as store:
        return store.execute("select count(*) from messages").fetchone()[0]


def test_an_export_of_a_store_in_use_is_one_moment_of_it(busy):
    with export.export(busy, ()) as found:
        messages = [row["id"] for row in found.rows("messages")]
        time.sleep(0.2)  # what is tested is that time passes between two tables
        deliveries = [row["message_id"] for row in found.rows("deliveries")]
        events = [row["subject"] for row in found.rows("events") if row["type"] == "message_sent"]
    assert len(messages) > 3
    assert sorted(deliveries) == sorted(messages * 3)
    assert sorted(events) == sorted(f"message:{one}" for one in messages)


def test_who_reads_an_export_slowly_keeps_no_writer_waiting(team):
    team.add("alice", "bob")
    team.send("alice", "bob")
    with export.export(team.store.path, ()) as found:
        rows = found.rows("events")
        next(rows)
        team.store.stopping = lambda: True  # it waits for no lock
        team.send("alice", "bob")
        assert len(list(rows)) < len(team.rows("select * from events"))


# -- a writer that died ------------------------------------------------------------------------------------------------


@pytest.fixture
def half_done(store):
    """A store whose writer was killed when a part of its transaction was in the file already."""
    if store.connection.execute("pragma journal_mode").fetchone()[0] != "delete":
        pytest.skip("in WAL mode a writer that dies leaves nothing half done")
    fill(store)
    store.close()
    before = content(store.path)
    done = subprocess.run([sys.executable, "-c", DIE, store.path], timeout=30, check=False)
    assert done.returncode == -9
    assert content(store.path) != before
    assert os.path.getsize(store.path + "-journal") > 1000
    return store.path


def test_what_a_dead_writer_left_is_said_by_who_only_looks(half_done):
    before = content(half_done), content(half_done + "-journal")
    with pytest.raises(errors.StoreError, match="died while it wrote") as caught:
        info.info(half_done)
    assert caught.value.hint.startswith("xats agents")
    assert (content(half_done), content(half_done + "-journal")) == before


@pytest.mark.parametrize("use", ["backup", "export", "query"])
def test_what_a_dead_writer_left_is_taken_back_by_who_reads(half_done, use, tmp_path):
    USES[use](half_done)
    assert not os.path.exists(half_done + "-journal")
    events = exported(half_done, "events")["events"]
    assert [row["type"] for row in events] == ["noted"] * 200


# -- export ------------------------------------------------------------------------------------------------------------


TABLES = "select name from sqlite_master where type = 'table' and substr(name, 1, 7) <> 'sqlite_'"


def test_an_export_has_every_table_and_column_that_the_store_has(crew, store):
    found = exported(store.path)
    assert list(found) == sorted(row["name"] for row in crew.rows(TABLES))
    for name, rows in found.items():
        assert rows == crew.rows(f"select * from {name}"), name
        with export.export(store.path, [name]) as one:
            columns = [row["name"] for row in crew.rows(f"select name from pragma_table_info('{name}')")]
            assert one.columns(name) == columns


def test_a_table_named_twice_is_exported_once(store):
    assert list(exported(store.path, "events", "agents", "events")) == ["events", "agents"]


@pytest.mark.parametrize("name", ["nothing", "sqlite_sequence", "Events", "events; drop table events"])
def test_a_table_that_is_not_there_is_said_so(store, name):
    with pytest.raises(errors.NotFound, match="no table") as caught:
        exported(store.path, name)
    assert "messages" in caught.value.hint


def test_text_that_is_not_utf_8_is_shown_as_such(store):
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    store.write(lambda tx: tx.run("update events set subject = cast(x'61ff62' as text)"))
    assert exported(store.path, "events")["events"][0]["subject"] == "a\\xffb"


# -- query -------------------------------------------------------------------------------------------------------------


def ask(store, sql: str, limit: int = 1000, seconds: float = 10, **values) -> query.Answer:
    return query.query(store.path, sql, values, limit, seconds)


def test_a_query_has_columns_rows_and_says_whether_there_are_more(crew, store):
    assert ask(store, "select id, body from messages order by id", limit=2) == query.Answer(
        ("id", "body"), ((1, "text 0"), (2, "text 1")), True
    )
    assert not ask(store, "select id from messages", limit=3).has_more
    assert ask(store, "select id from messages where body = :body", body="text 1").rows == ((2,),)
    counting = "with recursive n(x) as (select 1 union all select x + 1 from n where x < 9) select sum(x) from n"
    assert ask(store, counting).rows == ((45,),)


@pytest.mark.parametrize(
    "sql",
    [
        "pragma table_info(messages)",
        "pragma user_version",
        "pragma integrity_check",
        "pragma foreign_key_list(messages)",
        "select * from pragma_table_info('messages')",
        "select json_extract(data, '$.kind') from events",
        "select key, value from events, json_each(events.data)",
        "explain query plan select * from messages",
        "values (1), (2)",
        "select count(*), group_concat(name) from agents group by team having count(*) > 1",
        "/* a comment */ select 1 -- another",
    ],
)
def test_what_only_reads_is_run(crew, store, sql):
    assert ask(store, sql).rows


WRITING = [
    "delete from messages",
    "insert into events (at, team, type, subject, data) values (1, 'x', 'x', 'x', '')",
    "insert into events (at, team, type, subject, data) values (1, 'x', 'x', 'x', '') returning id",
    "update messages set body = 'x' returning id",
    "with m as (select 1) delete from messages where id in (select * from m)",
    "replace into labels values (1, 'tag', 'x')",
    "drop table messages",
    "create table t (x)",
    "create temp table t (x)",
    "create temp view v as select 1",
    "create index i on messages (body)",
    "create virtual table t using fts5(x)",
    "create virtual table temp.t using fts5(x)",
    "create trigger t after insert on events begin select 1; end",
    "alter table messages add column x",
    "attach '{file}' as other",
    "attach ':memory:' as other",
    "detach main",
    "vacuum",
    "vacuum into '{file}'",
    "reindex",
    "analyze",
    "begin",
    "begin immediate",
    "commit",
    "rollback",
    "savepoint s",
    "pragma user_version = 9",
    "pragma application_id = 9",
    "pragma query_only = off",
    "pragma query_only",
    "pragma writable_schema = on",
    "pragma journal_mode = wal",
    "pragma journal_mode(memory)",
    "pragma main.journal_mode = off",
    "pragma locking_mode = exclusive",
    "pragma temp_store_directory = '/'",
    "pragma wal_checkpoint",
    "pragma incremental_vacuum",
    "pragma optimize",
    "pragma schema_version = 1",
    "pragma hard_heap_limit = 1",
    "select * from pragma_query_only(0)",
    "select * from pragma_user_version(9)",
    "select * from pragma_journal_mode('off')",
    "select load_extension('{file}')",
    "select LOAD_EXTENSION('{file}', 'x')",
    "select fts3_tokenizer('simple', x'00')",
    "select writefile('{file}', 'x')",
    "update sqlite_master set sql = ''",
    "update sqlite_dbpage set data = x'00'",
    "delete from pragma_table_info",
    "delete from json_each",
    "update temp.sqlite_master set sql = ''",
    "explain delete from messages",
    "explain attach '{file}' as other",
]


@pytest.mark.parametrize("sql", WRITING)
def test_what_does_more_than_read_is_refused(crew, store, tmp_path, sql):
    before = content(store.path)
    with pytest.raises(errors.Usage) as caught:
        ask(store, sql.format(file=tmp_path / "made"))
    assert caught.value.hint
    assert content(store.path) == before
    assert listed(tmp_path) == ["xats.db"]


@pytest.mark.parametrize(
    "sql", [one for one in WRITING if not one.startswith(("begin", "commit", "rollback", "savepoint"))]
)
def test_the_authorizer_alone_refuses_it(crew, store, tmp_path, sql):
    """Not because the copy is a copy, or read-only, or because a transaction is open."""
    connection = inspect.copy(store.path)
    connection.set_authorizer(query.allow)
    with pytest.raises(sqlite3.Error) as caught:
        connection.execute(sql.format(file=tmp_path / "made")).fetchall()
    unknown = ("no such", "may not be modified", "too many arguments", "unknown database")
    assert any(word in str(caught.value) for word in ("authoriz", *unknown)), caught.value
    connection.close()
    assert listed(tmp_path) == ["xats.db"]


@pytest.mark.parametrize(
    "sql, said",
    [
        ("selekt 1", "syntax error"),
        ("select * from colours", "no such table"),
        ("select colour from messages", "no such column"),
        ("select 1; select 2", "one statement"),
        ("select 1; delete from messages", "one statement"),
        ("", "does not return rows"),
        ("-- nothing", "does not return rows"),
        ("select :x", "binding"),
        ("select ?", "Binding"),
        ("select '", "unrecognized token"),
        ("select \0 1", "null character"),
    ],
)
def test_a_statement_that_is_wrong_is_said_so(store, sql, said):
    with pytest.raises(errors.Usage) as caught:
        ask(store, sql)
    assert said in str(caught.value)
    assert caught.value.hint


ENDLESS = "with recursive n(x) as (select 1 union all select x + 1 from n) select count(*) from n"


def test_a_query_that_takes_too_long_is_given_up(store):
    began = time.monotonic()
    with pytest.raises(errors.TimedOut, match="longer than") as caught:
        ask(store, ENDLESS, seconds=0.2)
    assert 0.2 <= time.monotonic() - began < 5
    assert caught.value.exit == 124


def test_a_query_that_takes_long_keeps_no_writer_waiting(store, tmp_path):
    line = "import sys; from xats.store.sqlite import query; query.query(sys.argv[1], sys.argv[2], {}, 1, 60)"
    with subprocess.Popen([sys.executable, "-c", line, store.path, ENDLESS]) as running:
        # It has its copy, and the store no more, when it computes.
        deadline = time.monotonic() + 20
        while not computing(running.pid):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        fill(store, 3)
        assert running.poll() is None
        running.kill()


def computing(pid: int) -> bool:
    import psutil

    return psutil.Process(pid).cpu_times().user > 1.0


def test_a_value_that_is_too_large_is_not_made(store):
    with pytest.raises(errors.Usage, match="too big"):
        ask(store, "select zeroblob(1000000000)")


def test_a_query_sees_bytes_that_are_no_text(store):
    assert ask(store, "select cast(x'61ff' as text), x'61ff', 1.5, null").rows == (("a\\xff", b"a\xff", 1.5, None),)


# -- read-only places --------------------------------------------------------------------------------------------------

AS_NOBODY = f"""
import json, os, sys, tempfile
from xats.base.errors import XatsError
from xats.store.sqlite import backup, check, create, export, failures, holder, info, inspect, migrate, query
import sqlite_utils
if os.getuid() == 0:  # root ignores modes; only now, because nobody need not be able to read this Python
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
path = sys.argv[1]
def said(work):
    try:
        return work()
    except XatsError as problem:
        return problem.code
with export.export(path, ["events"]) as found:
    rows = len(list(found.rows("events")))
print(json.dumps([
    info.info(path).rows["events"], rows, query.query(path, "select count(*) from events", {{}}, 1, 5).rows[0][0],
    said(lambda: backup.backup(path, path + ".bak")), said(lambda: backup.backup(path, sys.argv[2]) > 0),
    [one.name for one in check.checks(path) if one.state == "fail"],
]))
"""


def test_a_store_that_cannot_be_written_can_be_looked_at_and_copied_elsewhere():
    import tempfile

    folder = tempfile.mkdtemp(prefix="xats-ro-", dir="/tmp")  # one that an unprivileged child can reach
    other = tempfile.mkdtemp(prefix="xats-rw-", dir="/tmp")
    try:
        path = os.path.join(folder, "xats.db")
        store = open_store(path)
        fill(store, 7)
        store.close()
        for name in (path, folder, other):
            if os.getuid() == 0:
                os.chown(name, NOBODY, NOBODY)
        os.chmod(path, 0o400)
        os.chmod(folder, 0o500)
        command = [sys.executable, "-c", AS_NOBODY, path, os.path.join(other, "copy")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert done.stderr == ""
        assert json.loads(done.stdout) == [7, 7, 7, "store_read_only", True, []]
    finally:
        os.chmod(folder, 0o700)
        shutil.rmtree(folder)
        shutil.rmtree(other)


# -- a rehearsal -------------------------------------------------------------------------------------------------------


def test_a_rehearsal_changes_nothing(crew, store):
    before = content(store.path)
    rehearsal = inspect.Rehearsal(store.path, 5)
    assert rehearsal.write(lambda tx: (tx.now, tx.run("delete from deliveries"))) == (5, 3)
    assert rehearsal.write(lambda tx: tx.run("delete from messages")) == 3
    with pytest.raises(errors.StoreError):
        rehearsal.write(lambda tx: tx.run("delete from agents"))  # references hold there as well
    rehearsal.close()
    assert content(store.path) == before
    assert len(crew.rows("select * from messages")) == 3


def test_a_draft_that_another_process_has_swapped_is_not_taken(store, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("all of it")

    def swap(draft):
        os.unlink(draft)
        os.link(precious, draft)

    with (
        pytest.raises(errors.Refused, match="Another process has replaced"),
        atomic_write.atomic_file(str(tmp_path / "new"), store.path) as draft,
    ):
        swap(draft)
    assert sorted(one.name for one in tmp_path.iterdir() if not one.name.startswith("xats.db")) == ["precious"]
    assert precious.read_text() == "all of it"
