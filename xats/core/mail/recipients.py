"""Recipients: the agents that an address means, and the error for an address that means none."""

from __future__ import annotations

from xats.base.errors import UnknownRecipient, Usage
from xats.base.record import from_row, record
from xats.core.address import is_forgotten
from xats.core.agents import agents
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.core.address import Address
    from xats.core.agents.agents import Agent
    from xats.core.states import WakeBy
    from xats.core.waking.reasons import Reason
    from xats.store import Row, Tx

RECIPIENT = """
a.id, a.name, a.team, a.client, a.wake_by, a.expected_at, a.unregistered_at, a.forgotten_at, a.seen_at, s.host, s.pid,
s.pid_started, s.gone_at
"""
SEATED = "left join sessions s on s.agent_id = a.id and s.ended_at is null"  # after `agents a`, for RECIPIENT
GROUP = {
    "all": f"""
        select {RECIPIENT} from agents a {SEATED} where a.team = :team and a.unregistered_at is null order by a.id
    """,
    "role": f"""
        select {RECIPIENT} from agents a {SEATED}
        where a.team = :team and a.role = :name and a.unregistered_at is null order by a.id
    """,
    "tag": f"""
        select {RECIPIENT} from labels l join agents a on a.id = l.agent_id {SEATED}
        where l.kind = 'tag' and l.label = :name and a.team = :team and a.unregistered_at is null order by a.id
    """,
    "cap": f"""
        select {RECIPIENT} from labels l join agents a on a.id = l.agent_id {SEATED}
        where l.kind = 'cap' and l.label = :name and a.team = :team and a.unregistered_at is null order by a.id
    """,
}
LABELS = """
select distinct l.label as name from labels l join agents a on a.id = l.agent_id
where l.kind = :kind and a.team = :team and a.unregistered_at is null
"""
ROLES = "select distinct role as name from agents where team = :team and role is not null and unregistered_at is null"
ONE = f"""
select {RECIPIENT} from agents a {SEATED}
where a.team = :team and a.name_key = :key and a.unregistered_at is null
"""


@record
class Program:
    """The program of an agent, as far as the store knows it."""

    host: str
    process: tuple[int, int] | None  #: its process (pid, start time)
    gone_at: int | None  #: when (ms UTC) xats saw that it had ended; None: it did not see that
    seen_at: int  #: the last sign of life (ms UTC)


@record
class Recipient:
    """An agent that a message goes to."""

    id: int
    address: str
    client: str
    wake_by: WakeBy
    absence: Reason | None = None  #: why no program can get its mail now; see Agent.absence
    called: str | None = None  #: the former name in the address, if it is one
    program: Program | None = None  #: None for a person, whose shell is no program, and where none is known


def resolve(tx: Tx, sender: Agent, addresses: Sequence[Address], *, hold: bool = False) -> list[Recipient]:
    """Return the agents that `addresses` mean, each once; groups never include the sender.

    With `hold`, an address may also name an agent that has left or has not registered yet. Raises UnknownRecipient for
    an address that matches no agent, and Usage for a pool, or a group with `hold`.
    """
    if hold:
        from xats.core.mail import held

        held.refuse_groups(addresses)
    found: dict[int, Recipient] = {}
    for address in addresses:
        team = address.team or sender.team
        if address.team and is_forgotten(team):
            msg = f"Team {team} is only the history of a removed team and gets no mail. Nothing was sent."
            raise UnknownRecipient(msg, "xats agents --all-teams", address=str(address), team=team)
        if address.kind == "pool":
            msg = f"{address} must be the only address: a message to a pool becomes a task for one of its members."
            raise Usage(msg, f"xats send {address} 'text'")
        name = address.name
        matches = _members(tx, sender, address.kind, team, name)
        if not matches and address.team and (today := teams.address(tx, team, name)) != (team, name):
            team, name = today
            matches = _members(tx, sender, address.kind, team, name)
        if not matches and address.kind == "agent":
            matches = _elsewhere(tx, sender, team, name, hold=hold)
        if not matches:
            raise unknown(tx, address, team)
        found.update((match.id, match) for match in matches)
    return list(found.values())


