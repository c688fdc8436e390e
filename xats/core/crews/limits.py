"""Limits: how much a team may use before xats warns, or slows it down.

A person sets a limit for a team. xats counts what the team has used in the span of the limit:

    name      what is counted                                               span         then
    wakes     wakes that an agent of the team has got                       60 minutes   warn, space, pause
    mails     messages that agents of the team have sent                    60 minutes   warn, space, pause
    agents    programs of the team that xats has started, and that run      now          warn, pause
    restarts  restarts of programs by the daemon                            24 hours     warn, pause
    minutes   how long the crew has run                                     its run      warn, pause

At WARN percent one mail warns the persons of the team and the person who set the limit. At 100 percent a second mail
follows, with the action. Neither is sent again before the number has fallen below WARN percent, and an hour has passed.

- `warn`: the mail is all.
- `space`: core/waking/pacing.py spreads the wakes of the team over the hour.
- `pause`: a pause holds the wakes of all agents of the team, and only a person ends it; then the count begins again.
  For `agents` and `restarts` no pause begins (`allows`): at `agents` xats starts no further program, at `restarts` the
  daemon restarts none. For `minutes` a pause begins, and xats starts no further program.

No limit refuses or loses mail. The mail, its mark, the event and the pause are one transaction, so a process that is
killed repeats none of them. The daemon looks at each limit at its sweeps (`check`). What acts looks in its own
transaction, so no race passes a limit: the lease of a wake, and the start of a program.
"""

from __future__ import annotations

from xats.base.errors import NotFound, Usage
from xats.base.record import from_row, record
from xats.core.crews.errors import LimitReached

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.states import LimitAction, LimitName
    from xats.store import Row, Tx

NAMES: tuple[LimitName, ...] = ("wakes", "mails", "agents", "restarts", "minutes")
ACTIONS: tuple[LimitAction, ...] = ("warn", "space", "pause")
SPACED = ("wakes", "mails")  # the limits that can space wakes
PAUSES = ("wakes", "mails", "minutes")  # the limits that can pause wakes
STARTS: tuple[LimitName, ...] = ("agents", "restarts", "minutes")  # the limits that can refuse a start
WARN = 80  # percent
HOUR = 3600_000  # ms
DAY = 24 * HOUR
SPAN = {"wakes": HOUR, "mails": HOUR, "restarts": DAY}  # ms in which something is counted
GAP = 10 * 60_000  # ms without a program after which a crew has ended; no backoff of a restart is longer
MOST = 1_000_000
WHAT: dict[LimitName, str] = {
    "wakes": "wakes an hour",
    "mails": "messages an hour",
    "agents": "agents that run at once",
    "restarts": "restarts a day",
    "minutes": "minutes of running time",
}


@record
class Limit:
    """A limit of a team. Times are in ms UTC."""

    team: str
    name: LimitName
    value: int
    action: LimitAction
    set_by: int | None  #: the id of an agent; None: a person who is not registered
    by: str  #: who set it, as name@team
    evidence: str
    reason: str | None
    set_at: int
    counted_from: int | None  #: what was used before does not count
    began_at: int | None  #: of `minutes`: since when the crew runs
    warned_at: int | None
    reached_at: int | None


@record
class Setter:
    """The person who sets or removes a limit."""

    team: str  #: whose limit it is
    name: str
    id: int | None  #: of the agent; None: the person is not registered
    evidence: str


@record
class Level:
    """A limit, and how much of it is used now."""

    limit: Limit
    used: int

    @property
    def percent(self) -> int:
        """How much of the limit is used."""
        return self.used * 100 // self.limit.value

    @property
    def full(self) -> bool:
        """Whether all of it is used."""
        return self.used >= self.limit.value

    @property
    def state(self) -> str:
        """`ok`, `warned` or `reached`. A limit of wakes that xats acts on stays reached until the number has fallen."""
        acts = self.limit.action != "warn" and self.limit.name in PAUSES
        if self.full or (acts and self.limit.reached_at is not None):
            return "reached"
        return "warned" if self.percent >= WARN else "ok"


