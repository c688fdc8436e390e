"""The mail that tasks send: who can start, who is to approve, whose claim is over, who is gone, what has ended.

It comes from xats itself and needs no reply, but for what an owner asks of reviewers. Mail that says that one task is
ready, or asks for a review, is taken back while it is unread as soon as it means nothing any more.
"""

from __future__ import annotations

from xats.core import agents, inbox, messages, wakes
from xats.core.address import parse_list
from xats.core.messages import Draft
from xats.durations import rough
from xats.errors import UnknownRecipient

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.agents import Agent
    from xats.core.messages import Recipient
    from xats.core.tasks import Task
    from xats.store import Row, Tx

KEEP = "insert into task_mail (task_id, message_id, about, role) values (:task, :message, :about, :role)"
OUT = """
select message_id from task_mail where task_id = :task and about = :about and (:role is null or role = :role)
"""
FORGET = "delete from task_mail where task_id = :task and message_id = :message"
SHOWN = 20  # tasks that one piece of mail names


def tell(tx: Tx, to: Agent | None, subject: str, *lines: str, team: str = "") -> int | None:
    """Send `lines` to `to` in the name of xats, if it is there; return the id of the message."""
    if to is None or not to.registered:
        return None
    return _post(tx, team or to.team, to.address, [messages.recipient_of(to)], subject, lines)


def _post(tx: Tx, team: str, address: str, recipients: Sequence[Recipient], subject: str, lines: Iterable[str]) -> int:
    draft = Draft(address, "\n".join(lines), subject[: messages.LARGEST_SUBJECT], "task", need_reply=False)
    return messages.post(tx, agents.system(tx, team), "process", draft, recipients).message.id


def agent_of(tx: Tx, agent_id: int | None) -> Agent | None:
    """Return the agent with that id, or None for None."""
    return None if agent_id is None else agents.by_id(tx, agent_id)


def members(tx: Tx, team: str, role: str) -> list[Recipient]:
    """Return everybody in `team` who has `role`."""
    return messages.everybody(tx, "role", team, role)


# -- a task can be started ---------------------------------------------------------------------------------------------


def starters(tx: Tx, task: Task, but: int | None = None) -> tuple[str, list[Recipient]]:
    """Return the address and the agents that are told when `task` can be started: its assignee, else its role.

    The agent `but` is left out.
    """
    if task.assignee_id is not None:
        found = agents.by_id(tx, task.assignee_id)
        everybody = [messages.recipient_of(found)] if found.registered else []
        address = found.address
    elif task.role is not None:
        everybody, address = members(tx, task.team, task.role), f"role:{task.role}"
    else:
        everybody, address = [], ""
    return address, [one for one in everybody if one.id != but]


def ready(tx: Tx, task: Task, why: str, but: int | None = None) -> None:
    """Tell who can start `task`, because of `why`; not the agent `but`."""
    if task.pool:
        from xats.core import pools

        pools.begin(tx, task)
        return
    address, whom = starters(tx, task, but)
    if whom:
        _ready(tx, task, why, address, whom)


def _ready(tx: Tx, task: Task, why: str, address: str, whom: Sequence[Recipient]) -> None:
    lines = (f"Task #{task.id} {why}: {task.title}", f"Take it: xats task claim {task.id}")
    message = _post(tx, task.team, address, whom, f"task #{task.id} is ready: {task.title}", lines)
    tx.run(KEEP, task=task.id, message=message, about="ready", role=None)


def ready_all(tx: Tx, tasks: Sequence[Task], but: int | None = None) -> None:
    """Tell who can start `tasks`, which were added at once: everybody once for all of his."""
    whose: dict[int, tuple[Recipient, list[Task]]] = {}
    for task in tasks:
        for one in starters(tx, task, but)[1]:
            whose.setdefault(one.id, (one, []))[1].append(task)
    for recipient, found in whose.values():
        if len(found) == 1:
            _ready(tx, found[0], "is ready", recipient.address, [recipient])
            continue
        lines = ["These tasks are ready:", *(f"  #{task.id} {task.title}" for task in found[:SHOWN])]
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more: xats task list --ready")
        lines.append("Take the first: xats task claim --next")
        _post(tx, found[0].team, recipient.address, [recipient], f"{len(found)} tasks are ready", lines)


def not_ready(tx: Tx, task: Task, keep: int = 0) -> None:
    """Take back the mail that says that `task` can be started; the agent `keep`, who has claimed it, has seen it."""
    if task.pool:
        from xats.core import pools

        pools.withdrawn(tx, task)
    _take_back(tx, task, "ready", None, keep)


