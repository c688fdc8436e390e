"""Wakes: each is the attempt to get one agent's attention. At most one is open for an agent, for all its unread mail.

    (new mail) -> queued --attempt refused--> retrying --last rung refused--> failed/retry_exhausted
                    |  ^                         |
                    |  '-- the target is back ---+---- taken in the pane -----------> delivered
                    |      (was suspended)       |
                    '----------------------------+---- read, expired ---------------> skipped
                    |                            '---- not to be tried again -------> failed
                    '-- handed to an inbox --> delivered, and open --read-----------> delivered
                                                 '---- not read in time --> the next attempt, by another transport
    held: its agent or team is paused; queued or retrying again when the pause ends.

    event                                    from                      to                      function
    new mail                                 none, or open             queued, or as before    join
    a pair is over its rate limit            none                      queued, at a later time join(earliest)
    an attempt begins                        due, not leased           leased                  attempts.lease
    its team has reached a limit             due                       queued, or retrying     attempts.lease
    an attempt begins before its time        not due, not leased       leased                  attempts.lease_early
    the process makes no attempt             leased                    due                     attempts.give_back
    a guard or a transport refuses           leased                    retrying, or failed     attempts.refused
    the target is gone                       leased                    suspended               attempts.refused
    an early attempt is refused              leased                    as before               attempts.postpone
    the agent is in a turn; its hook comes   leased                    due when that wait ends attempts.wait_for_hook
    an inbox takes the line                  leased                    delivered, open         attempts.handed_over
    the pane, terminal or command has it     leased                    delivered               attempts.delivered
    the last unread mail is read, or expires open                      skipped, or delivered   close_if_read
    an attempt finds nothing unread          leased                    skipped, or delivered   attempts.skipped
    the agent is unregistered                open, not held            suspended               suspend
    the agent is unused for long             none, or open             failed                  give_up
    a new session, pane or process           open, not held; ended     due; queued             retry_now
    its session registers once more          open, not handed over     due                     retry_now
    a turn ends; a waiter or route appears   waits, suspended          due                     retry_now
    a pause begins                           open                      held                    hold
    a pause ends                             held                      due                     release

An open wake is due when the time `next_attempt_at` has come. A wake without that time is suspended: its target is gone
(`reasons.GONE`), and attempts would use up its rungs for nothing. It falls due when the session changes, or when the
daemon finds a route to the agent again (daemon/routes.py). core/waking/attempts.py leases wakes for attempts and
records the outcomes. New mail joins the open wake and does not reset its ladder. docs/waking.md says what each reason
means and what ends it.

An inbox or a waiter that has taken the line shows it to the agent later. Only a read proves that the agent saw it. The
wake therefore stays open, keeps in `handed` who took the line, and falls due after a time for the other transports.
"""

from __future__ import annotations

from xats.base.record import from_row, record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    from xats.core.states import WakeState
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx

    Which = Literal[
        "new_session", "same_session", "named_session", "for_hook", "not_handed", "program_changed", "suspended"
    ]


@record
class Wake:
    """A wake as it is stored."""

    id: int
    agent_id: int
    state: WakeState
    reason: Reason | None
    last_refusal: Reason | None
    mails: int
    attempts: int
    transport: str | None
    next_attempt_at: int | None
    lease_token: str | None
    opened_at: int
    updated_at: int
    handed: str | None = None  #: the transports that have taken the line, separated by commas
    nonce: str | None = None  #: random, set by the first lease; it makes the mark of this wake in a pane unique
    detail: str | None = None  #: what the last refused attempt saw

    @property
    def taken_by(self) -> tuple[str, ...]:
        """The transports that have taken the line."""
        return tuple(self.handed.split(",")) if self.handed else ()

    @property
    def is_open(self) -> bool:
        """Whether xats goes on trying; a wake that was handed over may be both delivered and open."""
        return self.state in ("queued", "retrying", "held") or self.next_attempt_at is not None


COLUMNS = """
id agent_id state reason last_refusal mails attempts transport next_attempt_at lease_token opened_at updated_at handed
nonce detail
"""
SELECT = ", ".join(f"w.{name}" for name in COLUMNS.split())


def wake_of(row: Row) -> Wake:
    """Return the Wake in a row that has its columns."""
    return from_row(Wake, row)


# -- opening and closing -----------------------------------------------------------------------------------------------