COLUMNS = """
l.team, l.name, l.value, l.action, l.set_by, coalesce(a.name || '@' || a.team, l.by_name) as set_by_name, l.evidence,
    l.reason, l.set_at,
    l.counted_from, l.began_at, l.warned_at, l.reached_at
"""
FROM = "from limits l left join agents a on a.id = l.set_by"
GET = f"select {COLUMNS} {FROM} where l.team = :team and l.name = :name"
OF_TEAM = f"select {COLUMNS} {FROM} where l.team = :team"
ALL = f"select {COLUMNS} {FROM} order by l.team, l.name"
ANY = "select 1 from limits limit 1"
PUT = """
insert into limits (team, name, value, action, set_by, by_name, evidence, reason, set_at)
values (:team, :name, :value, :action, :by, :by_name, :evidence, :reason, :now)
on conflict (team, name) do update set value = :value, action = :action, set_by = :by, by_name = :by_name,
    evidence = :evidence, reason = :reason, set_at = :now, warned_at = null, reached_at = null
"""
DROP = "delete from limits where team = :team and name = :name"
MARK_WARNED = """
update limits set warned_at = :now where team = :team and name = :name and warned_at is null
"""
MARK_REACHED = """
update limits set reached_at = :now, warned_at = coalesce(warned_at, :now)
where team = :team and name = :name and reached_at is null
"""
REARM = "update limits set warned_at = null, reached_at = null where team = :team and name = :name"
SPACED_NOW = """
update wakes set next_attempt_at = :now, updated_at = :now
where closed_at is null and lease_token is null and reason = 'team_limit' and next_attempt_at > :now
    and agent_id in (select a.id from agents a where a.team = :team)
"""
WAITING = """
select 1 from wakes w join agents a on a.id = w.agent_id
where w.closed_at is null and w.reason = 'team_limit' and a.team = :team limit 1
"""

# -- counting ----------------------------------------------------------------------------------------------------------

# A time in the future was written before the clock was set back, and does not count.
WOKEN = """
from events e join wakes w on w.id = cast(substr(e.subject, 6) as bigint) join agents a on a.id = w.agent_id
where e.team = :team and e.type = 'wake_delivered' and e.at > :since and e.at <= :now and a.client <> 'human'
"""
MAILS = """
select count(*) as n from agents a join messages m on m.sender_id = a.id
where a.team = :team and a.client not in ('human', 'system') and m.sent_at > :since and m.sent_at <= :now
"""
RESTARTS = """
select count(*) as n from events
where team = :team and type = 'agent_restarting' and at > :since and at <= :now
"""
RUNNING = """
select count(*) as n from starts t join agents a on a.id = t.agent_id
where a.team = :team and t.state in ('starting', 'needs_you', 'running', 'stopping')
"""
COUNT = {"wakes": f"select count(*) as n {WOKEN}", "mails": MAILS, "restarts": RESTARTS}
# When the crew began to run, and when a program of it ran last.
RUN = """
select min(case when t.state in ('starting', 'needs_you', 'running', 'stopping') then t.created_at end) as began,
    max(case when t.state in ('starting', 'needs_you', 'running', 'stopping') then :now else t.state_at end) as last
from starts t join agents a on a.id = t.agent_id where a.team = :team
"""
BEGAN = "update limits set began_at = :at where team = :team and name = 'minutes'"


def since(limit: Limit, now: int) -> int:
    """Return from when on (ms UTC) a thing counts in `limit` at the time `now`."""
    return max(now - SPAN[limit.name], limit.counted_from or 0)


def used(tx: Tx, limit: Limit) -> int:
    """Return how much of `limit` its team has used now."""
    if limit.name == "minutes":
        began = max(limit.began_at or tx.now, limit.counted_from or 0)
        return max(0, tx.now - began) // 60_000
    if limit.name == "agents":
        row = tx.one(RUNNING, team=limit.team)
    else:
        row = tx.one(COUNT[limit.name], team=limit.team, since=since(limit, tx.now), now=tx.now)
    assert row
    found: int = row["n"]
    return found


