"""Agents: durable seats with names, and the sessions that sit in them one after another.

Mail belongs to the seat. A session is one process in one pane; it ends when another takes the seat (`replaced`) or
when the agent is unregistered. Every new session gets the next epoch, and what an ended one still tries to write is
refused (`stale_session`).
"""

from __future__ import annotations

from xats.base.errors import StaleSession, UnknownAgent
from xats.base.pane import Pane
from xats.base.record import from_row, record
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from xats.base.program import Kept
    from xats.core.agents.expectations import Expectation
    from xats.core.agents.presence import Presence
    from xats.core.states import WakeBy
    from xats.core.waking.reasons import Reason
    from xats.core.waking.wakes import Wake
    from xats.store import Row, Tx

WAKE_BY: tuple[WakeBy, ...] = ("auto", "tmux", "notice", "command", "none")
SYSTEM = "xats"  # under this name xats itself writes; it has no seat and cannot be written to
LAST_HOOKS = 10_000  # ms after the end of a process in which its last hooks may still end


@record
class Seat:
    """Where a session sits: which process, in which pane, and what its client calls itself."""

    host: str
    pid: int | None = None
    pid_started: int | None = None
    client_session: str | None = None
    pane: Pane | None = None
    host_name: str | None = None  #: what people call the host, which may change; `host` is its id (xats/base/host.py)

    @property
    def where(self) -> str:
        """What people call the host."""
        return self.host_name or self.host

    @property
    def place(self) -> tuple[str, tuple[int, int] | None, str | None, Pane | None]:
        """Where it is, whatever people call the host: its host, process, client session and pane."""
        return self.host, self.process, self.client_session, self.pane

    @property
    def process(self) -> tuple[int, int] | None:
        """The process as (pid, start time), or None when it is not known."""
        return None if self.pid is None or self.pid_started is None else (self.pid, self.pid_started)


@record
class Agent:
    """An agent as it is stored, with the epoch of its newest session."""

    id: int
    team: str
    name: str
    role: str | None
    client: str
    model: str | None
    epoch: int
    seen_at: int
    registered: bool
    wake_by: WakeBy
    about: str | None = None  #: what it is for, in one line
    expected_since: int | None = None  #: ms UTC since when its seat waits for a program; None: it had one since

    @property
    def address(self) -> str:
        """`name@team`, which means the same to everybody."""
        return f"{self.name}@{self.team}"

    @property
    def expected(self) -> bool:
        """Whether its seat waits for a program."""
        return self.expected_since is not None

    @property
    def absence(self) -> Reason | None:
        """Why no program can have its mail now: "no_program" or "not_registered"; None for an agent that is here."""
        return absence(self.registered, self.expected_since)


@record
class Session:
    """One incarnation of an agent. It is the current one while `ended_at` is None."""

    id: int
    agent_id: int
    epoch: int
    seat: Seat
    started_at: int
    ended_at: int | None
    programs: Kept | None = None  #: what its process ran when it was first seen; None until then
    xats_path: str | None = None  #: how its shell calls xats (xats/base/calling.py); None where that is not known
    gone_at: int | None = None  #: when its process was seen to have ended (core/agents/departures.py); None: it was not


@record
class Details:
    """An agent with all that is known of it."""

    agent: Agent
    tags: tuple[str, ...]
    capabilities: tuple[str, ...]
    session: Session | None
    unread: int = 0
    oldest_unread_at: int | None = None
    # Only a listing gives these.
    wake: Wake | None = None  #: the open one, else that of the newest unread mail that has one
    no_wake_reason: Reason | None = None  #: why nobody is woken for the newest unread mail
    paused: bool = False  #: the agent, or its whole team
    presence: Presence | None = None  #: what its program says it is doing
    shown: int = 0  #: letters that were shown and are not read yet
    expected: Expectation | None = None  #: the program that is expected to be this agent, or was in vain


@record
class Left:
    """When an agent left (ms UTC), and by whom it was unregistered."""

    at: int
    by: str | None  #: None: by itself, or it is not known
    now: int  #: ms UTC

    def __str__(self) -> str:
        from xats.base.durations import ago

        return ago(self.at, self.now) + (f" (unregistered by {self.by})" if self.by else "")


# -- finding -----------------------------------------------------------------------------------------------------------

