"""Presence: what an agent's own program says it is doing, as its hooks tell. It is written only when it changes.

idle: it waits for a prompt; busy: it is at work; waiting: it asks its user for leave; ended: its session is over.
Of a turn that its user has broken off not every program tells; then `broken_off` notes what was seen in its pane.
"""

from __future__ import annotations

from xats.base.record import from_row, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.states import PresenceState
    from xats.store import Tx

STATES = ("idle", "busy", "waiting", "ended")


@record
class Presence:
    """What an agent does, since when, and what has been done to keep it at work."""

    state: PresenceState
    at: int  #: ms UTC
    client_session: str | None = None
    continued: int = 0  #: turns in a row that were gone on with because of mail, without a prompt in between
    broken_off_at: int | None = None  #: ms UTC when its user was seen, or told, to have broken the turn off
    reminded_at: int | None = None  #: ms UTC when its session was last told which requests it has not answered

    @property
    def doing(self) -> tuple[str, int]:
        """What it does as far as anybody knows, and since when (ms UTC)."""
        return (self.state, self.at) if self.broken_off_at is None else ("idle", self.broken_off_at)

    def over(self, at: int) -> Presence:
        """Return it with the turn broken off, at the time `at` (ms UTC) if that was not known yet."""
        return replace(self, broken_off_at=self.broken_off_at or at)


GET = """
select state, at, client_session, continued, broken_off_at, reminded_at from presence where agent_id = :agent
"""
PUT = """
insert into presence (agent_id, client_session, state, at, continued, broken_off_at)
values (:agent, :client_session, :state, :now, :continued, :broken_off_at)
on conflict (agent_id) do update set
    at = case when presence.state = :state and presence.client_session = :client_session
        and (presence.broken_off_at is null or :begins = 0) then presence.at else :now end,
    client_session = :client_session, state = :state, continued = :continued, broken_off_at = :broken_off_at
"""
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
MAIL = """
select exists (select 1 from deliveries where agent_id = :agent and state = 'unread') as unread,
    exists (select 1 from deliveries where agent_id = :agent and state = 'shown') as shown
"""
MAY_OWE = """
select 1 from deliveries where agent_id = :agent and need_reply = 1 and state = 'read' and acked_at is null limit 1
"""
REMIND = "update presence set reminded_at = :at where agent_id = :agent"
LAST_SENT = """
select m.id, m.address, m.subject, m.sent_at from messages m where m.sender_id = :agent
order by m.sent_at desc, m.id desc limit 1
"""


def get(tx: Tx, agent_id: int) -> Presence | None:
    """Return what the agent with that id does, or None when its program has never said."""
    row = tx.one(GET, agent=agent_id)
    return from_row(Presence, row) if row else None


def has_mail(tx: Tx, agent_id: int) -> bool:
    """Tell whether there may be mail for the agent with that id: some of it can have expired since."""
    return tx.one(HAS_MAIL, agent=agent_id) is not None


def mail(tx: Tx, agent_id: int) -> tuple[bool, bool]:
    """Tell whether there may be unread mail for the agent with that id, and whether there is mail that was shown."""
    row = tx.one(MAIL, agent=agent_id)
    assert row
    return bool(row["unread"]), bool(row["shown"])


def may_owe(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent with that id may have read a request that it did not answer; see core/mail/owed.py."""
    return tx.one(MAY_OWE, agent=agent_id) is not None


def remind(tx: Tx, agent_id: int, at: int | None) -> None:
    """Note that the agent was told at `at` (ms UTC) which requests it has not answered; None: it has to be told."""
    tx.run(REMIND, agent=agent_id, at=at)


def put(
    tx: Tx,
    agent_id: int,
    state: PresenceState,
    client_session: str | None,
    continued: int = 0,
    *,
    begins: bool = False,
    stopped: bool = False,
) -> None:
    """Note what the agent with that id does, and whether its user has `stopped` it.

    The time stays when it is the same state of the same session, but not when a turn `begins` after one that was broken
    off.
    """
    of = {"agent": agent_id, "state": state, "client_session": client_session, "continued": continued}
    tx.run(PUT, **of, broken_off_at=tx.now if stopped else None, begins=int(begins), now=tx.now)


def in_turn(tx: Tx, host: str, before: int) -> list[int]:
    """Return the ids of the agents in a pane of `host` that are said to be in a turn since a time before `before`.

    That is in ms UTC. A time still to come was written before the clock was set back.
    """
    return [row["agent_id"] for row in tx.all(IN_TURN, host=host, before=before, now=tx.now)]


def broken_off(tx: Tx, agent_id: int, told: Presence) -> bool:
    """Note that the turn of which the agent has `told` is over; False if it has told of another state since.

    What has waited for a hook of that turn is tried now. Hooks that tell of the same state once more write nothing, so
    a turn that has begun in this very moment may be taken for the old one, until its next hook.
    """
    of = {"state": told.state, "at": told.at, "client_session": told.client_session}
    noted = tx.run(BROKEN_OFF, agent=agent_id, now=tx.now, **of)
    if noted and has_mail(tx, agent_id):
        from xats.core.waking import wakes

        wakes.retry_now(tx, agent_id, "for_hook")
    return bool(noted)


def last_sent(tx: Tx, agent_id: int) -> tuple[int, str, str | None, int] | None:
    """Return (id, address, subject, time in ms UTC) of the last message that the agent sent, or None."""
    row = tx.one(LAST_SENT, agent=agent_id)
    return (row["id"], row["address"], row["subject"], row["sent_at"]) if row else None
