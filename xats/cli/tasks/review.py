"""The verbs of whoever reviews a task: approve, feedback."""

from __future__ import annotations

from xats.cli.kit import render
from xats.cli.tasks import text
from xats.cli.tasks.plan import said
from xats.core.tasks import reviews, views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.cli.kit import params
    from xats.cli.kit.context import Here, Me
    from xats.core.tasks.views import Listed
    from xats.store import Tx


def approve(here: Here, task_id: params.TaskIdArg, *, force: params.DespiteOption = False) -> int:
    """Approve a submitted task for my role.

    Every role that was named with --review has to; nobody approves his own work. With the last one it is done. When a
    task that it needs was reopened, xats refuses, unless --force is given.

    Example: xats task approve 7
    """

    def work(tx: Tx, me: Me) -> tuple[Listed, bool, list[str]]:
        task, approved = reviews.approve(tx, me.agent, task_id, force=force)
        missing = [one.role for one in reviews.approvals(tx, task) if one.agent is None]
        return views.listed(tx, task), approved, missing

    text.settle(here)
    found, approved, missing = here.write(work)
    text.ring(here)
    if here.json:
        render.document({"task": text.task_json(found), "approved": approved, "missing": missing})
    elif not here.quiet:
        what = "approved" if approved else "was approved for your role before"
        then = f"still to approve: {', '.join(missing)}" if missing else "it is done"
        render.put(f"#{found.task.id} {what}: {render.one_line(found.task.title)} ({then})")
        text.say_blocked(found)
    return 0


def feedback(here: Here, task_id: params.TaskIdArg, body: params.FeedbackArg) -> int:
    """Send a submitted task back, and say what is missing.

    Its owner gets the text as mail, and has claimed it anew.

    Example: xats task feedback 7 'the error paths have no tests'
    """
    words = text.read_text(body, "feedback") or ""
    text.settle(here)
    found = here.write(
        lambda tx, me: views.listed(tx, reviews.feedback(tx, me.agent, me.evidence, task_id=task_id, text=words)),
    )
    return said(here, found, "sent back")
