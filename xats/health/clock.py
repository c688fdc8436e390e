"""The clock: whether xats trusts it enough to remove old rows and end leases (core/clock.py)."""

from __future__ import annotations

from xats.health import OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.health.facts import Facts

SECTION = "store"


def checks(facts: Facts) -> list[Check]:
    """Return the check of the clock. That xats does not trust it for a while after a boot or a suspend is no fault."""
    trust = facts.clock
    if trust.cause == "jump":
        return [Check(SECTION, "clock", WARN, trust.says(facts.now), "date  (if it is wrong, correct it)")]
    return [Check(SECTION, "clock", OK, trust.says(facts.now))]
