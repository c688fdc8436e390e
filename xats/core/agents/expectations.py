"""Expectations: xats expects an agent program in a pane, and knows which agent it will be.

    from    event                                            to
    -       `expect`                                         open
    open    its agent registers (`registered`)               removed
    open    the time is over (`expired`)                     ended: expired
    open    the pane has ended (`pane_gone`)                 ended: pane_gone
    open    another agent registers in the pane              ended: pane_taken
            (`registered`)
    open    xats expects another agent there (`expect`)      ended: replaced
    ended   its agent registers or is unregistered           removed

A pane has at most one open expectation, and so has an agent. xats keeps an expectation that ended in vain, to show it,
and sends mail to the agent that asked for it. Mail for the expected agent is accepted all the time.
"""

from __future__ import annotations

from xats.base.durations import rough
from xats.base.pane import Pane
from xats.base.record import from_row, record
from xats.core.agents import agents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent, Seat
    from xats.store import Row, Tx

SHORTEST, LONGEST, DEFAULT = 1_000, 10 * 60_000, 2 * 60_000  # ms that an expectation may last


@record
class Expectation:
    """A program that xats expects in a pane. The expectation is open while `ended_at` is None."""

    agent: Agent
    client: str  #: the name of a profile
    host: str
    pane: Pane
    asked_by: int | None
    created_at: int
    expires_at: int
    ended_at: int | None
    end_reason: str | None


COLUMNS = f"""
{agents.AGENT}, e.client as expected, e.host, e.pane_socket, e.server_pid, e.server_start, e.pane_id, e.pane_pid,
    e.pane_tty, e.asked_by, e.created_at, e.expires_at, e.ended_at, e.end_reason
"""
FROM = "from expectations e join agents a on a.id = e.agent_id"
ALL = f"select {COLUMNS} {FROM} where :team is null or a.team = :team order by e.created_at, e.agent_id"
OPEN = f"select {COLUMNS} {FROM} where e.host = :host and e.ended_at is null order by e.created_at, e.agent_id"
OF_AGENT = f"select {COLUMNS} {FROM} where e.agent_id = :agent"
PLACE = "e.host = :host and e.pane_socket = :socket and e.server_pid = :server_pid and e.pane_id = :pane_id"
OF_PANE = f"select {COLUMNS} {FROM} where {PLACE} and e.ended_at is null"
PUT = """
insert into expectations (agent_id, client, host, pane_socket, server_pid, server_start, pane_id, pane_pid, pane_tty,
    asked_by, created_at, expires_at)
values (:agent, :client, :host, :socket, :server_pid, :server_start, :pane_id, :pane_pid, :tty, :asked_by, :now, :until)
"""
REMOVE = "delete from expectations where agent_id = :agent"
END = "update expectations set ended_at = :now, end_reason = :reason where agent_id = :agent and ended_at is null"


def _of(row: Row) -> Expectation:
    pane = agents.pane_of(row)
    return from_row(Expectation, row, agent=agents.agent_of(row), client=row["expected"], pane=pane)


def by_agent(tx: Tx, team: str | None) -> dict[int, Expectation]:
    """Return the expectations of `team` (None: of all teams) by the ids of their agents, ended ones too."""
    return {row["id"]: _of(row) for row in tx.all(ALL, team=team)}


def open_on(tx: Tx, host: str) -> list[Expectation]:
    """Return the open expectations on `host`, the oldest first."""
    return [_of(row) for row in tx.all(OPEN, host=host)]


def of_agent(tx: Tx, agent_id: int) -> Expectation | None:
    """Return the expectation of the agent with that id, open or not."""
    row = tx.one(OF_AGENT, agent=agent_id)
    return _of(row) if row else None


