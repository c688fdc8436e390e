"""Adding and changing tasks."""

from __future__ import annotations

from xats.base import text
from xats.base.errors import KeyReused, Refused
from xats.base.record import record
from xats.core.address import check_name, parse_list
from xats.core.agents import agents
from xats.core.mail import recipients
from xats.core.tasks import dependencies, readiness, tasks
from xats.core.tasks import notify as task_mail
from xats.core.tasks.errors import InvalidTask
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.tasks.tasks import Task
    from xats.store import Tx


@record
class New:
    """A task to add. `due_at` is in ms UTC."""

    title: str
    description: str = ""
    to: str | None = None  #: the name of the agent that it is for
    role: str | None = None  #: or the role that it is for
    needs: tuple[int, ...] = ()
    parent_id: int | None = None
    priority: int = tasks.PRIORITY
    key: str | None = None
    review: tuple[str, ...] = ()
    due_at: int | None = None
    notify: str | None = None
    pool: bool = False  #: it is a message to a pool (core/tasks/pools.py)


INSERT = """
insert into tasks (team, title, description, state, priority, created_by, assignee_id, role, parent_id, dedupe_key,
    notify, due_at, created_at, updated_at, pool)
values (:team, :title, :description, 'open', :priority, :me, :assignee, :role, :parent, :key, :notify, :due_at, :now,
    :now, :pool)
on conflict (created_by, dedupe_key) where dedupe_key is not null do nothing
returning id
"""
REVIEWER = "insert into task_reviewers (task_id, role) values (:task, :role) on conflict do nothing"


def add(tx: Tx, me: Agent, new: New) -> tuple[Task, bool]:
    """Add a task as `store` does, and send mail to the agents that can start it."""
    task, created = store(tx, me, new)
    if created and task.ready:
        readiness.ready(tx, task, f"of {me.name} is ready", but=me.id)
    return task, created


def store(tx: Tx, me: Agent, new: New) -> tuple[Task, bool]:
    """Store a task without mail; return it, and False if `me` had added it before under the same key.

    Raises InvalidTask, UnknownAgent, UnknownTask, DependencyCycle, KeyReused for another task under the same key, and
    UnknownRecipient for `notify`; then it stores nothing.
    """
    if new.key == "":  # of an unset variable: xats would drop every task after the first
        msg = "The key is empty. Nothing was changed."
        raise InvalidTask(msg, "give a key, or leave --key out")
    if new.key is not None:
        text.check(new.key, "key", InvalidTask, hint="write the key in UTF-8")
    before = _added_before(tx, me, new)
    if before:
        return before, False
    teams.use(tx, me.team, me.name)
    values = {**_checked(tx, me, new), "team": me.team, "me": me.id, "now": tx.now, "pool": int(new.pool)}
    row = tx.one(INSERT, **values)
    if row is None:
        before = _added_before(tx, me, new)
        assert before
        return before, False
    task = tasks.find(tx, me.team, row["id"])
    for role in new.review:
        tx.run(REVIEWER, task=task.id, role=check_name(role, "role").lower())
    task = dependencies.link(tx, task, new.needs)
    tasks.log(tx, task, "added", me, to=task.assignee or (task.role and f"role:{task.role}"), ready=task.ready)
    return task, True


EDITS = "select text from task_notes where task_id = :task and kind = 'edited'"


def _added_before(tx: Tx, me: Agent, new: New) -> Task | None:
    """Return the task that `me` added under the key of `new`, or None.

    It must be the same task: title, description, priority, parent, assignee and role, except fields that were edited
    since. The due time may differ; that of the first task counts. Raises KeyReused for another task.
    """
    task = tasks.by_key(tx, me, new.key)
    if task is None:
        return None
    edited = {name for row in tx.all(EDITS, task=task.id) for name in (row["text"] or "").split(", ")}
    row = tx.one("select description from tasks where id = :id", id=task.id)
    assert row
    whom = agents.find(tx, me.team, new.to.partition("@")[0]) if new.to not in (None, "me") else None
    assignee_id = me.id if new.to == "me" else whom.id if whom else None
    unknown = new.to not in (None, "me") and whom is None
    differs = {
        "title": new.title.strip() != task.title,
        "description": new.description != row["description"],
        "priority": new.priority != task.priority,
        "parent_id": new.parent_id != task.parent_id,
        "assignee_id": unknown or assignee_id != task.assignee_id,
        "role": (new.role.lower() if new.role else None) != task.role,
    }
    found = [what for what, other in differs.items() if other and what not in edited]
    if found:
        raise _reused(tx, task, found)
    return task


