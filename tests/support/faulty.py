"""Files that are no sound store, and a writer that dies."""

import contextlib
import sqlite3

from xats.store.open import open_store


def content(path) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def fill(store, count: int = 200) -> None:
    store.write(lambda tx: [tx.event("noted", "crew", None, f"agent:{n}", text="x" * 500) for n in range(count)])


def foreign(path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("create table bookmarks (url text)")


def text(path) -> None:
    path.write_text("Dear diary,\nthis is no database at all, but it is long enough to look for a header in it.\n" * 20)


def empty(path) -> None:
    path.touch()


def nothing(path) -> None:
    pass


def folder(path) -> None:
    path.mkdir()


def filled(path) -> None:
    store = open_store(str(path))
    fill(store)
    store.close()


def flipped(path) -> None:
    """Flip bits in the middle pages."""
    filled(path)
    data = bytearray(content(path))
    for at in range(len(data) // 4096 * 4096 // 2, len(data) - 4096, 64):
        data[at] ^= 0xFF
    path.write_bytes(data)


def cut_off(path) -> None:
    filled(path)
    data = content(path)
    path.write_bytes(data[: len(data) // 2 // 4096 * 4096])


DIE = """
import os, signal, sqlite3, sys
from xats.store.open import open_store
store = open_store(sys.argv[1])
store.connection.execute("pragma cache_size = 5")
def work(tx):
    tx.run("delete from events")
    for n in range(300):
        tx.event("never", "crew", None, "agent:x", text="y" * 500)
    tx.write_events()
    os.kill(os.getpid(), signal.SIGKILL)
store.write(work)
"""