def expect(tx: Tx, agent: Agent, client: str, host: str, pane: Pane, ttl: int, asked_by: int | None) -> list[str]:
    """Expect the program of `client` in `pane` for `ttl` ms, to be `agent`.

    Return the addresses of the agents whose expectations this replaces. The agent with the id `asked_by` gets mail if
    the expectation ends in vain.
    """
    former = of_agent(tx, agent.id)
    replaced = [former.agent.address] if former and former.ended_at is None else []
    tx.run(REMOVE, agent=agent.id)
    for other in _in_pane(tx, host, pane):
        end(tx, other, "replaced")
        replaced.append(other.agent.address)
    values = {"agent": agent.id, "client": client, "host": host, "asked_by": asked_by}
    tx.run(PUT, **values, **agents.pane_values(pane), now=tx.now, until=tx.now + ttl)
    tx.note_seat(agent.id, client=client, expects=(client, host, pane))
    subject = f"agent:{agent.name}"
    tx.event("agent_expected", agent.team, None, subject, client=client, pane=pane.pane_id, ttl_ms=ttl)
    return replaced


def _in_pane(tx: Tx, host: str, pane: Pane) -> list[Expectation]:
    place = {"socket": pane.socket, "server_pid": pane.server_pid, "pane_id": pane.pane_id}
    return [_of(row) for row in tx.all(OF_PANE, host=host, **place)]


def registered(tx: Tx, agent: Agent, seat: Seat) -> None:
    """Remove the expectation of `agent`, which has a session in `seat` now, and end those of others in that pane."""
    tx.run(REMOVE, agent=agent.id)
    for other in _in_pane(tx, seat.host, seat.pane) if seat.pane else ():
        end(tx, other, "pane_taken", agent)


def is_late(one: Expectation, now: int) -> bool:
    """Tell whether the time of `one` is over and the daemon has not ended it yet."""
    return one.ended_at is None and one.expires_at <= now


def end(tx: Tx, one: Expectation, reason: str, taken_by: Agent | None = None) -> None:
    """End `one` in vain for the `reason`, if it is open, and send mail to the agent that asked for it.

    `taken_by` is the agent that got its pane.
    """
    if not tx.run(END, agent=one.agent.id, now=tx.now, reason=reason):
        return
    kind = "expectation_expired" if reason in ("expired", "pane_gone") else "expectation_replaced"
    about = {"client": one.client, "pane": one.pane.pane_id, "reason": reason}
    tx.event(kind, one.agent.team, None, f"agent:{one.agent.name}", **about, by=taken_by.address if taken_by else None)
    if one.asked_by is not None and one.asked_by != one.agent.id:
        _report(tx, one, words(one, reason, tx.now), taken_by)


def words(one: Expectation, reason: str, at: int) -> str:
    """Return in words why `one` ended in vain at the time `at` (ms UTC)."""
    pane = f"pane {one.pane.pane_id}"
    return {
        "expired": f"no {one.client} appeared in {pane} within {rough(one.expires_at - one.created_at)}",
        "pane_gone": f"{pane} ended before {one.client} appeared, after {rough(max(0, at - one.created_at))}",
        "pane_taken": f"another agent was registered in {pane}",
        "replaced": f"xats expects another agent in {pane} now",
    }[reason]


def again(one: Expectation) -> str:
    """Return the command to expect the program of `one` again."""
    return f"xats register {one.agent.name} --team {one.agent.team} --pane %N --expect {one.client}"


def _report(tx: Tx, one: Expectation, why: str, taken_by: Agent | None) -> None:
    from xats.core.mail import recipients, sending  # `xats agents` imports this module, and sends nothing

    asker = agents.by_id(tx, one.asked_by or 0)
    if not asker.registered or (taken_by and taken_by.id == asker.id):
        return
    lines = (
        f"{one.agent.address} has no program: {why}{f' ({taken_by.address})' if taken_by else ''}.",
        f"xats keeps its mail. To expect it again: {again(one)}",
        f"To remove it: xats unregister {one.agent.name} --team {one.agent.team}",
    )
    subject = f"{one.agent.name} did not appear: {one.client} in pane {one.pane.pane_id}"
    draft = sending.Draft(asker.address, "\n".join(lines), subject, "alert", need_reply=False)
    sending.post_from_xats(tx, asker.team, draft, [recipients.recipient_of(asker)])
