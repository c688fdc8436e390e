"""Binding: which agent a new session is for."""

from __future__ import annotations

from xats.core.agents import agents
from xats.identity.resolve import Evidence, is_ours, named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Agent, Seat, Session
    from xats.identity.circumstances import Circumstances, Claim
    from xats.store import Tx

    Pair = tuple[Agent, Session]


def asked_for(tx: Tx, c: Circumstances) -> tuple[str, str] | None:
    """Return the agent that XATS_AGENT names, as (team, name), or None if that does not count.

    The agent need not exist. The name of a person does not count: the person exported it for their own commands, and
    the programs that they start inherit it. A name from a helper process counts only if that agent has this session.
    """
    if not c.name():
        return None
    team, name = named(Evidence(tx, c))
    known = agents.find(tx, team, name)
    if known and known.registered and known.client == "human":
        return None
    session = agents.current_session(tx, known) if known and c.session else None
    same = session is not None and session.seat.client_session == c.session
    return (team, name) if same or not c.borrowed() else None


def agent_for(
    tx: Tx,
    c: Circumstances,
    pane: Claim | None,
    own: tuple[int, int] | None,
    former: str | None,
    client: str,
    *,
    only_free: bool = False,
) -> tuple[str, str] | None:
    """Return the agent for the session of `c`, in a program of `client`, as (team, name), or None.

    `pane` is the pane of the session, `own` its process (pid, start time), and `former` the client session that it
    continues. With `only_free`, the pane does not lead to an agent that lives in another process.
    """
    asked = asked_for(tx, c)
    if asked:
        return asked
    seen = Evidence(tx, c)
    pair = agents.by_client_session(tx, c.session) if c.session else None
    if pair is None and former:
        pair = current(agents.by_client_session(tx, former))
    expected = agents.expected_in(tx, c.host, *pane, client) if pair is None and pane else None
    if expected and seen.is_asked(expected):
        return expected.team, expected.name
    if pair is None and pane:
        pair = current(agents.by_pane(tx, c.host, *pane))
        if pair and only_free and not is_ours(c, pair[1]):
            pair = None
    if pair is None and own:  # a new session of the same process, as after /clear
        pair = current(next(iter(agents.by_processes(tx, c.host, [own])), None))
    return (pair[0].team, pair[0].name) if pair and seen.is_asked(pair[0]) else None


def starter(tx: Tx, seat: Seat) -> Agent | None:
    """Return the agent that has the pane of `seat`, if its program started the program of `seat` as a tool.

    That agent keeps the pane: its program is in the foreground and gets what is typed.
    """
    if seat.pane is None or seat.pid is None:
        return None
    pair = current(agents.by_pane(tx, seat.host, seat.pane.socket, seat.pane.server_pid, seat.pane.pane_id))
    holder = pair[1].seat.process if pair else None
    if pair is None or holder is None or holder == seat.process:
        return None
    from xats.base import process

    own = process.read(seat.pid)
    above = [own, *process.ancestors(seat.pid)] if own else []
    if not any((one.pid, one.started) == holder for one in above):
        return None
    from xats.clients import processes

    return None if processes.works_for(above, holder) else pair[0]


def current(pair: Pair | None) -> Pair | None:
    """Return `pair`, or None if the agent is a person or another session has replaced this one."""
    return pair if pair and pair[1].ended_at is None and pair[0].client != "human" else None
