"""Mail to the creators of tasks that lost their owner: it is gone, has left the team, or was removed."""

from __future__ import annotations

from xats.base.durations import rough
from xats.core.agents import agents
from xats.core.tasks import notify, readiness, tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.agents.agents import Agent
    from xats.core.tasks.tasks import Task
    from xats.store import Tx

ASSIGNED = "select id from tasks where assignee_id = :id and state = 'open' order by id"


def owner_gone(tx: Tx, owner: Agent, claimed: Sequence[Task], why: str, grace: int) -> None:
    """Tell the agents that added the tasks `claimed` that `owner` is gone, because of `why`.

    These tasks are open again in `grace` ms.
    """
    for creator, found in _by_creator(tx, claimed, owner):
        them, then = ("it", "it is") if len(found) == 1 else ("them", "they are")
        alone = [task.id for task in found if task.assignee_id is not None]
        others = [task.id for task in found if task.assignee_id is None]
        lines = [f"{owner.name} is gone: {why}. It has claimed tasks that you added:", *_lines(found)]
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
        notify.tell(tx, creator, f"{owner.name} is gone, and has claimed {_named(found)}", *lines)


def owner_left(tx: Tx, owner: Agent, opened: Sequence[Task], by: Agent | None, *, stopped: bool = False) -> None:
    """Tell the agents that added the tasks `opened`, except `by`, that their owner `owner` was unregistered.

    With `stopped`, the owner is still registered, and a person has ended its program.

    An agent that already got mail that it can start a task does not get this mail about that task.
    """
    for creator, added in _by_creator(tx, opened, owner):
        found = [task for task in added if not _asked(tx, task, creator)]
        if found and (by is None or creator.id != by.id):
            left, how = ("was stopped",) * 2 if stopped else ("has left", "was unregistered")
            notify.tell(
                tx,
                creator,
                f"{owner.name} {left}, and had claimed {_named(found)}",
                f"{owner.name} {how}. These tasks that you added and it had claimed are open again:",
                *_lines(found),
            )


def _asked(tx: Tx, task: Task, agent: Agent) -> bool:
    """Tell whether `agent` got mail that it can start `task`, which is open again."""
    return task.ready and not task.pool and any(one.id == agent.id for one in readiness.starters(tx, task)[1])


def agent_removed(tx: Tx, agent: Agent, opened: Sequence[Task], by: Agent) -> None:
    """Tell the creators of the tasks `opened`, and of open tasks for `agent` alone, that `agent` was removed.

    `agent` had claimed the tasks `opened`. Each creator gets one message, except `by`.
    """
    alone = [tasks.find(tx, agent.team, row["id"]) for row in tx.all(ASSIGNED, id=agent.id)]
    others = [task for task in opened if task.assignee_id != agent.id]
    left = {creator.id: found for creator, found in _by_creator(tx, others, agent)}
    for creator, found in _by_creator(tx, [*alone, *others], agent):
        again = [task for task in left.get(creator.id, ()) if not _asked(tx, task, creator)]
        waiting = [task for task in found if task.assignee_id == agent.id]
        if creator.id == by.id or not (again or waiting):
            continue
        lines = [f"{agent.name} was removed from the team."]
        if again:
            lines += [f"These tasks that you added and {agent.name} had claimed are open again:", *_lines(again)]
        if waiting:
            lines += [f"These open tasks are for {agent.name} alone:", *_lines(waiting)]
            lines.append(f"Give it to another agent: xats task edit {waiting[0].id} --to NAME")
        said = [f"had claimed {_named(again)}"] if again else []
        said += [f"{_numbered(waiting)} waited for it"] if waiting else []
        notify.tell(tx, creator, f"{agent.name} was removed, and {' and '.join(said)}", *lines)


def _by_creator(tx: Tx, found: Iterable[Task], owner: Agent) -> list[tuple[Agent, list[Task]]]:
    """Return the tasks in `found` by the agent that added them, without those that `owner` added."""
    whose: dict[int, list[Task]] = {}
    for task in found:
        if task.creator_id != owner.id:
            whose.setdefault(task.creator_id, []).append(task)
    return [(agents.by_id(tx, creator_id), theirs) for creator_id, theirs in whose.items()]


def _numbered(found: Sequence[Task]) -> str:
    return f"task #{found[0].id}" if len(found) == 1 else f"{len(found)} tasks"


def _named(found: Sequence[Task]) -> str:
    return f"task #{found[0].id}: {found[0].title}" if len(found) == 1 else f"{len(found)} tasks"


def _lines(found: Sequence[Task]) -> list[str]:
    more = [f"  and {len(found) - notify.SHOWN} more: xats task list"] if len(found) > notify.SHOWN else []
    return [f"  #{task.id} {task.title}" for task in found[: notify.SHOWN]] + more
