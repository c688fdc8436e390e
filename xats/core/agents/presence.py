"""Presence: what an agent's program says it is doing. Its hooks say it, and xats writes it only when it changes.

idle: it waits for a prompt; busy: it works; waiting: it asks its user for permission; ended: its session is over.
Some programs call no hook when the user breaks a turn off. For these the daemon looks at the pane, and `broken_off`
records what it saw.
"""

from __future__ import annotations

from xats.base.record import from_row, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from xats.core.agents.agents import Agent
    from xats.core.states import PresenceState
    from xats.store import Tx

STATES = ("idle", "busy", "waiting", "ended")


@record
class Presence:
    """What an agent does, since when, and how often mail has continued its turn."""

    state: PresenceState
    at: int  #: ms UTC
    client_session: str | None = None
    continued: int = 0  #: turns in a row that mail has continued, without a prompt in between
    broken_off_at: int | None = None  #: ms UTC when xats learned that the user broke the turn off
    reminded_at: int | None = None  #: ms UTC when xats last told its session which requests it has not answered

    @property
    def doing(self) -> tuple[str, int]:
        """What it does, and since when (ms UTC). It is idle since its user broke the turn off."""
        return (self.state, self.at) if self.broken_off_at is None else ("idle", self.broken_off_at)

    def over(self, at: int) -> Presence:
        """Return it with the turn broken off, at the time `at` (ms UTC) unless that time is known."""
        return replace(self, broken_off_at=self.broken_off_at or at)


@record
class Pending:
    """What a hook may have to do for an agent."""

    unread: bool  #: whether it may have unread mail
    shown: bool  #: whether it has mail that was shown
    edited: bool  #: whether it has an automatic lock on a file; see core/locks/automatic.py
    refused: bool  #: whether an edit of it was refused, and it has not read the file since


GET = """
select state, at, client_session, continued, broken_off_at, reminded_at from presence where agent_id = :agent
"""
# The time stays when it is the same state of the same session.
UPSERT = """
insert into presence (agent_id, client_session, state, at, continued, broken_off_at)
values (:agent, :client_session, :state, :now, :continued, :broken_off_at)
on conflict (agent_id) do update set
    at = case when presence.state = :state and presence.client_session = :client_session
        {and_also} then presence.at else :now end,
    client_session = :client_session, state = :state, continued = :continued, broken_off_at = :broken_off_at
"""
PUT = UPSERT.format(and_also="")
BEGIN = UPSERT.format(and_also="and presence.broken_off_at is null")
IN_TURN = """
select h.agent_id from presence h join sessions s on s.agent_id = h.agent_id and s.ended_at is null
where h.state in ('busy', 'waiting') and h.broken_off_at is null and (h.at < :before or h.at > :now)
    and h.client_session = s.client_session and s.host = :host and s.pane_id is not null
"""
BROKEN_OFF = """
update presence set broken_off_at = :now
where agent_id = :agent and state = :state and at = :at and client_session = :client_session and broken_off_at is null
"""
HAS_MAIL = "select 1 from deliveries where agent_id = :agent and state = 'unread' limit 1"
PENDING = """
select exists (select 1 from deliveries where agent_id = :agent and state = 'unread') as unread,
    exists (select 1 from deliveries where agent_id = :agent and state = 'shown') as shown,
    exists (select 1 from locks where holder_id = :agent and kind = 'automatic') as edited,
    exists (select 1 from refused_edits where agent_id = :agent and read_at is null) as refused
"""
HAS_EDITED = "select 1 from locks where holder_id = :agent and kind = 'automatic' limit 1"
MAY_OWE = """
select 1 from deliveries where agent_id = :agent and need_reply = 1 and state = 'read' and acked_at is null limit 1
"""
HOLDS = """
select 1 from turns where holder_id = :agent
union all
select 1 from locks where holder_id = :agent and kind = 'explicit'
limit 1
"""
OTHERS_TURN = "select 1 from turns where team = :team and state = 'held' and holder_id <> :me limit 1"
REMINDED_OF = "select reminded_of from presence where agent_id = :agent"
REMIND_OF = "update presence set reminded_of = :keys where agent_id = :agent"
REMIND = "update presence set reminded_at = :at where agent_id = :agent"
LAST_SENT = """
select m.id, m.address, m.subject, m.sent_at from messages m where m.sender_id = :agent
order by m.sent_at desc, m.id desc limit 1
"""


def get(tx: Tx, agent_id: int) -> Presence | None:
    """Return what the agent with that id does, or None when its program has never said it."""
    row = tx.one(GET, agent=agent_id)
    return from_row(Presence, row) if row else None


