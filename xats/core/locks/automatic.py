"""Automatic locks: whoever edits a file holds it for a short time, and another agent must read it again first."""

from __future__ import annotations

from xats.core import clock
from xats.core.leases.leases import LAPSED
from xats.core.locks import locks
from xats.core.locks.files import File, in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.core.agents.agents import Agent
    from xats.core.locks.locks import Lock
    from xats.store import Tx

LASTS = 2 * 60_000  # ms from the holder's last edit of the file
NEAR = 60_000  # ms before its end in which an edit writes it anew

LONGER = "update locks set lease_until = :until, owner_gone_at = null where id = :id"
END_ALL = "delete from locks where holder_id = :me and kind = 'automatic'"
END_ONE = """
delete from locks where holder_id = :me and kind = 'automatic' and host = :host and worktree = :worktree
    and path_key = :key
"""
REFUSE = """
insert into refused_edits (agent_id, host, worktree, path_key, lock_id, at)
values (:me, :host, :worktree, :key, :lock, :now)
on conflict (agent_id, host, worktree, path_key) do update set lock_id = :lock, at = :now, read_at = null
"""
REFUSED = """
select lock_id, at, read_at from refused_edits
where agent_id = :me and host = :host and worktree = :worktree and path_key = :key
"""
FORGET = """
delete from refused_edits where agent_id = :me and host = :host and worktree = :worktree and path_key = :key
"""
SAW = """
update refused_edits set read_at = :now
where agent_id = :me and host = :host and worktree = :worktree and path_key = :key and read_at is null
"""
TO_READ = "select host, worktree, path_key from refused_edits where agent_id = :me and read_at is null"


def in_the_way(tx: Tx, me: Agent, file: File) -> Lock | None:
    """Return the lock of another agent that forbids `me` to edit `file` now, or None."""
    lock = locks.at(tx, file)
    if lock is None or lock.holder_id == me.id or not locks.holds(tx, lock):
        return None
    return None if not lock.explicit and may_pass(tx, me, lock) else lock


def take(tx: Tx, me: Agent, file: File) -> Lock | None:
    """Take an automatic lock on `file`, or extend it; return the lock that stands in the way instead, or None.

    An explicit lock of `me` stays as it is.
    """
    clock.observe(tx)
    lock = in_the_way(tx, me, file)
    if lock:
        return lock
    now = locks.at(tx, file)
    if now and now.holder_id == me.id and locks.holds(tx, now):
        if not now.explicit:
            tx.run(LONGER, id=now.id, until=tx.now + LASTS)
        return None
    if now and not locks.holds(tx, now):
        locks.lapse(tx, [(now, LAPSED)], me)
    elif now:  # `me` has read the file since
        locks.end(tx, now)
    tx.run(FORGET, me=me.id, **_place(file))
    locks.put(tx, me, file, "automatic", LASTS)
    return None


def end(tx: Tx, me: Agent, files: Iterable[File] | None = None) -> int:
    """End the automatic locks of `me`, only those on `files` if given; return how many."""
    if files is None:
        return tx.run(END_ALL, me=me.id)
    return sum(tx.run(END_ONE, me=me.id, **_place(file)) for file in in_order(files))


# -- edits that were refused -------------------------------------------------------------------------------------------


def refuse(tx: Tx, me: Agent, lock: Lock) -> None:
    """Note that the automatic `lock` has refused an edit by `me`."""
    tx.run(REFUSE, me=me.id, lock=lock.id, now=tx.now, **_place(lock.file))


def may_pass(tx: Tx, me: Agent, lock: Lock) -> bool:
    """Tell whether `me` may edit the file of the automatic `lock` of another agent.

    That is so when this lock has refused an edit before, and `me` has read the file since then, or LASTS is over.
    """
    row = tx.one(REFUSED, me=me.id, **_place(lock.file))
    if row is None or row["lock_id"] != lock.id:
        return False
    return row["read_at"] is not None or tx.now - row["at"] >= LASTS


def saw(tx: Tx, me: Agent, files: Iterable[File]) -> None:
    """Note that `me` has read `files`."""
    for file in in_order(files):
        tx.run(SAW, me=me.id, now=tx.now, **_place(file))


def to_read(tx: Tx, me: Agent) -> list[File]:
    """Return the files of the refused edits of `me` that it has not read since; their repositories are not known."""
    rows = tx.all(TO_READ, me=me.id)
    return [File(row["host"], "", row["worktree"], row["path_key"], row["path_key"]) for row in rows]


def _place(file: File) -> dict[str, str]:
    return {"host": file.host, "worktree": file.worktree, "key": file.key}
