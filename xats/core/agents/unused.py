"""Unused agents: an agent that takes another name leaves no agent behind that still gets every broadcast."""

from __future__ import annotations

from xats.core.address import parse_list
from xats.core.agents import cascade, registration
from xats.core.mail.recipients import is_direct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx

ACTED = """
select 1 from agents a where a.id = :id and (
    exists (select 1 from messages m where m.sender_id = a.id)
    or exists (select 1 from deliveries d where d.agent_id = a.id and d.replied_at is not null)
    or exists (select 1 from deliveries d where d.agent_id = a.id and d.acked_at is not null)
    or exists (select 1 from tasks t where t.created_by = a.id)
    or exists (select 1 from tasks t where t.assignee_id = a.id)
    or exists (select 1 from tasks t where t.owner_id = a.id)
    or exists (select 1 from task_notes n where n.agent_id = a.id)
    or exists (select 1 from task_approvals p where p.agent_id = a.id)
    or exists (select 1 from contracts c where c.retired_by = a.id)
    or exists (select 1 from contract_versions v where v.put_by = a.id)
    or exists (select 1 from note_versions v where v.put_by = a.id)
    or exists (select 1 from notes n where n.pinned_by = a.id)
    or exists (select 1 from contract_subscribers s where s.agent_id = a.id)
    or exists (select 1 from zones z where z.owner_id = a.id)
    or exists (select 1 from zones z where z.assigned_by = a.id)
    or exists (select 1 from locks l where l.holder_id = a.id)
    or exists (select 1 from lock_waits w where w.agent_id = a.id)
    or exists (select 1 from pauses p where p.agent_id = a.id)
    or exists (select 1 from pairs p where p.low_id = a.id or p.high_id = a.id)
)
"""
GOT = "select m.address from deliveries d join messages m on m.id = d.message_id where d.agent_id = :id"


def remove(tx: Tx, agent: Agent) -> bool:
    """Take `agent` out of its team if it is unused; tell whether it was.

    An agent is used when it did anything that others can see, or when it got mail by its name. An unused agent without
    any mail is deleted. One with mail to groups is unregistered, and keeps that mail.
    """
    if tx.one(ACTED, id=agent.id):
        return False
    addresses = [row["address"] for row in tx.all(GOT, id=agent.id)]
    if any(is_direct(parse_list(one)) for one in addresses):
        return False
    registration.unregister(tx, agent)
    if not addresses:
        cascade.delete(tx, agent.id)
        for table in ("wakes", "sessions"):
            tx.run(f"delete from {table} where agent_id = :id", id=agent.id)
        tx.run("delete from agents where id = :id", id=agent.id)
    return True
