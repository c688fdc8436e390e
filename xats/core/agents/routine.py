"""A routine hook: one at which nothing has changed, so nothing is to be noted, renewed or handed over.

It is known by one statement. What the statement does not decide for certain is no routine, and `hooks/turn.py` looks
closer: at mail, at claimed tasks and locked files, at an edit that was refused until its file is read again, and at a
session or team that was replaced.
"""

from __future__ import annotations

from xats.core.agents import SIGN_EVERY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from xats.base.record import Row

    class Reader(Protocol):
        """A snapshot of a store."""

        now: int

        def one(self, sql: str, **values: Any) -> Row | None:
            """Return the first row of `sql`, or None."""
            ...


UNCHANGED = """
select a.team, a.name_key, s.pid, s.host_name, s.program_device, s.program_inode
from sessions s join agents a on a.id = s.agent_id join presence p on p.agent_id = a.id
where s.id = (select max(id) from sessions where client_session = :client_session)
    and s.ended_at is null and a.unregistered_at is null and a.seen_at > :since
    and p.state = 'busy' and p.client_session = :client_session and p.broken_off_at is null
    and not exists (select 1 from deliveries where agent_id = a.id and state in ('unread', 'shown'))
    and not exists (select 1 from tasks where owner_id = a.id and state = 'claimed')
    and not exists (select 1 from locks where holder_id = a.id and kind = 'explicit')
    and not exists (select 1 from refused_edits where agent_id = a.id and read_at is null)
    and not exists (select 1 from teams where name = a.team and moved_to is not null)
"""


def find(tx: Reader, client_session: str) -> Row | None:
    """Return who has the session `client_session` if it goes on with its turn and has nothing to do for xats.

    That is the team, the name in lower case, and the process, host and program of the session.
    """
    return tx.one(UNCHANGED, client_session=client_session, since=tx.now - SIGN_EVERY)