def _reused(tx: Tx, first: Task, differs: list[str]) -> KeyReused:
    """Return the error for a key that the task `first` has, because the new task `differs` in these fields."""
    from xats.base.durations import ago, iso

    words = {"parent_id": "parent", "assignee_id": "assignee"}
    what = " and ".join(words.get(one, one) for one in differs)
    whom = first.assignee.partition("@")[0] if first.assignee else f"role {first.role}" if first.role else "anybody"
    at = ago(first.created_at, tx.now)
    msg = f"Task {first.id} for {whom}, added {at}, has this key, but another {what}. Nothing was added."
    hint = f"use another --key for another task; to see the first one: xats task show {first.id}"
    about = {"id": first.id, "title": first.title, "created_at": iso(first.created_at)}
    return KeyReused(msg, hint, **about, differs=[words.get(one, one) for one in differs])


def _checked(tx: Tx, me: Agent, new: New) -> dict[str, Any]:
    """Return the columns of a new task. Raises what `add` raises."""
    if new.to is not None and new.role is not None:
        msg = "A task is for one agent or for a role, not both."
        raise InvalidTask(msg, "give --to or --role")
    if new.parent_id is not None:
        tasks.find(tx, me.team, new.parent_id)
    return {
        "title": tasks.check_title(new.title),
        "description": tasks.check_long(new.description, "description"),
        "priority": tasks.check_priority(new.priority),
        "assignee": assignee(tx, me, new.to).id if new.to is not None else None,
        "role": check_name(new.role, "role").lower() if new.role is not None else None,
        "parent": new.parent_id,
        "key": new.key,
        "notify": whom_to_notify(tx, me, new.notify) if new.notify is not None else None,
        "due_at": new.due_at,
    }


def assignee(tx: Tx, me: Agent, name: str) -> Agent:
    """Return the agent `name` of my team; `me` is myself. Raises UnknownAgent, InvalidName, InvalidTask."""
    if name == "me":
        return me
    whom, _, team = name.partition("@")
    if team and teams.current(tx, team.lower()) != me.team:
        msg = f"{name} is in another team; a task stays in its own team."
        raise InvalidTask(msg, f"xats task add ... --team {team.lower()}")
    return agents.by_name(tx, team.lower() or me.team, check_name(whom))


def whom_to_notify(tx: Tx, me: Agent, addresses: str) -> str:
    """Return `addresses` without `me`, which later means another agent. Raises InvalidName, UnknownRecipient, Usage."""
    found = parse_list(addresses)
    for one in found:
        recipients.resolve(tx, agents.system(tx, me.team), [one] if one.kind != "me" else [])
    return ",".join(dict.fromkeys(me.address if one.kind == "me" else str(one) for one in found))


# -- changing ----------------------------------------------------------------------------------------------------------


@record
class Edit:
    """Changes of a task. None keeps a value; `clear` names the values to remove."""

    title: str | None = None
    description: str | None = None
    to: str | None = None
    role: str | None = None
    anybody: bool = False  #: neither an assignee nor a role
    needs: tuple[int, ...] = ()
    no_needs: tuple[int, ...] = ()
    parent_id: int | None = None
    priority: int | None = None
    due_at: int | None = None
    notify: str | None = None
    clear: tuple[str, ...] = ()  #: of "parent_id", "due_at", "notify"
    review: tuple[str, ...] = ()  #: roles to add to its reviewers
    no_review: tuple[str, ...] = ()  #: roles to remove from its reviewers


PARENT = "select parent_id from tasks where id = :id"


