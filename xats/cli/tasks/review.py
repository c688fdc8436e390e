"""The verbs of the reviewers of a task: approve, feedback."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.cli.kit import render
from xats.cli.tasks import text
from xats.core.tasks import reviews, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Context, Me
    from xats.core.tasks.views import Listed
    from xats.store import Tx


def approve(here: Context, task_id: params.TaskIdArg, *, force: params.DespiteOption = False) -> int:
    """Approve a submitted task for my role.

    Every role that --review names must approve it, and no agent can approve its own work. After the last approval the
    task is done. If a task that it needs was reopened, xats refuses without --force.

    Example: xats task approve 7
    """

    def work(tx: Tx, me: Me) -> tuple[Listed, bool, list[str]]:
        task, approved = reviews.approve(tx, me.agent, task_id, force=force)
        missing = [one.role for one in reviews.approvals(tx, task) if one.agent is None]
        return views.listed(tx, task), approved, missing

    text.settle(here)
    found, approved, missing = here.write(work)
    here.rouse_daemon()
    if here.json:
        render.document({"task": text.task_json(found), "approved": approved, "missing": missing})
    elif not here.quiet:
        what = "approved" if approved else "was approved for your role before"
        then = f"approval missing: {', '.join(missing)}" if missing else "it is done"
        render.put(f"#{found.task.id} {what}: {render.one_line(found.task.title)} ({then})")
        text.say_blocked(found)
    return 0


def feedback(
    here: Context,
    task_id: params.TaskIdArg,
    body: params.FeedbackArg = None,
    *,
    file: params.FileOption = None,
) -> int:
    """Send a submitted task back, and say what is missing.

    Its owner gets the text as mail, and has the claim again.

    Example: xats task feedback 7 'the error paths have no tests'
    """
    words = text.read_text(here, body, file, "feedback")
    if words is None:
        msg = "The feedback is missing. Nothing was changed."
        raise Usage(msg, f"xats task feedback {task_id} 'the error paths have no tests'")
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, reviews.feedback(tx, me.agent, me.evidence, task_id=task_id, text=words)),
    )
    return text.report(here, found, "sent back")
