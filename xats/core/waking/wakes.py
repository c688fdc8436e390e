"""Wakes: the attempt to get one agent's attention. At most one is open for each agent; it covers all its unread mail.

    (new mail) -> queued --attempt refused--> retrying --last rung refused--> failed/retry_exhausted
                    |  ^                         |
                    |  '-- the target is back ---+---- taken in the pane -----------> delivered
                    |      (was suspended)       |
                    '----------------------------+---- read, expired ---------------> skipped
                    |                            '---- not to be tried again -------> failed
                    '-- handed to an inbox --> delivered, and open --read-----------> delivered
                                                 '---- not read in time --> the next attempt, by another transport
    held: its agent or team is paused; queued or retrying again when the pause ends.

    event                                        from                      to                         function
    new mail                                     none, or open             queued, or as before       join
    a pair is over its rate limit                none                      queued, at a later time    join(earliest)
    an attempt begins                            due, not leased           leased                     lease, hasten
    it is not made                               leased                    due                        give_back
    it is refused                                leased                    retrying, or failed        refused
    it is refused: the target is gone            leased                    suspended                  refused
    it was made before its time and is refused   leased                    as before                  put_off
    a hook is to hand the mail over              leased                    at the end of that wait    waits
    an inbox takes the line                      leased                    delivered, open            handed_over
    the pane, the terminal or the command has it leased                    delivered                  delivered
    nothing is unread any more                   open                      skipped, or delivered      close_if_read
    an attempt finds nothing unread              leased                    skipped, or delivered      skipped
    the agent is unregistered                    open, not held            suspended                  suspend
    the agent is unused for long                 none, or open             failed                     give_up
    a new session, pane or process               open, not held; ended     due; queued                retry_now
    its session registers once more              open, not handed over     due                        retry_now
    a turn ends, a waiter or another route comes waits, suspended          due                        retry_now
    a pause begins, ends                         open; held                held; due                  hold, let_go

An open wake is due when `next_attempt_at` has come. A null there suspends it: its target is known to be gone (GONE),
and trying costs it no rung. It falls due when the session changes, or when the daemon finds a route to the agent again
(daemon/routes.py). An attempt is leased by a token; a result under a lost lease is refused. New mail joins the open
wake and does not reset its ladder. docs/waking.md says what each reason means and what ends it.

An inbox or a waiter that has taken the line shows it to the agent when it can: only reading tells that it did. So the
wake stays open, remembers in `handed` who has taken the line, and falls due after a time for those who have not.
"""

from __future__ import annotations

from xats.base.record import from_row, record, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from xats.core.states import WakeState
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx

    Which = Literal[
        "new_session", "same_session", "named_session", "for_hook", "not_told", "program_changed", "suspended"
    ]

LEASE = 60_000  # ms that one attempt may take before another process may make it
# A time further ahead than any ladder can ask for is one that was written before the clock was set back.
FURTHEST = 24 * 3600_000

# The target is known to be gone: suspend, and burn no attempt. What only cannot be asked just now is not here.
GONE: frozenset[Reason] = frozenset(
    ("no_pane", "pane_dead", "pane_changed", "process_gone", "server_gone", "no_program", "not_registered")
)
# What an attempt was refused for and will pass: the pane is watched meanwhile, and need not wait for its rung.
PASSING: frozenset[Reason] = frozenset(
    (
        *("busy", "not_quiet", "draft_present", "dialog_open", "human_active", "screen_unknown"),
        *("copy_mode", "input_off", "shell_foreground", "child_foreground", "recipient_active"),
        *("program_changed", "program_hidden", "program_elsewhere"),
        *("tmux_unavailable", "tmux_missing", "server_untrusted", "not_permitted", "host_busy"),
    )
)
FINAL: frozenset[Reason] = frozenset(
    ("unconfirmed",)
)  # nobody can tell what happened to the line: never paste it again


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
    handed: str | None = None  #: the transports that have taken the line, with commas
    nonce: str | None = None  #: random, from its first lease on: the mark that it leaves in a pane is like no other one
    detail: str | None = None  #: what was seen that the last attempt was refused for

    @property
    def taken_by(self) -> tuple[str, ...]:
        """The transports that have taken the line."""
        return tuple(self.handed.split(",")) if self.handed else ()

    @property
    def is_open(self) -> bool:
        """Whether more is done to have the mail read; one that was handed over may be both delivered and open."""
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