def edit(tx: Tx, me: Agent, task_id: int, change: Edit) -> Task:
    """Change task `task_id`, and send mail to the agents concerned. Assignee, role and needs change only while open.

    Raises UnknownTask, TaskEnded, Refused, what `add` raises, and what `reviews.change` raises.
    """
    task = tasks.find(tx, me.team, task_id)
    tasks.refuse_ended(task)
    tasks.may_manage(me, task, "change")
    columns = _columns(tx, me, task, change)
    _refuse_while_held(task, change)
    if not columns and not change.needs and not change.no_needs and not change.review and not change.no_review:
        msg = f"No change was given. Nothing of task {task.id} was changed."
        raise InvalidTask(msg, f"xats task edit {task.id} --priority 1; see xats task edit --help")
    now = tasks.update(tx, task, **columns) if columns else task
    now = dependencies.link(tx, dependencies.unlink(tx, now, change.no_needs), change.needs)
    changed = sorted({*columns, *(["needs"] if change.needs or change.no_needs else [])})
    if changed:
        tasks.log(tx, now, "edited", me, ", ".join(changed), changed=changed)
        _tell(tx, me, task, now, columns)
    if change.review or change.no_review:
        from xats.core.tasks import reviews

        now = reviews.change(tx, me, now, change.review, change.no_review)
    return now


def _tell(tx: Tx, me: Agent, was: Task, now: Task, columns: dict[str, Any]) -> None:
    """Send mail about a change of a task to the agents concerned."""
    moved = (was.assignee_id, was.role) != (now.assignee_id, now.role)
    if was.ready and (moved or not now.ready):
        readiness.not_ready(tx, was)
    if now.ready and (moved or not was.ready):
        readiness.ready(tx, now, "is ready", but=me.id)
    if was.owner_id not in (None, me.id) and columns.keys() & {"title", "description"}:
        task_mail.tell(
            tx,
            task_mail.agent_of(tx, was.owner_id),
            f"task #{now.id} was changed: {now.title}",
            f"{me.name} has changed task #{now.id}, which you have claimed: {now.title}",
            f"See: xats task show {now.id}",
        )


def _columns(tx: Tx, me: Agent, task: Task, change: Edit) -> dict[str, Any]:
    columns: dict[str, Any] = dict.fromkeys(change.clear)
    if change.title is not None:
        columns["title"] = tasks.check_title(change.title)
    if change.description is not None:
        columns["description"] = tasks.check_long(change.description, "description")
    if change.priority is not None:
        columns["priority"] = tasks.check_priority(change.priority)
    if change.due_at is not None:
        columns["due_at"] = change.due_at
    if change.notify is not None:
        columns["notify"] = whom_to_notify(tx, me, change.notify)
    if change.parent_id is not None:
        columns["parent_id"] = _parent(tx, task, change.parent_id)
    if (change.to is not None) + (change.role is not None) + change.anybody > 1:
        msg = "A task is for one agent, for one role, or for any agent."
        raise InvalidTask(msg, "give one of --to, --role and --anybody")
    if change.to is not None:
        columns.update(assignee_id=assignee(tx, me, change.to).id, role=None)
    elif change.role is not None:
        columns.update(assignee_id=None, role=check_name(change.role, "role").lower())
    elif change.anybody:
        columns.update(assignee_id=None, role=None)
    return columns


def _refuse_while_held(task: Task, change: Edit) -> None:
    whom = change.to is not None or change.role is not None or change.anybody
    if task.pool and (whom or change.needs):
        msg = f"Task {task.id} is a claimable message, and stays with role {task.role}."
        raise Refused(msg, f"xats task cancel {task.id}", id=task.id)
    if task.state != "open" and (whom or change.needs or change.no_needs):
        assert task.owner
        msg = f"{task.owner.partition('@')[0]} has already begun task {task.id}: it is {task.state}."
        raise Refused(msg, f"xats task release {task.id}", id=task.id, state=task.state, owner=task.owner)


def _parent(tx: Tx, task: Task, parent_id: int) -> int:
    """Return `parent_id` if it can be the parent of `task`. Raises UnknownTask, InvalidTask."""
    tasks.find(tx, task.team, parent_id)
    above: int | None = parent_id
    while above is not None:
        if above == task.id:
            msg = f"Task {parent_id} is task {task.id} itself or below it, and cannot be its parent."
            raise InvalidTask(msg, f"xats task graph {task.id}", id=task.id)
        row = tx.one(PARENT, id=above)
        above = row["parent_id"] if row else None
    return parent_id
