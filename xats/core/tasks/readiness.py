"""Readiness: mail to the agents that can start a task, and its withdrawal when the task is no longer ready."""

from __future__ import annotations

from xats.core.agents import agents
from xats.core.mail import recipients
from xats.core.tasks import notify, offers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.mail.recipients import Recipient
    from xats.core.tasks.tasks import Task
    from xats.store import Tx


def starters(tx: Tx, task: Task, but: int | None = None) -> tuple[str, list[Recipient]]:
    """Return the address and the agents that can start `task`: its assignee, else its role; without the agent `but`."""
    if task.assignee_id is not None:
        assignee = agents.by_id(tx, task.assignee_id)
        found, address = [recipients.recipient_of(assignee)] if assignee.registered else [], assignee.address
    elif task.role is not None:
        found, address = recipients.with_role(tx, task.team, task.role), f"role:{task.role}"
    else:
        found, address = [], ""
    return address, [one for one in found if one.id != but]


def ready(tx: Tx, task: Task, why: str, but: int | None = None) -> None:
    """Send mail to the agents that can start `task`, because of `why`, except the agent `but`."""
    if task.pool:
        offers.begin(tx, task)
        return
    address, whom = starters(tx, task, but)
    if whom:
        _ready(tx, task, why, address, whom)


def _ready(tx: Tx, task: Task, why: str, address: str, whom: Sequence[Recipient]) -> None:
    lines = (f"Task #{task.id} {why}: {task.title}", f"Take it: xats task claim {task.id}")
    message = notify.post(tx, task.team, address, whom, f"task #{task.id} is ready: {task.title}", lines)
    tx.run(notify.KEEP, task=task.id, message=message, about="ready", role=None)


def ready_all(tx: Tx, tasks: Sequence[Task], but: int | None = None) -> None:
    """Send one message to each agent that can start some of `tasks`, which were added together."""
    whose: dict[int, tuple[Recipient, list[Task]]] = {}
    for task in tasks:
        for one in starters(tx, task, but)[1]:
            whose.setdefault(one.id, (one, []))[1].append(task)
    for recipient, found in whose.values():
        if len(found) == 1:
            _ready(tx, found[0], "is ready", recipient.address, [recipient])
            continue
        lines = ["These tasks are ready:", *(f"  #{task.id} {task.title}" for task in found[: notify.SHOWN])]
        if len(found) > notify.SHOWN:
            lines.append(f"  and {len(found) - notify.SHOWN} more: xats task list --ready")
        lines.append("Take the first: xats task claim --next")
        notify.post(tx, found[0].team, recipient.address, [recipient], f"{len(found)} tasks are ready", lines)


def not_ready(tx: Tx, task: Task, keep: int = 0) -> None:
    """Withdraw the mail that `task` can be started. The agent `keep` has claimed it, so its copy counts as read."""
    if task.pool:
        offers.withdrawn(tx, task)
    notify.take_back(tx, task, "ready", None, keep)
