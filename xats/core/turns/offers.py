"""Offers: the turn waits for one agent, which gets mail about it and is woken like any recipient."""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.record import record
from xats.core.agents import agents
from xats.core.mail import from_xats, inbox
from xats.core.turns import handoffs, members, turns
from xats.core.turns.turns import CLAIM, NOT_HELD, NOT_OFFERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from xats.core.agents.agents import Agent
    from xats.core.turns.members import Member
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Tx

MISSED = "update turn_members set missed = :number where turn_id = :turn and agent_id = :agent"
SKIPPED = "update turn_members set skipped_at = :now where turn_id = :turn and agent_id = :agent"


@record
class Moved:
    """Where the turn went."""

    turn: Turn
    skipped: tuple[tuple[Agent, str], ...] = ()  #: members that xats could not reach, and why


def tell(tx: Tx, to: Agent, subject: str, *lines: str, wake: bool = True) -> int | None:
    """Send `lines` from xats to `to`, if `to` is registered; return the id of the message. `wake`: wake `to` for it."""
    return from_xats.tell(tx, to, "turn", subject, lines, wake=wake)


def free(tx: Tx, turn: Turn) -> Turn:
    """Make `turn`, which was held or offered, free; return it."""
    end_mail(tx, turn)
    was_held = {"last_id": turn.holder_id, "freed_at": tx.now} if turn.state == "held" else {}
    return turns.update(tx, turn, state="free", **NOT_HELD, **NOT_OFFERED, **was_held)


def end_mail(tx: Tx, turn: Turn, reader: Agent | None = None) -> None:
    """Withdraw the mail of the offer of `turn`; `reader` has taken the turn, so it has read the mail."""
    if turn.message_id is None:
        return
    if reader and reader.id == turn.offered_id:
        inbox.mark_read(tx, reader, [turn.message_id])
    inbox.withdraw(tx, turn.message_id)


def offer(tx: Tx, turn: Turn, to: Agent, lead: str, *, named: bool = False) -> Turn:
    """Offer the free `turn` to `to`, and send mail that begins with the sentence `lead`; return the turn."""
    until = tx.now + CLAIM
    turns.log(tx, turn, "offered", to)
    handoff = handoffs.newest(tx, turn)
    lines = [f"{lead} It is offered to you for {rough(CLAIM)}."]
    if handoff:
        lines += ["", f"The handoff of {handoff.sender.partition('@')[0]}:", *handoffs.lines(handoff)]
    lines += ["", f"Take it before you change files: {turn.call('take')}"]
    lines += [f"If you cannot work on it now: {turn.call('release')}"]
    message = tell(tx, to, f"{turn.called} is offered to you", *lines)
    values = {"offered_id": to.id, "offered_at": tx.now, "offer_until": until, "named": int(named)}
    return turns.update(tx, turn, state="offered", message_id=message, **values)


def end_offer(tx: Tx, turn: Turn, why: str) -> Turn:
    """End the offer of `turn`, which was not used because of `why`; return the turn, which is free."""
    assert turn.offered_id
    to = agents.by_id(tx, turn.offered_id)
    turns.log(tx, turn, "missed", to, None, why)
    tx.run(MISSED, turn=turn.id, agent=to.id, number=turn.number)
    return free(tx, turn)


def move_on(
    tx: Tx,
    turn: Turn,
    probe: Probe,
    lead: str,
    but: Collection[int] = (),
    only: Callable[[Member], bool] = lambda _: True,
    after: int | None = None,
) -> Moved:
    """Offer the free `turn` to the next in line that xats can reach; leave it free if there is none.

    Members that are skipped get mail. The agents `but`, members without `only`, and those that have missed an offer
    since the last grant are no candidates. `after` is as in `members.in_line`, `lead` as in `offer`.
    """
    skipped: list[tuple[Agent, str]] = []
    for one in members.in_line(turn, members.all_of(tx, turn), after):
        if one.agent.id in but or one.missed == turn.number or not only(one):
            continue
        why = one.unreachable(probe, tx.now)
        if why is None:
            return Moved(offer(tx, turn, one.agent, lead), tuple(skipped))
        skipped.append((one.agent, why))
        _skip(tx, turn, one, why)
    return Moved(turn, tuple(skipped))


def _skip(tx: Tx, turn: Turn, one: Member, why: str) -> None:
    """Note that `one` is skipped because of `why`, and tell it, once until it uses xats again."""
    turns.log(tx, turn, "skipped", one.agent, None, why)
    if one.skipped_at is None or one.agent.seen_at > one.skipped_at:
        tell(
            tx,
            one.agent,
            f"you were skipped in {turn.called}",
            f"You were the next in line for {turn.called} of team {turn.team}, and xats skipped you: {why}.",
            f"See who has it: {turn.call('status')}",
            f"Ask for it: {turn.call('take --wait 30m')}",
            wake=False,  # xats could not
        )
        tx.run(SKIPPED, turn=turn.id, agent=one.agent.id, now=tx.now)
