"""The clock: whether it is trusted, so that what is old is removed, and what has lapsed is over (core/clock.py)."""

from __future__ import annotations

from xats.health import OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.health.facts import Facts

SECTION = "store"


def checks(facts: Facts) -> list[Check]:
    """Return what is found. After a boot or a suspend it is not trusted for a while, which is no fault."""
    trust = facts.clock
    if trust.cause == "jump":
        return [Check(SECTION, "clock", WARN, trust.says(facts.now), "date  (if it is wrong, set it right)")]
    return [Check(SECTION, "clock", OK, trust.says(facts.now))]
