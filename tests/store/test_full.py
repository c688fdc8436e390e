"""A full disk: said so, exit 75, and nothing of the transaction is left."""

import os
import sqlite3
import subprocess
import sys

import pytest

from xats import errors
from xats.store import Store


def content(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def fill(tx) -> None:
    for number in range(400):
        tx.event("noted", "crew", None, f"agent:{number}", text="x" * 4000)


def sound(path: str) -> bool:
    store = Store(path)
    try:
        return store._connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    finally:
        store.close()


def test_a_full_store_is_rolled_back(store):
    store.write(lambda tx: tx.event("noted", "crew", None, "agent:x"))
    before = content(store.path)
    pages = store._connection.execute("pragma page_count").fetchone()[0]
    store._connection.execute(f"pragma max_page_count = {pages}")
    with pytest.raises(errors.StoreFull) as caught:
        store.write(fill)
    assert (caught.value.code, caught.value.exit) == ("disk_full", 75)
    assert "Nothing was written" in str(caught.value)
    assert caught.value.hint
    assert not store._connection.in_transaction
    assert content(store.path) == before
    assert len(store.read(lambda tx: tx.all("select * from events"))) == 1


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here; test_a_full_store_is_rolled_back and ulimit stand in")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def stuff(folder, leave: int) -> str:
    """Fill the disk but for `leave` bytes; return the path of what fills it."""
    path = folder / "ballast"
    free = os.statvfs(folder)
    path.write_bytes(b"x" * max(0, free.f_bavail * free.f_frsize - leave))
    return str(path)


def test_a_full_disk_is_said_so_and_mail_goes_on_when_there_is_room_again(small_disk, xats):
    path = str(small_disk / "xats.db")
    environ = {"XATS_DB": path}
    xats("register", "alice", "--no-pane", env=environ)
    xats("register", "bob", "--no-pane", env=environ)
    xats("send", "bob", "first", "--as", "alice", env=environ)
    before = content(path)
    ballast = stuff(small_disk, 8192)
    ran = xats("send", "bob", "-", "--as", "alice", "--json", env=environ, stdin="x" * 200_000, code=75)
    assert ran.error()["code"] == "disk_full"
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


LIMITED = """
import resource, sys
from xats.errors import XatsError
from xats.store import Store
store = Store(sys.argv[1])
size = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), size[1]))
try:
    store.write(lambda tx: [tx.event("noted", "crew", None, "agent:x", text="x" * 4000) for _ in range(1000)])
except XatsError as problem:
    print(problem.code)
"""


def test_a_file_size_limit_leaves_the_store_as_it_was(tmp_path):
    path = str(tmp_path / "xats.db")
    store = Store(path)
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
    assert done.stdout in ("disk_full\n", "store_unusable\n")
    assert sound(path)
    assert content(path) == before
