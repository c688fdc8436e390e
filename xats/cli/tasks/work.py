"""The verbs of the owner of a task: claim, renew, progress, release, submit, done, fail."""

from __future__ import annotations

import time

from xats.base import durations
from xats.base.errors import TimedOut, Usage
from xats.cli.kit import hints, render
from xats.cli.tasks import text
from xats.core.tasks import claims, reviews, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.tasks.views import TaskDetails
    from xats.store import Tx


def claim(
    here: Context,
    task_id: params.OptionalTaskIdArg = None,
    *,
    following: params.NextOption = False,
    lease: params.LeaseOption = None,
    wait: params.WaitTaskOption = None,
) -> int:
    """Claim a task, or the next one; exactly one agent gets it.

    The claim is a lease. My commands and the hooks of my program renew it. If none runs for that long, the claim ends
    and the task is open again. A task whose owner is gone can be claimed by its ID. With --next, if no task is ready,
    xats prints that and exits 0.

    Example: xats task claim 7

    Example: xats task claim --next --wait 10m
    """
    if (task_id is None) != following:
        msg = "A task ID or --next is missing." if task_id is None else "A task ID and --next exclude each other."
        raise Usage(msg, "xats task claim --next")
    if wait is not None and not following:
        msg = "--wait needs --next."
        raise Usage(msg, f"xats task wait {task_id}")
    length = durations.parse(lease) if lease is not None else claims.LEASE
    deadline = time.monotonic() + durations.parse(wait) / 1000 if wait is not None else None

    def work(tx: Tx, me: Me) -> TaskDetails | None:
        if task_id is not None:
            task = claims.claim(tx, me.agent, task_id=task_id, lease=length)
        else:
            found = claims.claim_next(tx, me.agent, length)
            if found is None:
                return None
            task = found
        return views.details(tx, task.team, task.id)

    while True:
        generation = here.store.generation()
        text.settle(here)
        found = here.write(work)
        if found is not None or deadline is None:
            break
        _await_ready(here, generation, deadline)
    if found is not None:
        here.rouse_daemon()
    if here.json:
        render.document({"task": text.details_json(found) if found else None})
    elif found is None:
        if not here.quiet:
            render.say("no task is ready for you or your role")
    elif here.quiet:
        render.put(str(found.listed.task.id))
    else:
        _show(here, found)
    return 0


def _await_ready(here: Context, generation: int, deadline: float) -> None:
    """Wait until there is a task that I can claim. Raises TimedOut."""
    from xats.cli.kit.waiting import await_change

    while True:
        if not await_change(here, generation, deadline):
            msg = "No task became ready in that time."
            raise TimedOut(msg)
        generation = here.store.generation()
        text.settle(here)
        if here.read(lambda tx, me: claims.any_next(tx, me.agent)):
            return


def _show(here: Context, found: TaskDetails) -> None:
    task = found.listed.task
    render.put(text.head(found.listed, task.team, here.store.clock()))
    for line in text.quoted(found.description):
        render.put(line)
    for note in [note for note in found.notes if note.kind == "feedback"][-1:]:
        render.put("  feedback of the last review:")
        for line in text.quoted(note.text or ""):
            render.put(line)
    last = "submit" if found.listed.review else "done"
    render.say(render.dim(f"  when you have finished: {here.command('task', last, task.id, '--result', hints.TEXT)}"))


def renew(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    lease: params.LeaseOption = None,
    claim: params.ClaimNumberOption = None,
) -> int:
    """Renew the lease of a task that I have claimed.

    Every command of mine renews it too, and so does every hook of my program, at most once a minute.

    Example: xats task renew 7 --lease 2h
    """
    length = durations.parse(lease) if lease is not None else None
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, claims.renew(tx, me.agent, task_id=task_id, lease=length, claim_number=claim)),
    )
    return text.report(here, found, "renewed")


def progress(
    here: Context, task_id: params.TaskIdArg, note: params.NoteArg, *, claim: params.ClaimNumberOption = None
) -> int:
    """Record the progress of a task that I have claimed.

    The history of the task shows it, and the lease is renewed.

    Example: xats task progress 7 '3 of 5 modules ported'
    """
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, claims.progress(tx, me.agent, task_id=task_id, text=note, claim_number=claim)),
    )
    return text.report(here, found, "noted")


def release(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    reason: params.TaskReasonOption = None,
    claim: params.ClaimNumberOption = None,
) -> int:
    """Release a claimed task for other agents.

    The agent that added it and any person may take it from its owner. xats tells the owner.

    Example: xats task release 7 --reason 'I lack the access'
    """
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(
            tx, claims.release(tx, me.agent, task_id=task_id, reason=reason, claim_number=claim)
        ),
    )
    return text.report(here, found, "released")


def submit(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    result: params.ResultOption = None,
    file: params.FileOption = None,
    claim: params.ClaimNumberOption = None,
    force: params.DespiteOption = False,
) -> int:
    """Submit a task to its reviewers.

    They get mail that needs a reply. A new submission cancels earlier approvals. If a task that it needs was reopened,
    xats refuses without --force.

    Example: xats task submit 7 --result 'branch parser, 12 tests'
    """
    body = text.read_text(here, result, file, "result")

    def work(tx: Tx, me: Me) -> tuple[views.Listed, list[str]]:
        task, empty = reviews.submit(
            tx, me.agent, me.evidence, task_id=task_id, result=body, claim_number=claim, force=force
        )
        return views.listed(tx, task), empty

    text.settle(here)
    found, empty = here.write(work)
    text.report(here, found, "submitted")
    if not here.quiet and not here.json:
        text.say_blocked(found)
    if empty and not here.quiet and not here.json:
        register = here.command("register", "NAME", "--role", empty[0])
        render.say(f"  no agent can approve it as {', '.join(empty)}: {register}")
    return 0


def done(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    result: params.ResultOption = None,
    file: params.FileOption = None,
    claim: params.ClaimNumberOption = None,
    force: params.DespiteOption = False,
) -> int:
    """Mark a task that I have claimed as done.

    The assignees of tasks that can start now get mail. A task with reviewers is submitted instead. If a task that it
    needs was reopened since I claimed it, xats refuses without --force.

    Example: xats task done 7 --result 'branch parser is merged'

    Example: xats task done 7 --result @report.md
    """
    body = text.read_text(here, result, file, "result")
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(
            tx, claims.done(tx, me.agent, task_id=task_id, result=body, claim_number=claim, force=force)
        ),
    )
    text.report(here, found, "ended")
    if not here.quiet and not here.json:
        text.say_blocked(found)
    return 0


def fail(
    here: Context,
    task_id: params.TaskIdArg,
    *,
    reason: params.TaskReasonOption = None,
    claim: params.ClaimNumberOption = None,
) -> int:
    """Mark a task that I have claimed as failed.

    The tasks that need it stay blocked. xats tells the agents that added them.

    Example: xats task fail 7 --reason 'the API has no such call'
    """
    if reason is None:
        msg = "A failed task needs a reason; --reason is missing."
        raise Usage(msg, f"xats task fail {task_id} --reason '...'; to give it back: xats task release {task_id}")
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, claims.fail(tx, me.agent, task_id=task_id, reason=reason, claim_number=claim)),
    )
    return text.report(here, found, "ended")
