"""A full disk: said so, exit 75, and nothing of the transaction is left."""

import contextlib
import errno
import json
import os
import sqlite3
import subprocess
import sys

import pytest

from tests.conftest import listed
from xats.base import errors
from xats.store.open import open_store
from xats.store.sqlite import check, disk

pytestmark = pytest.mark.sqlite


def content(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def fill(tx) -> None:
    for number in range(400):
        tx.event("noted", "crew", None, f"agent:{number}", text="x" * 4000)


def sound(path: str) -> bool:
    store = open_store(path)
    try:
        return store.connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    finally:
        store.close()


def test_a_full_store_is_rolled_back(store):
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    before = content(store.path)
    pages = store.connection.execute("pragma page_count").fetchone()[0]
    store.connection.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(errors.StoreFull) as caught:
        store.write(fill)
    assert (caught.value.code, caught.value.exit) == ("disk_full", 75)
    assert "Nothing was written" in str(caught.value)
    assert caught.value.hint
    assert not store.connection.in_transaction
    assert content(store.path) == before
    assert len(store.read(lambda tx: tx.all("select * from events"))) == 1


@pytest.fixture
def mounted(tmp_path):
    """`mounted(options)`: return the folder of a real file system of its own, a tmpfs with these mount options."""
    folder = tmp_path / "small"
    folder.mkdir()
    there = []

    def mount(options: str):
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("no file system can be mounted here; test_a_full_store_is_rolled_back and ulimit stand in")
        there.append(folder)
        return folder

    yield mount
    if there:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def small_disk(mounted):
    """A real file system of 2 MiB."""
    return mounted("size=2m")


def read_only(folder) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


JOURNALS = pytest.mark.parametrize("journal", ["delete", "wal"])


def in_journal(path: str, journal: str) -> None:
    """Give the store at `path` the journal mode `journal`. Nobody may have it open."""
    with contextlib.closing(sqlite3.connect(path)) as changing:
        assert changing.execute(f"pragma journal_mode = {journal}").fetchone() == (journal,)


def stuff(folder, leave: int) -> str:
    """Fill the disk but for `leave` bytes; return the path of what fills it."""
    path = folder / "ballast"
    free = os.statvfs(folder)
    path.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - leave))
    return str(path)


@JOURNALS
@pytest.mark.parametrize("left", [0, 8192, 60_000])
def test_a_full_disk_is_said_so_and_mail_goes_on_when_there_is_room_again(small_disk, xats, journal, left):
    path = str(small_disk / "xats.db")
    environ = {"XATS_DB": path}
    xats("register", "alice", "--no-pane", env=environ)
    xats("register", "bob", "--no-pane", env=environ)
    xats("send", "bob", "first", "--as", "alice", env=environ)
    in_journal(path, journal)
    before = content(path)
    ballast = stuff(small_disk, left)
    ran = xats("send", "bob", "-", "--as", "alice", "--json", env=environ, stdin="x" * 200_000, code=75)
    assert ran.error()["code"] == "disk_full"
    assert "Nothing was written" in ran.error()["message"]
    assert content(path) == before
    os.unlink(ballast)
    assert sound(path)
    assert xats("send", "bob", "second", "--as", "alice", "--json", env=environ).json()["message"]["id"] == 2


def test_no_store_is_made_on_a_full_disk(small_disk, xats):
    ballast = stuff(small_disk, 0)
    ran = xats("agents", "--json", env={"XATS_DB": str(small_disk / "xats.db")}, code=75)
    assert ran.error()["code"] == "disk_full"
    os.unlink(ballast)
    xats("agents", env={"XATS_DB": str(small_disk / "xats.db")})


def test_a_disk_without_inodes_is_said_so(mounted, xats):
    folder = mounted("size=4m,nr_inodes=12")
    path = str(folder / "xats.db")
    environ = {"XATS_DB": path}
    xats("register", "bob", "--no-pane", env=environ)
    with contextlib.suppress(OSError):
        for number in range(20):
            (folder / f"file{number}").touch()
    for words in (("send", "bob", "hello", "--as", "bob"), ("register", "carol", "--no-pane")):
        error = xats(*words, "--json", env=environ, code=75).error()
        assert error["code"] == "disk_full"
        assert "inode" in error["message"]
        assert "df -i" in error["hint"]
    found = {one.name: one for one in check.checks(path)}["disk"]
    assert (found.state, "inode" in found.detail) == (check.FAIL, True)
    error = xats("agents", "--json", env={"XATS_DB": str(folder / "new.db")}, code=75).error()  # not even made
    assert error["code"] == "disk_full"


