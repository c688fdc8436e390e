"""The stores that most tests begin with are those that xats creates."""

import os
import stat

import pytest

from tests.support.blank import CREATED, new_store
from xats.store.open import open_store
from xats.store.sqlite import migrate


def mode(path: str) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "rollback"])
def test_a_copied_store_is_to_the_byte_one_that_was_created(tmp_path, monkeypatch, wal):
    monkeypatch.setattr(migrate, "wal_is_safe", lambda _: wal)
    created, copied = str(tmp_path / "a" / "created.db"), str(tmp_path / "b" / "copied.db")
    open_store(created, clock=lambda: CREATED).close()
    assert new_store(copied) == copied
    with open(created, "rb") as one, open(copied, "rb") as other:
        assert one.read() == other.read()
    assert mode(copied) == mode(created) == 0o600
    assert mode(os.path.dirname(copied)) == mode(os.path.dirname(created)) == 0o700


def test_a_store_that_is_there_is_kept(tmp_path):
    path = str(tmp_path / "xats.db")
    store = open_store(path)
    store.write(lambda tx: tx.event("something", "crew", None, "agent:x"))
    new_store(path)
    assert store.read(lambda tx: len(tx.all("select * from events"))) == 1
    store.close()
