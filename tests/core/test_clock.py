"""The clock of a host is trusted while it agrees with the time since the boot; see core/clock.py."""

import subprocess
import sys
import time

import pytest

from tests.conftest import HostClock
from xats.base import uptime
from xats.core import clock as core
from xats.store.open import open_store
from xats.store.sqlite.engine import host_clock

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.fixture
def clock():
    return HostClock()


def observe(store):
    return store.write(core.observe)


def trusted(store):
    """Tell whether all ages are right, by a look that notes nothing."""
    return store.read(core.since) == 0


def settled(store, clock):
    """Let the clock settle, until old things may be removed too."""
    for _ in range(3):
        observe(store)
        clock.tick(core.SETTLE)
    assert trusted(store)


def test_at_first_only_what_begins_now_has_an_age(store, clock):
    assert store.read(core.since) == clock.now
    began = clock.now
    assert observe(store) == core.Standing(began, "first", 0, core.SETTLE, is_new=True)
    clock.tick(MINUTE)
    assert store.read(core.since) == began
    assert observe(store) == core.Standing(began, "first", 0, core.SETTLE - MINUTE)


def test_after_ten_minutes_of_agreement_all_ages_are_right(store, clock):
    observe(store)
    clock.tick(core.SETTLE - 1)
    assert not trusted(store)
    clock.tick(1)
    assert trusted(store)
    assert store.read(core.standing) == core.Standing(0)


def test_it_needs_nobody_who_looks_meanwhile(store, clock):
    observe(store)
    clock.tick(30 * DAY)
    assert trusted(store)


@pytest.mark.parametrize("by", [40 * DAY, 3_000, -3_000, -DAY, 3650 * DAY])
def test_a_jump_is_seen_whether_it_was_noted_or_not(store, clock, by):
    settled(store, clock)
    clock.jump(by)
    assert store.read(core.since) == clock.now
    jumped = clock.now
    assert observe(store) == core.Standing(jumped, "jump", by, core.SETTLE, is_new=True)
    clock.tick(core.SETTLE - 1)
    assert store.read(core.standing) == core.Standing(jumped, "jump", by, 1)
    clock.tick(1)
    assert trusted(store)


def test_a_clock_that_is_right_again_has_jumped_once_more(store, clock):
    settled(store, clock)
    clock.jump(40 * DAY)
    observe(store)
    clock.tick(6_000)
    clock.jump(-40 * DAY)
    assert store.read(core.since) == clock.now
    assert observe(store).jump == -40 * DAY
    clock.tick(core.SETTLE)
    assert trusted(store)


def test_a_jump_that_nobody_saw_and_that_is_over_changes_nothing(store, clock):
    settled(store, clock)
    clock.jump(40 * DAY)
    clock.jump(-40 * DAY)
    assert trusted(store)


def test_small_steps_and_a_slow_crystal_are_no_jump(store, clock):
    settled(store, clock)
    for _ in range(200):
        clock.tick(core.REFRESH)
        clock.now += core.REFRESH // 4000  # 250 ppm
        observe(store)
        assert trusted(store)
    clock.now += 1_000  # a leap second
    assert trusted(store)


def test_a_clock_that_runs_too_fast_is_not_trusted(store, clock):
    observe(store)
    for _ in range(40):
        clock.tick(30_000)
        clock.jump(1_500)  # each within the tolerance
        observe(store)
        assert not trusted(store)


def test_after_a_boot_the_clock_settles_anew(store, clock):
    settled(store, clock)
    clock.reboot()
    assert store.read(core.since) == clock.now
    assert observe(store).cause == "boot"
    clock.tick(core.SETTLE)
    assert trusted(store)


def test_a_boot_that_kept_its_id_is_seen_too(store, clock):
    settled(store, clock)
    clock.up = 1000
    assert observe(store).cause == "boot"


def test_after_a_suspend_there_is_a_time_of_grace(store, clock):
    settled(store, clock)
    clock.suspend(8 * HOUR)
    assert store.read(core.since) == clock.now
    woke = clock.now
    assert observe(store) == core.Standing(woke, "sleep", 0, core.GRACE, is_new=True)
    clock.tick(core.GRACE - 1)
    assert observe(store) == core.Standing(woke, "sleep", 0, 1)
    clock.tick(1)
    assert trusted(store)


def test_a_suspend_does_not_make_a_clock_settle_later_or_earlier(store, clock):
    observe(store)
    clock.tick(core.SETTLE - 2 * MINUTE)
    clock.suspend(1 * MINUTE)
    observe(store)
    clock.tick(MINUTE)
    assert not trusted(store)
    clock.tick(core.GRACE - MINUTE)
    assert trusted(store)


