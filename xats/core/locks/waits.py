"""Who waits for a file: in the order in which they asked, each only as long as its process lives."""

from __future__ import annotations

from xats.base.record import record
from xats.core import clock
from xats.core.agents import agents
from xats.core.locks import locks
from xats.core.locks.errors import LockAwaited, LockDeadlock
from xats.core.locks.files import File, in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.core.agents.agents import Agent
    from xats.store import Row, Tx

    #: Tells whether the process that made a mark has surely ended; see `xats.base.process.gone`.
    Ended = Callable[[str], bool]

ADD = """
insert into lock_waits (agent_id, host, repository, worktree, path, path_key, kind, process, asked_at)
values (:me, :host, :repository, :worktree, :path, :key, :kind, :process, :now)
"""
MINE = """
select id from lock_waits where agent_id = :me and kind = :kind and host = :host and worktree = :worktree
    and path_key = :key and coalesce(process, '') = :process
"""
LEAVE = "delete from lock_waits where agent_id = :me and process = :process"
DROP = "delete from lock_waits where id = :id"
FOR = """
select w.*, a.name, a.team from lock_waits w join agents a on a.id = w.agent_id
where w.host = :host and w.worktree = :worktree and w.path_key = :key order by w.id
"""
IN_WAIT = "select id, process, asked_at from lock_waits where kind = 'wait'"
QUEUED = "select distinct host, worktree, path_key from lock_waits where kind = 'queue' and notified_at is null"
NOTIFIED = "update lock_waits set notified_at = :now where id = :id"
# A time in the future is from before the clock was set back.
CLAIM_OVER = "delete from lock_waits where notified_at <= :before or notified_at > :now"
OF = """
select w.*, a.name, a.team from lock_waits w join agents a on a.id = w.agent_id
where w.agent_id = :id and w.kind = 'wait' order by w.id
"""


LONGEST = 24 * 3600_000  # ms that a place lasts
CLAIM_TIME = 60_000  # ms that an agent with mail about a free file has to take it, before the next agent gets mail


@record
class Wait:
    """A place in the queue for one file."""

    id: int
    agent_id: int
    agent: str  #: name@team
    file: File
    kind: str  #: "wait" or "queue"
    process: str | None
    asked_at: int
    notified_at: int | None  #: when xats sent the agent mail that the file is free (ms UTC)


def wait_of(row: Row) -> Wait:
    """Return the place in `row`."""
    return Wait(
        id=row["id"],
        agent_id=row["agent_id"],
        agent=f"{row['name']}@{row['team']}",
        file=File(row["host"], row["repository"], row["worktree"], row["path"], row["path_key"]),
        kind=row["kind"],
        process=row["process"],
        asked_at=row["asked_at"],
        notified_at=row["notified_at"],
    )


def join(tx: Tx, me: Agent, files: Sequence[File], process: str | None, ended: Ended) -> None:
    """Give `me` a place in the queue of each of `files`.

    `process` is the mark of the process that waits; None: no process waits, and `me` gets mail when a file is free.
    A second call with the same values changes nothing. Raises LockDeadlock if a process would wait in a circle.
    """
    if process is not None:
        _refuse_circle(tx, me, files, ended)
    kind = "queue" if process is None else "wait"
    for file in in_order(files):
        place = {"host": file.host, "worktree": file.worktree, "key": file.key}
        if tx.one(MINE, me=me.id, kind=kind, process=process or "", **place) is None:
            values = {"repository": file.repository, "path": file.path, "now": tx.now, "process": process}
            tx.run(ADD, me=me.id, kind=kind, **place, **values)


def leave(tx: Tx, me: Agent, process: str) -> None:
    """Remove the places of `me` whose process has the mark `process`."""
    tx.run(LEAVE, me=me.id, process=process)


def living(tx: Tx, file: File, ended: Ended) -> list[Wait]:
    """Return the places of living processes in the queue for `file`, in their order. It removes nothing."""
    found = map(wait_of, tx.all(FOR, host=file.host, worktree=file.worktree, key=file.key))
    return [one for one in found if one.process is not None and not ended(one.process)]