def _follow(tx: Tx, limit: Limit) -> None:
    """Record since when the crew runs, for a limit of its minutes: a crew ends GAP after its last program."""
    row = tx.one(RUN, team=limit.team, now=tx.now)
    assert row
    began = limit.began_at
    if began is None or began > tx.now:
        began = row["began"]
    elif row["last"] is None or row["last"] <= tx.now - GAP:
        began = None
    if began != limit.began_at:
        tx.run(BEGAN, team=limit.team, at=began)


# -- setting -----------------------------------------------------------------------------------------------------------


def check(name: str, value: int, action: str) -> None:
    """Raise Usage unless a limit can have that name, value and action."""
    check_name(name)
    if not 1 <= value <= MOST:
        msg = f"The value of a limit must be from 1 to {MOST:,}. Nothing was changed."
        raise Usage(msg, f"xats limit set {name} 10")
    if check_action(action) == "space" and name not in SPACED:
        msg = f"--then space spreads wakes, so it is only for the limits wakes and mails, not for {name}."
        raise Usage(f"{msg} Nothing was changed.", f"xats limit set {name} {value} --then pause")


def check_action(action: str) -> LimitAction:
    """Return `action` as the action of a limit. Raises Usage, with the nearest word as a hint."""
    for one in ACTIONS:
        if one == action:
            return one
    from difflib import get_close_matches

    near = get_close_matches(action.lower(), ACTIONS, 1)
    msg = f"--then must be warn, space or pause, not {action[:40]!r}. Nothing was changed."
    raise Usage(msg, f"did you mean {near[0]}?" if near else "xats limit set wakes 60 --then pause")


def check_name(name: str) -> LimitName:
    """Return `name` as the name of a limit. Raises Usage, with the nearest name as a hint."""
    for one in NAMES:
        if one == name:
            return one
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), NAMES, 1)
    msg = f"{name[:40]!r} is not a limit. Nothing was changed."
    raise Usage(msg, f"did you mean {near[0]}?" if near else f"the limits are: {', '.join(NAMES)}")


def put(tx: Tx, by: Setter, name: LimitName, value: int, action: LimitAction, reason: str | None) -> Limit | None:
    """Set the limit `name` of a team; return the limit before it. Raises Usage."""
    check(name, value, action)
    before = find(tx, by.team, name)
    said = {"value": value, "action": action, "reason": reason}
    who = {"by": by.id, "by_name": f"{by.name}@{by.team}", "evidence": by.evidence}
    tx.run(PUT, team=by.team, name=name, now=tx.now, **who, **said)
    if name == "minutes":
        limit = find(tx, by.team, name)
        assert limit
        _follow(tx, limit)
    old = {"old_value": before.value, "old_action": before.action} if before else {}
    tx.event("limit_set", by.team, by.name, f"limit:{name}", **said, **old)
    _let_go(tx, by.team)
    return before


def drop(tx: Tx, by: Setter, name: LimitName) -> Limit:
    """Remove the limit `name` of a team; return it. Raises NotFound."""
    before = find(tx, by.team, name)
    if before is None:
        msg = f"Team {by.team} has no limit of {name}. Nothing was changed."
        raise NotFound(msg, "xats limit list")
    tx.run(DROP, team=by.team, name=name)
    tx.event("limit_dropped", by.team, by.name, f"limit:{name}", value=before.value, action=before.action)
    _let_go(tx, by.team)
    return before


def _let_go(tx: Tx, team: str) -> None:
    """Make the wakes of `team` due that a limit has spaced out: the limit has changed."""
    tx.run(SPACED_NOW, team=team, now=tx.now)


# -- looking -----------------------------------------------------------------------------------------------------------


def _of(row: Row) -> Limit:
    return from_row(Limit, row, by=row["set_by_name"])


