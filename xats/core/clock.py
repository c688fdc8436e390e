"""The clock: which ages are right. xats removes and takes away nothing by an age that may come from a wrong clock.

A clock can be wrong for seconds or hours: a virtual machine is restored, an NTP server gives a wrong time, a person
sets a date. For each host, the store therefore keeps the clock together with the time since boot, which cannot be set.
The two *agree* while both advance by the same amount. Their agreement restarts at the first observation, after a boot,
and at each jump of the clock. The rules:

- The age of a thing that began during the agreement is right at once.
- The age of an older thing is right once the two have agreed for SETTLE.
- After a suspend, ages from before its end are not used for GRACE, because processes could not act meanwhile.
- xats prunes old mail, tasks and events only at a second observation, at least SETTLE after one at which the two had
  already agreed for SETTLE.

Callers use `since(tx)` in any transaction, or `observe(tx).since` in one that writes. Both return the time (ms UTC)
since which ages are right; 0 means always. A thing may be taken away by age if its time is over and it began at that
time or later (`began >= since`). `observe` also records the clock, so this works without a daemon. Code that takes a
thing away or sets a time limit calls `observe`; the daemon does so at every sweep. Each call costs one select, and
`observe` writes only changes, or once every REFRESH.

Code that can do little harm, or that is about an ended process, uses `upset_at` instead: it waits after a jump, a boot
or a suspend, but not after a first observation. The end of a process is not an age: a reader's claim and the lease of
an attempt are free as soon as xats sees that their process has ended (xats/base/process.py).

On a host that does not report its uptime (a sandbox without /proc), xats takes nothing away by age and records nothing.
A clock without `uptime` that a caller gives to a Store counts as right: see Store.
"""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago, rough
from xats.base.record import record
from xats.base.uptime import Uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Row, Tx

SETTLE = 10 * 60_000  # ms that the clock and the time since boot must agree
GRACE = 5 * 60_000  # ms after a suspend in which live processes keep their claims and leases
REFRESH = 5 * 60_000  # ms between two recorded observations without a change
AWAY = 24 * 3600_000  # ms without an observation: the host was off or suspended, or no xats ran there
TOLERANCE = 2_000  # ms that the clock and the time since boot may differ, besides one part in DRIFT
DRIFT = 1_000  # adjtime(3) and NTP slew a clock by at most one part in 2,000
JUST = 15_000  # ms after a jump; longer than any wait for a person who types
LONGEST = 60_000  # ms that a transaction may have run when it looks at the clock

GET = "select * from clocks where host = :host"
PUT = """
insert into clocks (host, boot, since_at, since_up, seen_at, seen_up, slept, cause, jump)
values (:host, :boot, :at, :up, :at, :up, :slept, :cause, :jump)
on conflict (host) do update set boot = :boot, since_at = :at, since_up = :up, seen_at = :at, seen_up = :up,
    settled_up = null, slept = :slept, woke_up = null, cause = :cause, jump = :jump
"""
SEEN = """
update clocks set seen_at = :at, seen_up = :up, settled_up = coalesce(settled_up, :settled) where host = :host
"""
BACK = "update clocks set back_at = :at where host = :host"
WOKE = "update clocks set seen_at = :at, seen_up = :up, slept = :slept, woke_up = :up where host = :host"


@record
class Standing:
    """Whether the clock of this host is trusted, and why not."""

    since: int  #: ms UTC; the ages of things that began then or later are right; 0: all ages are
    #: Why not all ages are right: first, boot, jump, sleep, or hidden (the host does not report its uptime).
    cause: str | None = None
    jump: int = 0  #: ms by which the clock jumped ahead, or back (negative)
    left: int | None = None  #: ms until all ages are right, without another jump; None: they are, or never will be
    is_new: bool = False  #: whether this is not recorded yet

    @property
    def trusted(self) -> bool:
        """Whether all ages are right."""
        return self.cause is None

    @property
    def upset_at(self) -> int:
        """When (ms UTC) xats last saw a jump, a boot or a suspend; 0: none since the clock settled.

        This is for code that can do little harm: unlike `since`, it is 0 after a first observation.
        """
        return 0 if self.cause == "first" else self.since

    def why(self, now: int) -> str | None:
        """Return in words, at the time `now` (ms UTC), why not all ages are right; None if they are."""
        if self.cause is None:
            return None
        when = ago(self.since, now)
        jump = f"{'ahead' if self.jump > 0 else 'back'} by {rough(round(self.jump, -3))}"
        return {
            "first": f"xats first looked at it {'just now' if self.is_new else when}",
            "boot": f"this computer was started, and xats first looked at its clock {when}",
            "jump": f"it was set {jump}, and xats noticed that {when}",
            "sleep": f"this computer was suspended until {when}",
            "hidden": "this computer does not report for how long it has run",
        }[self.cause]

    def says(self, now: int) -> str:
        """Return in words, at the time `now` (ms UTC), whether the clock is trusted, why not, and when it will be."""
        if self.cause is None:
            return "trusted"
        effect = "xats removes nothing because of its age and ends no claim of a task and no lock; mail is not affected"
        if self.left is None:
            return f"not trusted ({self.why(now)}): {effect}"
        return f"not trusted yet ({self.why(now)}): for {rough(self.left + 59_999)} more, {effect}"


