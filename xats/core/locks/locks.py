"""Locks: an agent takes a file for itself for some time. A lock is a lease, and only one agent can hold it.

A lock is free the moment its time is over, whether or not the daemon has removed its row. Its holder's activity renews
an explicit lock; an automatic one lasts from the holder's last edit of the file (automatic.py).
"""

from __future__ import annotations

from xats.base import durations
from xats.base.durations import iso, rough
from xats.base.record import record
from xats.core import clock
from xats.core.agents import agents
from xats.core.leases import holders, leases
from xats.core.locks.errors import InvalidLock, LockHeld, LockLost, NotHolder
from xats.core.locks.files import File, in_order
from xats.core.zones import zones

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.leases.holders import Gone
    from xats.core.states import LockKind
    from xats.store import Row, Tx


LEASE = 10 * 60_000  # ms
SHORTEST, LONGEST = 1_000, 2 * 3600_000  # ms that a lease may last
SILENT = 10 * 60_000  # ms without a sign of life after which an agent may steal a lock
LONGEST_REASON = 200  # characters
LEFT = "Nothing was locked."

LOCK = """
t.id, t.host, t.repository, t.worktree, t.path, t.path_key, t.team, t.holder_id, t.kind, t.reason, t.taken_at,
t.lease_ms, t.lease_until, t.owner_gone_at, o.name as holder_name, o.client as holder_client,
o.seen_at as holder_seen_at, case when t.kind = 'explicit' then o.seen_at else 0 end as owner_seen_at
"""
FROM = "from locks t join agents o on o.id = t.holder_id"
AT = f"select {LOCK} {FROM} where t.host = :host and t.worktree = :worktree and t.path_key = :key"
HELD = f"select {LOCK} {FROM} where t.holder_id = :id order by t.worktree, t.path_key"
IN_TEAM = f"select {LOCK} {FROM} where t.team = :team order by t.worktree, t.path_key"
IN_SIGHT = f"""
select {LOCK} {FROM} where t.team = :team or (t.host = :host and t.worktree = :worktree)
order by t.worktree, t.path_key
"""
PUT = """
insert into locks (host, repository, worktree, path, path_key, team, holder_id, kind, reason, taken_at, lease_ms,
    lease_until)
values (:host, :repository, :worktree, :path, :key, :team, :me, :kind, :reason, :now, :lease, :until)
returning id
"""
CHANGE = """
update locks set kind = 'explicit', reason = coalesce(:reason, reason), lease_ms = :lease, lease_until = :until,
    path = :path, owner_gone_at = null
where id = :id
"""
END = "delete from locks where id = :id"
QUEUED = """
delete from lock_waits where agent_id = :me and kind = 'queue' and host = :host and worktree = :worktree
    and path_key = :key
"""


@record
class Lock:
    """A lock as it is stored, with its holder."""

    id: int  #: its token
    file: File
    kind: LockKind
    team: str  #: of its holder
    holder_id: int
    holder_name: str
    client: str  #: the program of its holder
    reason: str | None
    taken_at: int
    lease_ms: int
    until: int  #: when it ends (ms UTC) if its holder does nothing more
    seen_at: int  #: the last sign of life of its holder (ms UTC)
    gone_at: int | None  #: when xats saw that the process of its holder had ended

    @property
    def holder(self) -> str:
        """Its holder, as name@team."""
        return f"{self.holder_name}@{self.team}"

    @property
    def began(self) -> int:
        """When its time began anew (ms UTC)."""
        return self.until - self.lease_ms

    @property
    def explicit(self) -> bool:
        """Whether its holder asked for it."""
        return self.kind == "explicit"

    def named_for(self, team: str) -> str:
        """Return its holder as an agent of `team` calls it."""
        return self.holder_name if team == self.team else self.holder


def lock_of(row: Row) -> Lock:
    """Return the lock in `row`."""
    lease = leases.of(row)  # only an explicit one is renewed by the signs of life of its holder
    assert lease.until is not None
    return Lock(
        id=row["id"],
        file=File(row["host"], row["repository"], row["worktree"], row["path"], row["path_key"]),
        kind=row["kind"],
        team=row["team"],
        holder_id=row["holder_id"],
        holder_name=row["holder_name"],
        client=row["holder_client"],
        reason=row["reason"],
        taken_at=row["taken_at"],
        lease_ms=row["lease_ms"],
        until=lease.until,
        seen_at=row["holder_seen_at"],
        gone_at=lease.gone_at,
    )


