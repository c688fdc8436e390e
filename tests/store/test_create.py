"""Making a store: who may read it, what is set on it, and many processes making the same one."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import types

import pytest

from xats.base import errors
from xats.store.open import open_store
from xats.store.sqlite import engine, migrate, waiting

pytestmark = pytest.mark.sqlite


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_only_the_owner_can_read_the_store_whatever_the_umask(tmp_path, umask):
    path = tmp_path / "a" / "b" / "xats.db"
    store = open_store(str(path))
    assert mode(path) == 0o600
    assert mode(path.parent) == 0o700
    journals = []

    def work(tx):
        tx.event("something", "crew", None, "agent:x")
        tx.write_events()
        journals.extend(mode(entry) for entry in path.parent.iterdir())

    store.write(work)
    assert len(journals) > 1  # the journal is there while a transaction writes
    assert set(journals) == {0o600}
    store.close()


def test_a_folder_that_is_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    open_store(str(tmp_path / "xats.db")).close()
    assert mode(tmp_path) == 0o755


OTHER = 54321  # a user id that nobody has here


@pytest.mark.parametrize("suffix", ["-journal", "-wal", "-shm"])
@pytest.mark.parametrize("kind", ["link", "other user"])
def test_a_journal_that_somebody_has_planted_is_not_written_into_the_store(tmp_path, suffix, kind):
    path = str(tmp_path / "xats.db")
    open_store(path).close()
    (tmp_path / "theirs").write_text("a journal")
    if kind == "link":
        os.symlink(tmp_path / "theirs", path + suffix)
    elif os.geteuid() == 0:
        os.rename(tmp_path / "theirs", path + suffix)
        os.chown(path + suffix, OTHER, OTHER)
    else:
        pytest.skip("only root can make what another user would")
    with pytest.raises(errors.StoreForeign) as caught:
        open_store(path)
    assert caught.value.hint == f"rm {path}{suffix}"
    os.unlink(path + suffix)
    open_store(path).close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make what another user would")
def test_a_store_is_not_made_where_the_link_of_another_user_leads(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.chown(tmp_path / "link", OTHER, OTHER, follow_symlinks=False)
    with pytest.raises(errors.StoreReadOnly, match=f"it is a link that belongs to user id {OTHER}"):
        open_store(str(tmp_path / "link"))
    assert not (tmp_path / "elsewhere").exists()


def pragma(store, name: str):
    return store.connection.execute(f"pragma {name}").fetchone()[0]


def test_what_is_set_on_every_store(store):
    assert pragma(store, "synchronous") == 2  # FULL
    assert pragma(store, "foreign_keys") == 1
    assert pragma(store, "trusted_schema") == 0


def test_what_is_set_on_every_store_is_set_when_it_is_opened_again(store):
    again = open_store(store.path)
    assert (pragma(again, "synchronous"), pragma(again, "foreign_keys")) == (2, 1)
    again.close()


def test_the_file_says_whose_it_is(store):
    store.close()
    with open(store.path, "rb") as file:
        header = file.read(100)
    assert header[68:72] == b"XATS"
    assert int.from_bytes(header[60:64], "big") == engine.SCHEMA_VERSION


def test_the_schema_version_is_the_newest_migration():
    assert migrate.migrations()[-1][0] == engine.SCHEMA_VERSION
    assert [number for number, _, _ in migrate.migrations()] == list(range(1, engine.SCHEMA_VERSION + 1))


def test_every_migration_is_recorded(rows, clock):
    found = rows("select * from migrations order by number")
    assert [row["number"] for row in found] == list(range(1, engine.SCHEMA_VERSION + 1))
    assert found[0]["applied_at"] == clock.now


OPEN = """
import sys
from xats.store.open import open_store
sys.stdin.readline()
store = open_store(sys.argv[1])
store.write(lambda tx: tx.event("opened", "crew", None, "agent:x"))
store.close()
"""


def test_eight_processes_make_one_store(tmp_path):
    path = str(tmp_path / "new" / "xats.db")
    command = [sys.executable, "-c", OPEN, path]
    waiting = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(8)
    ]
    for one in waiting:
        one.stdin.write(b"go\n")
        one.stdin.flush()
    said = [one.communicate(timeout=30)[0].decode() for one in waiting]
    assert [one.returncode for one in waiting] == [0] * 8, said
    store = open_store(path)
    assert len(store.read(lambda tx: tx.all("select * from events"))) == 8
    assert len(store.read(lambda tx: tx.all("select * from migrations"))) == engine.SCHEMA_VERSION
    assert pragma(store, "integrity_check") == "ok"
    store.close()
    assert [entry for entry in os.listdir(tmp_path / "new") if entry.endswith(".bak")] == []


# -- the journal -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "version, safe",
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 44, 9), True),
        ((3, 45, 0), False),
        ((3, 45, 1), False),
        ((3, 46, 1), False),
        ((3, 50, 4), False),
        ((3, 50, 6), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 52, 0), True),
        ((4, 0, 0), True),
    ],
)
def test_wal_is_only_used_where_its_reset_bug_is_mended(version, safe):
    assert migrate.wal_is_safe(version) is safe


@pytest.mark.parametrize("safe, journal", [(True, "wal"), (False, "delete")])
def test_a_new_store_gets_the_journal_that_is_safe(tmp_path, monkeypatch, safe, journal):
    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: safe)
    store = open_store(str(tmp_path / "xats.db"))
    assert pragma(store, "journal_mode") == journal
    assert pragma(store, "synchronous") == 2
    store.close()


@pytest.mark.parametrize("first, journal", [(True, "wal"), (False, "delete")])
def test_a_live_store_keeps_its_journal_whoever_opens_it(tmp_path, monkeypatch, first, journal):
    path = str(tmp_path / "xats.db")
    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: first)
    open_store(path).close()
    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: not first)
    store = open_store(path)
    store.write(lambda tx: tx.event("something", "crew", None, "agent:x"))
    assert pragma(store, "journal_mode") == journal
    store.close()


def test_a_sqlite_that_may_damage_a_wal_says_so_whenever_it_opens_one(tmp_path, monkeypatch):
    path, heard = str(tmp_path / "xats.db"), []
    monkeypatch.setattr(engine, "wal_is_safe", lambda _: False)
    open_store(path, notice=heard.append).close()
    assert pragma_of(path, "journal_mode = wal") == "wal"
    if heard == []:  # it was not made with a WAL
        open_store(path, notice=heard.append).close()
    assert len(heard) == 1
    assert path in heard[0]
    assert sqlite3.sqlite_version in heard[0]
    assert "pragma journal_mode = delete" in heard[0]
    monkeypatch.setattr(engine, "wal_is_safe", lambda _: True)
    open_store(path, notice=heard.append).close()
    assert pragma_of(path, "journal_mode = delete") == "delete"
    monkeypatch.setattr(engine, "wal_is_safe", lambda _: False)
    open_store(path, notice=heard.append).close()
    assert len(heard) == 1


def pragma_of(path: str, text: str):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"pragma {text}").fetchone()[0]


@pytest.mark.parametrize("platform, value", [("darwin", 1), ("linux", 0)])
def test_on_macos_a_commit_empties_the_cache_of_the_drive(tmp_path, monkeypatch, platform, value):
    monkeypatch.setattr(engine.sys, "platform", platform)
    store = open_store(str(tmp_path / "xats.db"))
    assert (pragma(store, "fullfsync"), pragma(store, "checkpoint_fullfsync")) == (value, value)
    assert pragma(store, "synchronous") == 2
    store.close()


@pytest.fixture(params=[True, False], ids=["wal", "rollback"])
def either(request, tmp_path, monkeypatch):
    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: request.param)
    store = open_store(str(tmp_path / "either.db"))
    yield store
    store.close()


def test_writers_side_by_side_lose_nothing_in_either_journal(either):
    def writer(number: int) -> None:
        mine = open_store(either.path)
        for _ in range(20):
            mine.write(lambda tx: tx.event("wrote", "crew", str(number), "agent:x"))
        mine.close()

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    found = either.read(lambda tx: tx.all("select actor, count(*) as n from events group by actor"))
    assert [row["n"] for row in found] == [20] * 4


def test_a_commit_is_in_the_file_for_a_stranger(either):
    either.write(lambda tx: tx.event("wrote", "crew", None, "agent:x"))
    stranger = sqlite3.connect(either.path)
    assert stranger.execute("select count(*) from events").fetchone()[0] == 1
    stranger.close()


# -- others at the same moment -----------------------------------------------------------------------------------------


class Meanwhile(sqlite3.Connection):
    """A connection during whose first statement of a kind something else happens."""

    after: str
    do: object

    def execute(self, sql, *values):
        answer = super().execute(sql, *values)
        if sql.startswith(type(self).after) and type(self).do:
            rows = iter(answer.fetchall())  # run to its end, so that it holds no lock of its own
            do, type(self).do = type(self).do, None
            do()
            return types.SimpleNamespace(fetchone=lambda: next(rows))
        return answer


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(sql, do)`: the next store to be opened sees `do()` happen right after its statement `sql`."""
    real = sqlite3.connect

    def arrange(sql: str, do) -> None:
        Meanwhile.after, Meanwhile.do = sql, staticmethod(do)

        def connect(*args, **values):
            monkeypatch.setattr(engine.sqlite3, "connect", real)
            return real(*args, factory=Meanwhile, **values)

        monkeypatch.setattr(engine.sqlite3, "connect", connect)

    yield arrange
    Meanwhile.do = None


