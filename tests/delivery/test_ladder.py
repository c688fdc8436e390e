"""The ladder is a pure function, and so is the line that is pasted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xats.base.errors import Usage
from xats.core.address import ALLOWED
from xats.core.waking.attempts import FURTHEST
from xats.core.waking.wakes import Pending
from xats.delivery import ladder, settings
from xats.delivery.envelope import wake_line

NOW = 1_750_000_000_000


@pytest.mark.parametrize(
    "attempts, chance, wait",
    [
        (1, 0.5, 30_000),
        (2, 0.5, 180_000),
        (3, 0.5, 600_000),
        (4, 0.5, None),
        (99, 0.5, None),
        (1, 0.0, 27_000),
        (1, 1.0, 33_000),
        (3, 0.0, 540_000),
        (3, 1.0, 660_000),
    ],
)
def test_when_to_try_again(attempts, chance, wait):
    assert ladder.next_attempt(attempts, NOW, chance) == (None if wait is None else NOW + wait)


@pytest.mark.parametrize(
    "age, wait",
    [(0, 1_000), (-5_000, 1_000), (9_000, 1_000), (60_000, 6_000), (299_000, 29_900), (86_400_000, 30_000)],
)
def test_what_a_slow_machine_was_in_the_way_of_is_tried_again_soon_and_ever_less_often(age, wait):
    assert ladder.soon(NOW - age, NOW) == NOW + wait


CHANCES = st.floats(0, 1)
LADDERS = st.lists(st.integers(1, 86_400_000), max_size=6)


@given(LADDERS, st.integers(1, 8), CHANCES)
def test_a_rung_is_met_within_its_jitter_and_after_the_last_comes_nothing(rungs, attempts, chance):
    again = ladder.next_attempt(attempts, NOW, chance, rungs)
    if attempts > len(rungs):
        assert again is None
    else:
        rung = rungs[attempts - 1]
        assert abs(again - NOW - rung) <= rung * ladder.JITTER + 1
        assert again >= NOW
        assert again - NOW <= ladder.longest(rungs) + 1


@given(LADDERS, st.integers(1, 6), CHANCES, CHANCES)
def test_more_chance_is_never_earlier(rungs, attempts, one, other):
    early, late = sorted((one, other))
    if attempts <= len(rungs):
        assert ladder.next_attempt(attempts, NOW, early, rungs) <= ladder.next_attempt(attempts, NOW, late, rungs)


def test_the_default_rungs_wait_longer_each_time():
    waits = [ladder.next_attempt(n, 0, chance) for n, chance in ((1, 1.0), (2, 0.0), (2, 1.0), (3, 0.0))]
    assert waits == sorted(waits)


def test_no_ladder_asks_for_more_than_a_clock_that_was_set_back():
    assert ladder.longest() < FURTHEST
    assert ladder.longest(()) == 0


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "environ, wanted",
    [
        ({}, settings.Settings(2000, (30_000, 180_000, 600_000))),
        ({"XATS_QUIET_MS": "50"}, settings.Settings(50)),
        ({"XATS_LADDER": "1s, 2m,500ms"}, settings.Settings(2000, (1000, 120_000, 500))),
        ({"XATS_QUIET_MS": "", "XATS_LADDER": ""}, settings.Settings()),
    ],
)
def test_settings_come_from_the_environment(environ, wanted):
    assert settings.from_environment(environ) == wanted


@pytest.mark.parametrize("environ", [{"XATS_QUIET_MS": "soon"}, {"XATS_QUIET_MS": "-1"}, {"XATS_LADDER": "1s,later"}])
def test_settings_that_cannot_be_read_are_refused(environ):
    with pytest.raises(Usage):
        settings.from_environment(environ)


# -- the line ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "unread, senders, names, line",
    [
        (1, 1, ("alice",), "xats: 1 new from alice - run: xats inbox"),
        (2, 2, ("alice", "bob"), "xats: 2 new from alice, bob - run: xats inbox"),
        (9, 5, ("a", "b", "c"), "xats: 9 new from a, b, c and 2 more - run: xats inbox"),
        (9, 4, ("a", "b", "c", "d"), "xats: 9 new from a, b, c and 1 more - run: xats inbox"),
        (3, 3, ("a" * 64, "b" * 64, "c" * 64), f"xats: 3 new from {'a' * 64} and 2 more - run: xats inbox"),
    ],
)
def test_the_line_names_some_of_the_senders(unread, senders, names, line):
    assert wake_line(Pending(unread, senders, names, 1)) == line


@given(st.lists(st.text(sorted(ALLOWED), min_size=1, max_size=64), min_size=1, max_size=9), st.integers(1, 10**6))
def test_the_line_is_one_short_line_of_plain_ascii(names, unread):
    line = wake_line(Pending(unread, len(names), tuple(names), 1))
    assert line.isascii()
    assert line.isprintable()
    assert len(line) < 180