# -- looking -----------------------------------------------------------------------------------------------------------


def holds(tx: Tx, lock: Lock) -> bool:
    """Tell whether `lock` holds now: its time is not over, or may be over only because the clock is wrong."""
    return lock.until > tx.now or lock.began < clock.since(tx)


def at(tx: Tx, file: File) -> Lock | None:
    """Return the lock on `file`, also one whose time is over, or None."""
    row = tx.one(AT, host=file.host, worktree=file.worktree, key=file.key)
    return lock_of(row) if row else None


def find(tx: Tx, files: Iterable[File]) -> list[Lock]:
    """Return the locks that hold now on `files`, in their order."""
    found = (at(tx, file) for file in in_order(files))
    return [lock for lock in found if lock and holds(tx, lock)]


def held_by(tx: Tx, agent_id: int, *, explicit: bool = False) -> list[Lock]:
    """Return the locks that the agent with that id holds now; with `explicit` only those that it asked for."""
    found = map(lock_of, tx.all(HELD, id=agent_id))
    return [lock for lock in found if holds(tx, lock) and (lock.explicit or not explicit)]


def of_team(tx: Tx, team: str) -> list[Lock]:
    """Return the locks that agents of `team` hold now, in the order of their paths."""
    return [lock for lock in map(lock_of, tx.all(IN_TEAM, team=team)) if holds(tx, lock)]


def in_sight(tx: Tx, team: str, host: str, worktree: str) -> list[Lock]:
    """Return the locks that agents of `team`, and of any team in a worktree of the machine `host`, hold now."""
    found = map(lock_of, tx.all(IN_SIGHT, team=team, host=host, worktree=worktree))
    return [lock for lock in found if holds(tx, lock)]


# -- taking ------------------------------------------------------------------------------------------------------------


def take(
    tx: Tx,
    me: Agent,
    files: Sequence[File],
    lease: int = LEASE,
    reason: str | None = None,
    gone: Gone = lambda _: None,
) -> list[Lock]:
    """Lock all of `files` for `lease` ms, or none; return the locks in their order.

    What `me` holds already is renewed. `gone` tells whether the process of a holder has ended: then its lock ends.
    Raises LockHeld, InvalidLock, and ZoneTaken for a file in the zone of another owner.
    """
    clock.observe(tx)  # so that the ages of these leases will be right
    check_lease(lease)
    reason = check_reason(reason)
    standing = [(file, at(tx, file)) for file in in_order(files)]
    over = {lock.id: _over(tx, lock, me, gone) for _, lock in standing if lock}
    held = [lock for _, lock in standing if lock and lock.holder_id != me.id and not over[lock.id]]
    if held:
        raise refusal(tx, me, held)
    zones.refuse(tx, me, (file for file, lock in standing if not (lock and lock.holder_id == me.id)), LEFT)
    lapse(tx, [(lock, why) for _, lock in standing if lock and (why := over[lock.id])], me)
    taken = []
    for file, lock in standing:
        if lock and not over[lock.id]:
            until = tx.now + lease
            tx.run(CHANGE, id=lock.id, reason=reason, lease=lease, until=until, path=file.path)
            kind = "lock_renewed" if lock.explicit else "lock_taken"
        else:
            put(tx, me, file, "explicit", lease, reason)
            kind = "lock_taken"
        _leave_queue(tx, me, file)
        now = at(tx, file)
        assert now
        say(tx, kind, now, me, expires_at=iso(now.until), **({"reason": reason} if reason else {}))
        taken.append(now)
    return taken


def put(tx: Tx, me: Agent, file: File, kind: LockKind, lease: int, reason: str | None = None) -> None:
    """Store a new lock of `me` on `file`, which nobody holds."""
    tx.one(
        PUT,
        host=file.host,
        repository=file.repository,
        worktree=file.worktree,
        path=file.path,
        key=file.key,
        team=me.team,
        me=me.id,
        kind=kind,
        reason=reason,
        now=tx.now,
        lease=lease,
        until=tx.now + lease,
    )


def end(tx: Tx, lock: Lock) -> None:
    """Remove the row of `lock`."""
    tx.run(END, id=lock.id)


