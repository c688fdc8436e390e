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
# A time further ahead than any ladder can ask for is one that was written before the clock was set back.
FURTHEST = 24 * 3600_000

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
LEASE_EARLY = """
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


def lease_early(tx: Tx, wake: Wake, token: str) -> Wake | None:
    """Lease `wake` to `token` before its time, and return it leased; None if it waits for the same rung no more."""
    leased = _with_nonce(tx, wake)
    about = {"until": tx.now + LEASE, "now": tx.now, "seen": wake.updated_at}
    return leased if tx.run(LEASE_EARLY, id=wake.id, token=token, nonce=leased.nonce, **about) else None


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


def postpone(
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


def wait_for_hook(tx: Tx, wake: Wake, token: str, until: int) -> bool:
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


def still_leased(tx: Tx, wake: Wake, token: str) -> bool:
    """Tell whether the attempt that `token` leased may still act."""
    row = tx.one("select lease_token from wakes where id = :id and closed_at is null", id=wake.id)
    return row is not None and row["lease_token"] == token
