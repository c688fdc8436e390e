"""Expiry: the lease of a holder is over, or an offer was not used in time. The daemon and every verb of turns ask."""

from __future__ import annotations

from xats.base.durations import rough
from xats.core import clock
from xats.core.agents import agents
from xats.core.leases import holders, leases, tables
from xats.core.leases.leases import LAPSED
from xats.core.turns import members, offers, turns, waits
from xats.core.turns.turns import CLAIM, GRACE, HOLDERS, SELECT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Row, Tx

OFFERED = f"{SELECT} where t.state = 'offered' order by t.offer_until, t.id"
ANY_OFFER = "select 1 from turns where state = 'offered' limit 1"
LATE_OFFERS = """
update turns set offered_at = :now, offer_until = :now + :claim where state = 'offered' and offered_at > :far
"""
STRETCH = "update turns set lease_until = :until where id = :id and number = :number and state = 'held'"
BUSY = """
select 1 from presence h join sessions s on s.agent_id = h.agent_id and s.ended_at is null
where h.agent_id = :id and h.state in ('busy', 'waiting') and h.broken_off_at is null
    and h.client_session = s.client_session
"""
NOT_USED = "it was not taken in time"


def over(tx: Tx, turn: Turn) -> str | None:
    """Return why the lease of the holder of `turn` is over, or None while it holds. It changes nothing."""
    lease = leases.Lease(turn.lease_until, turn.lease_ms, turn.gone_at)
    why = leases.over(lease, tx.now, clock.standing(tx), GRACE)
    return None if why == LAPSED and is_busy(tx, turn) else why


def is_busy(tx: Tx, turn: Turn) -> bool:
    """Tell whether the program of the holder of `turn` works: then the holder is alive, however silent it is."""
    return turn.holder_id is not None and tx.one(BUSY, id=turn.holder_id) is not None


def offer_over(tx: Tx, turn: Turn) -> bool:
    """Tell whether the time of the offer of `turn` is over, by a clock that is right."""
    if turn.offered_at is None or turn.offer_until is None:
        return False
    return turn.offer_until <= tx.now and turn.offered_at >= clock.since(tx)


def due(tx: Tx, probe: Probe) -> bool:
    """Tell whether `settle` may have work, whether or not ages are right."""
    if tables.any_over(tx, HOLDERS) or holders.any_outdated(tx, HOLDERS, probe.gone) or waits.ended(tx, probe):
        return True
    return any(_why_unused(tx, turns.turn_of(row), probe) for row in tx.all(OFFERED))


def settle(tx: Tx, probe: Probe) -> list[Turn]:
    """Move on the turns whose holders are gone or silent, and whose offers are over; return them as they are now."""
    waits.drop(tx, waits.ended(tx, probe))
    for one in holders.holders(tx, HOLDERS):
        for turn_id in holders.mark(tx, HOLDERS, one, probe.gone(one.session)):
            turn = turns.turn_of(_row(tx, turn_id))
            turns.log(tx, turn, "owner_gone", one.agent, None, one.why)
    moved = []
    for row, why in tables.over(tx, HOLDERS):
        turn = turns.turn_of(row)
        if why == LAPSED and is_busy(tx, turn):
            tx.run(STRETCH, id=turn.id, number=turn.number, until=tx.now + (turn.lease_ms or 0))
        else:
            moved.append(lapse(tx, turn, probe, why))
    for row in tx.all(OFFERED):
        turn = turns.turn_of(row)
        if why_unused := _why_unused(tx, turn, probe):
            to = turn.offered_to or ""
            freed = offers.end_offer(tx, turn, why_unused)
            lead = f"{to.partition('@')[0]} did not take {turn.called} of team {turn.team}: {why_unused}."
            moved.append(offers.move_on(tx, freed, probe, lead).turn)
    return moved


def lapse(tx: Tx, turn: Turn, probe: Probe, why: str) -> Turn:
    """Take `turn` from its holder because of `why`, tell it, and offer the turn to the next in line; return it."""
    assert turn.holder_id
    holder = agents.by_id(tx, turn.holder_id)
    turns.log(tx, turn, "lapsed", holder, None, why)
    freed = offers.free(tx, turn)
    lead = f"{holder.name} has lost {turn.called} of team {turn.team}: {why}."
    moved = offers.move_on(tx, freed, probe, lead, but=(holder.id,)).turn
    now = f"It is offered to {moved.offered_to.partition('@')[0]} now." if moved.offered_to else "It is free now."
    offers.tell(
        tx,
        holder,
        f"you have lost {turn.called}",
        f"You have lost {turn.called} of team {turn.team}, which you took {rough(tx.now - (turn.taken_at or 0))} ago:"
        f" {why}. {now}",
        f"Do not change files before you have it again: {turn.call('take --wait 30m')}",
    )
    return moved


def set_right(tx: Tx) -> None:
    """Restart leases and offers that the clock has made wrong, as core/leases/tables.py does."""
    tables.set_right(tx, HOLDERS)
    if not clock.observe(tx).upset_at:
        tx.run(LATE_OFFERS, now=tx.now, claim=CLAIM, far=tx.now + tables.FAR)


def _row(tx: Tx, turn_id: int) -> Row:
    row = tx.one(turns.BY_ID, id=turn_id)
    assert row
    return row


def _why_unused(tx: Tx, turn: Turn, probe: Probe) -> str | None:
    """Return why the offer of `turn` ends unused, or None while it lasts.

    A named agent keeps its offer until its time is over. Any other loses it as soon as xats cannot reach it any more.
    """
    if offer_over(tx, turn):
        return NOT_USED
    if turn.named:
        return None
    for one in members.all_of(tx, turn):
        if one.agent.id == turn.offered_id:
            return one.unreachable(probe, tx.now)
    return "it has left the turn"