def say(tx: Tx, type: str, lock: Lock, by: Agent | None, **data: object) -> None:
    """Write the event that `by` did what `type` says to `lock`."""
    where = {"path": lock.file.path, "worktree": lock.file.worktree, "holder": lock.holder, "token": lock.id}
    tx.event(type, lock.team, by.name if by else None, f"lock:{lock.file.path}", **where, **data)


def lapse(tx: Tx, ended: Sequence[tuple[Lock, str]], by: Agent | None = None) -> list[Lock]:
    """End locks that are over, each with the reason; return the explicit ones, whose holders get mail.

    `by` is the agent that takes the files now, if any: it gets no mail about a lock of its own.
    """
    explicit = [(lock, why) for lock, why in ended if lock.explicit]
    for lock, _ in ended:
        end(tx, lock)
    for lock, why in explicit:
        say(tx, "lock_lapsed", lock, None, reason=why)
    others = [(lock, why) for lock, why in explicit if by is None or lock.holder_id != by.id]
    if others:
        from xats.core.locks import notify

        notify.over(tx, others)
    return [lock for lock, _ in explicit]


def _over(tx: Tx, lock: Lock, me: Agent, gone: Gone) -> str | None:
    """Return why `lock` is over when `me` takes its file, or None while it holds."""
    if not holds(tx, lock):
        return leases.LAPSED
    return leases.ENDED if lock.holder_id != me.id and is_gone(tx, lock, gone) else None


def _leave_queue(tx: Tx, me: Agent, file: File) -> None:
    """End the place of `me` in the queue for `file`, which it has now."""
    tx.run(QUEUED, me=me.id, host=file.host, worktree=file.worktree, key=file.key)


def is_gone(tx: Tx, lock: Lock, gone: Gone) -> bool:
    """Tell whether the process of the holder of `lock` has certainly ended, and no other one acts for it since."""
    holder = agents.by_id(tx, lock.holder_id)
    session = agents.current_session(tx, holder)
    return session is not None and holder.client != "human" and holders.has_ended(holder, session, gone) is True


def refusal(tx: Tx, me: Agent, held: Sequence[Lock]) -> LockHeld:
    """Return the error that says who holds what `me` asked for."""
    first = held[0]
    whom = first.named_for(me.team)
    why = f" ({first.reason})" if first.reason else ""
    if first.explicit:
        what = f"holds {first.file.path}{why}, for {left(first, tx.now)} more"
    else:
        when = rough(tx.now - first.began)
        what = f"edited {first.file.path} {when} ago, and its automatic lock lasts {left(first, tx.now)} more"
    more = f"; {len(held) - 1} more of these files are held" if len(held) > 1 else ""
    msg = f"{whom} {what}{more}. {LEFT}"
    hint = f"xats lock take {first.file.path} --wait 10m"
    found = [
        {"path": one.file.path, "owner": one.holder, "reason": one.reason, "expires_at": iso(one.until)} for one in held
    ]
    return LockHeld(msg, hint, locks=found)


def left(lock: Lock, now: int) -> str:
    """Return how long `lock` still lasts, in words."""
    return durations.left(lock.until - now)


def check_lease(lease: int) -> int:
    """Return `lease` (ms) if it is allowed. Raises InvalidLock."""
    if not SHORTEST <= lease <= LONGEST:
        msg = "--ttl must be from 1s to 2h. Nothing was changed."
        raise InvalidLock(msg, "give a time such as --ttl 30m")
    return lease


def check_reason(reason: str | None) -> str | None:
    """Return `reason` on one line, None for an empty one. Raises InvalidLock for one that is too long."""
    if reason is None:
        return None
    from xats.base import text

    text.check(reason, "reason", InvalidLock, "Nothing was changed.")
    said = " ".join(reason.split())
    if len(said) > LONGEST_REASON:
        msg = f"The reason has {len(said)} characters, and {LONGEST_REASON} are allowed. Nothing was changed."
        raise InvalidLock(msg, "write the rest into a task or a message")
    return said or None


# -- holding and letting go --------------------------------------------------------------------------------------------


