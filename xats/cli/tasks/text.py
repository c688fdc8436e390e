"""How tasks look, as JSON for scripts and in words for people; and what the verbs of tasks share."""

from __future__ import annotations

from xats.base.durations import ago, iso, rough
from xats.cli.kit import reading, render, views
from xats.core.tasks import claims, tasks
from xats.core.tasks.errors import InvalidTask
from xats.daemon.liveness import process_gone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.cli.kit.context import Context
    from xats.core.tasks.dependencies import Need
    from xats.core.tasks.tasks import Task
    from xats.core.tasks.views import Listed, TaskDetails


# -- what the verbs share ----------------------------------------------------------------------------------------------


def settle(here: Context) -> None:
    """Reopen the tasks whose claims are over, before a verb does anything else.

    It is a transaction of its own: a verb that is refused afterwards must not undo it, and must not renew a claim that
    I have lost already.
    """
    if here.store.read(lambda tx: claims.due(tx, process_gone)):
        here.store.write(lambda tx: claims.settle(tx, process_gone))


def read_text(here: Context, text: str | None, file: str | None, what: str) -> str | None:
    """Return the text that an argument or `--file` gives, see `reading.text`; None if there is none.

    Raises InvalidTask or Usage.
    """
    return reading.text(here, text, file, what, InvalidTask, "Nothing was changed.")


# -- JSON --------------------------------------------------------------------------------------------------------------


def task_json(found: Listed) -> dict[str, Any]:
    """Return the JSON form of a task without its long texts."""
    task = found.task
    return {
        "id": task.id,
        "team": task.team,
        "title": task.title,
        "state": task.state,
        "ready": task.ready,
        "blocked_by": [need_json(one) for one in found.blockers],
        "priority": task.priority,
        "created_by": task.creator,
        "assignee": task.assignee,
        "role": task.role,
        "pool": task.pool,
        "owner": task.owner,
        "claim": task.claims,
        "claimed_at": iso(task.claimed_at),
        "lease_until": iso(task.lease_until),
        "owner_gone_at": iso(task.owner_gone_at),
        "review": found.review,
        "submission": task.submission,
        "parent": task.parent_id,
        "subtask_count": {"done": found.children[0], "total": found.children[1]},
        "progress": task.progress,
        "reason": task.reason,
        "key": task.key,
        "notify": task.notify,
        "due_at": iso(task.due_at),
        "created_at": iso(task.created_at),
        "updated_at": iso(task.updated_at),
        "ended_at": iso(task.ended_at),
    }


def need_json(need: Need) -> dict[str, Any]:
    """Return the JSON form of a task that another task refers to."""
    return {"id": need.id, "state": need.state, "title": need.title}


def details_json(found: TaskDetails) -> dict[str, Any]:
    """Return the JSON form of a task with everything about it."""
    return {
        **task_json(found.listed),
        "description": found.description,
        "result": found.result,
        "needs": [need_json(one) for one in found.needs],
        "needed_by": [need_json(one) for one in found.needed_by],
        "subtasks": [need_json(one) for one in found.children],
        "approvals": [{"role": one.role, "agent": one.agent, "at": iso(one.at)} for one in found.approvals],
        "message_id": found.listed.task.message_id,
        "offered_to": found.offered_to,
        "history": [{"at": iso(one.at), "agent": one.agent, "kind": one.kind, "text": one.text} for one in found.notes],
    }


# -- words -------------------------------------------------------------------------------------------------------------


def state_word(task: Task) -> str:
    """Return the state of a task; for an open task, whether it is ready or blocked."""
    return task.state if task.state != "open" else "ready" if task.ready else "blocked"


def who(task: Task, team: str) -> str:
    """Return who has claimed a task, else whom it is for."""
    if task.owner:
        return views.near(task.owner, team) + (" (gone)" if task.owner_gone_at is not None else "")
    if task.assignee:
        return f"for {views.near(task.assignee, team)}"
    return f"{'pool' if task.pool else 'role'}:{task.role}" if task.role else ""


def blocked(found: Listed) -> str:
    """Return the tasks that a task waits for, with the state of those that have ended without being done."""
    return ", ".join(f"#{one.id}" + (f" {one.state}" if one.state in tasks.ENDED else "") for one in found.blockers)


def say_blocked(found: Listed) -> None:
    """Print on standard error which of the tasks that a task needs are not done, such as reopened ones."""
    if found.blockers:
        render.say(f"  it needs tasks that are not done: {blocked(found)}")


def report(here: Context, found: Listed, done: str) -> int:
    """Rouse the daemon, print what was `done` with a task, and return the exit code."""
    here.rouse_daemon()
    if here.json:
        render.document({"task": task_json(found)})
    elif not here.quiet:
        state = standing(found, found.task.team, here.store.clock())
        render.put(f"#{found.task.id} {done}: {render.one_line(found.task.title)} ({state})")
    return 0