# Mail for which a throttled wake need not wait, or not so long, hastens it.
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
# Not while an attempt is being made: that attempt knows best how the wake ended.
CLOSE = """
update wakes set state = :state, reason = :reason, next_attempt_at = null, updated_at = :now, closed_at = :now
where agent_id = :agent and closed_at is null and lease_token is null
"""
READ_AFTER_ALL = """
update wakes set state = 'delivered', reason = null, transport = handed, next_attempt_at = null, updated_at = :now,
    closed_at = :now
where agent_id = :agent and closed_at is null and lease_token is null and handed is not null
"""
# Mail whose time is not over; `fresh` gives the values. Where the clock may be wrong, no mail is over by it.
FRESH = "(m.expires_at is null or m.expires_at > :now or m.sent_at < :sure)"
# The same of a delivery d alone, which has the time of its message.
FRESH_COPY = """
(d.expires_at is null or d.expires_at > :now
    or (select e.sent_at from messages e where e.id = d.message_id) < :sure)
"""
# The state of a delivery d at this moment: it is expired once its time is over, before a sweep notes that.
STATE = f"case when d.state = 'unread' and not {FRESH_COPY} then 'expired' else d.state end"
SEEMS_OVER = "select 1 from deliveries where state = 'unread' and expires_at <= :now limit 1"
UNREAD = f"""
select 1 from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and d.wake_id is not null and {FRESH}
limit 1
"""
OPEN = "select id from wakes where agent_id = :agent and closed_at is null"


def paused(agent: str, team: str) -> str:
    """Return the SQL that tells whether the agent with the id `agent` is paused, or its whole `team`; both are SQL."""
    of_agent = f"exists (select 1 from pauses p where p.agent_id = {agent})"
    return f"({of_agent} or exists (select 1 from pauses p where p.team = {team} and p.agent_id is null))"


PAUSED = paused("wakes.agent_id", "(select a.team from agents a where a.id = wakes.agent_id)")
# A lease that is taken away here and in SUSPEND fences the attempt that holds it: its result is refused.
HOLD = f"""
update wakes set state = 'held', reason = 'paused', next_attempt_at = null, lease_token = null, lease_until = null,
    updated_at = :now
where agent_id = :agent and closed_at is null and state <> 'held' and {PAUSED}
"""
LET_GO = f"""
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
# What was handed over already waits for its time: a program that does not read must not be told at each of its turns.
NOW = """
update wakes set next_attempt_at = :now, updated_at = :now
where agent_id = :agent and closed_at is null and state in ('queued', 'retrying') and lease_token is null and {which}
"""
NOT_TOLD = "(handed is null or next_attempt_at is null) and coalesce(reason, '') <> 'throttled'"
RETRY: dict[Which, str] = {
    "new_session": RESUME,
    "same_session": f"{RESUME} and {NOT_TOLD}",
    "named_session": f"{RESUME} and {NOT_TOLD}",
    "for_hook": NOW.format(which="reason = 'recipient_active'"),
    "not_told": NOW.format(which=NOT_TOLD),
    "program_changed": NOW.format(which="reason = 'program_changed'"),
    "suspended": NOW.format(which="next_attempt_at is null"),
}
OPENS = ("new_session", "same_session")  # of RETRY: they open a wake for unread mail whose wake has ended
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
    """The open wake (id) that covers new mail: whether a pause holds it, and until when it is throttled (ms UTC)."""

    id: int
    held: bool
    throttled_until: int | None


def join(tx: Tx, agent_id: int, earliest: int = 0) -> Joined:
    """Return the agent's open wake, opened now if there was none. New mail is to be stored with its id.

    A limit may ask that a new wake is not tried before the time `earliest` (ms UTC).
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
    """Note that each wake (id) covers so many messages more."""
    rows = [{"id": wake, "more": more} for wake, more in mails.items()]
    tx.many("update wakes set mails = mails + :more where id = :id", rows)


