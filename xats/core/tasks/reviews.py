"""Reviews: tasks that each of the named roles must approve before they are done, and never their owner.

A submission has a number, and an approval is for one submission: a new submission voids earlier approvals.
"""

from __future__ import annotations

from xats.base.errors import Refused, UnknownMessage
from xats.base.record import from_row, record
from xats.core.address import check_name
from xats.core.mail import recipients, sending
from xats.core.mail.sending import Draft
from xats.core.tasks import claims, dependencies, endings, notify, tasks
from xats.core.tasks.errors import InvalidTask, NotInReview, NotReviewer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

ROLES = "select role from task_reviewers where task_id = :id order by role"
APPROVALS = """
select r.role, g.name, g.team, p.at from task_reviewers r
left join task_approvals p on p.task_id = r.task_id and p.role = r.role and p.submission = :submission
left join agents g on g.id = p.agent_id
where r.task_id = :id order by r.role
"""
APPROVE = """
insert into task_approvals (task_id, submission, role, agent_id, at) values (:id, :submission, :role, :me, :now)
on conflict (task_id, submission, role) do nothing
"""


@record
class Approval:
    """A role that must approve, and the agent that approved the last submission for it."""

    role: str
    agent: str | None  #: name@team
    at: int | None


def roles(tx: Tx, task_id: int) -> list[str]:
    """Return the roles that must approve task `task_id`."""
    return [row["role"] for row in tx.all(ROLES, id=task_id)]


def approvals(tx: Tx, task: Task) -> list[Approval]:
    """Return the approvals of the last submission of `task`, given and missing."""
    return [
        from_row(Approval, row, agent=f"{row['name']}@{row['team']}" if row["name"] else None)
        for row in tx.all(APPROVALS, id=task.id, submission=task.submission)
    ]


def submit(
    tx: Tx,
    me: Agent,
    evidence: str,
    task_id: int,
    result: str | None,
    claim_number: int | None = None,
    *,
    force: bool = False,
) -> tuple[Task, list[str]]:
    """Submit task `task_id` for review; return it, and the roles without an agent that could approve it.

    Raises as `claims.own`, InvalidTask if no role must approve it, and TaskBlocked if a task that it needs was
    reopened, unless `force`.
    """
    if result is not None:
        result = tasks.check_long(result, "result")
    task = claims.own(tx, me, task_id, claim_number, states=("claimed", "review"))
    wanted = roles(tx, task.id)
    if not wanted:
        msg = f"Task {task.id} needs no approval. Nothing was changed."
        raise InvalidTask(msg, f"xats task done {task.id}", id=task.id)
    if not force:
        dependencies.refuse_reopened(tx, task, "submit")
    notify.no_review(tx, task)
    now = tasks.update(
        tx, task, state="review", lease_until=None, submission=task.submission + 1, result=result, offer_at=None
    )
    tasks.log(tx, now, "submitted", me, result, submission=now.submission, roles=wanted)
    asked = {role: notify.ask_for_review(tx, me, evidence, now, role, result) for role in wanted}
    return now, [role for role, count in asked.items() if not count]


def _in_review(tx: Tx, me: Agent, task_id: int) -> tuple[Task, str]:
    """Return task `task_id` and the role in which `me` reviews it.

    Raises UnknownTask, TaskEnded, NotInReview or NotReviewer.
    """
    task = tasks.find(tx, me.team, task_id)
    tasks.refuse_ended(task)
    if task.state != "review":
        msg = f"Task {task.id} has not been submitted: it is {task.state}."
        raise NotInReview(msg, f"xats task show {task.id}", id=task.id, state=task.state)
    if task.owner_id == me.id:
        msg = f"Task {task.id} is your own work; another agent must review it."
        raise NotReviewer(msg, f"xats task show {task.id}", id=task.id)
    wanted = roles(tx, task.id)
    if me.role not in wanted:
        mine = f"your role is {me.role}" if me.role else "you have no role"
        msg = f"Only {', '.join(wanted)} can review task {task.id}; {mine}."
        raise NotReviewer(msg, f"xats agents --role {wanted[0]}", id=task.id, roles=wanted, role=me.role)
    assert me.role
    return task, me.role


def approve(tx: Tx, me: Agent, task_id: int, *, force: bool = False) -> tuple[Task, bool]:
    """Approve the last submission of task `task_id` for the role of `me`; the last approval ends it as done.

    Returns it, and False if that role had approved it before. Raises UnknownTask, TaskEnded, NotInReview,
    NotReviewer, or TaskBlocked when a task that it needs was reopened, unless `force`.
    """
    task, role = _in_review(tx, me, task_id)
    if not force:
        dependencies.refuse_reopened(tx, task, "approve")
    if not tx.run(APPROVE, id=task.id, submission=task.submission, role=role, me=me.id, now=tx.now):
        return task, False
    notify.reviewed(tx, task, me, role)
    missing = _missing(tx, task)
    tasks.log(tx, task, "approved", me, f"for {role}", role=role, submission=task.submission, missing=missing)
    if missing:
        return task, True
    return _approved(tx, task, me, f"{me.name} was the last to approve"), True


def _missing(tx: Tx, task: Task) -> list[str]:
    """Return the roles that have not approved the last submission of `task`."""
    return [one.role for one in approvals(tx, task) if one.agent is None]


