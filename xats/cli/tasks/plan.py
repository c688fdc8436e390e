"""The verbs that plan tasks: add, edit, cancel, reopen."""

from __future__ import annotations

from xats.base import durations
from xats.base.errors import Usage
from xats.cli.kit import render
from xats.cli.tasks import text
from xats.core.mail import recipients
from xats.core.tasks import endings, planning, tasks, views
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.views import Listed
    from xats.store import Tx


def add(
    here: Context,
    title: params.TitleArg,
    *,
    description: params.DescriptionOption = None,
    file: params.FileOption = None,
    to: params.AssigneeOption = None,
    role: params.TaskRoleOption = None,
    dep: params.DependencyOption = None,
    parent: params.ParentOption = None,
    priority: params.PriorityOption = None,
    key: params.TaskKeyOption = None,
    review: params.ReviewOption = None,
    due: params.DueOption = None,
    notify: params.NotifyOption = None,
) -> int:
    """Add a task: for anybody in the team, for an agent, or for a role.

    The agent or the role gets mail as soon as the task can be started. With --dep the task waits until other tasks are
    done. With --review it is done only when every named role has approved it.

    Example: xats task add 'Write the parser' --role backend --review qa

    Example: xats task add 'Release 1.0' --dep 3 --dep 4 --to alice --due 2d
    """
    new = planning.New(
        title=title,
        description=text.read_text(here, description, file, "description") or "",
        to=to,
        role=role,
        needs=tuple(dep or ()),
        parent_id=parent,
        priority=tasks.PRIORITY if priority is None else priority,
        key=key,
        review=tuple(review or ()),
        due_at=here.store.clock() + durations.parse(due) if due is not None else None,
        notify=notify,
    )

    def work(tx: Tx, me: Me) -> tuple[Listed, bool, str, tuple[str, ...]]:
        task, created = planning.add(tx, me.agent, new)
        return views.listed(tx, task), created, role_warning(tx, task), teams.notices(tx, task.team)

    text.settle(here)
    found, created, warning, pending = here.write(work)
    here.rouse_daemon()
    if here.json:
        render.document({"task": text.task_json(found), "created": created})
    elif here.quiet:
        render.put(str(found.task.id))
    else:
        state = text.standing(found, found.task.team, here.store.clock())
        what = "added" if created else "was added before with that key; nothing new was stored"
        render.put(f"#{found.task.id} {what}: {render.one_line(found.task.title)} ({state})")
        if warning and created:
            render.say(f"  {warning}")
        if pending:
            from xats.cli.teams import membership

            membership.tell(here, found.task.team, pending)
    return 0


def role_warning(tx: Tx, task: Task) -> str:
    """Return a sentence that no agent has the role of `task`, "" if one has it."""
    if task.role is not None and not recipients.with_role(tx, task.team, task.role):
        return f"no agent has the role {task.role} yet: xats register NAME --role {task.role}"
    return ""


def edit(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    title: params.NewTitleOption = None,
    description: params.DescriptionOption = None,
    file: params.FileOption = None,
    to: params.AssigneeOption = None,
    role: params.TaskRoleOption = None,
    anybody: params.AnybodyOption = False,
    dep: params.DependencyOption = None,
    no_dep: params.NoDependencyOption = None,
    parent: params.ParentOption = None,
    no_parent: params.NoParentOption = False,
    priority: params.PriorityOption = None,
    review: params.ReviewOption = None,
    no_review: params.NoReviewOption = None,
    due: params.EditDueOption = None,
    notify: params.EditNotifyOption = None,
) -> int:
    """Change a task: its assignee, dependencies, priority and more.

    The agent that added it, its owner and any person may change it. Its assignee and its dependencies can change while
    it is open.

    The roles that must approve it can change until it ends. A role that you add to a submitted task is asked at once. A
    submitted task is done if no approval is missing after you remove a role. An owner who did not add the task cannot
    remove a role.

    Example: xats task edit 7 --priority 1 --to bob

    Example: xats task edit 7 --no-dep 3

    Example: xats task edit 7 --review qa --no-review security
    """
    if parent is not None and no_parent:
        msg = "--parent and --no-parent exclude each other."
        raise Usage(msg, "give one of them")
    cleared = (("parent_id", no_parent), ("due_at", due == "none"), ("notify", notify == "none"))
    change = planning.Edit(
        title=title,
        description=text.read_text(here, description, file, "description"),
        to=to,
        role=role,
        anybody=anybody,
        needs=tuple(dep or ()),
        no_needs=tuple(no_dep or ()),
        parent_id=parent,
        priority=priority,
        due_at=here.store.clock() + durations.parse(due) if due is not None and due != "none" else None,
        notify=notify if notify != "none" else None,
        clear=tuple(name for name, wanted in cleared if wanted),
        review=tuple(review or ()),
        no_review=tuple(no_review or ()),
    )
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, planning.edit(tx, me.agent, task_id=task_id, change=change)),
    )
    return text.report(here, found, "changed")


def cancel(here: Context, task_id: params.TaskIdArg, *, reason: params.TaskReasonOption = None) -> int:
    """Cancel a task.

    The agent that added it, its owner and any person may cancel it. xats tells the owner, and the agents that added the
    tasks that wait for it.

    Example: xats task cancel 7 --reason 'the customer has left'
    """
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, endings.cancel(tx, me.agent, task_id=task_id, reason=reason)),
    )
    return text.report(here, found, "cancelled")


def reopen(here: Context, task_id: params.TaskIdArg, *, reason: params.TaskReasonOption = None) -> int:
    """Reopen a task that has ended.

    The tasks that need it wait for it again. Its result stays in its history.

    Example: xats task reopen 7 --reason 'it crashes on empty files'
    """
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, endings.reopen(tx, me.agent, task_id=task_id, reason=reason)),
    )
    return text.report(here, found, "reopened")