def close_if_read(tx: Tx, agent_id: int, reason: Reason = "already_read") -> None:
    """Close the agent's open wake when nothing is left unread, unless an attempt is just being made."""
    if wanted(tx, agent_id):
        return
    if reason == "already_read" and tx.run(READ_AFTER_ALL, agent=agent_id, now=tx.now):
        return
    tx.run(CLOSE, agent=agent_id, state="skipped", reason=reason, now=tx.now)


def hold(tx: Tx, agent_id: int) -> bool:
    """Hold the agent's open wake if it is paused; tell whether there was one to hold."""
    return tx.run(HOLD, agent=agent_id, now=tx.now) > 0


def let_go(tx: Tx, agent_id: int) -> bool:
    """Let the agent's held wake fall due unless it is still paused; tell whether it does."""
    if not tx.run(LET_GO, agent=agent_id, now=tx.now):
        return False
    close_if_read(tx, agent_id)  # what was read or has expired meanwhile needs no wake
    return is_open(tx, agent_id)


def is_open(tx: Tx, agent_id: int) -> bool:
    """Tell whether the agent has an open wake."""
    return open_id(tx, agent_id) is not None


def open_id(tx: Tx, agent_id: int) -> int | None:
    """Return the id of the agent's open wake, or None."""
    row = tx.one(OPEN, agent=agent_id)
    return row["id"] if row else None


def wanted(tx: Tx, agent_id: int) -> bool:
    """Tell whether anything is unread for which the agent is to be woken."""
    return tx.one(UNREAD, agent=agent_id, **fresh(tx)) is not None


def fresh(tx: Tx) -> dict[str, int]:
    """Return the values of FRESH: the time, and since when the ages of mail are right (core/clock.py), both ms UTC."""
    if tx.one(SEEMS_OVER, now=tx.now) is None:
        return {"now": tx.now, "sure": 0}
    from xats.core import clock

    return {"now": tx.now, "sure": clock.since(tx)}


def is_over(tx: Tx, sent_at: int, expires_at: int | None) -> bool:
    """Tell whether the time of mail is over (both ms UTC); the next sweep is to note it."""
    if expires_at is None or expires_at > tx.now:
        return False
    return sent_at >= fresh(tx)["sure"]


def retry_now(tx: Tx, agent_id: int, which: Which) -> None:
    """Let the agent's open wake fall due if it is one of `which`; a held one stays held.

    `new_session`: any; the agent has a new session, or its session another pane or process. Each transport that has
    taken the line is asked anew, and unread mail whose wake has ended gets a new one: the session that was woken for it
    is gone.
    `same_session`: all but those that were handed over and are not suspended; the session has registered once more, and
    the line may be what its program has just begun with. Unread mail whose wake has ended gets a new one.
    `named_session`: the same, but no new wake: the session has only said what its client calls it.
    `for_hook`: those that wait for a hook; the turn has ended, and not all of the mail was handed over.
    `not_told`: those that no inbox has taken, but for throttled ones; the agent has a waiter, which was not there
    before.
    `program_changed`: those that were refused for that; the other program has said whose it is.
    `suspended`: those without a time; a route leads to the agent again.
    """
    tx.run(RETRY[which], agent=agent_id, now=tx.now)
    if which in OPENS and not is_open(tx, agent_id) and wanted(tx, agent_id):
        join(tx, agent_id)


def suspend(tx: Tx, agent_id: int, reason: Reason) -> None:
    """Suspend the agent's open wake: its target is gone. An attempt under way loses its lease."""
    tx.run(SUSPEND, agent=agent_id, reason=reason, now=tx.now)


def give_up(tx: Tx, agent_id: int, reason: Reason) -> None:
    """End with `reason` all waiting for what the agent has not read: its unread mail becomes dead letters.

    An attempt under way loses its lease. Mail whose wake failed before keeps that wake.
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
    """Return the ids of the agents that sit on `host` and whose wake is suspended: nothing led to them."""
    return [row["agent_id"] for row in tx.all(SUSPENDED, host=host)]


# -- attempts ----------------------------------------------------------------------------------------------------------

# `:far` guards against a clock that was set back: see FURTHEST. A lease that began before `:held` may have lapsed only
# by a wrong clock, or while the host was suspended; 0: the clock is right.
DUE = f"""
select {SELECT} from wakes w
where w.next_attempt_at is not null and (w.next_attempt_at <= :now or w.next_attempt_at > :far)
    and (
        w.lease_until is null or (w.lease_until <= :now and w.lease_until >= :held)
        or (w.lease_until > :far_lease and :held = 0)
    )
    and (:host is null or not exists (
        select 1 from sessions s where s.agent_id = w.agent_id and s.ended_at is null and s.host <> :host
    ))