AGENT = """
a.id, a.team, a.name, a.role, a.client, a.model, a.epoch, a.seen_at, a.unregistered_at, a.wake_by, a.about,
a.expected_at
"""
SESSION = """
s.id as session_id, s.agent_id, s.epoch as session_epoch, s.host, s.pid, s.pid_started, s.client_session,
s.pane_socket, s.server_pid, s.server_start, s.pane_id, s.pane_pid, s.pane_tty, s.started_at, s.ended_at, s.host_name,
s.program_device, s.program_inode, s.program_script, s.program_inner, s.xats_path, s.gone_at
"""
BY_NAME = f"select {AGENT} from agents a where a.team = :team and a.name_key = :key"
BY_FORMER_NAME = f"""
select {AGENT} from former_names f join agents a on a.id = f.agent_id
where f.name_key = :key and a.team = :team order by f.until desc limit 1
"""
BY_ID = f"select {AGENT} from agents a where a.id = :id"
LEFT = "select epoch, unregistered_at, unregistered_by from agents where team = :team and name_key = :key"
BY_SESSION = f"select {SESSION} from sessions s where s.id = :id"
CURRENT = f"select {SESSION} from sessions s where s.agent_id = :agent and s.ended_at is null"
# A session that lost its seat is still known, to be refused; one whose agent was unregistered is nobody's.
SEATED = "(s.ended_at is null or s.end_reason = 'replaced') and a.unregistered_at is null"
# Marked with the name of its host, as by releases before hosts had ids (xats/base/host.py); see core/hosts.py.
NOT_AN_ID = "s.host not like 'h1+%'"
BY_CLIENT_SESSION = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.client_session = :client_session and {SEATED} order by s.id desc limit 1
"""
BY_PANE = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.pane_id = :pane_id and s.pane_socket = :socket and s.server_pid = :server_pid
    and (s.host = :host or {NOT_AN_ID}) and {SEATED}
order by s.id desc limit 1
"""
BY_PROCESSES = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.pid in (:pids) and (s.host = :host or {NOT_AN_ID}) and {SEATED} order by s.id desc
"""
# From inside a sandbox, which is a host of its own: the pane is one of the machine's, or of a container's on it.
BY_PANE_OUTSIDE = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.pane_id = :pane_id and s.pane_socket = :socket and s.server_pid = :server_pid and s.host like :machine
    and s.ended_at is null and a.unregistered_at is null
"""
EXPECTED_IN = f"""
select {AGENT} from expectations e join agents a on a.id = e.agent_id
where e.host = :host and e.pane_socket = :socket and e.server_pid = :server_pid and e.pane_id = :pane_id
    and e.client = :client and e.ended_at is null and e.expires_at > :now
"""
HOST = "select host, host_name from sessions where agent_id = :agent and ended_at is null"
SYSTEM_AGENT = """
insert into agents (team, name, name_key, client, registered_at, seen_at, unregistered_at)
values (:team, :name, :name, 'system', :now, :now, :now) on conflict (team, name_key) do nothing
"""


def agent_of(row: Row) -> Agent:
    """Return the Agent in a row that has the AGENT columns."""
    return from_row(
        Agent,
        row,
        registered=row["unregistered_at"] is None,
        wake_by=wake_by(row["client"], row["wake_by"]),
        expected_since=row["expected_at"],
    )


def absence(registered: bool, expected_since: int | None) -> Reason | None:
    """Return why no program can have the mail of such an agent now, or None."""
    if not registered:
        return "not_registered"
    return None if expected_since is None else "no_program"


def chosen_wake_by(word: str | None) -> WakeBy | None:
    """Return the `word` of a command line as the one of `WAKE_BY` that it is; None for any other."""
    return next((one for one in WAKE_BY if one == word), None)


def wake_by(client: str, chosen: WakeBy | None) -> WakeBy:
    """Return how an agent that runs `client` is woken: as was `chosen`, but nothing is ever typed at a person."""
    if client == "human":
        return chosen if chosen in ("notice", "command") else "none"
    return chosen or "auto"


def pane_of(row: Row) -> Pane | None:
    """Return the Pane in a row that has the columns of one, or None."""
    if row["pane_id"] is None:
        return None
    return from_row(Pane, row, socket=row["pane_socket"], tty=row["pane_tty"] or "")


def pane_values(pane: Pane | None) -> dict[str, str | int | None]:
    """Return the parts of `pane` as SQL parameters, each None without a pane."""
    names = ("socket", "server_pid", "server_start", "pane_id", "pane_pid", "tty")
    return {name: getattr(pane, name) if pane else None for name in names}


def session_of(row: Row) -> Session:
    """Return the Session in a row that has the SESSION columns."""
    runs: Kept = (row["program_device"], row["program_inode"], row["program_script"], row["program_inner"])
    return from_row(
        Session,
        row,
        id=row["session_id"],
        epoch=row["session_epoch"],
        seat=from_row(Seat, row, pane=pane_of(row)),
        programs=runs if runs[0] is not None else None,
    )