def test_a_virtual_machine_that_was_stopped_has_a_clock_that_jumps(store, clock):
    settled(store, clock)
    clock.jump(2 * HOUR)  # its boot time stood still
    assert observe(store).cause == "jump"


# -- pruning -----------------------------------------------------------------------------------------------------------


def may_prune(store):
    return store.read(core.prune_in) == 0


def test_pruning_needs_two_observations_that_trust_the_clock(store, clock):
    observe(store)
    assert store.read(core.prune_in) == 2 * core.SETTLE
    clock.tick(core.SETTLE)
    assert observe(store).trusted
    assert store.read(core.prune_in) == core.SETTLE
    clock.tick(core.SETTLE - 1)
    assert store.read(core.prune_in) == 1
    clock.tick(1)
    assert may_prune(store)


def test_one_long_agreement_is_one_observation(store, clock):
    observe(store)
    clock.tick(DAY)
    assert trusted(store)
    assert not may_prune(store)
    observe(store)
    assert not may_prune(store)
    clock.tick(core.SETTLE)
    assert may_prune(store)


@pytest.mark.parametrize("by", ["jump", "suspend"])
def test_nothing_is_pruned_after_a_jump_or_a_suspend(store, clock, by):
    settled(store, clock)
    assert may_prune(store)
    getattr(clock, by)(DAY)
    assert not may_prune(store)
    observe(store)
    clock.tick(core.SETTLE)
    assert may_prune(store) == (by == "suspend")


# -- what is noted -----------------------------------------------------------------------------------------------------


def test_an_observation_is_noted_when_it_is_news_and_else_now_and_then(store, clock, rows):
    def noted():
        before = rows("select * from clocks")
        observe(store)
        return rows("select * from clocks") != before

    assert noted()
    clock.tick(30_000)
    assert not noted()
    clock.tick(core.REFRESH)
    assert noted()
    clock.jump(HOUR)
    assert noted()
    clock.suspend(HOUR)
    assert noted()
    assert not noted()
    assert len(rows("select * from clocks")) == 1


def test_a_host_that_does_not_tell_takes_nothing_away(store, clock, rows):
    clock.uptime = lambda: None
    assert observe(store) == core.Standing(clock.now, "hidden")
    clock.tick(DAY)
    assert not trusted(store)
    assert store.read(core.prune_in) is None
    assert rows("select * from clocks") == []


def test_a_clock_without_a_boot_time_is_taken_at_its_word(tmp_path, rows):
    store = open_store(str(tmp_path / "other.db"), clock=lambda: 5)
    assert observe(store) == core.Standing(0)
    assert may_prune(store)
    store.close()
    assert rows("select * from clocks") == []


def test_a_long_transaction_is_no_jump(store, clock):
    settled(store, clock)

    def work(tx):
        clock.tick(30_000)
        return core.since(tx)

    assert store.write(work) == 0


def test_a_clock_that_is_set_during_a_transaction_is_seen(store, clock):
    settled(store, clock)

    def work(tx):
        clock.jump(40 * DAY)
        return core.observe(tx)

    assert store.write(work).jump == 40 * DAY
    clock.tick(MINUTE)
    assert not trusted(store)


# -- the real ones -----------------------------------------------------------------------------------------------------


def test_this_host_tells_how_long_it_has_been_up():
    first = uptime.read()
    if first is None:
        pytest.skip("this host does not tell how long it has been up")
    time.sleep(0.03)
    second = uptime.read()
    assert first.boot == second.boot
    assert 10 <= second.up - first.up < 30_000
    assert abs(second.slept - first.slept) < 1000


def test_the_store_of_this_host_observes_it(tmp_path):
    store = open_store(str(tmp_path / "xats.db"))
    seen = observe(store)
    assert seen.cause == ("first" if uptime.read() else "hidden")
    assert abs(seen.since - host_clock()) < 60_000
    store.close()


def test_a_wrong_clock_of_one_process_leaves_its_uptime_alone(tmp_path):
    say = (
        "from xats.base import uptime; from xats.store.sqlite.engine import host_clock;"
        " print(host_clock(), uptime.read().up)"
    )
    if uptime.read() is None:
        pytest.skip("this host does not tell how long it has been up")
    now, up = host_clock(), uptime.read().up
    run = [sys.executable, "-c", say]
    told = subprocess.run(run, env={"XATS_FAULT_CLOCK": str(40 * DAY)}, capture_output=True, check=True, text=True)
    wrong, still = map(int, told.stdout.split())
    assert 0 <= wrong - now - 40 * DAY < 60_000
    assert 0 <= still - up < 60_000
