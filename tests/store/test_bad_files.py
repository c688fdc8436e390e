"""Files that cannot be a store, or cannot be written: each has its own error and stays as it was."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from xats.base import errors
from xats.store.open import open_store
from xats.store.sqlite import engine, readonly

pytestmark = pytest.mark.sqlite

NOBODY = 65534


def note(tx) -> None:
    tx.event("noted", "crew", None, "agent:x")


def content(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def filled(path) -> None:
    """Make a store with some pages of mail."""
    store = open_store(str(path))
    store.write(lambda tx: [tx.event("noted", "crew", None, f"agent:{n}", text="x" * 500) for n in range(200)])
    store.close()


def sql(path, *statements: str) -> None:
    other = sqlite3.connect(path)
    for statement in statements:
        other.execute(statement)
    other.commit()
    other.close()


def foreign(path) -> None:
    sql(path, "create table bookmarks (url text)")


def foreign_by_id(path) -> None:
    sql(path, "pragma application_id = 252006674")


def foreign_by_version(path) -> None:
    sql(path, "pragma user_version = 7", "create table t (x)", "drop table t")


def newer(path) -> None:
    filled(path)
    sql(path, f"pragma user_version = {engine.SCHEMA_VERSION + 1}")


def text(path) -> None:
    path.write_text("Dear diary,\nthis is no database at all, but it is long enough to look for a header in it.\n" * 20)


def short_text(path) -> None:
    path.write_text("hello\n")


def broken_header(path) -> None:
    filled(path)
    data = bytearray(content(path))
    data[16:24] = b"\xff" * 8
    path.write_bytes(data)


def broken_schema_page(path) -> None:
    filled(path)
    data = bytearray(content(path))
    data[100:140] = b"\xff" * 40
    path.write_bytes(data)


def broken_pages(path) -> None:
    filled(path)
    data = bytearray(content(path))
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)


def cut_off(path) -> None:
    filled(path)
    data = content(path)
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])


CASES = [
    (foreign, errors.StoreForeign, "store_foreign", "another application"),
    (foreign_by_id, errors.StoreForeign, "store_foreign", "another application"),
    (foreign_by_version, errors.StoreForeign, "store_foreign", "another application"),
    (newer, errors.StoreTooNew, "store_too_new", "this xats knows"),
    (text, errors.StoreForeign, "store_foreign", "not a SQLite database"),
    (short_text, errors.StoreForeign, "store_foreign", "not a SQLite database"),
    (broken_header, errors.StoreForeign, "store_foreign", "not a SQLite database"),
    (broken_schema_page, errors.StoreCorrupt, "store_corrupt", "damaged"),
    (broken_pages, errors.StoreCorrupt, "store_corrupt", "damaged"),
    (cut_off, errors.StoreCorrupt, "store_corrupt", "damaged"),
]


def use(path: str) -> None:
    store = open_store(path)
    try:
        store.read(lambda tx: tx.all("select * from events"))
        store.write(note)
    finally:
        store.close()


@pytest.mark.parametrize("make, kind, code, said", CASES, ids=[case[0].__name__ for case in CASES])
def test_a_bad_file_has_its_own_error_and_stays_as_it_was(tmp_path, make, kind, code, said):
    path = tmp_path / "xats.db"
    make(path)
    before = content(path)
    with pytest.raises(kind) as caught:
        use(str(path))
    assert (caught.value.code, caught.value.exit) == (code, 1)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert caught.value.hint
    assert content(path) == before
    assert os.listdir(tmp_path) == ["xats.db"]


@pytest.mark.parametrize("make, kind, code, said", CASES, ids=[case[0].__name__ for case in CASES])
def test_a_bad_file_is_reported_by_the_program(tmp_path, xats, make, kind, code, said):
    path = tmp_path / "bad.db"
    make(path)
    before = content(path)
    ran = xats("agents", "--all-teams", "--db", str(path), "--json", code=None)
    if ran.code == 0:  # a listing of agents need not meet the broken page
        ran = xats("events", "-n", "1000", "--json", "--db", str(path), code=1)
    assert ran.code == 1
    assert ran.error()["code"] == code
    assert content(path) == before


def test_a_writer_meets_the_broken_page_and_writes_nothing(tmp_path):
    path = tmp_path / "xats.db"
    filled(path)
    data = bytearray(content(path))
    store = open_store(str(path))
    root = store.read(lambda tx: tx.one("select rootpage from sqlite_master where name = 'agents'"))["rootpage"]
    store.close()
    data[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    store = open_store(str(path))
    with pytest.raises(errors.StoreCorrupt):
        store.write(lambda tx: (note(tx), tx.all("select * from agents")))
    with pytest.raises(errors.StoreCorrupt):
        store.read(lambda tx: tx.all("select * from agents"))
    store.close()
    assert content(path) == bytes(data)


@pytest.mark.usefixtures("rollback")  # with a write-ahead log SQLite does not look whether the file is still there
@pytest.mark.parametrize("how", [os.remove, lambda path: os.rename(path, f"{path}.old")], ids=["removed", "moved"])
def test_whoever_writes_to_a_store_that_was_taken_away_is_told(store, how):
    store.write(note)
    how(store.path)
    with pytest.raises(errors.StoreReadOnly, match="moved or removed while it was in use"):
        store.write(note)
    store.close()


def test_an_empty_file_becomes_a_store(tmp_path):
    path = tmp_path / "xats.db"
    path.touch()
    use(str(path))
    assert content(path)[:15] == b"SQLite format 3"


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(errors.StoreReadOnly) as caught:
        open_store(str(tmp_path))
    assert caught.value.exit == 1


def test_a_path_through_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.StoreReadOnly, match="cannot be created"):
        open_store(str(tmp_path / "file" / "xats.db"))
    assert content(tmp_path / "file") == b""


# -- not writable ------------------------------------------------------------------------------------------------------

ACT = f"""
import os, sys
from xats.base.errors import XatsError
import resource
from xats.store.open import open_store
from xats.store.sqlite import create, disk, failures, holder, migrate, readonly
if os.getuid() == 0:  # root ignores modes; only now, because nobody need not be able to read this Python
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
try:
    store = open_store(sys.argv[1])
    if sys.argv[2] == "read":
        print(len(store.read(lambda tx: tx.all("select * from events"))))
    else:
        store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
