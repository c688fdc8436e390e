"""Taking a turn, passing it on with a handoff, giving it back, and taking it from its holder."""

from __future__ import annotations

from xats.base import durations
from xats.base.durations import iso, rough
from xats.base.errors import Refused, Usage
from xats.core import clock
from xats.core.agents import agents
from xats.core.leases import holders
from xats.core.turns import expiry, handoffs, members, membership, offers, turns, waits
from xats.core.turns.errors import NotTurnHolder, TurnHeld, TurnLost, TurnTooSoon
from xats.core.turns.turns import LEASE, NOT_OFFERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from xats.core.agents.agents import Agent
    from xats.core.turns.handoffs import Draft
    from xats.core.turns.members import Member
    from xats.core.turns.offers import Moved
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Tx

COOLDOWN = 60_000  # ms in which the last holder leaves a free turn to other members
RULE = " An agent may steal the turn when the process of its holder has ended, or when the lease or the offer is over."
LONGEST_REASON = 1000  # characters
GRANTED = "update turn_members set last_number = :number where turn_id = :turn and agent_id = :agent"
# How the last grant of the turn to an agent ended; "taken" while it lasts.
LAST_WORD = """
select kind from turn_log where turn_id = :turn and (
    (agent_id = :me and kind in ('taken', 'passed', 'released', 'lapsed', 'left'))
    or (other_id = :me and kind in ('stolen', 'kicked'))
) order by id desc limit 1
"""
TAKEOVERS = {  # why an agent may take the turn of another one, for the log
    "gone": "its process had ended",
    "silent": "its lease was over",
    "unused": "the offer was not used in time",
}
LOST = ("lapsed", "stolen", "kicked")


# -- taking ------------------------------------------------------------------------------------------------------------


def take(tx: Tx, me: Agent, turn: Turn, probe: Probe) -> Turn:
    """Take `turn` if it is free or offered to `me`; return it. Taking what `me` has already changes nothing.

    Raises NotMember, TurnHeld, or TurnTooSoon for the last holder while other members may take the free turn.
    """
    clock.observe(tx)  # so that the age of this lease will be right
    found = members.me_in(tx, turn, me)
    if turn.holder_id == me.id:
        return turn
    refuse(tx, me, turn, found, probe)
    return _grant(tx, me, turn)


def may_take(tx: Tx, me: Agent, turn: Turn, probe: Probe) -> bool:
    """Tell whether `take` would give `turn` to `me` now. Raises NotMember."""
    found = members.me_in(tx, turn, me)
    try:
        refuse(tx, me, turn, found, probe)
    except (TurnHeld, TurnTooSoon):
        return False
    return True


def refuse(tx: Tx, me: Agent, turn: Turn, found: list[Member], probe: Probe) -> None:
    """Raise TurnHeld or TurnTooSoon if `me` cannot take `turn`, which has the members `found`, now."""
    if (turn.state == "held" and turn.holder_id != me.id) or (turn.state == "offered" and turn.offered_id != me.id):
        _refuse_held(tx, turn)
    if turn.state == "free" and turn.last_id == me.id and turn.freed_at is not None:
        left = turn.freed_at + COOLDOWN - tx.now
        others = [one for one in found if one.agent.id != me.id and one.unreachable(probe, tx.now) is None]
        if others and 0 < left <= COOLDOWN:
            names = ", ".join(one.agent.name for one in others[:5])
            msg = f"You had {turn.called} last. For {durations.left(left)} more, it is left to {names}."
            raise TurnTooSoon(msg, turn.call("take --wait 2m"), turn=turn.name, until=iso(tx.now + left))


def _refuse_held(tx: Tx, turn: Turn, rule: str = "") -> NoReturn:
    """Raise TurnHeld: another agent has `turn`, or is offered it. `rule` says why this matters."""
    now, wait = tx.now, turn.call("take --wait 30m")
    data = {"turn": turn.name, "holder": turn.holder, "offered_to": turn.offered_to, "number": turn.number}
    if turn.state == "held":
        assert turn.holder and turn.taken_at is not None
        msg = f"{turn.holder.partition('@')[0]} has had {turn.called} for {rough(max(now - turn.taken_at, 0))}.{rule}"
        raise TurnHeld(msg, wait, **data, lease_until=iso(turn.lease_until))
    assert turn.offered_to and turn.offer_until is not None
    left = durations.left(turn.offer_until - now)
    msg = f"T{turn.called[1:]} is offered to {turn.offered_to.partition('@')[0]}, for {left} more.{rule}"
    raise TurnHeld(msg, wait, **data, offer_until=iso(turn.offer_until))