def _approved(tx: Tx, task: Task, by: Agent, why: str) -> Task:
    """End `task` as done, because of `why`, and send mail to its owner; return it."""
    owner = notify.agent_of(tx, task.owner_id)
    now = endings.end(tx, task, "done", by, _result(tx, task))
    notify.tell(
        tx,
        owner if owner and owner.id != by.id and not notify.is_notified(tx, now, owner) else None,
        f"task #{task.id} is approved and done: {task.title}",
        f"Task #{task.id} is approved and done; {why}: {task.title}",
    )
    return now


def _result(tx: Tx, task: Task) -> str | None:
    row = tx.one("select result from tasks where id = :id", id=task.id)
    return row["result"] if row else None


# -- the reviewers -----------------------------------------------------------------------------------------------------

ADD = "insert into task_reviewers (task_id, role) values (:id, :role) on conflict (task_id, role) do nothing"
REMOVE = "delete from task_reviewers where task_id = :id and role = :role"
VOID = "delete from task_approvals where task_id = :id and role = :role"


def change(tx: Tx, me: Agent, task: Task, more: Sequence[str], fewer: Sequence[str]) -> Task:
    """Add the roles `more` to the reviewers of the live `task`, and remove the roles `fewer`; return it.

    If the task is submitted, xats asks added roles at once, and earlier approvals stay valid. If no approval is missing
    any more, the task is done. Its owner gets mail about changes by others.
    Raises InvalidTask, InvalidName, TaskBlocked if a task that it needs was reopened, and Refused if the owner removes
    a reviewer of a task that it did not add.
    """
    added = list(dict.fromkeys(check_name(role, "role").lower() for role in more))
    removed = list(dict.fromkeys(check_name(role, "role").lower() for role in fewer))
    if both := sorted({*added} & {*removed}):
        msg = f"--review and --no-review both name {both[0]}. Nothing was changed."
        raise InvalidTask(msg, "give one of them", id=task.id)
    if removed and me.id == task.owner_id and me.id != task.creator_id and me.client != "human":
        whose = task.creator.partition("@")[0]
        msg = f"Task {task.id} is your own work, so only {whose}, who added it, or a person may remove a reviewer."
        raise Refused(msg, f"xats send {whose} 'does task {task.id} need the review?'", id=task.id)
    added = [role for role in added if tx.run(ADD, id=task.id, role=role)]
    for role in removed:
        tx.run(VOID, id=task.id, role=role)
        if not tx.run(REMOVE, id=task.id, role=role):
            msg = f"Task {task.id} does not need the approval of {role}. Nothing was changed."
            raise InvalidTask(msg, f"xats task show {task.id}", id=task.id)
    if not added and not removed:
        return task
    text = ", ".join((*(f"+{role}" for role in added), *(f"-{role}" for role in removed)))
    tasks.log(tx, task, "edited", me, f"review: {text}", changed=["review"], added=added, removed=removed)
    if task.owner_id not in (None, me.id):
        notify.tell(
            tx,
            notify.agent_of(tx, task.owner_id),
            f"the reviewers of task #{task.id} have changed: {task.title}",
            f"{me.name} has changed the reviewers of task #{task.id}, which you have claimed: {task.title}",
            f"These roles must approve it now: {', '.join(roles(tx, task.id)) or 'none'}.",
        )
    return _ask_others(tx, me, task, added, removed) if task.state == "review" else task


def _ask_others(tx: Tx, me: Agent, task: Task, added: Sequence[str], removed: Sequence[str]) -> Task:
    """Ask the roles `added` to review the submitted `task`, and withdraw the requests to `removed`; return it."""
    for role in removed:
        notify.no_review(tx, task, role)
    owner, result = notify.agent_of(tx, task.owner_id), _result(tx, task)
    assert owner
    for role in added:
        notify.ask_for_review(tx, owner, "process", task, role, result)
    if _missing(tx, task):
        return task
    dependencies.refuse_reopened(tx, task, "approve")
    return _approved(tx, task, me, f"{me.name} removed the last approval that was missing")


QUESTION = """
select m.message_id from task_mail m join deliveries d on d.message_id = m.message_id
where m.task_id = :task and m.about = 'review' and d.agent_id = :me
order by m.message_id desc limit 1
"""


def feedback(tx: Tx, me: Agent, evidence: str, task_id: int, text: str) -> Task:
    """Send task `task_id` back to its owner with the feedback `text`; return it. Its claim starts again.

    Raises UnknownTask, TaskEnded, NotInReview, NotReviewer, InvalidTask.
    """
    text = tasks.check_long(text, "feedback")
    if not text.strip():
        msg = "The feedback is empty. Nothing was changed."
        raise InvalidTask(msg, "say what is missing")
    task, role = _in_review(tx, me, task_id)
    owner = notify.agent_of(tx, task.owner_id)
    assert owner and task.lease_ms
    now = tasks.update(tx, task, state="claimed", lease_until=tx.now + task.lease_ms, result=None)
    tasks.log(tx, now, "feedback", me, text, role=role, submission=task.submission, to=owner.address)
    subject = f"task #{task.id} needs more work: {task.title}"[: sending.LARGEST_SUBJECT]
    again = f"Submit it again: xats task submit {task.id}"
    draft = Draft(owner.address, f"{text.rstrip()}\n\n{again}", subject, "feedback", need_reply=False)
    question = tx.one(QUESTION, task=task.id, me=me.id)
    if not owner.registered:
        notify.no_review(tx, task)
        return now
    try:
        if question is None:
            raise UnknownMessage
        sending.reply(tx, me, evidence, question["message_id"], draft)
    except UnknownMessage:
        sending.post(tx, me, evidence, draft, [recipients.recipient_of(owner)])
    notify.reviewed(tx, task, me, role)
    notify.no_review(tx, task)
    return now
