"""The daemon prunes: at its sweeps, a little each time, and not more than once an hour."""

import pytest

from tests.daemon.conftest import write_old_mail
from tests.support.world import until
from xats.base.errors import StoreError
from xats.core import keeping, prune
from xats.daemon import pruner

DAY = 86_400_000


class Time:
    """What `tidy` knows of the time: a clock that is set by hand, and pauses that are counted."""

    def __init__(self) -> None:
        self.now, self.pauses = 1000.0, 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses += 1


@pytest.fixture
def time(monkeypatch):
    made = Time()
    monkeypatch.setattr(pruner, "time", made)
    return made


def messages(store) -> int:
    return store.read(lambda tx: tx.one("select count(*) as n from messages"))["n"]


@pytest.fixture
def old(store, clock):
    write_old_mail(store, 40)
    clock.tick(31 * DAY)
    return store


def test_it_prunes_at_once_and_then_an_hour_later(old, clock, time):
    tidying = pruner.Pruner(keeping.KEEP)
    tidying(old)
    assert messages(old) == 0
    write_old_mail(old, 3)
    clock.tick(31 * DAY)
    time.now += pruner.EVERY - 1
    tidying(old)
    assert messages(old) == 3
    time.now += 1
    tidying(old)
    assert messages(old) == 0


def test_a_sweep_does_a_part_of_it_with_pauses_for_others(old, time, monkeypatch):
    monkeypatch.setattr(prune, "MOST", 2)
    monkeypatch.setattr(prune, "FIRST", 2)
    monkeypatch.setattr(prune, "LEAST", 2)
    monkeypatch.setattr(pruner, "BATCHES", 3)
    tidying = pruner.Pruner(keeping.KEEP)
    left = []
    for sweep in range(1, 5):
        tidying(old)
        left.append(messages(old))
        assert time.pauses == sweep * 2
    assert left == [34, 28, 22, 16]


def test_what_is_kept_for_ever_is_never_pruned(old, time):
    tidying = pruner.Pruner(None)
    tidying(old)
    assert messages(old) == 40


@pytest.mark.sqlite  # a trigger of its own words
def test_what_goes_wrong_is_raised_once_and_tried_again_an_hour_later(old, time):
    tidying = pruner.Pruner(keeping.KEEP)
    old.write(lambda tx: tx.run("create trigger no before delete on messages begin select raise(abort, 'no'); end"))
    with pytest.raises(StoreError):
        tidying(old)
    tidying(old)
    tidying(old)
    assert messages(old) == 40
    old.write(lambda tx: tx.run("drop trigger no"))
    time.now += pruner.EVERY
    tidying(old)
    assert messages(old) == 0


# -- as a process ------------------------------------------------------------------------------------------------------


def count(world) -> int:
    return world.rows("select count(*) from messages")[0][0]


def test_a_daemon_prunes_and_says_so(aged):
    daemon = aged.daemon()
    until(lambda: count(aged) == 0, what="an empty store")
    until(lambda: "pruned: 15 messages, 15 deliveries, 1 wakes, " in aged.log(), what="a line in the log")
    assert daemon.poll() is None
    assert aged.rows("pragma foreign_key_check") == []


@pytest.mark.parametrize("keep", ["off", "41d"])
def test_a_daemon_keeps_what_it_is_told_to_keep(aged, keep):
    aged.daemon(XATS_KEEP=keep)
    aged.register("carol")
    aged.send("carol", sender="alice")  # it acts on this only after its first sweep
    aged.until_wake("carol", reason="no_pane")
    assert count(aged) == 16


def test_an_age_that_is_none_is_said_before_it_starts(world):
    world.register("alice")
    _, said = world.xats("daemon", "run", code=2, XATS_KEEP="soon")
    assert "XATS_KEEP" in said
    assert "export XATS_KEEP=30d" in said
