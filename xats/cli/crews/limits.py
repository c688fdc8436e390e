"""The verbs of limits: set, list, drop."""

from __future__ import annotations

from xats.base import durations, text
from xats.base.durations import ago, iso
from xats.base.errors import UnknownAgent, Usage
from xats.cli.kit import people, render, views
from xats.cli.kit.scope import team_of
from xats.core.crews import limits
from xats.core.crews.limits import Setter
from xats.core.waking import pauses

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from xats.cli.kit import params
    from xats.cli.kit.context import Context
    from xats.core.crews.limits import Level, Limit
    from xats.core.states import LimitName
    from xats.store import Tx

    T = TypeVar("T")

LONGEST = 200  # characters of a reason


def set_(
    here: Context,
    name: params.LimitNameArg,
    value: params.LimitValueArg,
    *,
    then: params.ThenOption = "pause",
    reason: params.LimitReasonOption = None,
) -> int:
    """Set a limit for the team; for people only.

    The limits are wakes and mails (an hour), agents (programs that xats has started and that run), restarts (a day),
    and minutes (how long the crew has run). At 80 percent one mail warns the persons of the team. At 100 percent
    another mail follows, and xats does what --then says.

    With warn, xats only sends the mail. With space, for wakes and mails, it spreads the wakes of the team over the
    hour. With pause, it pauses the wakes of the team until a person runs xats resume all. At the limit of minutes, it
    also starts no further program. At the limit of agents, pause only means that xats starts no further program, and at
    the limit of restarts, that the daemon restarts none.

    No limit refuses or loses mail. A person can always write and read.

    Example: xats limit set wakes 60 --then space

    Example: xats limit set agents 6 --reason 'the machine has 8 cores'

    Example: xats limit set minutes 4h
    """
    known = limits.check_name(name)
    number = _number(known, value)
    limits.check(known, number, then)
    if reason is not None:
        example = f"xats limit set {known} {value} --reason 'a night without people'"
        reason = text.line(reason, "reason (--reason)", LONGEST, example) or None

    def work(tx: Tx, by: Setter) -> tuple[Limit | None, Level, bool]:
        before = limits.put(tx, by, known, number, limits.check_action(then), reason)
        found = limits.find(tx, by.team, known)
        assert found
        return before, limits.Level(found, limits.used(tx, found)), pauses.by_limit(tx, found.team) == known

    before, level, paused = _as_person(here, "set a limit", work)
    here.rouse_daemon()
    if here.json:
        render.document({"limit": limit_json(level, paused=paused), "created": before is None})
    elif not here.quiet:
        limit = level.limit
        was = f", instead of {before.value} (then {before.action})" if before else ""
        render.put(f"team {limit.team}: at most {limit.value} {limits.WHAT[limit.name]}{was}")
        render.say(f"  at {limit.value}: {_effect(limit)}")
        render.say(f"  used now: {level.used} ({level.percent} %)")
        _say_paused(here, paused=paused)
    return 0


def list_(here: Context) -> int:
    """List the limits of the team, with what is used of them now.

    A limit is ok, warned (80 percent or more are used) or reached.

    Example: xats limit list
    """
    team = team_of(here)
    found, paused = here.store.read(lambda tx: (limits.listing(tx, team), pauses.by_limit(tx, team)))
    if here.json:
        listed = [limit_json(one, paused=one.limit.name == paused) for one in found]
        render.document({"limits": listed, "has_more": False})
        return 0
    now = here.store.clock()
    rows = [
        (
            one.limit.name,
            one.limit.value,
            one.used,
            f"{one.percent}%",
            one.limit.action,
            "paused" if one.limit.name == paused else one.state,
            f"{views.near(one.limit.by, team)} {ago(one.limit.set_at, now)}",
            one.limit.reason or "",
        )
        for one in found
    ]
    if rows:
        headers = ["NAME", "VALUE", "USED", "%", "THEN", "STATE", "SET BY", "WHY"]
        if render.on_terminal() and not any(row[-1] for row in rows):
            headers.pop()
            rows = [row[:-1] for row in rows]  # type: ignore[misc]
        render.table(headers, rows, stretch=("SET BY", "WHY"))
    elif not here.quiet:
        render.say(f"no limits in team {team}: {here.command('limit', 'set', 'NAME', 'VALUE')}")
    if not here.quiet:
        _say_paused(here, paused=paused is not None)
    return 0


