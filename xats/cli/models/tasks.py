"""The JSON of tasks, and the lines of a file of tasks."""

from __future__ import annotations

from typing import Annotated

from xats.cli.models.base import Address, Document, Model, OneOf, Time, field
from xats.core.tasks.tasks import STATES

State = Annotated[str, OneOf(STATES)]
NOTES = (
    *("added", "claimed", "progress", "released", "lapsed", "submitted", "approved", "feedback", "done", "failed"),
    *("cancelled", "reopened", "edited", "ready", "offered", "owner_gone"),
)


class Need(Model):
    """A task that another one refers to."""

    id: int = field("The id of the task.")
    state: State = field("Its state.")
    title: str = field("Its title.")


class SubtaskCount(Model):
    """How many subtasks a task has."""

    done: int = field("The number of subtasks that are done.")
    total: int = field("The number of subtasks.")


class Task(Model):
    """A task without its long texts."""

    id: int = field("The id of the task.")
    team: str = field("The team.")
    title: str = field("The title.")
    state: State = field("The state.")
    ready: bool = field("Whether it is open and everything that it needs is done.")
    blocked_by: list[Need] = field("The tasks that it needs and that are not done.")
    priority: int = field("0 is the most urgent, 9 the least.")
    created_by: Address = field("Who added it.")
    assignee: Address | None = field("The only agent that may claim it.")
    role: str | None = field("The role of the agents that may claim it.")
    pool: bool = field("Whether xats offers it to the members of the role, one after another.")
    owner: Address | None = field("Who has claimed it, or had claimed it when it ended.")
    claim: int = field("The number of the last claim, for --claim.")
    claimed_at: Time | None = field("When it was claimed.")
    lease_until: Time | None = field("When the claim ends unless the owner renews it.")
    owner_gone_at: Time | None = field("When xats saw that the process of the owner had ended.")
    review: list[str] = field("The roles that must approve it.")
    submission: int = field("How often it was submitted for review.")
    parent: int | None = field("The id of its parent task.")
    subtask_count: SubtaskCount = field("How many subtasks it has.")
    progress: str | None = field("The last note on its progress.")
    reason: str | None = field("Why it failed, was cancelled or was released.")
    key: str | None = field("The key that makes adding safe to repeat.")
    notify: str | None = field("The address that gets mail when it ends.")
    due_at: Time | None = field("When it should be done.")
    created_at: Time = field("When it was added.")
    updated_at: Time = field("When it last changed.")
    ended_at: Time | None = field("When it ended.")


class Approval(Model):
    """A role that must approve a task, and who has done so."""

    role: str = field("The role.")
    agent: Address | None = field("Who approved the last submission.")
    at: Time | None = field("When that was.")


class Note(Model):
    """An entry in the history of a task."""

    at: Time = field("When it happened.")
    agent: Address | None = field("Who did it, or to whom it happened; null if xats did it.")
    kind: Annotated[str, OneOf(NOTES)] = field("What happened.")
    text: str | None = field("The text that was given.")


class TaskDetails(Task):
    """A task with everything about it."""

    description: str = field("What is to be done.")
    result: str | None = field("The result.")
    needs: list[Need] = field("The tasks that must be done first.")
    needed_by: list[Need] = field("The tasks that wait for it.")
    subtasks: list[Need] = field("Its subtasks, at most one page.")
    approvals: list[Approval] = field("The roles that must approve it, and who has.")
    message_id: int | None = field("The message that became this task.")
    offered_to: Address | None = field("The member of the pool that got the last offer.")
    history: list[Note] = field("Its history, oldest first.")


class TaskDocument(Document):
    """The task after the change."""

    task: Task = field("The task.")


class TaskAddDocument(Document):
    """The task that was added."""

    task: Task = field("The task.")
    created: bool = field("False if a task with the same key was added before; then nothing new was stored.")


