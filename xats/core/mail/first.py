"""The first mail: a message of an agent to itself, by which a new user sees that mail arrives."""

from __future__ import annotations

from zlib import crc32

from xats.base.record import record
from xats.core.mail import sending

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.states import DeliveryState
    from xats.store import Tx

SUBJECT = "xats works"
BODY = """\
You have sent this message to yourself, and it has arrived.
Write to an agent: xats send bob 'The parser is ready'
Read what it answers: xats inbox
See who is here: xats agents
"""
KEY = f"xats setup {crc32(BODY.encode())}"  # another text has another key: else send would refuse it (key_reused)
FIND = """
select m.id, d.state from messages m join deliveries d on d.message_id = m.id and d.agent_id = m.sender_id
where m.sender_id = :me and m.dedupe_key = :key
"""


@record
class First:
    """The first mail of an agent."""

    id: int
    state: DeliveryState


def find(tx: Tx, me: Agent) -> First | None:
    """Return the first mail of `me`, None if it was not sent yet or is removed."""
    row = tx.one(FIND, me=me.id, key=KEY)
    return First(row["id"], row["state"]) if row else None


def send(tx: Tx, me: Agent, evidence: str) -> int:
    """Send `me` the first mail unless it was sent before; return its id. It needs no reply and wakes no agent."""
    draft = sending.Draft("me", BODY, SUBJECT, need_reply=False, dedupe_key=KEY, wake=False)
    return sending.send(tx, me, evidence, draft).message.id