# -- what a claimed task needs changes ---------------------------------------------------------------------------------


def not_done(tx: Tx, task: Task, needed: Task, by: Agent, reason: str | None) -> None:
    """Tell the owner of `task`, which needs `needed`, that `by` has reopened that."""
    tell(
        tx,
        agent_of(tx, task.owner_id),
        f"task #{needed.id} was reopened, and your task #{task.id} needs it: {needed.title}",
        f"{by.name} has reopened task #{needed.id}: {needed.title}",
        *([f"Why: {reason}"] if reason else []),
        f"Your task #{task.id} needs it, and may build on what is being done anew: {task.title}",
        f"Look: xats task show {needed.id}",
    )


def done_again(tx: Tx, task: Task, needed: Task) -> None:
    """Tell the owner of `task`, which is claimed or in review, that all that it needs is done again; `needed` was last.

    The owner is not told what it did itself.
    """
    if task.owner_id != needed.owner_id:
        tell(
            tx,
            agent_of(tx, task.owner_id),
            f"task #{needed.id} is done again, and your task #{task.id} needs it: {needed.title}",
            f"Task #{needed.id} is done again: {needed.title}",
            f"Your task #{task.id} needs nothing else: {task.title}",
            f"What came of it: xats task show {needed.id}",
        )


# -- an owner is gone --------------------------------------------------------------------------------------------------


def owner_gone(tx: Tx, owner: Agent, claimed: Sequence[Task], why: str, grace: int) -> None:
    """Tell the agents that added the tasks `claimed` that `owner` is gone, because of `why`.

    In `grace` ms these tasks are open again.
    """
    for creator, found in _by_creator(tx, claimed, owner):
        them, then = ("it", "it is") if len(found) == 1 else ("them", "they are")
        alone = [task.id for task in found if task.assignee_id is not None]
        others = [task.id for task in found if task.assignee_id is None]
        lines = [f"{owner.name} is gone: {why}. It has claimed what you added:", *_lines(found)]
        lines.append(
            f"{owner.name} keeps {them} if it starts again within {rough(grace)}. After that {then} open again."
        )
        if others:
            lines.append(f"Another agent can claim #{others[0]} now: xats task claim {others[0]}")
        if alone:
            lines.append(
                f"#{alone[0]} is for {owner.name} alone. To give it to another agent: xats task release {alone[0]}; "
                f"xats task edit {alone[0]} --to NAME"
            )
        tell(tx, creator, f"{owner.name} is gone, and has claimed {_named(found)}", *lines)


def owner_left(tx: Tx, owner: Agent, claimed: Sequence[Task], by: Agent | None) -> None:
    """Tell the agents that added the tasks `claimed`, but not `by`, that `owner` was unregistered."""
    for creator, found in _by_creator(tx, claimed, owner):
        if by is None or creator.id != by.id:
            tell(
                tx,
                creator,
                f"{owner.name} has left, and had claimed {_named(found)}",
                f"{owner.name} was unregistered. What you added and it had claimed is open again:",
                *_lines(found),
            )


ASSIGNED = "select id, title, created_by from tasks where assignee_id = :id and state = 'open' order by id"


def assignee_removed(tx: Tx, agent: Agent, by: Agent) -> None:
    """Tell the agents that added open tasks for `agent` alone, but not `by`, that it was removed."""
    whose: dict[int, list[Row]] = {}
    for row in tx.all(ASSIGNED, id=agent.id):
        if row["created_by"] not in (agent.id, by.id):
            whose.setdefault(row["created_by"], []).append(row)
    for creator_id, found in whose.items():
        first = found[0]["id"]
        named = f"task #{first}" if len(found) == 1 else f"{len(found)} tasks"
        lines = [f"{agent.name} was removed from the team. These open tasks are for {agent.name} alone:"]
        lines += [f"  #{row['id']} {row['title']}" for row in found[:SHOWN]]
        if len(found) > SHOWN:
            lines.append(f"  and {len(found) - SHOWN} more: xats task list")
        lines.append(f"Give it to another agent: xats task edit {first} --to NAME")
        tell(tx, agents.by_id(tx, creator_id), f"{agent.name} was removed, and {named} waited for it", *lines)