@JOURNALS
def test_a_disk_that_becomes_read_only_is_said_so_and_can_be_read(mounted, xats, journal):
    folder = mounted("size=4m")
    path = str(folder / "xats.db")
    environ = {"XATS_DB": path}
    xats("register", "alice", "--no-pane", "--client", "generic", env=environ)
    xats("register", "bob", "--no-pane", "--client", "generic", env=environ)
    xats("send", "bob", "first", "--as", "alice", env=environ)
    in_journal(path, journal)
    read_only(folder)
    error = xats("send", "bob", "second", "--as", "alice", "--json", env=environ, code=1).error()
    assert error["code"] == "store_read_only"
    assert f"read-only (mounted at {folder})" in error["message"]
    assert error["hint"].startswith(f"mount -o remount,rw {folder}")
    assert "first" in xats("thread", "1", "--as", "alice", env=environ).stdout
    assert "bob" in xats("agents", "--as", "alice", env=environ).stdout
    assert "bob" in xats("_complete", "address", "b", env={**environ, "XATS_AGENT": "alice"}).stdout
    assert xats("db", "info", "--json", env=environ).json()["journal_mode"] == journal
    found = {one.name: one for one in check.checks(path)}
    assert (found["disk"].state, found["disk"].fix) == (check.FAIL, error["hint"])
    assert found["integrity"].state == check.OK


@pytest.mark.parametrize("harm", [lambda folder: stuff(folder, 0), read_only], ids=["full", "read-only"])
def test_doctor_sees_a_disk_that_takes_nothing(mounted, xats, harm):
    folder = mounted("size=4m")
    environ = {"XATS_DB": str(folder / "xats.db")}
    xats("register", "alice", "--no-pane", "--client", "generic", env=environ)
    harm(folder)
    report = xats("doctor", "--json", env=environ, code=5)
    (found,) = [one for one in json.loads(report.stdout)["checks"] if one["name"] == "disk"]
    assert (found["section"], found["state"]) == ("store", "fail")
    assert found["fix"]
    assert report.stderr == ""


def test_what_the_disk_lacks_is_found_before_it_is_missed(mounted, tmp_path):
    folder = mounted("size=32m")
    path = str(folder / "xats.db")
    open_store(path).close()

    def state() -> tuple[str, str]:
        (found,) = [one for one in check.checks(path) if one.name == "disk"]
        return found.state, found.detail

    assert state()[0] == check.OK
    ballast = stuff(folder, 2 * 1024 * 1024)
    assert state() == (check.WARN, "the disk is nearly full: 2.0 MiB left")
    os.unlink(ballast)
    before = listed(folder), os.stat(folder).st_mtime_ns
    stuff(folder, 0)
    assert state()[0] == check.FAIL
    assert "is full" in state()[1]
    os.unlink(ballast)
    assert listed(folder) == before[0]


@pytest.mark.parametrize(
    "number, kind, said",
    [
        (errno.EDQUOT, errors.StoreFull, "quota"),
        (errno.EIO, errors.StoreError, "fails: Input/output error"),
        (errno.EMFILE, errors.StoreError, "too many files open"),
        (errno.EFBIG, errors.StoreFull, "a file as large"),
    ],
)
def test_the_reason_of_the_system_is_told(store, monkeypatch, number, kind, said):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(disk, "_write_page", refuse)
    problem = disk.trouble(store.path)
    assert type(problem) is kind
    assert said in str(problem)
    assert problem.hint


def test_a_file_system_without_unnamed_files_is_looked_at_too(store, monkeypatch):
    folder = os.path.dirname(store.path)
    before = listed(folder)
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    assert disk.trouble(store.path) is None
    assert listed(folder) == before


LIMITED = """
import resource, sys
from xats.base.errors import XatsError
from xats.store.open import open_store
store = open_store(sys.argv[1])
size = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), size[1]))
try:
    store.write(lambda tx: [tx.event("noted", "crew", None, "agent:x", text="x" * 4000) for _ in range(1000)])
except XatsError as problem:
    print(problem.code)
"""


def test_a_file_size_limit_leaves_the_store_as_it_was(tmp_path):
    path = str(tmp_path / "xats.db")
    store = open_store(path)
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    store.close()
    other = sqlite3.connect(path)
    other.execute("vacuum")  # what a free page holds is not put back by a rollback
    other.close()
    before = content(path)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path, "300000"], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "disk_full\n"
    assert sound(path)
    assert content(path) == before