def refuse_before(tx: Tx, me: Agent, files: Sequence[File], process: str | None, ended: Ended) -> None:
    """Raise LockAwaited if a living process of another agent stands before `me` in the queue for one of `files`.

    `process` is the mark under which `me` waits itself; None: `me` has no place.
    """
    for file in in_order(files):
        for one in living(tx, file, ended):
            if process is not None and one.process == process:
                break
            if one.agent_id != me.id:
                msg = f"{one.agent.partition('@')[0]} waits for {file.path}, and comes before you. Nothing was locked."
                raise LockAwaited(msg, f"xats lock take {file.path} --wait 10m", path=file.path, agent=one.agent)


# -- agents that get mail ----------------------------------------------------------------------------------------------


def next_in_line(tx: Tx, ended: Ended) -> list[Wait]:
    """Return the places whose agents get mail now, because the file is free. See `tell`.

    That is the first place in the queue for a file that no other agent has locked. A living process that waits comes
    before the agents that asked later. An agent with mail has CLAIM_TIME to take the file; then the next one gets mail.
    """
    found = []
    for place in tx.all(QUEUED):
        rows = tx.all(FOR, host=place["host"], worktree=place["worktree"], key=place["path_key"])
        for one in map(wait_of, rows):
            if one.process is not None and ended(one.process):
                continue
            if one.notified_at is not None and not tx.now - CLAIM_TIME < one.notified_at <= tx.now:
                continue
            if one.process is None and one.notified_at is None and _is_free(tx, one):
                found.append(one)
            break
    return found


def _is_free(tx: Tx, wait: Wait) -> bool:
    """Tell whether no other agent has locked the file of `wait`."""
    return all(lock.holder_id == wait.agent_id for lock in locks.find(tx, [wait.file]))


def tell(tx: Tx, ended: Ended) -> None:
    """Send mail to the agents whose turn it is. Remove the places of those that had their turn."""
    from xats.core.locks import notify

    whom: dict[int, list[File]] = {}
    for one in next_in_line(tx, ended):
        tx.run(NOTIFIED, id=one.id, now=tx.now)
        whom.setdefault(one.agent_id, []).append(one.file)
    tx.run(CLAIM_OVER, before=tx.now - CLAIM_TIME, now=tx.now)
    for agent_id, files in whom.items():
        notify.free(tx, agents.by_id(tx, agent_id), files)


def drop_ended(tx: Tx, ended: Ended) -> int:
    """Remove the places whose processes have ended, and those that are older than LONGEST; return how many.

    xats cannot see the end of a process in a container that is gone, for example.
    """
    before, since = tx.now - LONGEST, clock.since(tx)
    found = [row["id"] for row in tx.all(IN_WAIT) if ended(row["process"]) or since <= row["asked_at"] <= before]
    tx.many(DROP, [{"id": one} for one in found])
    return len(found)


# -- circles -----------------------------------------------------------------------------------------------------------


def _refuse_circle(tx: Tx, me: Agent, files: Sequence[File], ended: Ended) -> None:
    """Raise LockDeadlock if a holder of `files` waits, itself or through others, for a lock of `me`."""
    todo: list[tuple[int, list[str]]] = []
    seen = {me.id}
    for lock in locks.find(tx, files):
        if lock.holder_id != me.id:
            todo.append((lock.holder_id, [f"you wait for {lock.file.path} of {lock.holder_name}"]))
    while todo:
        agent_id, way = todo.pop()
        if agent_id in seen:
            continue
        seen.add(agent_id)
        name = agents.by_id(tx, agent_id).name
        for wait in map(wait_of, tx.all(OF, id=agent_id)):
            if wait.process is None or ended(wait.process):
                continue
            for lock in locks.find(tx, [wait.file]):
                step = f"{name} waits for {wait.file.path} of {'you' if lock.holder_id == me.id else lock.holder_name}"
                if lock.holder_id == me.id:
                    msg = f"This wait would be a deadlock: {', '.join([*way, step])}. Nothing was locked."
                    raise LockDeadlock(msg, f"xats lock release {lock.file.path}", path=lock.file.path)
                todo.append((lock.holder_id, [*way, step]))