def _by_creator(tx: Tx, found: Iterable[Task], owner: Agent) -> list[tuple[Agent, list[Task]]]:
    """Return the tasks in `found` by the agent that added them, without those of `owner` itself."""
    whose: dict[int, list[Task]] = {}
    for task in found:
        if task.creator_id != owner.id:
            whose.setdefault(task.creator_id, []).append(task)
    return [(agents.by_id(tx, creator_id), theirs) for creator_id, theirs in whose.items()]


def _named(found: Sequence[Task]) -> str:
    return f"task #{found[0].id}: {found[0].title}" if len(found) == 1 else f"{len(found)} tasks"


def _lines(found: Sequence[Task]) -> list[str]:
    more = [f"  and {len(found) - SHOWN} more: xats task list"] if len(found) > SHOWN else []
    return [f"  #{task.id} {task.title}" for task in found[:SHOWN]] + more


# -- reviews -----------------------------------------------------------------------------------------------------------


def ask_for_review(tx: Tx, owner: Agent, evidence: str, task: Task, role: str, result: str | None) -> int:
    """Ask everybody with `role` but the owner to approve; return how many that is."""
    whom = [one for one in members(tx, task.team, role) if one.id != owner.id]
    if not whom:
        return 0
    lines = [f"Task #{task.id} is done and waits for your approval: {task.title}"]
    if result:
        lines += ["", result[:LONGEST_QUOTE] + ("\n[...]" if len(result) > LONGEST_QUOTE else ""), ""]
    lines += [f"All of it: xats task show {task.id}", f"Approve it: xats task approve {task.id}"]
    lines.append(f"Or send it back: xats task feedback {task.id} 'what is missing'")
    subject = f"review task #{task.id}: {task.title}"[: messages.LARGEST_SUBJECT]
    draft = Draft(f"role:{role}", "\n".join(lines), subject, "review", need_reply=True)
    message = messages.post(tx, owner, evidence, draft, whom).message.id
    tx.run(KEEP, task=task.id, message=message, about="review", role=role)
    return len(whom)


LONGEST_QUOTE = 4000  # characters of a result that a reviewer's mail shows
ANSWERED = """
update deliveries set state = 'replied', replied_at = :now, read_at = coalesce(read_at, :now), claim = null,
    claim_until = null
where agent_id = :me and message_id = :message and state <> 'replied'
"""


def reviewed(tx: Tx, task: Task, by: Agent, role: str) -> None:
    """Note that `by` has answered for `role`: the question is answered, and nobody else needs to."""
    for row in tx.all(OUT, task=task.id, about="review", role=role):
        tx.run(ANSWERED, me=by.id, message=row["message_id"], now=tx.now)
    _take_back(tx, task, "review", role, 0)
    wakes.close_if_read(tx, by.id)


def no_review(tx: Tx, task: Task, role: str | None = None) -> None:
    """Take back what was asked of the reviewers of `task`, or only of those with `role`."""
    _take_back(tx, task, "review", role, 0)


def _take_back(tx: Tx, task: Task, about: str, role: str | None, keep: int) -> None:
    for row in tx.all(OUT, task=task.id, about=about, role=role):
        message = row["message_id"]
        inbox.withdraw(tx, message, keep)
        if keep:
            inbox.mark_read(tx, agents.by_id(tx, keep), [message])
        tx.run(FORGET, task=task.id, message=message)


# -- the end -----------------------------------------------------------------------------------------------------------


def ended(tx: Tx, task: Task, by: Agent, text: str | None) -> None:
    """Tell the address that wants to know that `task` has ended, with its result or reason."""
    if task.notify is None:
        return
    sender = agents.system(tx, task.team)
    whom: dict[int, Recipient] = {}
    for address in parse_list(task.notify):
        try:  # each by itself: who has left since must not keep the others from hearing
            whom.update((one.id, one) for one in messages.resolve(tx, sender, [address]))
        except UnknownRecipient:
            tx.event("task_notify_failed", task.team, by.name, f"task:{task.id}", address=str(address))
    if task.state == "cancelled":
        whom.pop(by.id, None)  # that is his own doing
    if not whom:
        return
    what = {"done": "is done", "failed": "has failed", "cancelled": "was cancelled"}[task.state]
    lines = [f"Task #{task.id} {what} ({by.name}): {task.title}"]
    if text:
        lines += ["", text[:LONGEST_QUOTE] + ("\n[...]" if len(text) > LONGEST_QUOTE else ""), ""]
    lines.append(f"More: xats task show {task.id}")
    _post(tx, task.team, task.notify, [*whom.values()], f"task #{task.id} {what}: {task.title}", lines)