def _grant(tx: Tx, me: Agent, turn: Turn, lost: str | None = None) -> Turn:
    """Give `turn` to `me`; return it. It is not held by another agent any more. `lost` is the reason of a steal."""
    offers.end_mail(tx, turn, me)
    waits.end(tx, me, turn)
    held = {"holder_id": me.id, "taken_at": tx.now, "lease_ms": LEASE, "lease_until": tx.now + LEASE}
    now = turns.update(tx, turn, state="held", number=turn.number + 1, owner_gone_at=None, **held, **NOT_OFFERED)
    tx.run(GRANTED, turn=turn.id, agent=me.id, number=now.number)
    turns.log(tx, now, "taken", me, None, lost)
    return now


# -- holding -----------------------------------------------------------------------------------------------------------


def own(tx: Tx, me: Agent, turn: Turn, number: int | None = None) -> Turn:
    """Return `turn` if `me` has it. `number` is that of the grant that `me` means, if known.

    Raises TurnLost where `me` had it, else NotTurnHolder.
    """
    if turn.holder_id == me.id and number in (None, turn.number):
        return turn
    whose = f"{turn.holder.partition('@')[0]} has it now" if turn.holder else "it is free now"
    if turn.offered_to:
        whose = f"it is offered to {turn.offered_to.partition('@')[0]} now"
    if turn.holder_id == me.id:
        whose = f"you have it again, with the number {turn.number}"
    data = {"turn": turn.name, "holder": turn.holder, "number": turn.number}
    last = tx.one(LAST_WORD, turn=turn.id, me=me.id)
    if number is not None or (last and last["kind"] in LOST):
        which = turn.called if number is None else f"{turn.called} with the number {number}"
        msg = f"You have lost {which}: {whose}. Nothing was changed."
        raise TurnLost(msg, turn.call("status"), **data)
    other = _meant(tx, me, turn)
    if other:
        what = "have" if other.holder_id == me.id else "are offered" if other.offered_id == me.id else "take part in"
        whose += f"; you {what} {other.called}"
    hint = f"name that turn: --name {other.name}" if other else turn.call("take")
    raise NotTurnHolder(f"You do not have {turn.called}: {whose}. Nothing was changed.", hint, **data)


def _meant(tx: Tx, me: Agent, turn: Turn) -> Turn | None:
    """Return the turn that `me` may mean instead of `turn`: one that it has, or takes part in but not in `turn`."""
    mine = turns.joined(tx, me)
    has = next((one for one in mine if me.id in (one.holder_id, one.offered_id)), None)
    return has if has or any(one.id == turn.id for one in mine) else next(iter(mine), None)


def pass_on(
    tx: Tx, me: Agent, turn: Turn, to: Agent | None, handoff: Draft, probe: Probe, number: int | None = None
) -> Moved:
    """Pass `turn` of `me` on to `to`, or to the next in line, with `handoff`; return where it went.

    A named agent gets the offer even if xats cannot reach it now; then `Moved.skipped` says why. Raises what `own`
    raises, InvalidHandoff, NotMember, or Usage for `me` itself.
    """
    texts = handoffs.check(handoff)
    turn = own(tx, me, turn, number)
    clock.observe(tx)
    if to is None:
        turns.log(tx, turn, "passed", me, handoff=texts)
        freed = offers.free(tx, turn)
        return offers.move_on(tx, freed, probe, f"{me.name} passed {turn.called} of team {turn.team} on.", (me.id,))
    if to.id == me.id:
        msg = f"You have {turn.called} already, so you cannot pass it to yourself."
        raise Usage(msg, turn.call("pass next --status 'what is done' --next 'what is to do'"))
    one = members.member(turn, members.all_of(tx, turn), to)
    turns.log(tx, turn, "passed", me, to, handoff=texts)
    freed = offers.free(tx, turn)
    lead = f"{me.name} passed {turn.called} of team {turn.team} to you."
    offered = offers.offer(tx, freed, to, lead, named=True)
    why = one.unreachable(probe, tx.now)
    return offers.Moved(offered, ((to, why),) if why else ())


