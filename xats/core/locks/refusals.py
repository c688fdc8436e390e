"""Edits that a hook has refused because of a lock or a zone of another agent."""

from __future__ import annotations

from xats.base.jsontext import from_json
from xats.base.record import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from xats.core.agents.agents import Agent
    from xats.core.locks.files import File
    from xats.store import Tx

ANY = "select 1 from events where team = :team and type = 'edit_refused' limit 1"
LAST = """
select at, data from events where team = :team and actor = :name and type = 'edit_refused' order by id desc limit :most
"""


@record
class Refusal:
    """An edit that was refused."""

    path: str  #: from the top of the worktree
    code: str  #: which guard refused it: turn_held, lock_held, zone_taken or recently_edited
    holder: str  #: the agent or role with the lock or the zone
    at: int  #: ms UTC


def note(tx: Tx, me: Agent, file: File, code: str, holder: str) -> bool:
    """Record that an edit of `file` by `me` was refused; tell whether it is the first one known in the team."""
    first = tx.one(ANY, team=me.team) is None
    where = {"path": file.path, "worktree": file.worktree, "code": code, "holder": holder}
    tx.event("edit_refused", me.team, me.name, f"file:{file.path}", **where)
    return first


def last(tx: Tx, agent: Agent, most: int) -> list[Refusal]:
    """Return the last refused edits of `agent`, the newest first."""
    rows = tx.all(LAST, team=agent.team, name=agent.name, most=most)
    read: list[tuple[int, Any]] = [(row["at"], from_json(row["data"])) for row in rows]
    return [Refusal(said["path"], said["code"], said["holder"], at) for at, said in read]