# Mail with an earlier time brings a throttled wake forward.
JOIN = """
insert into wakes (agent_id, state, reason, next_attempt_at, opened_at, updated_at)
values (:agent, 'queued', :reason, :next, :now, :now)
on conflict (agent_id) where closed_at is null do update set mails = wakes.mails + 1,
    reason = case when wakes.reason = 'throttled' and :reason is null then null else wakes.reason end,
    next_attempt_at = case when wakes.reason = 'throttled' and wakes.next_attempt_at > :next then :next
        else wakes.next_attempt_at end
returning id, mails, state, reason, next_attempt_at
"""
COVER = """
update deliveries set wake_id = :wake where agent_id = :agent and state = 'unread' and wake_id is not null
"""
# Not during an attempt: that attempt records how the wake ended.
CLOSE = """
update wakes set state = :state, reason = :reason, next_attempt_at = null, updated_at = :now, closed_at = :now
where agent_id = :agent and closed_at is null and lease_token is null
"""
READ_AFTER_ALL = """
update wakes set state = 'delivered', reason = null, transport = handed, next_attempt_at = null, updated_at = :now,
    closed_at = :now
where agent_id = :agent and closed_at is null and lease_token is null and handed is not null
"""
# Mail that has not expired; `fresh` gives the values. Mail does not expire by a clock that may be wrong.
FRESH = "(m.expires_at is null or m.expires_at > :now or m.sent_at < :sure)"
# The same for a delivery d without its message.
FRESH_COPY = """
(d.expires_at is null or d.expires_at > :now
    or (select e.sent_at from messages e where e.id = d.message_id) < :sure)
"""
# The state of a delivery d now: it may have expired although no sweep has recorded that yet.
STATE = f"case when d.state = 'unread' and not {FRESH_COPY} then 'expired' else d.state end"
SEEMS_OVER = "select 1 from deliveries where state = 'unread' and expires_at <= :now limit 1"
UNREAD = f"""
select 1 from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and d.wake_id is not null and {FRESH}
limit 1
"""
OPEN = "select id from wakes where agent_id = :agent and closed_at is null"


def paused(agent: str, team: str) -> str:
    """Return the SQL condition that an agent or its whole team is paused; `agent` (an id) and `team` are SQL too.

    The pause of a team by a limit does not hold the notices of its persons.
    """
    of_agent = f"exists (select 1 from pauses p where p.agent_id = {agent})"
    person = f"exists (select 1 from agents h where h.id = {agent} and h.client = 'human')"
    of_team = f"p.team = {team} and p.agent_id is null and (p.limit_name is null or not {person})"
    return f"({of_agent} or exists (select 1 from pauses p where {of_team}))"


PAUSED = paused("wakes.agent_id", "(select a.team from agents a where a.id = wakes.agent_id)")
# HOLD and SUSPEND remove the lease. That fences the attempt that holds it: xats refuses its result.
HOLD = f"""
update wakes set state = 'held', reason = 'paused', next_attempt_at = null, lease_token = null, lease_until = null,
    updated_at = :now
where agent_id = :agent and closed_at is null and state <> 'held' and {PAUSED}
"""
RELEASE = f"""
update wakes set state = case when attempts = 0 then 'queued' else 'retrying' end, reason = last_refusal, handed = null,
    next_attempt_at = :now, updated_at = :now
where agent_id = :agent and closed_at is null and state = 'held' and not {PAUSED}
"""
RESUME = """
update wakes set state = case when attempts = 0 then 'queued' else 'retrying' end, reason = last_refusal, handed = null,
    next_attempt_at = :now, updated_at = :now
where agent_id = :agent and closed_at is null and state <> 'held' and lease_token is null
"""
SUSPEND = """
update wakes set state = case when attempts = 0 then 'queued' else 'retrying' end, reason = :reason,
    last_refusal = :reason, detail = null, handed = null, next_attempt_at = null, lease_token = null,
    lease_until = null, updated_at = :now
where agent_id = :agent and closed_at is null and state <> 'held'
"""
# A wake that was handed over waits for its time: a program that does not read must not get the line at every turn.
NOW = """
update wakes set next_attempt_at = :now, updated_at = :now
where agent_id = :agent and closed_at is null and state in ('queued', 'retrying') and lease_token is null and {which}
"""
NOT_HANDED = "(handed is null or next_attempt_at is null) and coalesce(reason, '') <> 'throttled'"
RETRY: dict[Which, str] = {
    "new_session": RESUME,
    "same_session": f"{RESUME} and {NOT_HANDED}",
    "named_session": f"{RESUME} and {NOT_HANDED}",
    "for_hook": NOW.format(which="reason = 'recipient_active'"),
    "not_handed": NOW.format(which=NOT_HANDED),
    "program_changed": NOW.format(which="reason = 'program_changed'"),
    "suspended": NOW.format(which="next_attempt_at is null"),
}
OPENS = ("new_session", "same_session")  # these of RETRY also open a wake for unread mail whose wake has ended
GIVE_UP = """
update wakes set state = 'failed', reason = :reason, next_attempt_at = null, lease_token = null, lease_until = null,
    updated_at = :now, closed_at = :now
where id = :id
"""
GIVEN_UP = """
insert into wakes (agent_id, state, reason, opened_at, updated_at, closed_at)
values (:agent, 'failed', :reason, :now, :now, :now) returning id
"""
GIVE_UP_MAIL = """
update deliveries set wake_id = :wake, no_wake_reason = null
where agent_id = :agent and state = 'unread' and dropped_at is null and not exists (
    select 1 from wakes w where w.id = deliveries.wake_id and w.state = 'failed'
)
"""
SUSPENDED = """
select w.agent_id from wakes w cross join sessions s
where w.closed_at is null and w.next_attempt_at is null and w.state in ('queued', 'retrying')
    and w.lease_token is null and s.agent_id = w.agent_id and s.ended_at is null and s.host = :host
"""