def by_name(tx: Tx, team: str, name: str) -> Agent:
    """Return the registered agent `name` of `team`, which may have another name today.

    Raises UnknownAgent, which says when it has left, or in which other teams there is one.
    """
    found = find(tx, team, name)
    if found is None and (today := teams.address(tx, team, name)) != (team, name):
        team, name = today
        found = find(tx, team, name)
    if found is None or not found.registered:
        gone = left(tx, team, name)
        msg = f"{name} left team {team} {gone}." if gone else f"There is no agent {name} in team {team}."
        hint = f"xats register {name} --team {team}"
        if not gone and (alike := near(tx, team, name)):
            hint = f"did you mean {' or '.join(alike)}?"
        if other := teams.elsewhere(tx, name, team):
            msg, hint = f"{msg[:-1]}; {other}.", f"name it {name}@{other.teams[0]}; a new one: {hint}"
        raise UnknownAgent(msg, hint, name=name, team=team)
    return found


def find(tx: Tx, team: str, name: str) -> Agent | None:
    """Return the agent `name` of `team`, registered or not, or None. A former name leads to the agent that had it."""
    row = tx.one(BY_NAME, team=team, key=name.lower()) or tx.one(BY_FORMER_NAME, team=team, key=name.lower())
    return agent_of(row) if row else None


NAMES = """
select a.name from agents a where a.team = :team and a.unregistered_at is null
union select f.name from former_names f join agents a on a.id = f.agent_id
where a.team = :team and a.unregistered_at is null
"""


def near(tx: Tx, team: str, name: str) -> list[str]:
    """Return the names in `team` that `name` may be mistyped for, the nearest first, at most three."""
    from difflib import get_close_matches

    names = {row["name"].lower(): row["name"] for row in tx.all(NAMES, team=team)}
    return [names[key] for key in get_close_matches(name.lower(), names, 3)]


def left(tx: Tx, team: str, name: str) -> Left | None:
    """Return when the agent `name` of `team` left; None where it is there, or never was. See `find` for the name."""
    known = find(tx, team, name)
    row = tx.one(LEFT, team=team, key=known.name.lower()) if known else None
    if row is None or row["unregistered_at"] is None or row["epoch"] == 0:
        return None
    by = row["unregistered_by"]
    return Left(row["unregistered_at"], by.removesuffix(f"@{team}") if by else None, tx.now)


def by_id(tx: Tx, agent_id: int) -> Agent:
    """Return the agent with that id, registered or not."""
    row = tx.one(BY_ID, id=agent_id)
    if row is None:
        raise UnknownAgent
    return agent_of(row)


def new_name(tx: Tx, team: str, client: str) -> str:
    """Return the first name after the `client` that nobody has ever had in `team`: mail is kept for a name."""
    stem, number = client.partition("-")[0], 1
    while find(tx, team, f"{stem}-{number}"):
        number += 1
    return f"{stem}-{number}"


def current_session(tx: Tx, agent: Agent) -> Session | None:
    """Return the session that sits in `agent` now."""
    row = tx.one(CURRENT, agent=agent.id)
    return session_of(row) if row else None


def by_client_session(tx: Tx, client_session: str) -> tuple[Agent, Session] | None:
    """Return the newest session, ended or not, of the client session with that id."""
    return _pair(tx.one(BY_CLIENT_SESSION, client_session=client_session))


def by_pane(tx: Tx, host: str, socket: str, server_pid: int, pane_id: str) -> tuple[Agent, Session] | None:
    """Return the newest session, ended or not, that was bound to that pane of that tmux server."""
    return _pair(tx.one(BY_PANE, host=host, socket=socket, server_pid=server_pid, pane_id=pane_id))


def expected_in(tx: Tx, host: str, socket: str, server_pid: int, pane_id: str, client: str) -> Agent | None:
    """Return the agent that a program of `client` will be once it appears in that pane (expectations.py)."""
    place = {"host": host, "socket": socket, "server_pid": server_pid, "pane_id": pane_id}
    row = tx.one(EXPECTED_IN, client=client, now=tx.now, **place)
    return agent_of(row) if row else None


def by_pane_outside(tx: Tx, machine: str, socket: str, server_pid: int, pane_id: str) -> tuple[Agent, Session] | None:
    """Return what `by_pane` would outside the sandbox that this process runs in, on the machine with the id `machine`.

    None where several hosts on that machine, such as containers, have such a pane.
    """
    rows = tx.all(BY_PANE_OUTSIDE, machine=f"{machine}%", socket=socket, server_pid=server_pid, pane_id=pane_id)
    return _pair(rows[0]) if len(rows) == 1 else None


