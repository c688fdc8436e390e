"""Pools: a claimable message is a task with a body, for the first member of a role to claim it (see offers.py)."""

from __future__ import annotations

from xats.base.errors import KeyReused, Usage
from xats.base.record import replace
from xats.core.address import parse
from xats.core.mail import inbox, sending
from xats.core.mail.sending import Sent
from xats.core.tasks import offers, planning, tasks
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.mail.sending import Draft
    from xats.core.tasks.tasks import Task
    from xats.store import Tx


def send(tx: Tx, me: Agent, evidence: str, draft: Draft) -> tuple[Sent, Task]:
    """Accept a message to a pool, and offer it to the first member. `me` gets mail when the task has ended.

    Raises InvalidBody, InvalidName, KeyReused, Usage, UnknownMessage (no such message to reply to).
    """
    sending.check_draft(draft)
    address = parse(draft.address)
    if address.kind != "pool" or (address.team and teams.current(tx, address.team) != me.team):
        msg = f"{draft.address} must be one pool of your own team, without other addresses. Nothing was sent."
        raise Usage(msg, f"xats send role:{address.name}@{address.team or me.team} 'text'")
    if draft.hold:
        from xats.core.mail import held

        held.refuse_groups([address])
    if draft.ttl is not None or not draft.wake:
        msg = "A message to a pool becomes a task, so --ttl and --no-wake do not apply. Nothing was sent."
        raise Usage(msg, "leave out --ttl and --no-wake; to end the task: xats task cancel")
    first = next(line.strip() for line in draft.body.splitlines() if line.strip())
    title = (draft.subject or "").strip() or first
    title = title if len(title) <= tasks.LONGEST_TITLE else f"{title[: tasks.LONGEST_TITLE - 1]}…"
    new = planning.New(title, draft.body, role=address.name, key=draft.dedupe_key, notify=me.address, pool=True)
    task, created = planning.store(tx, me, new)
    if not created:
        return _before(tx, me, task), task
    body = f"{draft.body.rstrip()}\n\nThe first agent to claim this does it: xats task claim {task.id}"
    kind, need_reply = draft.kind or "pool", bool(draft.need_reply)
    offer = replace(draft, body=body, kind=kind, need_reply=need_reply, dedupe_key=None)
    sent = sending.post(tx, me, evidence, offer, [])
    task = tasks.update(tx, task, message_id=sent.message.id, offer_at=tx.now)
    asked = offers.offer(tx, task)
    return Sent(sent.message, True, (asked.address,) if asked else ()), tasks.again(tx, task)


def _before(tx: Tx, me: Agent, task: Task) -> Sent:
    if not task.pool or task.message_id is None:
        msg = f"Task {task.id} has this key, but it is not a message to a pool. Nothing was sent."
        raise KeyReused(msg, f"use another --key; to see the task: xats task show {task.id}", id=task.id)
    found = inbox.show(tx, me, task.message_id).message
    rows = tx.all(sending.RECIPIENTS, id=task.message_id)
    return Sent(found, False, tuple(f"{row['name']}@{row['team']}" for row in rows))
