"""Reasons: docs/waking.md describes every one, and says of each what the code does."""

import os
import re

from xats.core.waking import reasons
from xats.core.waking.reasons import REASONS

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "waking.md")
ROW = re.compile(r"^\| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)


def page():
    with open(PAGE) as file:
        return file.read()


def table():
    return {code: (meaning, what, end) for code, meaning, what, end in ROW.findall(page())}


def test_the_table_has_every_reason_in_their_order():
    assert list(table()) == list(REASONS)


def test_the_table_says_which_are_suspended_watched_and_final():
    def saying(words):
        return {code for code, (_, what, _) in table().items() if words in what}

    assert saying("suspended") == reasons.GONE
    assert saying("watched") == reasons.PASSING
    assert saying("failed at once") == reasons.FINAL
    assert not saying("retried") & (reasons.GONE | reasons.FINAL)


def test_the_page_says_what_suspends():
    events = re.findall(
        r"^\| an? [^|]+ \| `([a-z_]+)` \|$|^\| the agent is unreg[^|]+ \| `([a-z_]+)` \|$", page(), re.M
    )
    assert {one or other for one, other in events} == reasons.GONE
