"""Mail about tasks: one is ready, needs approval, has lost its claim, or has ended.

The mail comes from xats itself and needs no reply, except the request of an owner for a review. xats withdraws unread
mail about a ready task or a review as soon as it is obsolete.
"""

from __future__ import annotations

from xats.base.errors import UnknownRecipient
from xats.core.address import parse_list
from xats.core.agents import agents
from xats.core.mail import from_xats, inbox, recipients, sending
from xats.core.mail.sending import Draft
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.mail.recipients import Recipient
    from xats.core.states import TaskMail
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

KEEP = "insert into task_mail (task_id, message_id, about, role) values (:task, :message, :about, :role)"
OUT = """
select message_id from task_mail where task_id = :task and about = :about and (:role is null or role = :role)
"""
FORGET = "delete from task_mail where task_id = :task and message_id = :message"
SHOWN = 20  # tasks that one piece of mail names


def tell(tx: Tx, to: Agent | None, subject: str, *lines: str, team: str = "") -> int | None:
    """Send `lines` from xats to `to`, if `to` is registered; return the id of the message."""
    if to is None or not to.registered:
        return None
    return post(tx, team or to.team, to.address, [recipients.recipient_of(to)], subject, lines)


def post(tx: Tx, team: str, address: str, recipients: Sequence[Recipient], subject: str, lines: Iterable[str]) -> int:
    """Send `lines` from xats to `recipients`; return the id. `address` is the displayed address."""
    return from_xats.post(tx, team, address, recipients, "task", subject, lines)


def agent_of(tx: Tx, agent_id: int | None) -> Agent | None:
    """Return the agent with that id, or None for None."""
    return None if agent_id is None else agents.by_id(tx, agent_id)


# -- a task that a claimed task needs ----------------------------------------------------------------------------------


def not_done(tx: Tx, task: Task, needed: Task, by: Agent, reason: str | None) -> None:
    """Tell the owner of `task` that `by` has reopened `needed`, which `task` needs."""
    tell(
        tx,
        agent_of(tx, task.owner_id),
        f"task #{needed.id} was reopened, and your task #{task.id} needs it: {needed.title}",
        f"{by.name} has reopened task #{needed.id}: {needed.title}",
        *([f"Why: {reason}"] if reason else []),
        f"Your task #{task.id} needs it, and may depend on a result that will change: {task.title}",
        f"See: xats task show {needed.id}",
    )


def done_again(tx: Tx, task: Task, needed: Task) -> None:
    """Tell the owner of the claimed or submitted `task` that all tasks it needs are done again; `needed` was the last.

    The owner gets no mail if it did `needed` itself.
    """
    if task.owner_id != needed.owner_id:
        tell(
            tx,
            agent_of(tx, task.owner_id),
            f"task #{needed.id} is done again, and your task #{task.id} needs it: {needed.title}",
            f"Task #{needed.id} is done again: {needed.title}",
            f"Your task #{task.id} needs nothing else: {task.title}",
            f"See its result: xats task show {needed.id}",
        )


# -- reviews -----------------------------------------------------------------------------------------------------------


def ask_for_review(tx: Tx, owner: Agent, evidence: str, task: Task, role: str, result: str | None) -> int:
    """Ask the agents with `role`, except the owner, to approve; return how many they are."""
    whom = [one for one in recipients.with_role(tx, task.team, role) if one.id != owner.id]
    if not whom:
        return 0
    lines = [f"Task #{task.id} is done and waits for your approval: {task.title}"]
    if result:
        lines += ["", result[:LONGEST_QUOTE] + ("\n[...]" if len(result) > LONGEST_QUOTE else ""), ""]
    lines += [f"All of it: xats task show {task.id}", f"Approve it: xats task approve {task.id}"]
    lines.append(f"Or send it back: xats task feedback {task.id} 'what is missing'")
    subject = f"review task #{task.id}: {task.title}"[: sending.LARGEST_SUBJECT]
    draft = Draft(f"role:{role}", "\n".join(lines), subject, "review", need_reply=True)
    message = sending.post(tx, owner, evidence, draft, whom).message.id
    tx.run(KEEP, task=task.id, message=message, about="review", role=role)
    return len(whom)


LONGEST_QUOTE = 4000  # characters of a result that a reviewer's mail shows


def reviewed(tx: Tx, task: Task, by: Agent, role: str) -> None:
    """Record that `by` has answered for `role`, and withdraw the request from the other agents."""
    for row in tx.all(OUT, task=task.id, about="review", role=role):
        tx.run(sending.REPLIED, agent=by.id, message=row["message_id"], now=tx.now)
    take_back(tx, task, "review", role, 0)
    wakes.close_if_read(tx, by.id)


def no_review(tx: Tx, task: Task, role: str | None = None) -> None:
    """Withdraw the review requests of `task`, or only those to `role`."""
    take_back(tx, task, "review", role, 0)


def take_back(tx: Tx, task: Task, about: TaskMail, role: str | None, keep: int) -> None:
    """Withdraw the unread mail `about` this of `task`, except from the agent `keep`, which has read it."""
    for row in tx.all(OUT, task=task.id, about=about, role=role):
        message = row["message_id"]
        inbox.withdraw(tx, message, keep)
        if keep:
            inbox.mark_read(tx, agents.by_id(tx, keep), [message])
        tx.run(FORGET, task=task.id, message=message)


# -- the end -----------------------------------------------------------------------------------------------------------


def _notified(tx: Tx, task: Task) -> tuple[dict[int, Recipient], list[str]]:
    """Return the agents that `task.notify` means, and the addresses in it that match no agent."""
    sender = agents.system(tx, task.team)
    whom: dict[int, Recipient] = {}
    unheard = []
    for address in parse_list(task.notify) if task.notify is not None else ():
        try:  # each by itself: one unknown address must not silence the others
            whom.update((one.id, one) for one in recipients.resolve(tx, sender, [address]))
        except UnknownRecipient:
            unheard.append(str(address))
    return whom, unheard


def is_notified(tx: Tx, task: Task, agent: Agent | None) -> bool:
    """Tell whether `agent` gets mail about the end of `task` by `task.notify`."""
    return agent is not None and task.notify is not None and agent.id in _notified(tx, task)[0]


def ended(tx: Tx, task: Task, by: Agent, text: str | None, but: Collection[int] = ()) -> None:
    """Send mail about the end of `task`, with its result or reason, to `task.notify`.

    The agents with the ids `but` already got mail about it.
    """
    if task.notify is None:
        return
    whom, unheard = _notified(tx, task)
    for address in unheard:
        tx.event("task_notify_failed", task.team, by.name, f"task:{task.id}", address=address)
    for one in but:
        whom.pop(one, None)
    if task.state == "cancelled":
        whom.pop(by.id, None)  # it cancelled the task itself
    if not whom:
        return
    what = {"done": "is done", "failed": "has failed", "cancelled": "was cancelled"}[task.state]
    lines = [f"Task #{task.id} {what} ({by.name}): {task.title}"]
    if text:
        lines += ["", text[:LONGEST_QUOTE] + ("\n[...]" if len(text) > LONGEST_QUOTE else ""), ""]
    lines.append(f"More: xats task show {task.id}")
    post(tx, task.team, task.notify, [*whom.values()], f"task #{task.id} {what}: {task.title}", lines)
