"""Namesakes: after a merge of teams a name alone may reach another agent than before the merge."""

from __future__ import annotations

from xats.base.errors import InvalidName
from xats.core.address import parse_list
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.mail.sending import Sent
    from xats.store import Tx

BEFORE = """
select 1 from messages m join deliveries d on d.message_id = m.id join agents a on a.id = d.agent_id
where m.sender_id = :sender and m.id < :id and m.address = :address and a.team = :team and a.name_key = :name limit 1
"""


def reached(tx: Tx, sender: Agent, sent: Sent) -> list[tuple[str, str, str]]:
    """Return the names in the address of `sent` that meant another agent in a team that was merged into the sender's.

    Each is (name, former address of the other agent, name of the other agent today). A name by which `sender` has
    reached the same agent before is not among them.
    """
    merged = teams.renamed_by_merge(tx, sender.team)
    try:
        addresses = parse_list(sent.message.address) if merged else ()
    except InvalidName:  # the address of an earlier release
        return []
    found = []
    for one in addresses:
        name = one.name.lower()
        if one.kind != "agent" or one.team or name not in merged:
            continue
        is_reached = any(each.lower() == f"{name}@{sender.team}" for each in sent.recipients)
        known = {"sender": sender.id, "id": sent.message.id, "address": sent.message.address}
        if is_reached and tx.one(BEFORE, **known, team=sender.team, name=name) is None:
            found.append((one.name, *merged[name]))
    return found