order by w.next_attempt_at limit :limit
"""
TAKE = """
update wakes set lease_token = :token, lease_until = :until, nonce = :nonce, updated_at = :now
where id = :id and closed_at is null
"""
HASTEN = """
update wakes set lease_token = :token, lease_until = :until, nonce = coalesce(nonce, :nonce), updated_at = :now
where id = :id and state in ('queued', 'retrying') and lease_token is null and next_attempt_at > :now
    and updated_at = :seen
"""
LAPSED = "select 1 from wakes where lease_token is not null and (lease_until <= :now or lease_until > :far) limit 1"
NEXT_DUE = """
select w.next_attempt_at as at from wakes w
where w.next_attempt_at is not null and w.lease_token is null
    and (:host is null or not exists (
        select 1 from sessions s where s.agent_id = w.agent_id and s.ended_at is null and s.host <> :host
    ))
order by w.next_attempt_at limit 1
"""
LEASED = "select id, agent_id, lease_token from wakes where lease_token is not null and lease_until is not null"
FREE = "update wakes set lease_token = null, lease_until = null where id = :id and lease_token = :token"
LATER = f"""
select 1 from deliveries d join messages m on m.id = d.message_id
where d.agent_id = :agent and d.state = 'unread' and d.wake_id is not null and d.message_id > :id and m.sent_at > :at
    and {FRESH}
limit 1
"""
RECORD = """
update wakes set state = :state, reason = :reason, last_refusal = :refusal, transport = :transport, handed = :handed,
    attempts = :attempts, detail = :detail, next_attempt_at = :next, lease_token = null, lease_until = null,
    updated_at = :now, closed_at = case when :closed = 1 then :now end
where id = :id and lease_token = :token and closed_at is null
"""


def due(tx: Tx, limit: int = 1000, longest: int = FURTHEST, host: str | None = None) -> list[Wake]:
    """Return the wakes that are due now and leased by nobody, the longest due first.

    `longest` is the longest wait (ms) that the ladder in force can ask for. With `host`, those of agents that sit on
    another one are left to the daemon there.
    """
    values = {"now": tx.now, "far": tx.now + longest, "far_lease": tx.now + LEASE, "held": 0}
    if tx.one(LAPSED, now=tx.now, far=values["far_lease"]):
        from xats.core import clock

        upset = clock.standing(tx).upset_at
        values["held"] = upset + LEASE if upset else 0
    rows = tx.all(DUE, host=host, limit=limit, **values)
    return [wake_of(row) for row in rows]


def lease(tx: Tx, wakes: list[Wake], token: str) -> list[Wake]:
    """Lease `wakes`, just read as due in this transaction, to the process that `token` names; return them leased."""
    leased = [_with_nonce(tx, wake) for wake in wakes]
    about = {"token": token, "until": tx.now + LEASE, "now": tx.now}
    tx.many(TAKE, [{"id": wake.id, "nonce": wake.nonce, **about} for wake in leased])
    return leased


def hasten(tx: Tx, wake: Wake, token: str) -> Wake | None:
    """Lease `wake` to `token` before its time, and return it leased; None if it waits for the same rung no more."""
    leased = _with_nonce(tx, wake)
    about = {"until": tx.now + LEASE, "now": tx.now, "seen": wake.updated_at}
    return leased if tx.run(HASTEN, id=wake.id, token=token, nonce=leased.nonce, **about) else None


def _with_nonce(tx: Tx, wake: Wake) -> Wake:
    """Return `wake` with the nonce of its first lease, made now if this is the first one."""
    return wake if wake.nonce else replace(wake, nonce=tx.nonce())


def nonce_of(tx: Tx, wake_id: int, agent_id: int) -> str | None:
    """Return the nonce of the wake `wake_id` if it is one of the agent's, open or not, and was ever leased."""
    row = tx.one("select nonce from wakes where id = :id and agent_id = :agent", id=wake_id, agent=agent_id)
    return row["nonce"] if row else None