def find(tx: Tx, team: str, name: LimitName) -> Limit | None:
    """Return the limit `name` of `team`, or None."""
    row = tx.one(GET, team=team, name=name)
    return _of(row) if row else None


def any_set(tx: Tx) -> bool:
    """Tell whether any team has a limit."""
    return tx.one(ANY) is not None


def of_team(tx: Tx, team: str) -> list[Limit]:
    """Return the limits of `team`, in the order of NAMES."""
    return sorted((_of(row) for row in tx.all(OF_TEAM, team=team)), key=lambda one: NAMES.index(one.name))


def listing(tx: Tx, team: str | None) -> list[Level]:
    """Return the limits of `team` (None: of all teams) with what is used of them now."""
    found = [_of(row) for row in tx.all(ALL)] if team is None else of_team(tx, team)
    return [Level(one, used(tx, one)) for one in found]


# -- acting ------------------------------------------------------------------------------------------------------------


def check_all(tx: Tx) -> list[Level]:
    """Look at all limits, and warn or act where one is nearly or wholly used; return what is used of each."""
    found = []
    for row in tx.all(ALL):
        limit = _of(row)
        if limit.name == "minutes":
            _follow(tx, limit)
            limit = find(tx, limit.team, limit.name) or limit
        found.append(judge(tx, limit))
    return found


def judge(tx: Tx, limit: Limit) -> Level:
    """Return what is used of `limit`. Send the mail and begin the pause that are due because of that."""
    found = Level(limit, used(tx, limit))
    if limit.name == "minutes" and found.percent >= WARN and not _trusted(tx, limit):
        return found
    if found.full:
        _reach(tx, found)
    elif found.percent >= WARN:
        _warn(tx, found)
    elif limit.warned_at is not None and _may_rearm(tx, limit):
        tx.run(REARM, team=limit.team, name=limit.name)
    current = find(tx, limit.team, limit.name)
    assert current
    return Level(current, found.used)


def _trusted(tx: Tx, limit: Limit) -> bool:
    """Tell whether the clock is right about how long the crew has run."""
    from xats.core import clock

    return (limit.began_at or tx.now) >= clock.since(tx)


def _may_rearm(tx: Tx, limit: Limit) -> bool:
    """Tell whether a limit whose number has fallen may warn again.

    An hour has passed, its pause has ended, and no wake waits because of it: otherwise all of these would come at once.
    """
    last = max(limit.warned_at or 0, limit.reached_at or 0)
    if tx.now - HOUR < last <= tx.now or _has_paused(tx, limit):
        return False
    return limit.action != "space" or tx.one(WAITING, team=limit.team) is None


def _has_paused(tx: Tx, limit: Limit) -> bool:
    from xats.core.waking import pauses

    return pauses.by_limit(tx, limit.team) == limit.name


def _warn(tx: Tx, found: Level) -> None:
    limit = found.limit
    if not tx.run(MARK_WARNED, team=limit.team, name=limit.name, now=tx.now):
        return
    head = f"Team {limit.team} has used {_amount(found)}, {found.percent} percent of its limit."
    _tell(tx, found, f"{found.percent} % of the limit of {limit.name}", head, *_will(limit))
    tx.event("limit_warned", limit.team, None, f"limit:{limit.name}", used=found.used, value=limit.value)


def _reach(tx: Tx, found: Level) -> None:
    """Act on a limit that is reached: send the mail once, and begin its pause if there is none."""
    limit = found.limit
    new = tx.run(MARK_REACHED, team=limit.team, name=limit.name, now=tx.now)
    pauses_wakes = limit.action == "pause" and limit.name in PAUSES
    if new:
        head = f"Team {limit.team} has reached its limit of {limit.value} {WHAT[limit.name]}."
        _tell(tx, found, f"the limit of {limit.name} is reached", head, *_does(limit))
        data = {"used": found.used, "value": limit.value, "action": limit.action}
        tx.event("limit_reached", limit.team, None, f"limit:{limit.name}", **data)
    if pauses_wakes:
        from xats.core.waking import pauses

        why = f"limit of {limit.value} {WHAT[limit.name]}; a person ends it: xats resume all"
        pauses.pause_for_limit(tx, limit.team, limit.name, why)