@record
class Joined:
    """The open wake (id) for new mail: whether a pause holds it, and until when it is throttled (ms UTC)."""

    id: int
    held: bool
    throttled_until: int | None


def join(tx: Tx, agent_id: int, earliest: int = 0) -> Joined:
    """Return the agent's open wake; open one if there is none. The caller stores new mail with its id.

    `earliest` is the earliest time of a new wake (ms UTC), which a limit sets.
    """
    later = earliest > tx.now
    values = {"reason": "throttled" if later else None, "next": earliest if later else tx.now}
    row = tx.one(JOIN, agent=agent_id, now=tx.now, **values)
    assert row
    held = row["state"] == "held"
    if row["mails"] == 1:
        tx.run(COVER, wake=row["id"], agent=agent_id)
        held = hold(tx, agent_id)
    until = row["next_attempt_at"] if row["reason"] == "throttled" and not held else None
    return Joined(row["id"], held, until)


def cover_more(tx: Tx, mails: dict[int, int]) -> None:
    """Add to the count of messages of each wake; `mails` is {id of the wake: further messages}."""
    rows = [{"id": wake, "more": more} for wake, more in mails.items()]
    tx.many("update wakes set mails = mails + :more where id = :id", rows)


def close_if_read(tx: Tx, agent_id: int, reason: Reason = "already_read") -> None:
    """Close the agent's open wake if no mail for it is left unread and no attempt is under way."""
    if wanted(tx, agent_id):
        return
    if reason == "already_read" and tx.run(READ_AFTER_ALL, agent=agent_id, now=tx.now):
        return
    tx.run(CLOSE, agent=agent_id, state="skipped", reason=reason, now=tx.now)


def hold(tx: Tx, agent_id: int) -> bool:
    """Hold the agent's open wake if the agent is paused; tell whether there was such a wake."""
    return tx.run(HOLD, agent=agent_id, now=tx.now) > 0


def release(tx: Tx, agent_id: int) -> bool:
    """Make the agent's held wake due unless the agent is still paused; tell whether it is due."""
    if not tx.run(RELEASE, agent=agent_id, now=tx.now):
        return False
    close_if_read(tx, agent_id)  # mail that was read or has expired meanwhile needs no wake
    return is_open(tx, agent_id)


