"""The members of a turn: their order in the line, and which of them xats can reach now."""

from __future__ import annotations

from xats.base.record import record
from xats.core.agents import agents
from xats.core.agents.agents import AGENT, SESSION
from xats.core.leases import holders
from xats.core.turns import turns
from xats.core.turns.errors import NotMember
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.agents.agents import Agent, Session
    from xats.core.turns.turns import Probe, Turn
    from xats.store import Row, Tx

RECENT = 5 * 60_000  # ms after a command or a hook in which a member counts as reachable
COLUMNS = f"""
{AGENT}, {SESSION}, m.id as place, m.joined_at, m.last_number, m.missed, m.skipped_at, h.state as presence,
case when {wakes.paused("a.id", "a.team")} then 1 else 0 end as paused,
case when exists (
    select 1 from wakes w where w.agent_id = a.id and w.closed_at is null and w.state <> 'held'
        and w.next_attempt_at is null and w.lease_token is null
) then 1 else 0 end as suspended,
case when exists (
    select 1 from deliveries d join wakes w on w.id = d.wake_id
    where d.agent_id = a.id and d.state = 'unread' and d.dropped_at is null and w.state = 'failed'
) then 1 else 0 end as given_up
"""
ALL = f"""
select {COLUMNS} from turn_members m join agents a on a.id = m.agent_id left join presence h on h.agent_id = a.id
left join sessions s on s.agent_id = a.id and s.ended_at is null
where m.turn_id = :turn order by m.id
"""
WAITS = "select agent_id, process, since from turn_waits where turn_id = :turn order by since, agent_id, process"


@record
class Member:
    """An agent that takes part in a turn. Times are ms UTC."""

    agent: Agent
    session: Session | None
    joined_at: int
    last_number: int | None  #: the number of the last grant to it; None: it never had the turn
    missed: int | None  #: the number of the turn when an offer to it last ended unused
    skipped_at: int | None  #: when xats told it that it was skipped
    waits: tuple[tuple[str, int], ...]  #: its processes that wait: the mark of each, and since when
    presence: str | None
    paused: bool
    suspended: bool  #: its wake has no next attempt, because its target is gone
    given_up: bool  #: xats gave up to wake it for mail that it has not read

    def waiting(self, probe: Probe) -> bool:
        """Tell whether a living process of it waits for the turn."""
        return any(not probe.ended(process) for process, _ in self.waits)

    def gone(self, probe: Probe) -> bool:
        """Tell whether its process has certainly ended, and nothing acts for it since."""
        if self.session is None or self.agent.client == "human":
            return False
        noted = agents.gone_since(self.agent, self.session)
        return noted is not None or holders.has_ended(self.agent, self.session, probe.gone) is True

    def unreachable(self, probe: Probe, now: int) -> str | None:
        """Return why xats cannot get its attention at the time `now` (ms UTC), or None if it can.

        One that waits is there. One that used xats a short time ago will use it again. Any other has to be woken.
        """
        if self.waiting(probe):
            return None
        if self.agent.absence:
            return "the program has not started" if self.agent.registered else "the agent has left the team"
        if self.gone(probe) or self.presence == "ended":
            return "the program has ended"
        if now - self.agent.seen_at < RECENT:
            return None
        if self.paused:
            return "the agent is paused"
        if self.agent.wake_by == "none":
            return "xats does not wake this agent"
        if self.suspended or self.given_up:
            return "xats could not wake this agent for earlier mail"
        seat = self.session.seat if self.session else None
        if self.agent.wake_by != "command" and (seat is None or (seat.pane is None and seat.client_session is None)):
            return "the agent has no pane and no inbox"
        return None


def all_of(tx: Tx, turn: Turn) -> list[Member]:
    """Return the members of `turn` in the order in which they joined."""
    waits: dict[int, list[tuple[str, int]]] = {}
    for row in tx.all(WAITS, turn=turn.id):
        waits.setdefault(row["agent_id"], []).append((row["process"], row["since"]))
    return [_member_of(row, waits.get(row["id"], [])) for row in tx.all(ALL, turn=turn.id)]


def _member_of(row: Row, waits: Sequence[tuple[str, int]]) -> Member:
    return Member(
        agent=agents.agent_of(row),
        session=agents.session_of(row) if row["session_id"] is not None else None,
        joined_at=row["joined_at"],
        last_number=row["last_number"],
        missed=row["missed"],
        skipped_at=row["skipped_at"],
        waits=tuple(waits),
        presence=row["presence"],
        paused=bool(row["paused"]),
        suspended=bool(row["suspended"]),
        given_up=bool(row["given_up"]),
    )


def member(turn: Turn, found: Sequence[Member], agent: Agent) -> Member:
    """Return the one of the members `found` of `turn` that `agent` is. Raises NotMember."""
    for one in found:
        if one.agent.id == agent.id:
            return one
    msg = f"{agent.name} does not take part in {turn.called} of team {turn.team}."
    raise NotMember(msg, turn.call(f"join --as {agent.name}"), agent=agent.address, turn=turn.name)


def me_in(tx: Tx, turn: Turn, me: Agent) -> list[Member]:
    """Return the members of `turn` if `me` is one of them. Raises NotMember."""
    found = all_of(tx, turn)
    if not any(one.agent.id == me.id for one in found):
        msg, hint = f"You do not take part in {turn.called} of team {turn.team}", turn.call("join")
        other = turns.joined(tx, me)
        if other:
            msg = f"{msg}, but in {' and '.join(one.called for one in other)}"
            hint = f"name that turn: --name {other[0].name}"
        raise NotMember(f"{msg}. Nothing was changed.", hint, agent=me.address, turn=turn.name)
    return found


def in_line(turn: Turn, found: Sequence[Member], after: int | None = None) -> list[Member]:
    """Return the members `found` of `turn` in the order in which they come next, without its holder.

    First come those that never had the turn, then the one that had it longest ago. Of equals, the next one in the order
    of joining after the agent `after` (None: after the last holder) comes first, as in a ring.
    """
    start = after or turn.holder_id or turn.last_id
    place = next((at for at, one in enumerate(found) if one.agent.id == start), -1)

    def key(numbered: tuple[int, Member]) -> tuple[int, int]:
        at, one = numbered
        return one.last_number or 0, (at - place - 1) % len(found)

    return [one for _, one in sorted(enumerate(found), key=key) if one.agent.id != turn.holder_id]