def next_due(tx: Tx, host: str | None = None) -> int | None:
    """Return when the next wake, or the next of `host`, falls due (ms UTC); it may be past. None: nothing is."""
    row = tx.one(NEXT_DUE, host=host)
    return row["at"] if row else None


def free_leases(tx: Tx, abandoned: Callable[[str], bool]) -> int:
    """Give back the leases whose token `abandoned` says nobody holds any more; return how many.

    A wake whose mail was read during the attempt ends.
    """
    freed = 0
    for row in tx.all(LEASED):
        if abandoned(row["lease_token"]) and tx.run(FREE, id=row["id"], token=row["lease_token"]):
            close_if_read(tx, row["agent_id"])
            freed += 1
    return freed


def give_back(tx: Tx, wake: Wake, token: str) -> bool:
    """Return the lease of an attempt that was not made; the wake is as due as before, or ends if its mail was read.

    Returns False if the lease was lost meanwhile.
    """
    if not tx.run(FREE, id=wake.id, token=token):
        return False
    close_if_read(tx, wake.agent_id)
    return True


def refused(
    tx: Tx,
    wake: Wake,
    token: str,
    reason: Reason,
    transport: str | None,
    next_attempt: Callable[[int, int], int | None],
    code: int | None = None,
    detail: str | None = None,
) -> bool:
    """Record that an attempt was refused for `reason`; `next_attempt(attempts, now)` says when to try again.

    A target that is gone suspends the wake and costs no attempt; a wake whose mail was read meanwhile ends. `code` is
    the exit code of the program that was run, if any, `detail` what was seen. Returns False if the lease was lost
    meanwhile.
    """
    if not wanted(tx, wake.agent_id):
        return skipped(tx, wake, token, "already_read")
    if reason in GONE:
        return _record(tx, wake, token, _waiting(wake), reason, transport, wake.attempts, detail=detail)
    attempts = wake.attempts + 1
    again = None if reason in FINAL else next_attempt(attempts, tx.now)
    if again is not None:
        return _record(tx, wake, token, "retrying", reason, transport, attempts, again, code=code, detail=detail)
    ended = reason if reason in FINAL else "retry_exhausted"
    now = tx.one("select mails from wakes where id = :id", id=wake.id)
    if not _record(tx, wake, token, "failed", ended, transport, attempts, refusal=reason, code=code, detail=detail):
        return False
    if now and now["mails"] > wake.mails:  # what came during this last attempt has not had its turn
        join(tx, wake.agent_id)
    return True


def put_off(
    tx: Tx,
    wake: Wake,
    token: str,
    reason: Reason,
    transport: str | None,
    until: int | None = None,
    detail: str | None = None,
) -> bool:
    """Record that an attempt was refused for `reason` and cost no rung; the next is due at `until` (ms UTC).

    By default the next is as due as before: the attempt was made before its time. `detail` is what was seen. Returns
    False if the lease was lost meanwhile.
    """
    if not wanted(tx, wake.agent_id):
        return skipped(tx, wake, token, "already_read")
    again = wake.next_attempt_at if until is None else until
    return _record(tx, wake, token, _waiting(wake), reason, transport, wake.attempts, again, detail=detail)


def waits(tx: Tx, wake: Wake, token: str, until: int) -> bool:
    """Record that the agent is at work, and that its next hook hands the mail over; `until` (ms UTC) if need be.

    It costs no rung. Returns False if the lease was lost meanwhile.
    """
    if not wanted(tx, wake.agent_id):
        return skipped(tx, wake, token, "already_read")
    return _record(tx, wake, token, _waiting(wake), "recipient_active", "hook", wake.attempts, until)


def _waiting(wake: Wake) -> WakeState:
    """Return the state of a wake that waits for its first attempt, or for another one."""
    return "retrying" if wake.attempts else "queued"


