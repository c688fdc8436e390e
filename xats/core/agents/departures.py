"""Departures: agents whose process has ended, and the senders who wait for their replies.

The daemon looks at the processes (daemon/departures.py). xats notes an end once, on the session, with the event
`agent_gone`. Its automatic locks end. It returns when it registers in another process or pane: `agent_returned`
(core/agents/registration.py). An agent that gives a sign of life after the end of its process does not count as gone:
another program acts for it.

After AFTER, xats tells the sender of an open request once that the recipient is gone: a restart of the program is no
reason for an alert. It does not if another alert reported the same copy (core/mail/alerts.py, core/mail/owed.py). The
delivery records the alert, so a restart of the daemon repeats nothing.
"""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.record import record
from xats.core import clock
from xats.core.agents import agents
from xats.core.agents.agents import AGENT, LAST_HOOKS, SESSION
from xats.core.locks import automatic
from xats.core.mail import alerts, owed
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.store import Row, Tx

    #: Tells whether the process of a session has surely ended; None if that cannot be known.
    Gone = Callable[[Session], bool | None]

AFTER = 5 * 60_000  # ms that an agent is gone before xats tells the senders of open requests

# A person whose shell has ended is still there.
SEATED = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.ended_at is null and s.gone_at is null and s.host = :host and (s.pid is not null or s.pane_id is not null)
    and a.client <> 'human'
order by a.id
"""
MARK = "update sessions set gone_at = :now where id = :id"
# After the clock was set back, a mark may have a time in the future.
SET_RIGHT = "update sessions set gone_at = :now where gone_at > :far and ended_at is null"
COPIES = f"""
select d.agent_id, d.message_id, m.sender_id, m.subject, d.state, a.name, a.team, s.gone_at
from sessions s cross join agents a cross join deliveries d cross join messages m cross join agents f
where s.gone_at <= :cut and s.gone_at >= :since and s.ended_at is null
    and a.id = s.agent_id and a.seen_at <= s.gone_at + {LAST_HOOKS} and d.agent_id = a.id and m.id = d.message_id
    and f.id = m.sender_id and f.unregistered_at is null and d.need_reply = 1 and {{which}} and {owed.WANTED}
"""
# Each part uses an index: of an agent's unread, shown and read copies.
WAITING = " union all ".join(
    COPIES.format(which=which)
    for which in (
        "d.state = 'unread' and d.alerted_at is null and d.dropped_at is null",
        "d.state = 'shown' and d.unanswered_at is null",
        "d.state = 'read' and d.acked_at is null and d.unanswered_at is null",
    )
)
REPORTED = """
update deliveries set alerted_at = case when state <> 'read' then :now else alerted_at end,
    unanswered_at = case when state <> 'unread' then :now else unanswered_at end
where agent_id = :agent and message_id = :message
"""


@record
class Seated:
    """An agent with a session that has a known process or pane, and that has not been noted as gone."""

    agent: Agent
    session: Session


def seated(tx: Tx, host: str) -> list[Seated]:
    """Return the agents on the host with the id `host` that have a known process or pane and are not noted as gone."""
    return [Seated(agents.agent_of(row), agents.session_of(row)) for row in tx.all(SEATED, host=host)]


def note(tx: Tx, agent: Agent, gone: Gone) -> bool:
    """Note that `agent` is gone if its session is `gone` now; tell whether this is new."""
    session = agents.current_session(tx, agent)
    if session is None or session.gone_at is not None or not gone(session):
        return False
    tx.run(MARK, id=session.id, now=tx.now)
    automatic.end(tx, agent)
    why = "process_ended" if session.seat.process else "pane_gone"
    pane = session.seat.pane.pane_id if session.seat.pane else None
    about = f"agent:{agent.name}"
    tx.event("agent_gone", agent.team, None, about, epoch=session.epoch, reason=why, pid=session.seat.pid, pane=pane)
    return True


def settle(tx: Tx, host: str, gone: Gone) -> int:
    """Note every agent on `host` that is `gone`; return how many are new."""
    return sum(note(tx, one.agent, gone) for one in seated(tx, host))


def report(tx: Tx) -> int:
    """Tell the senders of open requests that the recipients are gone; return how many copies that is.

    Right after a jump of the clock no age is right, so xats tells no sender (core/clock.py).
    """
    upset_at = clock.standing(tx).upset_at
    if not upset_at:
        tx.run(SET_RIGHT, now=tx.now, far=tx.now + AFTER)
    ages = {"cut": tx.now - AFTER, "since": upset_at}
    rows = sorted(tx.all(WAITING, **ages, **wakes.fresh(tx)), key=lambda row: (row["message_id"], row["agent_id"]))
    notice = alerts.Notice(
        event="recipient_gone",
        head="Gone before it answered:",
        subject="recipient gone",
        line=_line,
        mark=REPORTED,
    )
    alerts.report(tx, rows, notice)
    return len(rows)


def _line(tx: Tx, row: Row, team: str) -> str:
    """Return the line of an alert: which copy has no answer, and how long its recipient has been gone."""
    return f"{alerts.copy(row, team)}, {row['state']}: {row['name']} has been gone for {rough(tx.now - row['gone_at'])}"