def by_processes(tx: Tx, host: str, processes: Sequence[tuple[int, int]]) -> list[tuple[Agent, Session]]:
    """Return the newest session, ended or not, of each of `processes` (pid, start time) that has one, in their order.

    It is one query, because a command asks for all its ancestors.
    """
    pids = {f"pid_{index}": pid for index, (pid, _) in enumerate(processes)}
    if not pids:
        return []
    sql = BY_PROCESSES.replace(":pids", ", ".join(f":{name}" for name in pids))
    newest: dict[tuple[int, int], Row] = {}
    for row in tx.all(sql, host=host, **pids):
        newest.setdefault((row["pid"], row["pid_started"]), row)
    return [(agent_of(newest[one]), session_of(newest[one])) for one in processes if one in newest]


def _pair(row: Row | None) -> tuple[Agent, Session] | None:
    return (agent_of(row), session_of(row)) if row else None


def host_of(tx: Tx, agent: Agent) -> tuple[str, str | None]:
    """Return how the host of the session of `agent` is marked, and what it was called last; "" if it has no session."""
    row = tx.one(HOST, agent=agent.id)
    return (row["host"], row["host_name"]) if row else ("", None)


def system(tx: Tx, team: str) -> Agent:
    """Return the agent in whose name xats itself writes to `team`; nobody can be registered as it."""
    tx.run(SYSTEM_AGENT, team=team, name=SYSTEM, now=tx.now)
    row = tx.one(BY_NAME, team=team, key=SYSTEM)
    assert row
    return agent_of(row)


def gone_since(agent: Agent, session: Session | None) -> int | None:
    """Return when (ms UTC) `agent` was noted as gone; None: it was not, or it gave a sign of life since."""
    at = session.gone_at if session else None
    return at if at is not None and agent.seen_at <= at + LAST_HOOKS else None


def refuse_stale(agent: Agent, session: Session) -> None:
    """Raise StaleSession if `session` has lost its seat to a newer one."""
    if session.ended_at is not None:
        msg = f"Another session has taken {agent.name} over; this one may not write as {agent.name} any more."
        hint = f"xats register {agent.name} --takeover, or take another name"
        raise StaleSession(msg, hint, agent=agent.address, epoch=session.epoch, current_epoch=agent.epoch)


def details(tx: Tx, agent: Agent) -> Details:
    """Return `agent` with its labels and its session."""
    rows = tx.all("select kind, label from labels where agent_id = :id order by label", id=agent.id)
    labels = {kind: tuple(row["label"] for row in rows if row["kind"] == kind) for kind in ("tag", "cap")}
    return Details(agent, labels["tag"], labels["cap"], current_session(tx, agent))


# -- signs of life -----------------------------------------------------------------------------------------------------

RENEW_EVERY = 60_000  # ms between two renewals of what an agent has claimed, unless its lease is too short for that
SIGN_EVERY = 2 * 60_000  # ms after which the sign of life of any agent is noted, so that its silence can be told
TOUCH = "update agents set seen_at = :now where id = :id"
UNMARK = "update tasks set owner_gone_at = null where owner_id = :id and owner_gone_at is not null"
RENEWABLE = """
select 1 from tasks where owner_id = :id and state = 'claimed' and (
    :age >= case when lease_ms < 2 * :every then lease_ms / 2 else :every end or owner_gone_at >= :seen
) limit 1
"""


def touch(tx: Tx, agent: Agent) -> None:
    """Note that `agent` did something just now: it renews whatever it has claimed."""
    tx.run(TOUCH, id=agent.id, now=tx.now)


def unmark(tx: Tx, agent_id: int) -> None:
    """Take away the marks of what the agent with that id has claimed: it is not gone. See core/tasks/owners.py."""
    tx.run(UNMARK, id=agent_id)


def renewal_due(tx: Tx, agent: Agent) -> bool:
    """Tell whether a sign of life of `agent` is worth a `touch`: the last one is too old.

    Too old is SIGN_EVERY; of an agent that has claimed a task it is RENEW_EVERY, or half of a lease that is shorter
    than two of these. A sign is also worth one where the process of such an agent was seen to have ended.
    """
    if tx.now - agent.seen_at >= SIGN_EVERY:
        return True
    values = {"id": agent.id, "age": tx.now - agent.seen_at, "every": RENEW_EVERY, "seen": agent.seen_at}
    return tx.one(RENEWABLE, **values) is not None


def lease_end(lease_until: int, lease_ms: int, seen_at: int) -> int:
    """Return when a lease ends (ms UTC) that lasts `lease_ms` from the last sign of life of its owner, at `seen_at`.

    `lease_until` is the end that is stored, which is not written at every sign of life.
    """
    return max(lease_until, seen_at + lease_ms)
