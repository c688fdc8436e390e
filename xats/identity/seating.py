"""Which agent a new session is for: the seat that it takes, where that is free."""

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
    """Return the agent that XATS_AGENT names, as (team, name), whether there is one or not; None where it counts not.

    The name of a person does not count: it was exported for that person's own commands, and the programs that the
    person starts inherit it. Nor does a name that a helper process has handed on, unless the agent has this session.
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


def of_session(
    tx: Tx,
    c: Circumstances,
    pane: Claim | None,
    own: tuple[int, int] | None,
    former: str | None,
    client: str,
    *,
    only_free: bool = False,
) -> tuple[str, str] | None:
    """Return the agent that the session of `c`, a program of `client`, is for, as (team, name), or None.

    `pane` is where it is, `own` its process (pid, start time), and `former` the client session that goes on as it.
    With `only_free`, an agent that lives elsewhere is not meant by its pane.
    """
    asked = asked_for(tx, c)
    if asked:
        return asked
    seen = Evidence(tx, c)
    pair = agents.by_client_session(tx, c.session) if c.session else None
    if pair is None and former:
        pair = sitting(agents.by_client_session(tx, former))
    expected = agents.expected_in(tx, c.host, *pane, client) if pair is None and pane else None
    if expected and seen.is_asked(expected):
        return expected.team, expected.name
    if pair is None and pane:
        pair = sitting(agents.by_pane(tx, c.host, *pane))
        if pair and only_free and not is_ours(c, pair[1]):
            pair = None
    if pair is None and own:  # a new session of the same process, as after /clear
        pair = sitting(next(iter(agents.by_processes(tx, c.host, [own])), None))
    return (pair[0].team, pair[0].name) if pair and seen.is_asked(pair[0]) else None


def starter(tx: Tx, seat: Seat) -> Agent | None:
    """Return the agent that has the pane of `seat`, where its program has started the one of `seat`, as a tool.

    The pane stays that agent's: its program is in front, and what is typed there is for it.
    """
    if seat.pane is None or seat.pid is None:
        return None
    pair = sitting(agents.by_pane(tx, seat.host, seat.pane.socket, seat.pane.server_pid, seat.pane.pane_id))
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


def sitting(pair: Pair | None) -> Pair | None:
    """Return `pair` unless it is a person's or has lost its seat."""
    return pair if pair and pair[1].ended_at is None and pair[0].client != "human" else None