except XatsError as problem:
    print(problem.code, problem.exit)
    print(problem)
    print(problem.hint)
"""


@pytest.fixture
def place():
    """A folder that the unprivileged child can reach; root ignores modes, so so its child becomes nobody."""
    import tempfile

    folder = tempfile.mkdtemp(prefix="xats-ro-", dir="/tmp")
    yield folder
    os.chmod(folder, 0o700)
    shutil.rmtree(folder)


def as_nobody(path: str, act: str) -> list[str]:
    command = [sys.executable, "-c", ACT, path, act]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    return done.stdout.splitlines()


def prepared(folder: str, file_mode: int, folder_mode: int) -> str:
    path = os.path.join(folder, "xats.db")
    store = open_store(path)
    store.write(note)
    store.close()
    if os.getuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        os.chown(folder, NOBODY, NOBODY)
    os.chmod(path, file_mode)
    os.chmod(folder, folder_mode)
    return path


@pytest.mark.parametrize("file_mode, folder_mode", [(0o400, 0o700), (0o600, 0o500), (0o400, 0o500)])
def test_a_read_only_store_is_said_to_be_one_and_stays_as_it_was(place, file_mode, folder_mode):
    path = prepared(place, file_mode, folder_mode)
    before = content(path)
    code, message, hint = as_nobody(path, "write")
    assert code == "store_read_only 1"
    assert path in message
    assert "writable" in hint
    assert content(path) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_read_only_store_can_still_be_read(place, journal):
    path = prepared(place, 0o600, 0o700)
    sql(path, f"pragma journal_mode = {journal}")
    os.chmod(path, 0o400)
    os.chmod(place, 0o500)
    assert as_nobody(path, "read") == ["1"]
    assert as_nobody(path, "write")[0] == "store_read_only 1"
    assert os.listdir(place) == ["xats.db"]


def left_behind(path: str, *, suffixes: tuple[str, ...]) -> None:
    """Leave a store as after a crash: its last commit is in the WAL alone."""
    sql(path, "pragma journal_mode = wal")
    store = open_store(path)
    store.write(note)
    names = [f"{path}{suffix}" for suffix in suffixes]
    copies = {name: content(Path(name)) for name in names}
    main = content(Path(path))
    store.close()
    for name, data in {path: main, **copies}.items():
        Path(name).write_bytes(data)
        if os.getuid() == 0:
            os.chown(name, NOBODY, NOBODY)


@pytest.mark.parametrize("suffixes", [("-wal",), ("-wal", "-shm")])
def test_what_is_in_the_wal_of_a_read_only_store_is_read_too(place, suffixes):
    path = prepared(place, 0o600, 0o700)
    left_behind(path, suffixes=suffixes)
    os.chmod(place, 0o500)
    before = sorted(os.listdir(place))
    assert as_nobody(path, "read") == ["2"]
    assert sorted(os.listdir(place)) == before


def test_a_read_only_store_that_another_user_writes_is_read_anew(place):
    """It was opened as one that never changes, because nobody had it open."""
    path = prepared(place, 0o600, 0o700)
    sql(path, "pragma journal_mode = wal")
    reading = open_store(path)
    reading.connection.close()
    reading._stamp = readonly.stamp(path)
    reading.connection = readonly.connect(path)
    reading.connection.row_factory = sqlite3.Row
    assert not reading.replaced
    writing = open_store(path)
    writing.write(note)
    assert reading.replaced  # a command that waits opens it once more
    assert len(reading.read(lambda tx: tx.all("select * from events"))) == 2
    writing.write(note)
    assert len(reading.read(lambda tx: tx.all("select * from events"))) == 3
    writing.close()
    reading.close()


def test_a_read_only_store_that_an_older_one_replaces_is_not_migrated_in_the_middle(place):
    path = prepared(place, 0o600, 0o700)
    sql(path, "pragma journal_mode = wal")
    reading = open_store(path)
    reading.connection.close()
    reading._stamp = readonly.stamp(path)
    reading.connection = readonly.connect(path)
    sql(path, f"pragma user_version = {engine.SCHEMA_VERSION - 1}")
    with pytest.raises(errors.StoreError, match=f"with schema {engine.SCHEMA_VERSION - 1}") as caught:
        reading.read(lambda tx: tx.all("select * from events"))
    assert caught.value.hint.startswith("run the command again")
    reading.close()


def test_a_store_that_cannot_be_made_is_said_so(place):
    if os.getuid() == 0:
        os.chown(place, NOBODY, NOBODY)
    os.chmod(place, 0o500)
    code, message, hint = as_nobody(os.path.join(place, "new", "xats.db"), "write")
    assert code == "store_read_only 1"
    assert "cannot be created" in message
    assert "XATS_HOME" in hint


def test_a_store_that_may_not_be_read_is_said_so(place):
    path = prepared(place, 0o000, 0o700)
    assert as_nobody(path, "read")[0] == "store_read_only 1"