def handed_over(tx: Tx, wake: Wake, token: str, transport: str, again: int, *, rung: bool = False) -> bool:
    """Record that an inbox has taken the line; if nothing reads, the wake goes on at the time `again` (ms UTC).

    It costs no `rung` but where the same inbox has taken it before. The line speaks for mail that comes before it is
    read. Returns False if the lease was lost meanwhile.
    """
    handed = ",".join(dict.fromkeys((*wake.taken_by, transport)))
    attempts = wake.attempts + rung
    refusal: Reason | None = "not_read" if rung else None
    if not wanted(tx, wake.agent_id):  # read already, and nobody else could close it
        return _record(tx, wake, token, "delivered", None, transport, attempts, handed=handed)
    return _record(tx, wake, token, "delivered", None, transport, attempts, again, refusal, handed=handed)


def delivered(tx: Tx, wake: Wake, token: str, transport: str, covered: int | None, code: int | None = None) -> bool:
    """Record that the recipient took the line, which spoke of the messages up to the id `covered`.

    Mail that came after that is given a wake of its own. None: an earlier attempt, which died, had made the line; it
    covers what was there when that attempt was leased. `code` is the exit code of the program that was run, if any.
    Returns False if the lease was lost meanwhile.
    """
    if not _record(tx, wake, token, "delivered", None, transport, wake.attempts + 1, code=code):
        return False
    # A time still to come was written before the clock was set back: who knows what was there then.
    at = wake.updated_at if covered is None and wake.updated_at <= tx.now else 0
    later = {"id": covered or 0, "at": at}
    if tx.one(LATER, agent=wake.agent_id, **fresh(tx), **later):
        join(tx, wake.agent_id)
    return True


def skipped(tx: Tx, wake: Wake, token: str, reason: Reason) -> bool:
    """Record that there is nothing left to wake anybody for, unless mail has come since; then the wake stays due.

    Whom nobody is to wake any more (`no_wake`) keeps his mail unread.

    Returns False if the lease was lost meanwhile.
    """
    if reason != "no_wake" and wanted(tx, wake.agent_id):
        return give_back(tx, wake, token)
    if reason == "already_read" and wake.handed:
        return _record(tx, wake, token, "delivered", None, wake.handed, wake.attempts)
    return _record(tx, wake, token, "skipped", reason, wake.transport, wake.attempts)


def _record(
    tx: Tx,
    wake: Wake,
    token: str,
    state: WakeState,
    reason: Reason | None,
    transport: str | None,
    attempts: int,
    next_at: int | None = None,
    refusal: Reason | None = None,
    code: int | None = None,
    handed: str | None = None,
    detail: str | None = None,
) -> bool:
    changed = tx.run(
        RECORD,
        id=wake.id,
        token=token,
        state=state,
        reason=reason,
        refusal=refusal or reason or wake.last_refusal,
        transport=transport,
        attempts=attempts,
        detail=detail or None,
        next=next_at,
        handed=handed or wake.handed,
        closed=int(state in ("skipped", "failed") or (state == "delivered" and next_at is None)),
        now=tx.now,
    )
    if not changed:
        return False
    row = tx.one("select team, name from agents where id = :id", id=wake.agent_id)
    assert row
    about = {"agent": f"{row['name']}@{row['team']}", "transport": transport, "attempts": attempts}
    if code is not None:
        about["exit"] = code
    tx.event(f"wake_{state}", row["team"], None, f"wake:{wake.id}", reason=reason, next_attempt_at=next_at, **about)
    return True


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
    """What an agent would be woken for."""

    unread: int
    senders: int
    names: tuple[str, ...]  #: the first of the senders
    newest: int  #: the id of the newest message


def pending(tx: Tx, agent_id: int, names: int = 3) -> Pending:
    """Return how much is unread, from how many senders, and the names of at most `names` of them."""
    when = fresh(tx)
    row = tx.one(PENDING, agent=agent_id, **when)
    assert row
    first = tx.all(SENDERS, agent=agent_id, limit=names, **when)
    return from_row(Pending, row, names=tuple(sender["name"] for sender in first), newest=row["newest"] or 0)


def still_leased(tx: Tx, wake: Wake, token: str) -> bool:
    """Tell whether the attempt that `token` leased may still act."""
    row = tx.one("select lease_token from wakes where id = :id and closed_at is null", id=wake.id)
    return row is not None and row["lease_token"] == token