def release(tx: Tx, me: Agent, turn: Turn, probe: Probe, number: int | None = None) -> Moved:
    """Give `turn` of `me` back without a new handoff; return where it went. It goes to a member that waits for it.

    An offer to `me` that is given back goes to the next in line. Raises what `own` raises.
    """
    if turn.offered_id == me.id and number is None:
        freed = offers.end_offer(tx, turn, "it gave the offer back")
        return offers.move_on(tx, freed, probe, f"{me.name} gave the offer of {turn.called} of team {turn.team} back.")
    turn = own(tx, me, turn, number)
    turns.log(tx, turn, "released", me)
    freed = offers.free(tx, turn)
    lead = f"{me.name} released {turn.called} of team {turn.team}."
    return offers.move_on(tx, freed, probe, lead, (me.id,), lambda one: one.waiting(probe))


# -- taking it from its holder -----------------------------------------------------------------------------------------


def steal(tx: Tx, me: Agent, turn: Turn, reason: str, probe: Probe) -> tuple[Turn, str]:
    """Take `turn` from the agent that has it, or to which it is offered; return it, and the kind of the takeover.

    The kinds are "person", "gone" (the process of the holder has ended), "silent" (its lease is over), and "unused"
    (an offer was not used in time). An agent can do only the last three. The agent that loses the turn gets mail.
    Raises TurnHeld, NotMember, Usage without a reason, Refused for a turn of `me`.
    """
    said = check_reason(reason)
    clock.observe(tx)
    if turn.holder_id == me.id:
        msg = f"You have {turn.called} already."
        raise Refused(msg, turn.call("status"), turn=turn.name)
    person = me.client == "human"
    if person:
        membership.join(tx, me, turn)
    members.me_in(tx, turn, me)
    if turn.state == "free" or turn.offered_id == me.id:
        return _grant(tx, me, turn, said), "free"
    kind = _takeover(tx, turn, probe) or ("person" if person else None)
    if kind is None:
        _refuse_held(tx, turn, RULE)
    loser = agents.by_id(tx, turn.holder_id or turn.offered_id or 0)
    turns.log(tx, turn, "stolen", me, loser, said if kind == "person" else f"{TAKEOVERS[kind]}: {said}")
    held = turn.state == "held"
    freed = offers.free(tx, turn) if held else offers.end_offer(tx, turn, expiry.NOT_USED if kind == "unused" else said)
    now = _grant(tx, me, freed, said)
    offers.tell(
        tx,
        loser,
        f"{me.name} took {turn.called} from you",
        f"{me.name} took {turn.called} of team {turn.team}, which {'you had' if held else 'was offered to you'}.",
        f"Why: {said}",
        f"Do not change files before you have it again: {turn.call('take --wait 30m')}",
    )
    return now, kind


def _takeover(tx: Tx, turn: Turn, probe: Probe) -> str | None:
    """Return the kind of the takeover by which an agent may take `turn` now, or None."""
    if turn.state == "offered":
        return "unused" if expiry.offer_over(tx, turn) else None
    assert turn.holder_id
    holder = agents.by_id(tx, turn.holder_id)
    session = agents.current_session(tx, holder)
    if holder.client != "human" and session and holders.has_ended(holder, session, probe.gone):
        return "gone"
    return "silent" if expiry.over(tx, turn) else None


def check_reason(reason: str) -> str:
    """Return `reason` on one line. Raises Usage."""
    from xats.base import text

    text.check(reason, "reason", Usage)
    said = " ".join(reason.split())
    if not 0 < len(said) <= LONGEST_REASON:
        msg = f"A reason must have 1 to {LONGEST_REASON:,} characters. Nothing was changed."
        raise Usage(msg, "xats turn steal --reason 'why'")
    return said