@pytest.mark.parametrize(
    "after", ["pragma application_id", "pragma user_version", "select count(*) from sqlite_master"]
)
def test_a_store_that_is_made_while_it_is_looked_at_is_no_strangers(tmp_path, meanwhile, after):
    path = str(tmp_path / "xats.db")
    open(path, "w").close()
    made = []

    def make() -> None:
        # Who looks holds the file shared, so the maker may have to wait until it has looked.
        thread = threading.Thread(target=lambda: open_store(path).close())
        thread.start()
        thread.join(0.3)
        made.append(thread)

    meanwhile(after, make)
    store = open_store(path)
    made[0].join(30)
    assert len(store.read(lambda tx: tx.all("select * from migrations"))) == engine.SCHEMA_VERSION
    store.close()


@pytest.mark.usefixtures("rollback")  # a write-ahead log lets others read
@pytest.mark.parametrize("after", ["pragma application_id", "pragma user_version", "rollback"])
def test_a_store_that_is_locked_while_it_is_opened_is_waited_for(store, meanwhile, monkeypatch, after):
    holder = sqlite3.connect(store.path, isolation_level=None, timeout=0)
    waited = []

    def lock() -> None:
        try:
            holder.execute("begin exclusive")
        except sqlite3.OperationalError:  # whoever looks holds it shared
            waited.append(0.0)

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        holder.execute("rollback")

    meanwhile(after, lock)
    monkeypatch.setattr(waiting.time, "sleep", sleep)
    again = open_store(store.path)
    assert waited or after == "rollback"  # all that is read at an opening was read by then
    assert pragma(again, "synchronous") == 2
    again.close()
    holder.close()
