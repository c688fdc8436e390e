"""Connections to a PostgreSQL server that the stores of one process share, and a look in one round trip."""

import threading

import pytest

from tests.support.world import until
from xats.base.errors import StoreBusy
from xats.store.open import open_store, pool_for
from xats.store.pool import Pool

APPLICATION = "xats pool of a test"


@pytest.fixture
def shared(database, monkeypatch):
    """`shared()` opens the store of this worker once more, with the two connections of one pool."""
    monkeypatch.setenv("PGAPPNAME", APPLICATION)
    pool, stores = pool_for(database.empty(), 2), []

    def again():
        stores.append(open_store(database.url, pool=pool))
        return stores[-1]

    again.pool = pool
    yield again
    for one in stores:
        one.close()
    pool.close()
    until(lambda: connections(database) == 0, what="the end of the connections")


def connections(database, and_end=False):
    with database.server.connect() as admin:
        what = "pg_terminate_backend(pid)" if and_end else "pid"
        query = f"select {what} from pg_stat_activity where application_name = %s and datname = %s"
        return len(admin.execute(query, (APPLICATION, database.name)).fetchall())


def test_a_file_has_no_pool(tmp_path):
    assert pool_for(str(tmp_path / "xats.db"), 2) is None


def test_many_stores_share_two_connections(shared, database):
    stores = [shared() for _ in range(8)]
    most = []

    def work(store):
        for _ in range(5):
            store.write(lambda tx: tx.event("test", "t", None, "x"))
            most.append(connections(database))

    threads = [threading.Thread(target=work, args=(one,)) for one in stores]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(most) == 40
    assert max(most) <= 2
    assert stores[0].read(lambda tx: tx.one("select count(*) as n from events"))["n"] == 40


def test_connections_that_were_lost_are_replaced(shared, database):
    one, other = shared(), shared()
    one.read(lambda tx: other.read(lambda tx: tx.one("select 1 as one")))  # both connections are in use
    assert connections(database, and_end=True) == 2
    until(lambda: connections(database) == 0)
    assert one.read(lambda tx: tx.one("select 1 as one"))["one"] == 1
    assert other.write(lambda tx: tx.now) > 0


def test_a_store_waits_for_a_connection_as_long_as_its_patience(shared):
    one, other, third = shared(), shared(), shared()
    third.patience = 0.05
    with pytest.raises(StoreBusy, match=r"All connections to the database have been in use for 0\.05 s"):
        one.read(lambda tx: other.read(lambda tx: third.read(lambda tx: None)))
    assert third.read(lambda tx: 3) == 3


def test_work_that_fails_gives_its_connection_back(shared):
    store = shared()

    def fail(tx):
        raise LookupError

    for _ in range(3):
        with pytest.raises(LookupError):
            store.write(fail)
    assert store.read(lambda tx: 3) == 3


def test_a_closed_pool_keeps_nothing():
    class Connection:
        closed = False

        def close(self):
            self.closed = True

    pool, connection = Pool(1), Connection()
    assert pool.take(1) is None
    pool.close()
    pool.give(connection)
    assert connection.closed


def test_a_glance_is_one_round_trip_and_recognises_its_store(shared, monkeypatch):
    import psycopg

    store, sent = shared(), []
    execute = psycopg.Connection.execute
    monkeypatch.setattr(psycopg.Connection, "execute", lambda *args, **more: sent.append(1) or execute(*args, **more))
    row = store.glance(lambda tx: tx.one("select cast(:a as text) || '%' as said, :b as none", a="it's", b=None))
    assert (row["said"], row["none"], len(sent)) == ("it's%", None, 1)
    assert store.glance(lambda tx: tx.one("select 1 as one where 1 = 2")) is None
    with pytest.raises(Exception, match="no_such_table"):
        store.glance(lambda tx: tx.one("select 1 from no_such_table"))
    assert store.glance(lambda tx: tx.one("select 2 as two"))["two"] == 2
    assert abs(store.glance(lambda tx: tx.now) - store.read(lambda tx: tx.now)) < 60_000
    store.id = "another"
    assert store.glance(lambda tx: tx.one("select 2 as two")) is None