class TaskListDocument(Document):
    """A page of tasks."""

    tasks: list[Task] = field("The tasks, the most urgent first.")
    has_more: bool = field("Whether there are more than are printed.")


class TaskDetailsDocument(Document):
    """One task with everything about it."""

    task: TaskDetails = field("The task.")


class TaskClaimDocument(Document):
    """The task that was claimed."""

    task: TaskDetails | None = field("The task; null: with --next, none is ready.")


class TaskApproveDocument(Document):
    """The task after an approval."""

    task: Task = field("The task.")
    approved: bool = field("False if it was approved for the role before.")
    missing: list[str] = field("The roles whose approval is missing.")


class Edge(Model):
    """How two tasks depend on each other."""

    from_: int = field("The id of the task that needs the other, or that the other is a subtask of.", alias="from")
    to: int = field("The id of the other task.")
    kind: Annotated[str, OneOf(["needs", "subtask"])] = field("Whether the first needs the other or contains it.")


class TaskGraphDocument(Document):
    """Tasks, and how they depend on each other."""

    tasks: list[Task] = field("The tasks.")
    edges: list[Edge] = field("What they need and consist of.")
    has_more: bool = field("Whether there are more tasks than are printed.")


class Imported(Model):
    """A task that was imported."""

    id: int | None = field("The id that it got; null: it would be new, in a dry run.")
    old_id: int | None = field("The id that its line gave.")
    title: str = field("The title.")
    created: bool = field("False if a task with the same key was there before.")


class TaskImportDocument(Document):
    """The tasks that were imported."""

    tasks: list[Imported] = field("The tasks, in the order of the lines.")
    created: int = field("The number of tasks that are new.")
    dry_run: bool = field("Whether nothing was stored.")


class TaskLine(Model):
    """A task in a file, as task export prints it and task import reads it."""

    id: int = field("The id, by which other lines refer to it.")
    title: str = field("The title.")
    description: str = field("What is to be done.")
    state: State = field("The state; what had been claimed is open after an import.")
    to: str | None = field("The name of the only agent that may claim it.")
    role: str | None = field("The role of the agents that may claim it.")
    needs: list[int] = field("The ids of the tasks that must be done first.")
    parent: int | None = field("The id of its parent task.")
    priority: int = field("0 is the most urgent, 9 the least.")
    key: str | None = field("The key that makes adding safe to repeat.")
    review: list[str] = field("The roles that must approve it.")
    due_at: Time | None = field("When it should be done.")
    notify: str | None = field("The address that gets mail when it ends.")
    outcome: str | None = field("The result, or the reason of a task that failed or was cancelled.")


class TaskInput(Model):
    """A line of task import. A field that is null counts as not there."""

    id: int | None = field("The id, by which other lines refer to it; the task gets a new one.", default=None)
    title: str = field("The title.", min_length=1)
    description: str | None = field("What is to be done.", default=None)
    state: State | None = field("The state; what had been claimed is open after the import.", default=None)
    to: str | None = field("The name of the only agent that may claim it.", default=None)
    role: str | None = field("The role of the agents that may claim it.", default=None)
    needs: list[int] | None = field("The ids of the tasks that must be done first; each is in the file.", default=None)
    parent: int | None = field("The id of the task that it is a subtask of; it is in the file.", default=None)
    priority: int | None = field("0 is the most urgent, 9 the least; the default is 5.", default=None)
    key: str | None = field("The key that makes adding safe to repeat.", default=None)
    review: list[str] | None = field("The roles that must approve it.", default=None)
    due_at: str | None = field("When it should be done, such as 2026-03-01T12:00:00Z.", default=None)
    notify: str | None = field("The address that gets mail when it ends.", default=None)
    outcome: str | None = field("The result, or the reason of a task that failed or was cancelled.", default=None)


class TaskExportDocument(Document):
    """The tasks of a team as lines of a file."""

    tasks: list[TaskLine] = field("The tasks.")
