"""Attempts: the lease of a wake for one attempt, and the record of how that attempt ended.

The daemon and `xats deliver --once` make attempts. A token names the process that holds a lease; it fences the attempt:
xats refuses the result of an attempt that has lost its lease. The table in core/waking/wakes.py shows each transition.
"""

from __future__ import annotations

from xats.base.record import replace
from xats.core.waking.reasons import FINAL, GONE
from xats.core.waking.wakes import FRESH, SELECT, close_if_read, fresh, join, wake_of, wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.states import WakeState
    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Wake
    from xats.store import Tx

LEASE = 60_000  # ms that one attempt may take before another process may make it
# ms; a `next_attempt_at` further ahead than any ladder can set was written before the clock was set back.
FURTHEST = 24 * 3600_000

# `:far` guards against a clock that was set back: see FURTHEST. A lease that began before `:held` may have lapsed only
# because the clock is wrong or the host was suspended; 0: the clock is right.
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
LEASE_EARLY = """
update wakes set lease_token = :token, lease_until = :until, nonce = coalesce(nonce, :nonce), updated_at = :now
where id = :id and state in ('queued', 'retrying') and lease_token is null and next_attempt_at > :now
    and updated_at = :seen
"""
LIMITED = "select 1 from limits where name in ('wakes', 'mails') and action <> 'warn' limit 1"
LAPSED = "select 1 from wakes where lease_token is not null and (lease_until <= :now or lease_until > :far) limit 1"
NEXT_DUE = """
select w.next_attempt_at as at from wakes w
where w.next_attempt_at is not null and w.lease_token is null
    and (:host is null or not exists (
        select 1 from sessions s where s.agent_id = w.agent_id and s.ended_at is null and s.host <> :host
    ))
order by w.next_attempt_at limit 1
"""
WAITING = """
select count(w.next_attempt_at) as n, count(*) as open, min(w.next_attempt_at) as next from wakes w
where w.closed_at is null and w.state <> 'held' and w.lease_token is null
    and (w.next_attempt_at is null or w.next_attempt_at > :now)
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
    """Return the wakes that are due now and not leased, the longest due first.

    `longest` is the longest wait (ms) of the ladder in force. With `host`, the wakes of agents on other hosts are left
    out: the daemons there make their attempts.
    """
    values = {"now": tx.now, "far": tx.now + longest, "far_lease": tx.now + LEASE, "held": 0}
    if tx.one(LAPSED, now=tx.now, far=values["far_lease"]):
        from xats.core import clock

        upset = clock.standing(tx).upset_at
        values["held"] = upset + LEASE if upset else 0
    rows = tx.all(DUE, host=host, limit=limit, **values)
    return [wake_of(row) for row in rows]


def lease(tx: Tx, wakes: list[Wake], token: str) -> list[Wake]:
    """Lease `wakes`, which this transaction read as due, to the process that `token` names; return them leased.

    Wakes that the limits of their teams do not allow now are put off.
    """
    wakes = _within_limits(tx, wakes)
    leased = [_with_nonce(tx, wake) for wake in wakes]
    about = {"token": token, "until": tx.now + LEASE, "now": tx.now}
    tx.many(TAKE, [{"id": wake.id, "nonce": wake.nonce, **about} for wake in leased])
    return leased


def lease_early(tx: Tx, wake: Wake, token: str) -> Wake | None:
    """Lease `wake` to `token` before its time; return it leased, or None.

    None: it no longer waits for the same rung, or a limit of its team does not allow it now.
    """
    if not _within_limits(tx, [wake], early=True):
        return None
    leased = _with_nonce(tx, wake)
    about = {"until": tx.now + LEASE, "now": tx.now, "seen": wake.updated_at}
    return leased if tx.run(LEASE_EARLY, id=wake.id, token=token, nonce=leased.nonce, **about) else None


def _within_limits(tx: Tx, wakes: list[Wake], *, early: bool = False) -> list[Wake]:
    """Return those of `wakes` that the limits of their teams allow now."""
    if not wakes or tx.one(LIMITED) is None:
        return wakes
    from xats.core.waking import pacing

    return pacing.allowed(tx, wakes, early=early)


def _with_nonce(tx: Tx, wake: Wake) -> Wake:
    """Return `wake` with its nonce; the first lease makes one."""
    return wake if wake.nonce else replace(wake, nonce=tx.nonce())


def nonce_of(tx: Tx, wake_id: int, agent_id: int) -> str | None:
    """Return the nonce of wake `wake_id`, open or not, if the wake is the agent's and was ever leased."""
    row = tx.one("select nonce from wakes where id = :id and agent_id = :agent", id=wake_id, agent=agent_id)
    return row["nonce"] if row else None


def next_due(tx: Tx, host: str | None = None) -> int | None:
    """Return when the next wake, or the next of `host`, is due (ms UTC, perhaps past); None if none waits."""
    row = tx.one(NEXT_DUE, host=host)
    return row["at"] if row else None


