"""Joining a turn, leaving it, and removing members that are gone."""

from __future__ import annotations

from xats.base.errors import Usage
from xats.core.agents import agents
from xats.core.teams import teams
from xats.core.turns import members, offers, turns, waits
from xats.core.turns.errors import MemberActive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Tx

ADD = """
insert into turn_members (turn_id, agent_id, joined_at) values (:turn, :agent, :now)
on conflict (turn_id, agent_id) do nothing
"""
REMOVE = "delete from turn_members where turn_id = :turn and agent_id = :agent"
HAD = "it had the turn"


def join(tx: Tx, me: Agent, turn: Turn) -> bool:
    """Let `me` take part in `turn`; tell whether it did not before."""
    if not tx.run(ADD, turn=turn.id, agent=me.id, now=tx.now):
        return False
    teams.use(tx, me.team, me.name)
    turns.log(tx, turn, "joined", me)
    return True


def leave(tx: Tx, me: Agent, turn: Turn, probe: Probe) -> Turn:
    """Let `me` leave `turn`; return the turn. If `me` has it, it is offered to the next in line. Raises NotMember."""
    members.me_in(tx, turn, me)
    turns.log(tx, turn, "left", me, None, HAD if turn.holder_id == me.id else None)
    return remove(tx, me, turn, probe, "left")


def kick(tx: Tx, me: Agent, turn: Turn, whom: Agent, probe: Probe, *, force: bool = False) -> Turn:
    """Remove the member `whom` from `turn`, and tell it; return the turn.

    Without `force` its program must have ended. Only a person may force out an agent that has the turn or its offer.
    Raises NotMember, MemberActive, Usage.
    """
    if whom.id == me.id:
        msg = "You cannot kick yourself."
        raise Usage(msg, turn.call("leave"))
    found = members.all_of(tx, turn) if me.client == "human" else members.me_in(tx, turn, me)
    one = members.member(turn, found, whom)
    gone = one.gone(probe) or one.agent.absence is not None
    if not gone and not force:
        msg = f"{whom.name} may still be at work. Nothing was changed."
        raise MemberActive(msg, turn.call(f"kick {whom.name} --force"), agent=whom.address, turn=turn.name)
    if not gone and me.client != "human" and whom.id in (turn.holder_id, turn.offered_id):
        what = "has" if whom.id == turn.holder_id else "is offered"
        msg = f"{whom.name} {what} {turn.called}, and only a person may force it out. Nothing was changed."
        raise MemberActive(msg, turn.call("take --wait 30m"), agent=whom.address, turn=turn.name)
    turns.log(tx, turn, "kicked", me, whom, HAD if turn.holder_id == whom.id else None)
    after = remove(tx, whom, turn, probe, "was removed")
    subject, text = f"you were removed from {turn.called}", f"{me.name} removed you from {turn.called}"
    offers.tell(tx, whom, subject, f"{text} of team {turn.team}.", f"To take part again: {turn.call('join')}")
    return after


def remove(tx: Tx, whom: Agent, turn: Turn, probe: Probe, what: str) -> Turn:
    """Remove `whom` from the members of `turn`; return the turn. If `whom` has it, it goes to the next in line.

    `what` happened to `whom`, for the mail.
    """
    waits.end(tx, whom, turn)
    if whom.id in (turn.holder_id, turn.offered_id):
        had = "had" if turn.holder_id else "was offered"
        freed = offers.free(tx, turn)
        lead = f"{whom.name}, which {had} {turn.called} of team {turn.team}, {what}."
        turn = offers.move_on(tx, freed, probe, lead, but=(whom.id,), after=whom.id).turn
    tx.run(REMOVE, turn=turn.id, agent=whom.id)
    return turns.again(tx, turn)


def dissolve(tx: Tx, team: str) -> None:
    """Let all members leave the turns of `team`, which ends: the turns are free, and their history stays."""
    for turn in turns.of_team(tx, team):
        if turn.holder_id is not None:
            turns.log(tx, turn, "left", agents.by_id(tx, turn.holder_id), None, f"team {team} was forgotten; {HAD}")
        if turn.state != "free":
            offers.free(tx, turn)
        for table in ("turn_members", "turn_waits"):
            tx.run(f"delete from {table} where turn_id = :turn", turn=turn.id)


def depart(tx: Tx, agent: Agent, what: str, probe: Probe) -> list[Turn]:
    """Let `agent`, which leaves its team, leave all its turns; return those that it had, as they are now.

    `what` happened to `agent`, for the mail.
    """
    moved = []
    for turn in turns.joined(tx, agent):
        had = f"; {HAD}" if turn.holder_id == agent.id else ""
        turns.log(tx, turn, "left", agent, None, f"it {what}{had}")
        now = remove(tx, agent, turn, probe, what)
        if turn.holder_id == agent.id:
            moved.append(now)
    return moved


def stopped(tx: Tx, agent: Agent, probe: Probe) -> list[Turn]:
    """Offer the turns that `agent` has to the next in line, because a person has ended its program; return them.

    It goes on taking part in them.
    """
    moved = []
    for turn in turns.held_by(tx, agent.id):
        turns.log(tx, turn, "released", agent, None, "its program was ended")
        lead = f"{agent.name}, which had {turn.called} of team {turn.team}, was stopped."
        freed = offers.free(tx, turn)
        moved.append(offers.move_on(tx, freed, probe, lead, but=(agent.id,), after=agent.id).turn)
    return moved
