"""Held mail: mail for a name that no agent has yet, or that belongs to an agent that has left.

xats stores it for an agent of that name that is not registered. That agent is in no group, and `send` without --hold
still refuses its name. xats delivers the mail when an agent registers under the name. It expires like any other mail.
"""

from __future__ import annotations

from xats.base.errors import UnknownRecipient, Usage
from xats.core.address import is_forgotten
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.address import Address
    from xats.core.agents.agents import Agent
    from xats.core.mail.recipients import Recipient
    from xats.store import Row, Tx

TEAM = "select 1 from agents where team = :team limit 1"
# An agent that was never there has had no session. An agent that left keeps its row.
ABSENT = """
insert into agents (team, name, name_key, client, registered_at, seen_at, unregistered_at)
values (:team, :name, :key, 'generic', :now, :now, :now) on conflict (team, name_key) do nothing
"""
WAITING = """
select count(*) as n from deliveries d join agents a on a.id = d.agent_id
where a.team = :team and a.name_key = :key and d.state = 'unread'
"""


def refuse_groups(addresses: Sequence[Address]) -> None:
    """Raise Usage unless each of `addresses` names an agent: xats holds mail only for names."""
    for one in addresses:
        if one.kind not in ("agent", "me"):
            msg = f"--hold keeps mail for the name of an agent, but {one} is a group. Nothing was sent."
            raise Usage(msg, f"xats send {one} 'text'  (without --hold)")


def absent(tx: Tx, sender: Agent, team: str, name: str) -> Agent | None:
    """Return the agent `name` of `team`, which is not registered, and make it if it was never there.

    None for another team than that of `sender` that has never had an agent. Raises UnknownRecipient for the name of
    xats itself.
    """
    if name.lower() == agents.SYSTEM:
        msg = f"{name} is xats itself and reads no mail. Nothing was sent."
        raise UnknownRecipient(msg, f"xats agents --team {team}", address=name, team=team)
    if team != sender.team and tx.one(TEAM, team=team) is None:
        return None
    if known := agents.find(tx, team, name):  # it has left, and may have had this name before
        return known
    tx.run(ABSENT, team=team, name=name, key=name.lower(), now=tx.now)
    found = agents.find(tx, team, name)
    assert found
    return found


def has_left(tx: Tx, address: Address, team: str) -> UnknownRecipient | None:
    """Return the error for an agent that has left, or a name with held mail; None for an unknown name."""
    command = f"xats send {address} --hold 'text'"
    gone = agents.left(tx, team, address.name)
    if gone:
        msg = f"{address} left {gone}. Nothing was sent."
        data = {"left_at": gone.at, "left_by": gone.by}
        return UnknownRecipient(msg, f"to hold mail for that name: {command}", address=str(address), team=team, **data)
    row = tx.one(WAITING, team=team, key=address.name.lower())
    if row and row["n"]:
        count = f"{row['n']} message{'' if row['n'] == 1 else 's'}"
        msg = f"{address} has not registered yet; xats holds {count} for it. Nothing was sent."
        return UnknownRecipient(msg, f"to hold this as well: {command}", address=str(address), team=team)
    return None


# The agent `a` is only a name without a session, and the mail held for it has expired: the name is free.
EMPTY = """
{a}.epoch = 0 and {a}.client <> 'system' and {a}.unregistered_at = {a}.registered_at and {a}.forgotten_at is null
and not exists (select 1 from deliveries d where d.agent_id = {a}.id and d.state in ('unread', 'shown'))
"""
# No name has a # in it.
FREE = f"""
update agents set name_key = name_key || '#' || cast(id as text), forgotten_at = :now
where team = :team and (:id is null or id = :id) and {EMPTY.format(a="agents")}
"""
HELD = """
select m.sent_at, f.name, f.team
from deliveries d join messages m on m.id = d.message_id join agents f on f.id = m.sender_id
where d.agent_id = :id and d.state in ('unread', 'shown') order by m.id
"""


def describe(tx: Tx, agent: Agent) -> str:
    """Return a sentence about the holder of a name: an agent that has left, or held mail; "" for a free name.

    `agent` is not registered.
    """
    gone = agents.left(tx, agent.team, agent.name)
    if gone:
        return f"{agent.address} left {gone}, and xats keeps its mail for that name."
    rows = tx.all(HELD, id=agent.id)
    if not rows:
        return ""
    from xats.base.durations import ago

    first = rows[0]
    sender = first["name"] if first["team"] == agent.team else f"{first['name']}@{first['team']}"
    count = "1 message is" if len(rows) == 1 else f"{len(rows)} messages are"
    whose = f"{'' if len(rows) == 1 else 'the first '}from {sender}, {ago(first['sent_at'], tx.now)}"
    return f"No agent is called {agent.address} yet, but {count} held for that name ({whose})."


def free_names(tx: Tx, team: str, agent_id: int | None = None) -> None:
    """Free the names in `team`, or only that of `agent_id`, whose only trace is expired mail."""
    tx.run(FREE, team=team, id=agent_id, now=tx.now)


def answerable(
    tx: Tx, me: Agent, rows: Sequence[Row], recipients: Sequence[Recipient], message_id: int, *, hold: bool
) -> list[Recipient]:
    """Return the `recipients` that get the answer of `me` to message `message_id`; some of them have left.

    `rows` are the rows of `recipients`. With `hold`, agents that have left get it too, but removed agents never do.
    Raises UnknownRecipient if no recipient is left.
    """
    pairs = list(zip(rows, recipients, strict=True))
    found = [one for row, one in pairs if row["unregistered_at"] is None or (hold and not _is_removed(row))]
    if found:
        return found
    row, last = pairs[0]
    name = last.address.removesuffix(f"@{me.team}")
    if _is_removed(row):
        msg = f"{name} was removed from the team. Nothing was sent."
        raise UnknownRecipient(msg, f"xats send ANOTHER 'text' --reply-to {message_id}", id=message_id)
    gone = agents.left(tx, row["team"], row["name"]) or "since"
    msg = f"{name} left {gone}. Nothing was sent."
    raise UnknownRecipient(msg, f"to hold it for that name: xats reply {message_id} --hold 'text'", id=message_id)


def _is_removed(row: Row) -> bool:
    """Tell whether the agent in `row` was removed for good, alone or with its team."""
    return row["forgotten_at"] is not None or is_forgotten(row["team"])