def has_mail(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id may have unread mail: some of it can have expired since."""
    return tx.one(HAS_MAIL, agent=agent_id) is not None


def pending(tx: Tx, agent_id: int) -> Pending:
    """Return what a hook may have to do for the agent with that id."""
    row = tx.one(PENDING, agent=agent_id)
    assert row
    return Pending(*(bool(row[name]) for name in ("unread", "shown", "edited", "refused")))


def may_owe(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id may have read a request without an answer; see core/mail/owed.py."""
    return tx.one(MAY_OWE, agent=agent_id) is not None


def has_edited(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id may have an automatic lock on a file; see core/locks/automatic.py."""
    return tx.one(HAS_EDITED, agent=agent_id) is not None


def remind(tx: Tx, agent_id: int, at: int | None) -> None:
    """Record that xats reminded the agent of its open requests at `at` (ms UTC); None: the next hook has to do it."""
    tx.run(REMIND, agent=agent_id, at=at)


def holds(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id holds something that others may wait for; see hooks/held.py."""
    return tx.one(HOLDS, agent=agent_id) is not None


def others_have_turn(tx: Tx, me: Agent) -> bool:
    """Tell whether another agent of the team of `me` may have a turn; see core/turns/enforcing.py."""
    return tx.one(OTHERS_TURN, team=me.team, me=me.id) is not None


def reminded_of(tx: Tx, agent_id: int) -> list[str]:
    """Return the keys of what xats has reminded the agent that it holds."""
    row = tx.one(REMINDED_OF, agent=agent_id)
    return row["reminded_of"].split(",") if row and row["reminded_of"] else []


def remind_of(tx: Tx, agent_id: int, keys: Iterable[str]) -> None:
    """Record that xats reminded the agent that it holds what has these `keys`."""
    tx.run(REMIND_OF, agent=agent_id, keys=",".join(keys))


def put(tx: Tx, agent_id: int, state: PresenceState, client_session: str | None, continued: int = 0) -> None:
    """Record what the agent with that id does; `continued` is the number of turns in a row that mail has continued."""
    _write(tx, PUT, agent_id, state, client_session, continued)


def begin_turn(tx: Tx, agent_id: int, client_session: str | None, continued: int = 0) -> None:
    """Record that the agent with that id is busy, since now if its user broke off the turn before."""
    _write(tx, BEGIN, agent_id, "busy", client_session, continued)


def interrupt(tx: Tx, agent_id: int, client_session: str | None, continued: int = 0) -> None:
    """Record that the agent with that id is idle, because its user broke the turn off."""
    _write(tx, PUT, agent_id, "idle", client_session, continued, tx.now)


def _write(
    tx: Tx,
    sql: str,
    agent_id: int,
    state: PresenceState,
    client_session: str | None,
    continued: int,
    broken_off_at: int | None = None,
) -> None:
    of = {"agent": agent_id, "state": state, "client_session": client_session, "continued": continued}
    tx.run(sql, **of, broken_off_at=broken_off_at, now=tx.now)


def in_turn(tx: Tx, host: str, before: int) -> list[int]:
    """Return the ids of the agents in panes of `host` whose programs say that a turn began before `before` (ms UTC).

    A time in the future counts too: xats wrote it before the clock was set back.
    """
    return [row["agent_id"] for row in tx.all(IN_TURN, host=host, before=before, now=tx.now)]


def broken_off(tx: Tx, agent_id: int, seen: Presence) -> bool:
    """Record that the user broke off the turn in `seen`; False if the agent's program has said another state since.

    A wake that waits for a hook of that turn falls due, and the agent's automatic locks end. Hooks that say the same
    state again write nothing. So a turn that begins in this very moment may pass for the old one until its next hook.
    """
    of = {"state": seen.state, "at": seen.at, "client_session": seen.client_session}
    noted = tx.run(BROKEN_OFF, agent=agent_id, now=tx.now, **of)
    if noted and has_mail(tx, agent_id):
        from xats.core.waking import wakes

        wakes.retry_now(tx, agent_id, "for_hook")
    if noted and has_edited(tx, agent_id):
        from xats.core.agents import agents
        from xats.core.locks import automatic

        automatic.end(tx, agents.by_id(tx, agent_id))
    return bool(noted)


def last_sent(tx: Tx, agent_id: int) -> tuple[int, str, str | None, int] | None:
    """Return (id, address, subject, time in ms UTC) of the last message that the agent sent, or None."""
    row = tx.one(LAST_SENT, agent=agent_id)
    return (row["id"], row["address"], row["subject"], row["sent_at"]) if row else None
