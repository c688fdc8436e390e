"""Doing: what an agent works on, in its own words, for other agents and people.

The text belongs to the session of the agent. It stays when the program compacts its context or clears it, because the
program goes on. It is gone when the session ends: when another process takes the name or the seat, or the agent leaves
its team. While the program of the agent has ended, no list shows the text. It returns if the program resumes that
session.
"""

from __future__ import annotations

from xats.base.errors import Refused, Usage
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.store import Tx

LONGEST = 200  # characters
EXAMPLE = "xats doing 'fixing the parser'"

PUT = """
update sessions set doing = :doing, doing_at = :at
where agent_id = :agent and ended_at is null and coalesce(doing, '') <> coalesce(:doing, '')
"""


def check(text: str) -> str:
    """Return `text` without space around it. Raises Usage unless it is one short line."""
    from xats.base.text import line

    text = line(text, "text", LONGEST, EXAMPLE)
    if not text:
        msg = "The text is empty."
        raise Usage(msg, f"{EXAMPLE}, or to remove what you said: xats doing --clear")
    return text


def put(tx: Tx, me: Agent, text: str | None) -> bool:
    """Record that `me` works on `text`, which `check` returned; None: on nothing. Tell whether that is a change.

    The same text again changes nothing, and keeps its time. Raises Refused for an agent without a session.
    """
    changed = bool(tx.run(PUT, agent=me.id, doing=text, at=None if text is None else tx.now))
    if changed:
        tx.event("agent_doing", me.team, me.name, f"agent:{me.name}", doing=text)
    elif agents.current_session(tx, me) is None:
        msg = f"{me.name} has no session, so xats cannot keep what it does."
        raise Refused(msg, f"xats register {me.name}", agent=me.address)
    return changed
