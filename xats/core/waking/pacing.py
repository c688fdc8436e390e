"""Pacing: which due wakes the limits of their teams let an attempt have now (core/crews/limits.py).

The lease of a wake asks this in its own transaction. A wake counts from its lease on: until the attempt has ended it is
*under way*, and takes the place of a wake that was delivered. So no race passes a limit. A wake that must wait stays
queued or retrying, with a later time; while its team is over a limit that spaces wakes, its reason is `team_limit`.
Wakes of persons have no limit, and do not count.

With `space`, the next wake of a team at its limit of N an hour is due when the wake N before it is an hour old, and
HOUR / N after the last one. While the limit of mails is reached, only the second rule applies.
"""

from __future__ import annotations

from xats.core.crews import limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.crews.limits import Level
    from xats.core.waking.wakes import Wake
    from xats.store import Tx

# ms after which a waiting wake is looked at again. It is not longer than any wait that a ladder may set, because a time
# further ahead counts as wrong; see FURTHEST in attempts.py.
LOOK = 120_000
SOON = 2_000  # ms to wait for attempts under way, which may be refused

TEAM = "select team, client from agents where id = :id"
UNDER_WAY = """
select count(*) as n from wakes w join agents a on a.id = w.agent_id
where w.lease_token is not null and w.lease_until > :now and w.closed_at is null
    and a.team = :team and a.client <> 'human'
"""
NEWEST = f"select e.at {limits.WOKEN} order by e.at desc limit 1 offset :skip"
PUT_OFF = """
update wakes set next_attempt_at = :at, lease_token = null, lease_until = null, updated_at = :now,
    reason = case when state in ('queued', 'retrying') then coalesce(:reason, reason) else reason end
where id = :id and closed_at is null and state <> 'held'
"""


def allowed(tx: Tx, wakes: Sequence[Wake], *, early: bool = False) -> list[Wake]:
    """Return those of `wakes` that an attempt may have now; put the others off, unless this is `early`."""
    teams: dict[str, _Team] = {}
    found = []
    for wake in sorted(wakes, key=lambda one: (one.opened_at, one.id)):
        row = tx.one(TEAM, id=wake.agent_id)
        if row is None or row["client"] == "human":
            found.append(wake)
            continue
        team = teams.get(row["team"]) or teams.setdefault(row["team"], _Team(tx, row["team"]))
        until, reason = team.earliest()
        if until is None:
            found.append(wake)
            team.under_way += 1
        elif not early and until > tx.now:
            _put_off(tx, wake, team.name, until, reason)
    return found


class _Team:
    """The limits of a team, and the wakes that it has got or gets now."""

    def __init__(self, tx: Tx, name: str) -> None:
        self.name, self._now, self._tx = name, tx.now, tx
        self._levels = [limits.judge(tx, one) for one in limits.of_team(tx, name) if one.name in limits.SPACED]
        row = tx.one(UNDER_WAY, team=name, now=tx.now)
        assert row
        self.under_way: int = row["n"]

    def earliest(self) -> tuple[int | None, str | None]:
        """Return when the next wake may be tried (ms UTC), None for now, and the reason of the wait.

        A time that is not in the future means: the wake is held by a pause.
        """
        later: tuple[int | None, str | None] = (None, None)
        for one in self._levels:
            at, reason = self._earliest(one)
            if at is not None and (later[0] is None or at > later[0]):
                later = at, reason
        return later

    def _earliest(self, level: Level) -> tuple[int | None, str | None]:
        limit = level.limit
        if limit.action == "warn":
            return None, None
        if limit.action == "pause":
            if level.full:
                return self._now, None  # the pause that `judge` began holds it
            is_room = limit.name == "mails" or level.used + self.under_way < limit.value
            return (None, None) if is_room else (self._now + SOON, None)
        if level.state == "reached":
            at = self._spaced(level)
            return (None, None) if at <= self._now else (min(at, self._now + LOOK), "team_limit")
        if limit.name == "wakes" and level.used + self.under_way >= limit.value:
            return self._now + SOON, None
        return None, None

    def _spaced(self, level: Level) -> int:
        """Return when the next wake of a team at its limit is due (ms UTC), if those under way are delivered."""
        limit = level.limit
        step = limits.HOUR // limit.value
        last = self._now if self.under_way else self._newest(level, 0)
        at = 0 if last is None else last + step
        if limit.name == "wakes" and level.used + self.under_way >= limit.value:
            oldest = self._newest(level, limit.value - self.under_way - 1) if self.under_way < limit.value else None
            at = max(at, (self._now if oldest is None else oldest) + limits.HOUR)
        return at

    def _newest(self, level: Level, skip: int) -> int | None:
        """Return when the newest wake but `skip` was delivered (ms UTC), if that counts in the limit."""
        since = limits.since(level.limit, self._now)
        row = self._tx.one(NEWEST, team=self.name, since=since, now=self._now, skip=skip)
        return row["at"] if row else None


def _put_off(tx: Tx, wake: Wake, team: str, until: int, reason: str | None) -> None:
    """Let `wake` wait until then (ms UTC). The first wait because of a limit is an event."""
    tx.run(PUT_OFF, id=wake.id, at=until, reason=reason, now=tx.now)
    if reason and wake.reason != reason and wake.state in ("queued", "retrying"):
        row = tx.one("select name from agents where id = :id", id=wake.agent_id)
        assert row
        about = {"agent": f"{row['name']}@{team}", "transport": wake.transport, "attempts": wake.attempts}
        tx.event(f"wake_{wake.state}", team, None, f"wake:{wake.id}", reason=reason, next_attempt_at=until, **about)
