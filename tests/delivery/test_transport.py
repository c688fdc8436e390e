"""The tmux transport: one wake's line is never joined to another's."""

import shlex
import sys

from tests.delivery.conftest import until
from xats.core.agents import Seat, Session
from xats.delivery.settings import Settings
from xats.delivery.transports import tmux

FIRST = "xats: 1 new from alice - run: xats inbox"
SECOND = "xats: 2 new from alice, carol - run: xats inbox"


def deliver(seat, token: str, line: str, client: str = "generic"):
    session = Session(1, 1, 1, Seat("here", *seat.client, None, seat.pane), 0, None)
    return tmux.deliver(session, client, lambda: line, token, Settings(quiet=50), bool)


def test_a_line_that_was_not_taken_keeps_the_next_wake_away(desk):
    seat = desk.compose("--swallow", "100")
    assert deliver(seat, "store-1", FIRST).reason == "unconfirmed"
    assert deliver(seat, "store-2", SECOND).reason == "draft_present"
    assert FIRST in seat.text()
    assert SECOND not in seat.text()
    assert seat.sent == []


def test_the_line_of_an_ended_wake_does_not_keep_the_next_one_away(desk):
    seat = desk.compose()
    assert deliver(seat, "store-1", FIRST).state == "delivered"
    assert deliver(seat, "store-2", SECOND).state == "delivered"
    assert seat.sent == [FIRST, SECOND]


def test_words_of_an_unknown_program_that_change_are_noise_and_those_that_stay_a_draft(desk):
    noise = "import time\nwhile True: print(end=f'\\rworking {time.monotonic_ns()} ', flush=True); time.sleep(0.02)"
    noisy = desk.open(shlex.join(["exec", sys.executable, "-c", noise]))
    still = desk.open(
        shlex.join(["exec", sys.executable, "-c", "import time; print(end='half a li', flush=True); time.sleep(99)"])
    )
    for pane, reason in ((noisy, "not_quiet"), (still, "draft_present")):
        until(lambda pane=pane: desk.text(pane).strip())
        seat = Session(1, 1, 1, Seat("here", None, None, None, pane), 0, None)
        assert tmux.deliver(seat, "generic", lambda: FIRST, "store-1", Settings(quiet=1500), bool).reason == reason
        assert "xats" not in desk.text(pane)