def _members(tx: Tx, sender: Agent, kind: str, team: str, name: str) -> list[Recipient]:
    """Return the agents of `team` that an address of that `kind` and `name` means."""
    if kind == "me":
        return [Recipient(sender.id, sender.address, sender.client, sender.wake_by)]
    if kind == "agent":
        return from_rows(tx.all(ONE, team=team, key=name.lower()))
    rows = tx.all(GROUP[kind], team=team, **({"name": name} if name else {}))
    return [match for match in from_rows(rows) if match.id != sender.id]


def _elsewhere(tx: Tx, sender: Agent, team: str, name: str, *, hold: bool) -> list[Recipient]:
    """Return the agent of `team` with the former name `name`, else, with `hold`, the one that holds its mail."""
    known = agents.find(tx, team, name)
    if known and known.registered:
        return [recipient_of(known, called=name)]
    if not hold:
        return []
    from xats.core.mail import held

    known = held.absent(tx, sender, team, name)
    return [recipient_of(known)] if known else []


def with_role(tx: Tx, team: str, role: str) -> list[Recipient]:
    """Return the agents of `team` that have `role`."""
    return from_rows(tx.all(GROUP["role"], team=team, name=role))


def from_rows(rows: list[Row]) -> list[Recipient]:
    """Return the Recipients in rows that have the RECIPIENT columns."""
    return [
        from_row(
            Recipient,
            row,
            address=f"{row['name']}@{row['team']}",
            wake_by=agents.wake_by(row["client"], row["wake_by"]),
            absence=agents.absence(row["unregistered_at"] is None, row["expected_at"]),
            called=None,
            program=_program(row),
        )
        for row in rows
    ]


def _program(row: Row) -> Program | None:
    """Return the program in a row that has the RECIPIENT columns."""
    pid, at, seen = row["pid"], row["gone_at"], row["seen_at"]
    if row["host"] is None or row["client"] == "human" or (at is not None and seen > at + agents.LAST_HOOKS):
        return None  # another program acts for it since its end
    process = None if pid is None or row["pid_started"] is None else (pid, row["pid_started"])
    return Program(row["host"], process, at, seen)


def unknown(tx: Tx, address: Address, team: str) -> UnknownRecipient:
    """Return the error for an address that matches no agent; its hint names the nearest address that does."""
    if address.team:
        from xats.core.teams import views

        if not views.exists(tx, team):
            problem = views.unknown(tx, team)
            return UnknownRecipient(f"{problem} Nothing was sent.", problem.hint, address=str(address), team=team)
    if address.kind == "agent":
        from xats.core.mail import held

        gone = held.has_left(tx, address, team)
        if gone:
            return gone
    if address.kind == "agent":
        hint = agents.meant(tx, team, address.name)
    else:
        near = _near_label(tx, address, team)
        hint = f"did you mean {' or '.join(near)}?" if near else f"xats agents --team {team}"
    whom = {"all": "There is no other agent", "agent": f"There is no agent {address}"}
    said = f"{whom.get(address.kind, f'No agent matches {address}')} in team {team}."
    if address.kind == "agent" and (found := teams.elsewhere(tx, address.name, team)):
        said = f"{said[:-1]}; {found}."
    return UnknownRecipient(f"{said} Nothing was sent.", hint, address=str(address), team=team)


def _near_label(tx: Tx, address: Address, team: str) -> list[str]:
    """Return at most three addresses of groups of `team` that are like `address`, the nearest first."""
    if address.kind not in GROUP or not address.name:
        return []
    from difflib import get_close_matches

    rows = tx.all(ROLES, team=team) if address.kind == "role" else tx.all(LABELS, team=team, kind=address.kind)
    return [f"{address.kind}:{one}" for one in get_close_matches(address.name, [row["name"] for row in rows], 3)]


def recipient_of(agent: Agent, called: str | None = None) -> Recipient:
    """Return `agent` as a recipient; `called` is the former name in the address, if it is one."""
    return Recipient(agent.id, agent.address, agent.client, agent.wake_by, agent.absence, called)


def is_direct(addresses: Sequence[Address]) -> bool:
    """Tell whether each of `addresses` names an agent, and none a group."""
    return all(address.kind in ("agent", "me") for address in addresses)