def since(tx: Tx) -> int:
    """Return since when (ms UTC) ages are right; 0 means always. Only things that began then or later are over."""
    return standing(tx).since


def standing(tx: Tx) -> Standing:
    """Return whether the clock of this host is trusted now, and why not."""
    row, at, up = _look(tx)
    return _judge(row, at, up)


def trusted_time(tx: Tx) -> int | None:
    """Return the time (ms UTC); None while the clock is not trusted enough to prune."""
    return tx.now if prune_in(tx) == 0 else None


def observe(tx: Tx) -> Standing:
    """Record the clock and the time since boot of this host, if they changed; return whether the clock is trusted."""
    row, at, up = _look(tx)
    found = _judge(row, at, up)
    if up is None or not up.boot:
        return found
    values = {"host": host.machine(), "at": at, "up": up.up}
    if found.cause == "sleep" and found.is_new:
        tx.run(WOKE, slept=up.slept, **values)
    elif found.is_new:
        tx.run(PUT, boot=up.boot, slept=up.slept, cause=found.cause, jump=found.jump, **values)
    elif row and (up.up - row["seen_up"] >= REFRESH or (found.trusted and row["settled_up"] is None)):
        tx.run(SEEN, settled=up.up if found.trusted else None, **values)
    if row and at - row["seen_at"] >= AWAY:
        tx.run(BACK, at=at, host=values["host"])
    return found


def was_away(tx: Tx) -> bool:
    """Tell whether this host came back less than AWAY ago, after AWAY or more without an observation of its clock.

    No agent could act on it meanwhile, so the silence of an agent proves nothing yet.
    """
    row = tx.one(GET, host=host.machine())
    return row is not None and row["back_at"] is not None and tx.now - AWAY < row["back_at"] <= tx.now


def was_just_set(tx: Tx) -> bool:
    """Tell whether the clock jumped less than JUST ago: recent events then seem older, or in the future."""
    found = standing(tx)
    return found.cause == "jump" and tx.now - found.since < JUST


def prune_in(tx: Tx) -> int | None:
    """Return in how many ms xats may prune, without another jump; 0: now; None: never.

    An observation at least SETTLE ago must have trusted the clock as well.
    """
    row, at, up = _look(tx)
    found = _judge(row, at, up)
    if not found.trusted:
        return None if found.left is None else found.left + SETTLE
    if row is None or up is None:  # a clock that a caller gave to the Store
        return 0
    return SETTLE if row["settled_up"] is None else max(0, SETTLE - (up.up - row["settled_up"]))


def _look(tx: Tx) -> tuple[Row | None, int, Uptime | None]:
    """Return the recorded row of this host, the time of the transaction, and the uptime at that time."""
    up = tx.uptime()
    at = tx.clock()
    if up is None or not up.boot:
        return None, tx.now, up
    passed = at - tx.now
    if not 0 <= passed <= LONGEST:  # the clock was set during this transaction
        return tx.one(GET, host=host.machine()), at, up
    return tx.one(GET, host=host.machine()), tx.now, Uptime(up.boot, up.up - passed, up.slept)


def _judge(row: Row | None, at: int, up: Uptime | None) -> Standing:
    """Return whether the clock is trusted: it shows `at` at the uptime `up`, and `row` is the last record."""
    if up is None:
        return Standing(at, "hidden")
    if not up.boot:
        return Standing(0)
    if row is None:
        return Standing(at, "first", left=SETTLE, is_new=True)
    if row["boot"] != up.boot or up.up < row["seen_up"] - TOLERANCE:
        return Standing(at, "boot", left=SETTLE, is_new=True)
    if jump := _apart(row["seen_at"], row["seen_up"], at, up.up) or _apart(row["since_at"], row["since_up"], at, up.up):
        return Standing(at, "jump", jump, SETTLE, is_new=True)
    settling = max(0, min(SETTLE, SETTLE - (up.up - row["since_up"])))
    if abs(up.slept - row["slept"]) > TOLERANCE:
        return Standing(at, "sleep", left=max(GRACE, settling), is_new=True)
    awake = GRACE if row["woke_up"] is None else up.up - row["woke_up"]
    if awake < GRACE:
        return Standing(max(row["since_at"], at - awake), "sleep", left=max(GRACE - awake, settling))
    if settling:
        return Standing(row["since_at"], cause=row["cause"], jump=row["jump"], left=settling)
    return Standing(0)


def _apart(at: int, up: int, now: int, up_now: int) -> int:
    """Return by how many ms the clock got ahead of the time since boot (negative: behind); 0 while they agree."""
    apart = (now - at) - (up_now - up)
    return apart if abs(apart) > TOLERANCE + abs(up_now - up) // DRIFT else 0