def overdue(task: Task, now: int) -> bool:
    """Tell whether a task is past its due time."""
    return task.live and task.due_at is not None and task.due_at <= now


def head(found: Listed, team: str, now: int) -> str:
    """Return a task and its state in one line."""
    task = found.task
    return f"{render.bold(f'#{task.id} {render.one_line(task.title)}')} {render.dim('- ' + standing(found, team, now))}"


def standing(found: Listed, team: str, now: int) -> str:
    """Return the state of a task in words."""
    task = found.task
    owner = views.near(task.owner, team) if task.owner else ""
    if task.state == "claimed":
        text = f"claimed by {owner}"
        if task.owner_gone_at is not None:
            text += f", gone for {rough(now - task.owner_gone_at)}; others can claim it"
        elif task.lease_until and task.lease_until > now:
            text += f" for {rough(task.lease_until - now)} more"
    elif task.state == "review":
        text = f"in review, submitted by {owner}"
    elif task.state == "open":
        text = "ready" if task.ready else f"blocked: {blocked(found)}"
    else:
        by = f" by {owner}" if owner and task.state != "cancelled" else ""
        text = f"{task.state}{by} {ago(task.ended_at, now)}"
    parts = [text]
    if task.live and task.owner and found.blockers:
        parts.append(f"reopened since: {blocked(found)}")
    if task.live and not task.owner and who(task, team):
        parts.append(who(task, team) if task.role else f"{who(task, team)} alone")
    if task.priority != tasks.PRIORITY:
        parts.append(f"priority {task.priority}")
    if task.live and task.due_at is not None:
        late = task.due_at <= now
        parts.append(f"overdue since {rough(now - task.due_at)}" if late else f"due in {rough(task.due_at - now)}")
    if found.children[1]:
        parts.append(f"{found.children[0]}/{found.children[1]} parts done")
    return ", ".join(parts)


def quoted(text: str) -> list[str]:
    """Return the lines of a text, each with a mark that shows that the line is not from xats."""
    return [f"  | {line}" for line in render.visible(text).rstrip("\n").split("\n")] if text.strip() else []


DONE = {  # what a note of the history says that an agent did
    "added": "added it",
    "claimed": "claimed it",
    "progress": "noted",
    "released": "gave it back",
    "lapsed": "lost the claim",
    "submitted": "submitted it",
    "approved": "approved it",
    "feedback": "sent it back",
    "done": "ended it: done",
    "failed": "ended it: failed",
    "cancelled": "cancelled it",
    "reopened": "reopened it",
    "edited": "changed it",
    "ready": "can be started",
    "offered": "got the offer",
    "owner_gone": "is gone",
}


def details_text(found: TaskDetails, team: str, now: int) -> str:
    """Return a task to read, with its history."""
    task = found.listed.task
    lines = [head(found.listed, team, now)]
    lines.append(f"  added by {views.near(task.creator, team)} {ago(task.created_at, now)}")
    for word, needs in (("needs", found.needs), ("needed by", found.needed_by), ("parts", found.children)):
        lines += [f"  {word}: #{one.id} {render.one_line(one.title)} ({one.state})" for one in needs]
    if found.listed.children[1] > len(found.children):
        lines.append(f"  parts: and {found.listed.children[1] - len(found.children)} more")
    if task.parent_id is not None:
        lines.append(f"  part of: #{task.parent_id}")
    for one in found.approvals:
        by = f"{views.near(one.agent, team)}, {ago(one.at, now)}" if one.agent else "not yet"
        lines.append(f"  approval of {one.role}: {by}")
    if found.offered_to:
        lines.append(f"  offered last to: {views.near(found.offered_to, team)}")
    if task.notify:
        lines.append(f"  gets mail when it ends: {render.one_line(task.notify)}")
    lines += quoted(found.description)
    for word, text in (("progress", task.progress), ("result", found.result), ("reason", task.reason)):
        if text:
            lines += [f"  {word}:", *quoted(text)]
    lines.append(render.dim("  history:"))
    for note in found.notes:
        by = f", {views.near(note.agent, team)}" if note.agent else ""
        done = "it can be started" if note.kind == "ready" and not note.agent else DONE[note.kind]
        what = f": {_short(note.text)}" if note.text else ""
        lines.append(f"  {ago(note.at, now)}{by}: {done}{what}")
    return "\n".join(lines)


def _short(text: str) -> str:
    first, _, rest = text.strip().partition("\n")
    line = render.one_line(first)
    return line if len(line) <= 100 and not rest else f"{line[:99]}…"
