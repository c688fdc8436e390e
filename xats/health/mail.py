"""Mail: unread mail, open wakes, dead letters, alerts, stopped pairs, pauses, limits and turns."""

from __future__ import annotations

from xats.base import durations
from xats.base.durations import ago, rough
from xats.core.crews import limits
from xats.core.mail import alerts
from xats.core.turns.turns import GRACE
from xats.core.waking import reasons
from xats.health import FAIL, OK, WARN, Check

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details
    from xats.core.crews.limits import Level
    from xats.core.turns.summaries import Summary
    from xats.core.waking.pauses import Pause
    from xats.core.waking.stops import Stop
    from xats.core.waking.wakes import Wake
    from xats.health.facts import Facts

SECTION = "mail"
LATE = 120_000  # ms that a wake on another host may be overdue: its daemon looks every minute at least


def checks(facts: Facts) -> list[Check]:
    """Return the checks of the mail of all teams."""
    found = [_unread(facts)]
    found += [_wake(one, one.wake, facts) for one in facts.agents if one.wake and one.wake.is_open]
    found.append(_dead(facts.dead))
    if facts.alerted:
        one = facts.alerted == 1
        text = "needs a reply; xats told its sender" if one else "need a reply; xats told their senders"
        detail = f"{facts.alerted} unread that {text}"
        found.append(Check(SECTION, "alerts", WARN, detail, "xats agents --all-teams"))
    found += [_stop(one, facts.now) for one in facts.stops]
    found += [_pause(one, facts.now) for one in facts.pauses]
    found += [_limit(one) for one in facts.limits]
    return found + [_turn(one, facts.now) for one in facts.turns]


def _unread(facts: Facts) -> Check:
    having = [one for one in facts.agents if one.unread and not one.agent.expected]
    if not having:
        return Check(SECTION, "unread", OK, "none")
    # An agent that xats does not wake, such as a person, reads at any time: that is no warning.
    oldest = min(having, key=lambda one: (one.agent.wake_by == "none", one.oldest_unread_at or 0))
    since = oldest.oldest_unread_at or facts.now
    whose = f"{len(having)} agents" if len(having) > 1 else "1 agent"
    detail = f"{sum(one.unread for one in having)} for {whose}; the oldest, for {oldest.agent.address}, "
    detail += f"was sent {ago(since, facts.now)}"
    if oldest.agent.wake_by == "none" or facts.now - since <= alerts.AFTER:
        return Check(SECTION, "unread", OK, detail)
    return Check(SECTION, "unread", WARN, detail, "xats agents --all-teams  (shows why each wake waits)")


def _wake(one: Details, wake: Wake, facts: Facts) -> Check:
    now, place = facts.now, facts.elsewhere(one)
    why = f": {reasons.words(wake.reason)}" if wake.reason else ""
    name = one.agent.address
    if wake.state == "held":
        return Check(SECTION, name, OK, f"wake held{why}")
    if wake.lease_token:
        return Check(SECTION, name, OK, f"wake {wake.state}{why}, an attempt runs now")
    if wake.next_attempt_at is None and one.agent.expected:
        return Check(SECTION, name, OK, "mail waits for its program, which is expected")
    if wake.next_attempt_at is None:
        fix = f"xats register {one.agent.name} --team {one.agent.team}  (where that agent works)"
        return Check(SECTION, name, WARN, f"wake suspended until it registers again{why}", fix)
    later = wake.next_attempt_at - now
    if place and later < -LATE:
        detail = f"wake {wake.state}{why}, due for {rough(-later)}: {name} is registered on {place}, "
        detail += "and only the daemon there can try it"
        fix = f"there: xats daemon start; if it works here: xats register {one.agent.name} --team {one.agent.team}"
        return Check(SECTION, name, FAIL, detail, fix)
    then = f"again in {rough(later)}" if later > 0 else "due now"
    if wake.state == "delivered":
        return Check(SECTION, name, OK, f"handed over by {', '.join(wake.taken_by)}, not read yet; {then}")
    return Check(SECTION, name, OK, f"wake {wake.state}{why}, {then}")


def _dead(count: int) -> Check:
    if not count:
        return Check(SECTION, "dead_letters", OK, "none")
    return Check(SECTION, "dead_letters", WARN, f"{count}, to retry or drop", "xats dead list")


def _stop(one: Stop, now: int) -> Check:
    first, second = one.agents
    detail = f"{first} and {second}, {ago(one.at, now)}: {one.wakes} wakes without a person in between"
    return Check(SECTION, "stopped", WARN, detail, f"xats resume {first}")


def _pause(one: Pause, now: int) -> Check:
    whom = one.agent or f"team {one.team}"
    why = f": {one.reason}" if one.reason else ""
    fix = f"xats resume {one.agent}" if one.agent else f"xats resume all --team {one.team}"
    return Check(SECTION, "paused", WARN, f"{whom}, by {one.by} {ago(one.at, now)}{why}", fix)


def _limit(one: Level) -> Check:
    limit = one.limit
    detail = f"team {limit.team} has used {one.used} of {limit.value} {limits.WHAT[limit.name]} ({limit.action})"
    return Check(SECTION, "limit", WARN, detail, f"xats limit list --team {limit.team}")


def _turn(one: Summary, now: int) -> Check:
    turn = one.turn
    name = f"turn {turn.name}@{turn.team}"
    waiting = f"; waiting: {', '.join(one.waiting)}" if one.waiting else ""
    options = "".join(f" {word}" for word in (*turn.words, "--team", turn.team))
    if turn.state == "held" and turn.taken_at is not None:
        detail = f"{turn.holder} has had it for {rough(max(now - turn.taken_at, 0))}{waiting}"
        if turn.gone_at is not None:
            left = durations.left(turn.gone_at + GRACE - now)
            detail = f"its holder {turn.holder} is gone; it goes to the next in line in {left}{waiting}"
            return Check(SECTION, name, WARN, detail, f"xats turn steal --reason 'it is gone'{options}")
    elif turn.state == "offered" and turn.offer_until is not None:
        detail = f"it is offered to {turn.offered_to}, for {durations.left(turn.offer_until - now)} more{waiting}"
    else:
        detail = f"it is free{waiting}"
    return Check(SECTION, name, OK, detail)
