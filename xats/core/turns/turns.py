"""A turn as it is stored, with its holder and its log."""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.address import check_name
from xats.core.leases import leases
from xats.core.leases.tables import Table
from xats.core.turns.errors import UnknownTurn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from xats.core.agents.agents import Agent, Session
    from xats.core.states import TurnEntry, TurnState
    from xats.store import Row, Tx

MAIN = "main"  # the turn of a team that has no other name
LEASE = 45 * 60_000  # ms that a holder may be silent
CLAIM = 20 * 60_000  # ms that an offer lasts
GRACE = 10 * 60_000  # ms after xats saw that the process of a holder had ended until it loses the turn

TURN = """
t.id, t.team, t.name, t.state, t.number, t.holder_id, t.taken_at, t.lease_ms, t.lease_until, t.owner_gone_at,
t.offered_id, t.offered_at, t.offer_until, t.named, t.message_id, t.last_id, t.freed_at,
coalesce(o.seen_at, 0) as owner_seen_at, o.name as holder_name, f.name as offered_name
"""
FROM = "from turns t left join agents o on o.id = t.holder_id left join agents f on f.id = t.offered_id"
SELECT = f"select {TURN} {FROM}"
BY_ID = f"{SELECT} where t.id = :id"
BY_NAME = f"{SELECT} where t.team = :team and t.name_key = :key"
OF_TEAM = f"{SELECT} where t.team = :team order by t.id"
HELD = f"{SELECT} where t.holder_id = :id order by t.id"
JOINED = f"{SELECT} join turn_members m on m.turn_id = t.id and m.agent_id = :id order by t.id"
INSERT = """
insert into turns (team, name, name_key, state) values (:team, :name, :key, 'free')
on conflict (team, name_key) do nothing
"""
LOG = """
insert into turn_log (turn_id, at, kind, number, agent_id, other_id, reason, status, next, artifacts)
values (:turn, :now, :kind, :number, :agent, :other, :reason, :status, :next, :artifacts)
"""
HOLDERS = Table("turns", holder="holder_id", fence="number", held="t.state = 'held'", select=SELECT, grace=GRACE)


@record
class Probe:
    """How to look at processes, which core does not do itself."""

    gone: Callable[[Session], bool | None]  #: whether the process of a session has certainly ended; None: not known
    ended: Callable[[str], bool]  #: whether the process that made a mark has ended (xats/base/process.py: gone)


BLIND = Probe(lambda _: None, lambda _: False)  # for code that cannot look at processes


@record
class Turn:
    """A turn. Times are ms UTC, agents are name@team."""

    id: int
    team: str
    name: str
    state: TurnState
    number: int  #: of the last grant
    holder_id: int | None
    holder: str | None
    taken_at: int | None
    lease_ms: int | None
    lease_until: int | None  #: with the renewals by the signs of life of its holder
    gone_at: int | None  #: when xats saw that the process of its holder had ended
    offered_id: int | None
    offered_to: str | None
    offered_at: int | None
    offer_until: int | None
    named: bool  #: whether the last holder named the agent of the offer
    message_id: int | None  #: the mail of the offer
    last_id: int | None  #: the last holder
    freed_at: int | None  #: when the last holder gave it back or lost it

    @property
    def called(self) -> str:
        """What the turn is called in a sentence: "the turn", or "the turn docs"."""
        return "the turn" if self.name == MAIN else f"the turn {self.name}"

    @property
    def words(self) -> tuple[str, ...]:
        """The options of a command that name this turn."""
        return () if self.name == MAIN else ("--name", self.name)

    def call(self, text: str, xats: str = "xats") -> str:
        """Return the command `xats turn` with the words `text`, for this turn. `xats` is how a shell calls xats."""
        return " ".join((xats, "turn", text, *self.words))


def turn_of(row: Row) -> Turn:
    """Return the turn in a row with the TURN columns."""
    at, lease = f"@{row['team']}", leases.of(row)
    return from_row(
        Turn,
        row,
        holder=row["holder_name"] + at if row["holder_name"] else None,
        lease_until=lease.until,
        gone_at=lease.gone_at,
        offered_to=row["offered_name"] + at if row["offered_name"] else None,
        named=bool(row["named"]),
    )


# -- finding -----------------------------------------------------------------------------------------------------------


def find(tx: Tx, team: str, name: str = MAIN) -> Turn:
    """Return the turn `name` of `team`. Raises UnknownTurn or InvalidName."""
    row = tx.one(BY_NAME, team=team, key=check_name(name, "name of the turn").lower())
    if row is None:
        options = "" if name.lower() == MAIN else f" --name {name}"
        msg = f"No agent of team {team} has joined {'a turn' if name.lower() == MAIN else f'a turn {name}'} yet."
        raise UnknownTurn(msg, f"xats turn join{options}", name=name, team=team)
    return turn_of(row)


def again(tx: Tx, turn: Turn) -> Turn:
    """Return the present state of `turn`."""
    row = tx.one(BY_ID, id=turn.id)
    assert row
    return turn_of(row)


def create(tx: Tx, team: str, name: str) -> Turn:
    """Return the turn `name` of `team`, which is made if there is none. Raises InvalidName."""
    check_name(name, "name of the turn")
    tx.run(INSERT, team=team, name=name, key=name.lower())
    return find(tx, team, name)


def of_team(tx: Tx, team: str) -> list[Turn]:
    """Return the turns of `team`, the oldest first."""
    return [turn_of(row) for row in tx.all(OF_TEAM, team=team)]


def held_by(tx: Tx, agent_id: int) -> list[Turn]:
    """Return the turns that the agent with that id has."""
    return [turn_of(row) for row in tx.all(HELD, id=agent_id)]


def joined(tx: Tx, agent: Agent) -> list[Turn]:
    """Return the turns that `agent` takes part in."""
    return [turn_of(row) for row in tx.all(JOINED, id=agent.id)]


# -- changing ----------------------------------------------------------------------------------------------------------


def update(tx: Tx, turn: Turn, **columns: Any) -> Turn:
    """Change `columns` of `turn`; return the changed turn."""
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    tx.run(f"update turns set {changes} where id = :id_", **columns, id_=turn.id)
    return again(tx, turn)


NOT_HELD = {"holder_id": None, "taken_at": None, "lease_ms": None, "lease_until": None, "owner_gone_at": None}
NOT_OFFERED = {"offered_id": None, "offered_at": None, "offer_until": None, "named": 0, "message_id": None}


def log(
    tx: Tx,
    turn: Turn,
    kind: TurnEntry,
    agent: Agent | None,
    other: Agent | None = None,
    reason: str | None = None,
    *,
    handoff: dict[str, str] | None = None,
) -> None:
    """Write an entry into the log of `turn`, and an event: `agent` did what `kind` says, or it happened to `agent`."""
    texts = {"status": None, "next": None, "artifacts": None, **(handoff or {})}
    who = {"agent": agent.id if agent else None, "other": other.id if other else None}
    tx.run(LOG, turn=turn.id, now=tx.now, kind=kind, number=turn.number, reason=reason, **who, **texts)
    data: dict[str, Any] = {"agent": agent.address if agent else None, "turn": turn.name, "number": turn.number}
    if other:
        data["other"] = other.address
    if reason is not None:
        data["reason"] = reason
    by = agent.name if agent and kind in ACTS else None
    tx.event(f"turn_{kind}", turn.team, by, f"turn:{turn.name}", **data)


ACTS = ("joined", "left", "kicked", "taken", "passed", "released", "stolen")  # what the agent of an entry did itself
