"""`send pool:ROLE`: a message that becomes a task for the first agent of a role that claims it."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.cli.kit import documents, render, views
from xats.cli.tasks import text
from xats.cli.tasks.plan import role_warning
from xats.cli.teams import membership
from xats.core.tasks import pools
from xats.core.tasks import views as task_views

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.cli.kit.context import Context, Me
    from xats.core.mail.sending import Draft, Sent
    from xats.core.tasks.views import Listed
    from xats.store import Tx


def send_to_pool(here: Context, draft: Draft, wait: str | None, accepted: Callable[[], None]) -> int:
    """Send `draft` to the pool in its address, and say which agents xats asks first.

    `accepted` is called when the draft is stored.
    """
    if wait is not None:
        msg = "A message to a pool becomes a task, so --wait does not apply."
        raise Usage(msg, "xats task wait ID, with the ID that sending prints")

    def work(tx: Tx, me: Me) -> tuple[Sent, Listed, str]:
        sent, task = pools.send(tx, me.agent, me.evidence, draft)
        return sent, task_views.listed(tx, task), role_warning(tx, task)

    text.settle(here)
    sent, found, alone = here.write(work)
    accepted()
    here.rouse_daemon()
    task = found.task
    if here.json:
        render.document({**documents.sent_json(sent), "task": text.task_json(found)})
    elif here.quiet:
        render.put(str(task.id))
    elif not sent.created:
        render.put(f"task #{task.id} was already sent to pool:{task.role}; nothing new was stored")
    else:
        asked = ", ".join(views.near(one, task.team) for one in sent.recipients)
        first = f"xats asks {asked} first" if asked else "xats can ask no agent now"
        render.put(f"task #{task.id} sent to pool:{task.role}; {first}")
        if alone:
            render.say(f"  {alone}")
        render.say(f"  to see its state: {here.command('task', 'show', task.id)}")
        membership.tell_pending(here, task.team)
    return 0