def own(tx: Tx, me: Agent, files: Sequence[File], token: int | None = None) -> list[Lock]:
    """Return the locks of `me` on all of `files`. `token` is that of the lock which `me` means, if known.

    Raises LockLost where another agent holds one now or the token is an older one, else NotHolder.
    """
    found = []
    for file in in_order(files):
        lock = at(tx, file)
        if lock and lock.holder_id == me.id and holds(tx, lock) and token in (None, lock.id):
            found.append(lock)
            continue
        if token is not None:
            msg = f"Your lock {token} on {file.path} is over. Nothing was changed."
            raise LockLost(msg, f"xats lock check {file.path}", path=file.path, token=token)
        if lock and lock.holder_id != me.id and holds(tx, lock):
            msg = f"You do not hold {file.path}; {lock.named_for(me.team)} holds it. Nothing was changed."
            raise NotHolder(msg, f"xats lock check {file.path}", path=file.path, owner=lock.holder)
        msg = f"You do not hold {file.path}. Nothing was changed."
        raise NotHolder(msg, f"xats lock take {file.path}", path=file.path, owner=None)
    return found


def renew(tx: Tx, me: Agent, files: Sequence[File], lease: int | None = None, token: int | None = None) -> list[Lock]:
    """Renew the locks of `me` on `files` for `lease` ms, or for the old length of each.

    Raises as `own`, and InvalidLock.
    """
    if lease is not None:
        check_lease(lease)
    renewed = []
    for lock in own(tx, me, files, token):
        length = lease or (lock.lease_ms if lock.explicit else LEASE)
        tx.run(CHANGE, id=lock.id, reason=None, lease=length, until=tx.now + length, path=lock.file.path)
        now = at(tx, lock.file)
        assert now
        say(tx, "lock_renewed", now, me, expires_at=iso(now.until))
        renewed.append(now)
    return renewed


def release(tx: Tx, me: Agent, files: Sequence[File], token: int | None = None) -> list[Lock]:
    """Release the locks of `me` on `files`; return them. Raises as `own`."""
    found = own(tx, me, files, token)
    for lock in found:
        end(tx, lock)
        say(tx, "lock_released", lock, me)
    return found


def release_all(tx: Tx, me: Agent) -> list[Lock]:
    """Release all locks of `me`, automatic ones too; return them."""
    found = held_by(tx, me.id)
    for lock in found:
        end(tx, lock)
        if lock.explicit:
            say(tx, "lock_released", lock, me)
    return found


def steal(tx: Tx, me: Agent, file: File, reason: str, gone: Gone = lambda _: None) -> Lock:
    """Take the lock on `file` from its holder, who gets mail; return the new lock of `me`.

    A person may do so at any time; an agent only when the process of the holder has ended, or the holder gave no sign
    of life for SILENT. The token of the old lock is void. Raises NotHolder where no other agent holds it, LockHeld and
    InvalidLock.
    """
    trust = clock.observe(tx)
    said = check_reason(reason)
    if said is None:
        msg = "A reason is missing. Nothing was changed."
        raise InvalidLock(msg, f"xats lock steal {file.path} --reason 'why'")
    lock = at(tx, file)
    if lock is None or not holds(tx, lock) or lock.holder_id == me.id:
        whom = "You hold" if lock and lock.holder_id == me.id and holds(tx, lock) else "No agent holds"
        msg = f"{whom} {file.path}. Nothing was changed."
        raise NotHolder(msg, f"xats lock take {file.path}", path=file.path)
    silent = lock.seen_at >= trust.since and tx.now - lock.seen_at >= SILENT
    if me.client != "human" and not silent and not is_gone(tx, lock, gone):
        msg = (
            f"{lock.named_for(me.team)} holds {file.path} and is active. An agent may steal the lock when the process "
            "of its holder has ended, or after 10 min of silence. Nothing was changed."
        )
        raise LockHeld(msg, f"xats lock take {file.path} --wait 10m", path=file.path, owner=lock.holder)
    end(tx, lock)
    say(tx, "lock_stolen", lock, me, reason=said)
    put(tx, me, file, "explicit", LEASE, said)
    _leave_queue(tx, me, file)
    now = at(tx, file)
    assert now
    say(tx, "lock_taken", now, me, expires_at=iso(now.until), reason=said)
    _tell_of_theft(tx, lock, me, said)
    return now


def _tell_of_theft(tx: Tx, lock: Lock, by: Agent, reason: str) -> None:
    from xats.core.locks import notify

    notify.tell(
        tx,
        agents.by_id(tx, lock.holder_id),
        f"{by.name} took your lock on {lock.file.path}",
        f"{by.name if by.team == lock.team else by.address} took your lock on {lock.file.absolute}.",
        f"Why: {reason}",
        "Your lock is void: read the file again before you change it.",
    )