def waiting(tx: Tx) -> tuple[int, int, int | None]:
    """Return how many open wakes wait for their next attempt, how many are suspended, and when that attempt is.

    Wakes that are due, leased or held do not count. The time is in ms UTC; None: no wake waits for an attempt.
    """
    row = tx.one(WAITING, now=tx.now)
    assert row
    return row["n"], row["open"] - row["n"], row["next"]


def free_leases(tx: Tx, abandoned: Callable[[str], bool]) -> int:
    """Free the leases whose process has ended, as `abandoned` tells of a token; return how many.

    A wake ends if its mail was read during the attempt.
    """
    freed = 0
    for row in tx.all(LEASED):
        if abandoned(row["lease_token"]) and tx.run(FREE, id=row["id"], token=row["lease_token"]):
            close_if_read(tx, row["agent_id"])
            freed += 1
    return freed


def give_back(tx: Tx, wake: Wake, token: str) -> bool:
    """Give back the lease without an attempt: the wake is due as before, or ends if its mail was read.

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
    """Record that the attempt was refused for `reason`; `next_attempt(attempts, now)` returns the time of the next one.

    If the target is gone, the wake is suspended and uses up no rung. If its mail was read meanwhile, the wake ends.
    `code` is the exit code of a command that ran, `detail` what the attempt saw. Returns False if the lease was lost
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
    if now and now["mails"] > wake.mails:  # mail that came during this last attempt gets a wake of its own
        join(tx, wake.agent_id)
    return True


def postpone(
    tx: Tx,
    wake: Wake,
    token: str,
    reason: Reason,
    transport: str | None,
    until: int | None = None,
    detail: str | None = None,
) -> bool:
    """Record that the attempt was refused for `reason` and used up no rung; the next one is due at `until` (ms UTC).

    Without `until` the next attempt keeps its time, because this one was early. `detail` is what the attempt saw.
    Returns False if the lease was lost meanwhile.
    """
    if not wanted(tx, wake.agent_id):
        return skipped(tx, wake, token, "already_read")
    again = wake.next_attempt_at if until is None else until
    return _record(tx, wake, token, _waiting(wake), reason, transport, wake.attempts, again, detail=detail)


def wait_for_hook(tx: Tx, wake: Wake, token: str, until: int) -> bool:
    """Record that the agent is busy and that its next hook hands the mail over. This uses up no rung.

    If no hook comes, the next attempt is due at `until` (ms UTC). Returns False if the lease was lost meanwhile.
    """
    if not wanted(tx, wake.agent_id):
        return skipped(tx, wake, token, "already_read")
    return _record(tx, wake, token, _waiting(wake), "recipient_active", "hook", wake.attempts, until)


def _waiting(wake: Wake) -> WakeState:
    """Return the state of a wake that waits: `queued` before its first attempt, else `retrying`."""
    return "retrying" if wake.attempts else "queued"


def handed_over(tx: Tx, wake: Wake, token: str, transport: str, again: int, *, rung: bool = False) -> bool:
    """Record that an inbox has taken the line; unless the mail is read, the next attempt is due at `again` (ms UTC).

    `rung`: the same inbox took the line before, so this uses up a rung. The line also covers mail that comes before the
    agent reads it. Returns False if the lease was lost meanwhile.
    """
    handed = ",".join(dict.fromkeys((*wake.taken_by, transport)))
    attempts = wake.attempts + rung
    refusal: Reason | None = "not_read" if rung else None
    if not wanted(tx, wake.agent_id):  # read already; only the holder of the lease can close it
        return _record(tx, wake, token, "delivered", None, transport, attempts, handed=handed)
    return _record(tx, wake, token, "delivered", None, transport, attempts, again, refusal, handed=handed)


def delivered(tx: Tx, wake: Wake, token: str, transport: str, covered: int | None, code: int | None = None) -> bool:
    """Record that the recipient took the line, which covers the messages up to the id `covered`.

    Later mail gets a wake of its own. None: an earlier attempt, whose process died, pasted the line; it covers the mail
    that was there at that lease. `code` is the exit code of a command that ran. Returns False if the lease was lost
    meanwhile.
    """
    if not _record(tx, wake, token, "delivered", None, transport, wake.attempts + 1, code=code):
        return False
    # A time in the future was written before the clock was set back, so the mail of that moment is unknown.
    at = wake.updated_at if covered is None and wake.updated_at <= tx.now else 0
    later = {"id": covered or 0, "at": at}
    if tx.one(LATER, agent=wake.agent_id, **fresh(tx), **later):
        join(tx, wake.agent_id)
    return True


def skipped(tx: Tx, wake: Wake, token: str, reason: Reason) -> bool:
    """Record that the wake is not needed any more; if new mail has come since, the wake stays due instead.

    An agent that no transport may wake any more (`no_wake`) keeps its mail unread. Returns False if the lease was lost
    meanwhile.
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


def still_leased(tx: Tx, wake: Wake, token: str) -> bool:
    """Tell whether the attempt that `token` leased may still act."""
    row = tx.one("select lease_token from wakes where id = :id and closed_at is null", id=wake.id)
    return row is not None and row["lease_token"] == token