def is_open(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent has an open wake."""
    return open_id(tx, agent_id) is not None


def open_id(tx: Tx, agent_id: int) -> int | None:
    """Return the id of the agent's open wake, or None."""
    row = tx.one(OPEN, agent=agent_id)
    return row["id"] if row else None


def wanted(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent has unread mail that needs a wake."""
    return tx.one(UNREAD, agent=agent_id, **fresh(tx)) is not None


def fresh(tx: Tx) -> dict[str, int]:
    """Return the values of FRESH: the time, and since when ages are right (core/clock.py), both in ms UTC."""
    if tx.one(SEEMS_OVER, now=tx.now) is None:
        return {"now": tx.now, "sure": 0}
    from xats.core import clock

    return {"now": tx.now, "sure": clock.since(tx)}


def is_over(tx: Tx, sent_at: int, expires_at: int | None) -> bool:
    """Tell whether mail has expired (both times in ms UTC), even if no sweep has recorded that yet."""
    if expires_at is None or expires_at > tx.now:
        return False
    return sent_at >= fresh(tx)["sure"]


def retry_now(tx: Tx, agent_id: int, which: Which) -> None:
    """Make the agent's open wake due now if `which` includes it; a held wake stays held.

    `new_session`: any wake. The agent has a new session, or its session has a new pane or process. Each transport gets
    the line again, and unread mail whose wake has ended gets a new wake, because the woken session is gone.
    `same_session`: any wake but one that was handed over and is not suspended. The session has registered once more,
    and its program may have just started to work on that line. Unread mail whose wake has ended gets a new wake.
    `named_session`: as `same_session`, without a new wake. The session only reported the client's own id for it.
    `for_hook`: a wake that waits for a hook. The turn has ended, and its hooks did not hand over all of the mail.
    `not_handed`: a wake that no inbox has taken and no limit spaces out. The agent has a new waiter.
    `program_changed`: a wake refused for that reason. The new program has registered.
    `suspended`: a wake without a time. The daemon has found a route to the agent again.
    """
    tx.run(RETRY[which], agent=agent_id, now=tx.now)
    if which in OPENS and not is_open(tx, agent_id) and wanted(tx, agent_id):
        join(tx, agent_id)


def suspend(tx: Tx, agent_id: int, reason: Reason) -> None:
    """Suspend the agent's open wake because of `reason`; an attempt under way loses its lease."""
    tx.run(SUSPEND, agent=agent_id, reason=reason, now=tx.now)


def give_up(tx: Tx, agent_id: int, reason: Reason) -> None:
    """Fail the agent's wake with `reason`; its unread mail becomes dead letters.

    An attempt under way loses its lease. Mail of a wake that failed before keeps that wake.
    """
    wake = open_id(tx, agent_id)
    if wake is None:
        row = tx.one(GIVEN_UP, agent=agent_id, reason=reason, now=tx.now)
        assert row
        wake = row["id"]
    else:
        tx.run(GIVE_UP, id=wake, reason=reason, now=tx.now)
    tx.run(GIVE_UP_MAIL, agent=agent_id, wake=wake)
    about = tx.one(
        "select a.team, a.name, w.attempts from wakes w join agents a on a.id = w.agent_id where w.id = :id", id=wake
    )
    assert about
    data = {"agent": f"{about['name']}@{about['team']}", "attempts": about["attempts"]}
    tx.event("wake_failed", about["team"], None, f"wake:{wake}", reason=reason, **data)


def suspended(tx: Tx, host: str) -> list[int]:
    """Return the ids of the agents on `host` with a suspended wake."""
    return [row["agent_id"] for row in tx.all(SUSPENDED, host=host)]


# -- looking -----------------------------------------------------------------------------------------------------------

PENDING = f"""
select count(*) as unread, count(distinct m.sender_id) as senders, max(m.id) as newest
from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and {FRESH}
"""
SENDERS = f"""
select a.name, min(m.id) as first from deliveries d
join messages m on m.id = d.message_id join agents a on a.id = m.sender_id
where d.agent_id = :agent and d.state = 'unread' and {FRESH}
group by a.name order by first limit :limit
"""


@record
class Pending:
    """The unread mail of an agent, in numbers."""

    unread: int
    senders: int
    names: tuple[str, ...]  #: the first of the senders
    newest: int  #: the id of the newest message


def pending(tx: Tx, agent_id: int, names: int = 3) -> Pending:
    """Return how many messages of the agent are unread, from how many senders, with at most `names` of their names."""
    when = fresh(tx)
    row = tx.one(PENDING, agent=agent_id, **when)
    assert row
    first = tx.all(SENDERS, agent=agent_id, limit=names, **when)
    return from_row(Pending, row, names=tuple(sender["name"] for sender in first), newest=row["newest"] or 0)
