"""The clock: which ages are right. Nothing is removed or taken away by an age that may come from a wrong clock.

A clock can be wrong for some seconds or hours: a virtual machine is restored, an NTP server answers wrongly, somebody
sets a date. So the store keeps, for each host, the clock beside the time since the host was booted, which nobody can
set. The two *agree* while both advance by the same amount. They begin anew at the first observation, after a boot and
at every jump of the clock. The rules:

- What began since the two agree has the age that the clock says. That is judged at once.
- What began before is judged when they have agreed for SETTLE.
- After a suspend nothing that began before its end is judged for GRACE: its process could not act meanwhile.
- Old mail, tasks and events are removed only by the second observation, at least SETTLE after the first, at which
  the two have agreed for SETTLE.

How others ask: `since(tx)` in any transaction, or `observe(tx).since` in one that writes. Both are the time (ms UTC)
since which ages are right; 0 means always. A thing may be taken away by age when its time is over and it began at that
time or later (`began >= since`). `observe` also notes what it sees, so that this works without a daemon. It is for what
takes something away, and for what sets a time limit. The daemon observes at every sweep. Either costs one select, and
`observe` writes only what has changed, or every REFRESH.

What does little harm, or concerns a process that has ended, asks for `upset_at` instead: it waits after a jump, a boot
or a suspend, but not where too little was observed yet. The end of a process is no age: a reader's claim and the lease
of an attempt are free as soon as their process is seen to have ended (xats/base/process.py).

A host that does not say how long it is up (a sandbox without /proc) takes nothing away by age, and observes nothing. A
clock that is given to a Store, and has no `uptime`, is taken at its word: see Store.
"""

from __future__ import annotations

from xats.base import host
from xats.base.durations import ago, rough
from xats.base.record import record
from xats.base.uptime import Uptime

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.store import Row, Tx

SETTLE = 10 * 60_000  # ms that clock and boot time have to agree
GRACE = 5 * 60_000  # ms after a suspend that live processes have to go on with what they hold
REFRESH = 5 * 60_000  # ms between two observations that are noted though nothing has changed
AWAY = 24 * 3600_000  # ms without an observation: the host was off or suspended, or nothing of xats ran there
TOLERANCE = 2_000  # ms that the two may differ, besides ...
DRIFT = 1_000  # ... one part in so many: adjtime(3) and NTP slew a clock by one in 2,000 at the most
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
    """How far the clock of this host is trusted."""

    since: int  #: ms UTC; ages are right of what began then or later; 0: all ages are right
    cause: str | None = (
        None  #: why not all: first, boot, jump, sleep, or hidden (the host does not tell); None: all are
    )
    jump: int = 0  #: ms that the clock went ahead, or back (negative)
    left: int | None = None  #: ms until all ages are right if nothing happens; None: they are, or never will be
    is_new: bool = False  #: whether this was not noted yet

    @property
    def trusted(self) -> bool:
        """Whether all ages are right."""
        return self.cause is None

    @property
    def upset_at(self) -> int:
        """When (ms UTC) the clock was last seen to be upset, by a jump, a boot or a suspend; 0: not since it settled.

        This is for what does little harm: unlike `since`, it is 0 where too little was observed yet.
        """
        return 0 if self.cause == "first" else self.since

    def why(self, now: int) -> str | None:
        """Say at the time `now` (ms UTC) why not all ages are right; None: they are."""
        if self.cause is None:
            return None
        when = ago(self.since, now)
        jump = f"{'ahead' if self.jump > 0 else 'back'} by {rough(round(self.jump, -3))}"
        return {
            "first": "nobody has observed it yet" if self.is_new else f"it was first observed {when}",
            "boot": f"the host was booted; the clock was first observed {when}",
            "jump": f"it was set {jump}, observed {when}",
            "sleep": f"the host was suspended, until {when}",
            "hidden": "this host does not say how long it has been up",
        }[self.cause]

    def says(self, now: int) -> str:
        """Say at the time `now` (ms UTC) whether the clock is trusted, why not, and when it will be."""
        if self.cause is None:
            return "trusted"
        then = (
            "nothing is removed or taken away by age"
            if self.left is None
            else f"trusted in {rough(self.left + 59_999)}"
        )
        return f"not trusted{'' if self.left is None else ' yet'}: {self.why(now)}; {then}"


def since(tx: Tx) -> int:
    """Return since when (ms UTC) ages are right, 0 for always: only what began then or later is over by its age."""
    return standing(tx).since


def standing(tx: Tx) -> Standing:
    """Return how far the clock of this host is trusted at this moment."""
    row, at, up = _look(tx)
    return _judge(row, at, up)


def trusted_time(tx: Tx) -> int | None:
    """Return what time it is (ms UTC); None while the clock is not trusted enough to remove what is old for good."""
    return tx.now if prune_in(tx) == 0 else None


def observe(tx: Tx) -> Standing:
    """Note what the clock and the boot time of this host are, if that is news; return how far the clock is trusted."""
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
    """Tell whether this host came back less than a day ago, after a day or more without an observation of its clock.

    Nobody could act on it meanwhile, so the silence of an agent says nothing yet.
    """
    row = tx.one(GET, host=host.machine())
    return row is not None and row["back_at"] is not None and tx.now - AWAY < row["back_at"] <= tx.now


def was_just_set(tx: Tx) -> bool:
    """Tell whether the clock has jumped within JUST: what happened seconds ago seems to be older, or to come."""
    found = standing(tx)
    return found.cause == "jump" and tx.now - found.since < JUST


def prune_in(tx: Tx) -> int | None:
    """Return in how many ms what is old may be removed for good if nothing happens; 0: now; None: never.

    An observation that was noted SETTLE ago has to have trusted the clock as well.
    """
    row, at, up = _look(tx)
    found = _judge(row, at, up)
    if not found.trusted:
        return None if found.left is None else found.left + SETTLE
    if row is None or up is None:  # the clock of a Store that is taken at its word
        return 0
    return SETTLE if row["settled_up"] is None else max(0, SETTLE - (up.up - row["settled_up"]))


def _look(tx: Tx) -> tuple[Row | None, int, Uptime | None]:
    """Return what is noted of this host, the time of the transaction, and how long the host was up at that time."""
    up = tx.uptime()
    at = tx.clock()
    if up is None or not up.boot:
        return None, tx.now, up
    passed = at - tx.now
    if not 0 <= passed <= LONGEST:  # the clock was set during this transaction
        return tx.one(GET, host=host.machine()), at, up
    return tx.one(GET, host=host.machine()), tx.now, Uptime(up.boot, up.up - passed, up.slept)


def _judge(row: Row | None, at: int, up: Uptime | None) -> Standing:
    """Return how far a clock is trusted that says `at` while its host is `up`, after what is noted in `row`."""
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
    """Return by how many ms the clock has gone ahead of the boot time (negative: back), 0 while they agree."""
    apart = (now - at) - (up_now - up)
    return apart if abs(apart) > TOLERANCE + abs(up_now - up) // DRIFT else 0
