"""A PostgreSQL server that is killed (SIGKILL) keeps what was committed, and gives no id again."""

import pytest

from tests.support import postgres as servers
from xats.store.open import open_store

MINIMAL = {"wal_level": "minimal", "max_wal_senders": "0"}


@pytest.mark.parametrize("settings", [{}, MINIMAL], ids=["replica", "minimal"])
def test_no_id_is_given_again_after_a_crash(postgres, settings):
    server = servers.own(durable=True, settings=settings)
    try:
        with server.connect() as admin:
            admin.execute(f"create database team owner {servers.OWNER} template template0")
        store = open_store(server.url("team"))
        for count in range(3):
            store.write(lambda tx, number=count: tx.event("noted", "crew", None, f"n{number}"))
            server.kill()
            server.start()
        store.write(lambda tx: tx.event("noted", "crew", None, "n3"))
        found = store.read(lambda tx: tx.all("select id, subject from events order by id"))
        assert [row["subject"] for row in found] == ["n0", "n1", "n2", "n3"]
        assert len({row["id"] for row in found}) == 4
        store.close()
    finally:
        server.remove()
