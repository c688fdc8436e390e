"""Holders of leases whose processes have ended: xats marks their leases, so that these end after the table's grace."""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.core.leases.tables import Table
    from xats.store import Tx

    #: Tells whether a session has certainly ended; None if xats cannot know.
    Gone = Callable[[Session], bool | None]


def has_ended(holder: Agent, session: Session, gone: Gone) -> bool | None:
    """Tell whether `session` of `holder` has ended, as `gone` says; False if another process acts for `holder`."""
    said = gone(session)
    return False if said and session.gone_at is not None and agents.gone_since(holder, session) is None else said


@record
class Holder:
    """An agent that has leases, and its session, which has a known process or pane."""

    agent: Agent
    session: Session
    unmarked: bool  #: whether one of its leases is not marked as gone

    @property
    def why(self) -> str:
        """Why it is gone, if it is."""
        return "its process has ended" if self.session.seat.process else "its pane is gone"


def holders(tx: Tx, table: Table) -> list[Holder]:
    """Return the agents that have leases of `table` and a known process or pane.

    Persons are left out: a person whose shell has ended is still there.
    """
    rows = tx.all(table.holders)
    return [Holder(agents.agent_of(row), agents.session_of(row), bool(row["unmarked"])) for row in rows]


def any_outdated(tx: Tx, table: Table, gone: Gone) -> bool:
    """Tell whether `mark` would change the marks of any lease of `table`."""
    for one in holders(tx, table):
        said = gone(one.session)
        if said is not None and said is one.unmarked:
            return True
    return False


def mark(tx: Tx, table: Table, one: Holder, gone: bool | None) -> list[int]:
    """Mark the leases that `one` has if it is `gone`; unmark them if it certainly is not. None: xats cannot know.

    Return the ids of the rows that are marked now and were not before.
    """
    if gone is False:
        tx.run(table.unmark, id=one.agent.id)
    if not gone or not one.unmarked:
        return []
    return sorted(row["id"] for row in tx.all(table.mark, id=one.agent.id, now=tx.now))
