"""Tasks: work that an agent claims, does and submits. A claim is a lease; a task may need other tasks and approvals.

    (add) --> open --claim--> claimed --done, if no role must approve------------> done
                                 | ^
                                 | '--feedback--.
                                 |              |
                                 '--submit--> review --approved by every role----> done
                                                '-- submit again: voids approvals

    claimed --fail--------------------------> failed
    open, claimed, review --cancel----------> cancelled
    claimed, review --release---------------> open
    claimed --its lease is over-------------> open
    claimed --the process of its owner ended> open, after a while; others may claim it at once
    done, failed, cancelled --reopen--------> open

An open task is ready if all tasks that it needs are done (`waits_for` is 0), else blocked. Each transaction that ends
or reopens a needed task updates `waits_for`. CHECKs in the schema limit the states and the columns of each state.

The commands and the hooks of an agent renew its claims. A lease has lapsed when its time is over and its owner was
silent for as long. A claim has a number, by which xats refuses a program that comes back too late.
"""

from __future__ import annotations

from xats.base.errors import Refused
from xats.base.record import from_row, record
from xats.core.leases import leases
from xats.core.tasks.errors import InvalidTask, TaskEnded, UnknownTask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.states import NoteKind, TaskEnd, TaskState
    from xats.store import Row, Tx

LIVE: tuple[TaskState, ...] = ("open", "claimed", "review")
ENDED: tuple[TaskEnd, ...] = ("done", "failed", "cancelled")
STATES: tuple[TaskState, ...] = (*LIVE, *ENDED)
PRIORITY = 5  # 0 is the most urgent, 9 the least
LONGEST_TITLE = 200  # characters
LONGEST_NOTE = 4000  # characters of a progress note or a reason
LARGEST = 1 << 20  # bytes of a description, a result or feedback, in UTF-8
MOST_NEEDS = 1000  # dependencies of one task


@record
class Task:
    """A task as it is stored, without its description and its result, which may be long. Times are ms UTC."""

    id: int
    team: str
    title: str
    state: TaskState
    priority: int
    creator_id: int
    creator: str  #: name@team
    assignee_id: int | None
    assignee: str | None  #: name@team
    role: str | None
    parent_id: int | None
    key: str | None
    notify: str | None
    due_at: int | None
    created_at: int
    updated_at: int
    ended_at: int | None
    owner_id: int | None
    owner: str | None  #: name@team
    claimed_at: int | None
    lease_ms: int | None
    lease_until: int | None  #: with the renewals by the commands and the hooks of its owner
    claims: int
    waits_for: int
    submission: int
    progress: str | None
    reason: str | None
    pool: bool
    message_id: int | None
    owner_gone_at: int | None  #: when xats saw that the process of its owner had ended; None: the owner may be at work

    @property
    def ready(self) -> bool:
        """Whether an agent can claim it now."""
        return self.state == "open" and self.waits_for == 0

    @property
    def live(self) -> bool:
        """Whether it has not ended."""
        return self.state in LIVE


TASK = """
t.id, t.team, t.title, t.state, t.priority, t.created_by, c.name as creator_name, t.assignee_id,
s.name as assignee_name, t.role, t.parent_id, t.dedupe_key, t.notify, t.due_at, t.created_at, t.updated_at, t.ended_at,
t.owner_id, o.name as owner_name, o.seen_at as owner_seen_at, t.claimed_at, t.lease_ms, t.lease_until, t.claims,
t.waits_for, t.submission, t.progress, t.reason, t.pool, t.message_id, t.owner_gone_at
"""
FROM = """
from tasks t join agents c on c.id = t.created_by left join agents s on s.id = t.assignee_id
left join agents o on o.id = t.owner_id
"""
BY_ID = f"select {TASK} {FROM} where t.id = :id"
BY_KEY = f"select {TASK} {FROM} where t.created_by = :creator and t.dedupe_key = :key"
NOTE = "insert into task_notes (task_id, at, agent_id, kind, text) values (:task, :now, :agent, :kind, :text)"


def task_of(row: Row) -> Task:
    """Return the Task in a row that has the TASK columns."""
    at = f"@{row['team']}"
    lease = leases.of(row)
    return from_row(
        Task,
        row,
        creator_id=row["created_by"],
        creator=row["creator_name"] + at,
        assignee=row["assignee_name"] + at if row["assignee_name"] else None,
        key=row["dedupe_key"],
        owner=row["owner_name"] + at if row["owner_name"] else None,
        lease_until=lease.until,
        pool=bool(row["pool"]),
        owner_gone_at=lease.gone_at,
    )


def find(tx: Tx, team: str, task_id: int) -> Task:
    """Return task `task_id` of `team`. Raises UnknownTask."""
    row = tx.one(BY_ID, id=task_id)
    if row is None or row["team"] != team:
        msg = f"There is no task {task_id} in team {team}."
        raise UnknownTask(msg, id=task_id, team=team)
    return task_of(row)