def drop(here: Context, name: params.LimitNameArg) -> int:
    """Remove a limit of the team; for people only.

    A pause that the limit began goes on until a person runs xats resume all.

    Example: xats limit drop wakes
    """
    known = limits.check_name(name)

    def work(tx: Tx, by: Setter) -> tuple[Level, bool]:
        found = limits.find(tx, by.team, known)
        used = limits.used(tx, found) if found else 0
        return limits.Level(limits.drop(tx, by, known), used), pauses.by_limit(tx, by.team) == known

    level, paused = _as_person(here, "remove a limit", work)
    here.rouse_daemon()
    if here.json:
        render.document({"limit": limit_json(level, paused=paused)})
    elif not here.quiet:
        limit = level.limit
        render.put(f"team {limit.team}: the limit of {limit.value} {limits.WHAT[limit.name]} is removed")
        _say_paused(here, paused=paused)
    return 0


def limit_json(level: Level, *, paused: bool) -> dict[str, Any]:
    """Return the JSON form of a limit; `paused` tells whether it has paused the wakes of its team."""
    limit = level.limit
    return {
        "name": limit.name,
        "team": limit.team,
        "value": limit.value,
        "used": level.used,
        "percent": level.percent,
        "state": level.state,
        "paused": paused,
        "then": limit.action,
        "reason": limit.reason,
        "by": limit.by,
        "evidence": limit.evidence,
        "at": iso(limit.set_at),
        "warned_at": iso(limit.warned_at),
        "reached_at": iso(limit.reached_at),
    }


def _as_person(here: Context, what: str, work: Callable[[Tx, Setter], T]) -> T:
    """Run `work` for the person who runs this, who may not be registered. Raises PeopleOnly."""
    name = people.person(here, what, "ask a person to do it")
    try:
        return here.write(lambda tx, me: work(tx, Setter(me.agent.team, me.agent.name, me.agent.id, me.evidence)))
    except UnknownAgent:
        if here.as_name or here.environ.get("XATS_AGENT"):
            raise
    return here.store.write(lambda tx: work(tx, Setter(here.team_in(tx), name, None, "user")))


def _number(name: LimitName, value: str) -> int:
    """Return the value of the limit `name`: a whole number, or of minutes a duration too. Raises Usage."""
    if value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    if name == "minutes":
        minutes, rest = divmod(durations.parse(value), 60_000)
        if not rest:
            return minutes
        msg = f"A limit of minutes must be whole minutes, not {value[:40]!r}. Nothing was changed."
        raise Usage(msg, "xats limit set minutes 90, or: xats limit set minutes 4h")
    msg = f"The limit {name} must be a whole number, not {value[:40]!r}. Nothing was changed."
    raise Usage(msg, f"xats limit set {name} 10")


def _effect(limit: Limit) -> str:
    """Return in words what xats does when the limit is reached."""
    if limit.action == "warn":
        return "xats sends mail to the persons of the team"
    if limit.action == "space":
        return "xats spreads the wakes of the team over the hour"
    if limit.name not in limits.PAUSES:
        return "xats restarts no program" if limit.name == "restarts" else "xats starts no further program"
    more = ", and starts no further program" if limit.name in limits.STARTS else ""
    return f"xats pauses the wakes of the team until a person runs xats resume all{more}"


def _say_paused(here: Context, *, paused: bool) -> None:
    if paused:
        render.say(f"  a limit has paused the wakes of the team; a person ends that: {here.command('resume', 'all')}")
