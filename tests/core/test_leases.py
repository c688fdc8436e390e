"""Leases: when they end, and that each table of leases is renewed by the signs of life of its holders."""

from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from xats.core import clock as rules
from xats.core.agents import agents
from xats.core.clock import Standing
from xats.core.leases import leases
from xats.core.leases.leases import ENDED, LAPSED, Lease
from xats.core.locks.settle import LOCKS
from xats.core.tasks.owners import CLAIMS
from xats.core.turns.turns import HOLDERS

TRUSTED = Standing(0)
TABLES = (CLAIMS, LOCKS, HOLDERS)


def row(until, length, gone_at=None, seen_at=0):
    return {"lease_until": until, "lease_ms": length, "owner_gone_at": gone_at, "owner_seen_at": seen_at}


def test_a_sign_of_life_moves_the_end_and_revokes_a_mark():
    assert leases.of(row(100, 10, gone_at=70, seen_at=70)) == Lease(100, 10, 70)
    assert leases.of(row(100, 10, gone_at=70, seen_at=95)) == Lease(105, 10, None)
    assert leases.of(row(None, 10)) == Lease(None, 10, None)


@pytest.mark.parametrize(
    ("lease", "trust", "grace", "why"),
    [
        (Lease(100, 10, None), TRUSTED, 5, LAPSED),
        (Lease(101, 10, None), TRUSTED, 5, None),
        (Lease(100, 10, None), Standing(90, "jump"), 5, LAPSED),
        (Lease(100, 10, None), Standing(91, "jump"), 5, None),
        (Lease(100, 10, None), Standing(91, "first"), 5, None),
        (Lease(None, 10, None), TRUSTED, 5, None),
        (Lease(200, 10, 95), TRUSTED, 5, ENDED),
        (Lease(200, 10, 96), TRUSTED, 5, None),
        (Lease(200, 10, 100), TRUSTED, 0, ENDED),
        (Lease(200, 10, 101), TRUSTED, 0, None),  # from before the clock was set back
        (Lease(200, 10, 95), Standing(96, "sleep"), 0, None),
        (Lease(200, 10, 95), Standing(96, "first"), 0, ENDED),  # the end of a process is not an age
    ],
)
def test_a_lease_is_over_by_its_time_or_by_the_end_of_a_process(lease, trust, grace, why):
    assert leases.over(lease, 100, trust, grace) == why


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_signs_of_life_of_a_holder_know_each_table(table):
    assert f"from {table.name} " in agents.RENEWABLE
    assert any(sql.startswith(f"update {table.name} ") for sql in agents.UNMARK)


@pytest.mark.sqlite
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
@pytest.mark.parametrize("name", ["any_over", "lapsed", "gone_long", "holders", "mark", "unmark", "stretch"])
def test_no_query_reads_the_whole_table(rows, table, name):
    """`holders` looks at each agent, and what `set_right` does is rare."""
    sql = getattr(table, name)
    values = {"now": 1, "before": 1, "since": 1, "limit": 1, "id": 1, "until": 1, "fence": 1}
    plan = rows(f"explain query plan {sql}", **{key: value for key, value in values.items() if f":{key}" in sql})
    assert [line["detail"] for line in plan if line["detail"].startswith("SCAN") and line["detail"] != "SCAN a"] == []


@given(
    age=st.integers(0, 3 * agents.RENEW_EVERY),
    length=st.integers(1000, 4 * agents.RENEW_EVERY),
)
@example(age=agents.RENEW_EVERY, length=2 * agents.RENEW_EVERY)
@example(age=agents.RENEW_EVERY - 1, length=2 * agents.RENEW_EVERY - 1)
@example(age=500, length=1000)
@example(age=500, length=1001)
@example(age=500, length=1002)
def test_a_lease_is_renewed_each_minute_or_at_half_of_a_shorter_one(age, length):
    def one(_, **values):
        return {"1": 1} if length <= values["length"] else None

    agent = agents.Agent(1, "t", "bob", None, "generic", None, 1, 0, True, "auto")
    every = length // 2 if length < 2 * agents.RENEW_EVERY else agents.RENEW_EVERY
    assert agents.renewal_due(SimpleNamespace(now=age, one=one), agent) == (age >= every)


def test_the_settle_time_of_the_clock_is_longer_than_that_of_a_mark():
    assert rules.SETTLE > CLAIMS.grace > LOCKS.grace == 0