def again(tx: Tx, task: Task) -> Task:
    """Return the current `task`."""
    return find(tx, task.team, task.id)


def by_key(tx: Tx, creator: Agent, key: str | None) -> Task | None:
    """Return the task that `creator` added under `key`, or None."""
    row = tx.one(BY_KEY, creator=creator.id, key=key) if key is not None else None
    return task_of(row) if row else None


def update(tx: Tx, task: Task, **columns: Any) -> Task:
    """Change `columns` of `task`; return the changed task. Raises Refused if it has changed since it was read."""
    if "state" in columns:
        columns["owner_gone_at"] = None  # it belongs to a claim
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    sql = f"""
    update tasks set {changes}, updated_at = :now_ where id = :id_ and state = :state_ and claims = :claims_
    """
    if not tx.run(sql, **columns, now_=tx.now, id_=task.id, state_=task.state, claims_=task.claims):
        msg = f"Another agent has just changed task {task.id}. Nothing was changed."
        raise Refused(msg, f"xats task show {task.id}", id=task.id)
    return again(tx, task)


def log(tx: Tx, task: Task, kind: NoteKind, by: Agent | None, text: str | None = None, /, **data: Any) -> None:
    """Write a note into the history of `task`, and an event into the outbox."""
    note(tx, task, kind, by, text)
    say(tx, task, kind, by, **data)


def note(tx: Tx, task: Task, kind: NoteKind, whose: Agent | None, text: str | None) -> None:
    """Write a note into the history of `task` only; `whose` did it, or it happened to `whose` claim."""
    tx.run(NOTE, task=task.id, now=tx.now, agent=whose.id if whose else None, kind=kind, text=text)


def say(tx: Tx, task: Task, kind: str, by: Agent | None, /, **data: Any) -> None:
    """Write an event about `task` into the outbox only."""
    tx.event(f"task_{kind}", task.team, by.name if by else None, f"task:{task.id}", title=task.title, **data)


def refuse_ended(task: Task) -> None:
    """Raise TaskEnded if `task` has ended."""
    if not task.live:
        who = f" by {task.owner.partition('@')[0]}" if task.owner and task.state != "cancelled" else ""
        msg = f"Task {task.id} has ended: {task.state}{who}."
        raise TaskEnded(msg, f"xats task reopen {task.id}", id=task.id, state=task.state, owner=task.owner)


def may_manage(me: Agent, task: Task, what: str) -> None:
    """Raise Refused unless `me` may do `what` to `task`: its creator, its owner, or a person."""
    if me.client != "human" and me.id not in (task.creator_id, task.owner_id):
        whose = task.creator.partition("@")[0]
        msg = f"Only {whose}, who added task {task.id}, its owner or a person may {what} it."
        raise Refused(msg, f"xats send {whose} 'please {what} task {task.id}'", id=task.id, creator=task.creator)


# -- texts -------------------------------------------------------------------------------------------------------------


def check_title(title: str) -> str:
    """Return `title` without space around it. Raises InvalidTask."""
    title = title.strip()
    from xats.base.text import is_line

    if not title or not is_line(title, LONGEST_TITLE):
        msg = f"A title must be one line of 1 to {LONGEST_TITLE} characters. Nothing was changed."
        raise InvalidTask(msg, "put the rest into the description: -d")
    _utf8(title, "title")
    return title


def check_long(text: str, what: str) -> str:
    """Return the description, result or feedback `text`. Raises InvalidTask."""
    size = len(_utf8(text, what))
    if size > LARGEST:
        msg = f"The {what} has {size:,} bytes; the maximum is 1 MiB (1,048,576). Nothing was changed."
        raise InvalidTask(msg, "put it into a file and give its path")
    return text


def check_note(text: str, what: str) -> str:
    """Return the note `text`, which is a `what`, such as a reason. Raises InvalidTask."""
    text = text.strip()
    if not 0 < len(text) <= LONGEST_NOTE:
        msg = f"A {what} must have 1 to {LONGEST_NOTE:,} characters. Nothing was changed."
        raise InvalidTask(msg, "shorten it; details can go into a file")
    _utf8(text, what)
    return text


def check_priority(priority: int) -> int:
    """Return `priority` if it is from 0 to 9. Raises InvalidTask."""
    if not 0 <= priority <= 9:
        msg = f"--priority must be from 0 (most urgent) to 9, not {priority}."
        raise InvalidTask(msg, f"the default is {PRIORITY}")
    return priority


def _utf8(text: str, what: str) -> bytes:
    from xats.base.text import check

    return check(text, what, InvalidTask, hint="give text")