def _amount(found: Level) -> str:
    return f"{found.used} of {found.limit.value} {WHAT[found.limit.name]}"


def _will(limit: Limit) -> list[str]:
    """Return what xats will do when the limit is reached."""
    if limit.action == "warn":
        return ["When it is reached, xats only sends another mail."]
    if limit.action == "space":
        return ["When it is reached, xats spreads the wakes of the team over the hour. xats stores all mail."]
    if limit.name in PAUSES:
        return [
            "When it is reached, xats pauses the wakes of the team until a person ends the pause. xats stores all mail."
        ]
    stops = "restarts no program of" if limit.name == "restarts" else "starts no further program for"
    return [f"When it is reached, xats {stops} this team."]


def _does(limit: Limit) -> list[str]:
    """Return what xats does now that the limit is reached."""
    if limit.action == "warn":
        return ["xats only sends this mail."]
    if limit.action == "space":
        return ["xats spreads the wakes of the team over the hour now. xats stores all mail, and none is lost."]
    if limit.name in PAUSES:
        lines = ["xats has paused the wakes of all agents of the team. xats stores all mail, and none is lost."]
        if limit.name in STARTS:
            lines.append("xats starts no further program for this team.")
        return [*lines, "A person ends the pause, and the count begins at zero: xats resume all"]
    stops = "restarts no program of" if limit.name == "restarts" else "starts no further program for"
    return [f"xats {stops} this team until the number has fallen. Programs that run go on."]


def _tell(tx: Tx, found: Level, subject: str, *lines: str) -> None:
    """Send mail about a limit to the persons of the team, and to the person who set it."""
    from xats.core.agents import agents
    from xats.core.mail import from_xats, recipients

    limit = found.limit
    people = agents.people(tx, limit.team)
    setter = agents.by_id(tx, limit.set_by) if limit.set_by is not None else None
    if setter and setter.registered and setter.id not in {one.id for one in people}:
        people.append(setter)
    if not people:
        return
    why = f": {limit.reason}" if limit.reason else ""
    more = (
        f"{limit.by} set the limit{why}",
        "To see all limits: xats limit list",
        f"To change it: xats limit set {limit.name} VALUE; to remove it: xats limit drop {limit.name}",
    )
    whom = [recipients.recipient_of(one) for one in people]
    address = ",".join(one.address for one in people)
    from_xats.post(tx, limit.team, address, whom, "alert", subject, (*lines, *more))


def may_restart(tx: Tx, team: str) -> LimitReached | None:
    """Return the error of the limit that forbids a restart for `team` now, or None."""
    for name in STARTS:
        refused = allows(tx, team, name)
        if refused:
            return refused
    return None


def allows(tx: Tx, team: str, name: LimitName, running: int | None = None) -> LimitReached | None:
    """Return the error of the limit `name` if it forbids a further program for `team` now, or None.

    `name` is one of STARTS. `running` is the number of programs that count for the limit of agents; None: all starts
    that the store has as open.
    """
    limit = find(tx, team, name)
    if limit is None or limit.action != "pause":
        return None
    number = used(tx, limit) if running is None else running
    if number < limit.value:
        return None
    if name == "agents":
        msg, hint = f"{number} of at most {limit.value} agents run", "end one: xats down NAME"
    elif name == "restarts":
        msg, hint = f"{number} of at most {limit.value} restarts in 24 hours", ""
    else:
        msg, hint = f"the crew has run for {number} of at most {limit.value} minutes", ""
    more = f"a person changes the limit: xats limit set {name} {max(number + 1, limit.value * 2)}"
    text = f"Team {team} has reached its limit of {name}: {msg}. Nothing was started."
    return LimitReached(text, f"{hint}; or {more}" if hint else more, limit=name, used=number, value=limit.value)
