"""Agents: durable names that mail belongs to, and the sessions that have a name one after another.

A session is one process in one pane. It ends when another one takes the name (`replaced`), or when the agent is
unregistered. Every new session gets the next epoch. xats refuses what an ended session tries to write
(`stale_session`).

This module looks agents up. How they register and leave is in core/agents/registration.py, and the list of them with
their mail and wakes in core/agents/listing.py.
"""

from __future__ import annotations

from xats.base.errors import StaleSession, UnknownAgent
from xats.base.pane import Pane
from xats.base.record import from_row, record
from xats.core.agents import SIGN_EVERY
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
SYSTEM = "xats"  # the name under which xats itself writes; it has no session and gets no mail
LAST_HOOKS = 10_000  # ms after the end of a process in which its last hooks may still end


@record
class Seat:
    """Where a session is: its process, its pane, and what its client calls it."""

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
        """Its host, process, client session and pane. What people call the host does not count."""
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
    expected_since: int | None = None  #: ms UTC since when xats expects its program; None: it is not expected

    @property
    def address(self) -> str:
        """`name@team`, which means the same in every team."""
        return f"{self.name}@{self.team}"

    @property
    def expected(self) -> bool:
        """Whether xats expects its program, which has not appeared yet."""
        return self.expected_since is not None

    @property
    def absence(self) -> Reason | None:
        """Why no program can read its mail now: "no_program" or "not_registered"; None for an agent that has one."""
        return absence(self.registered, self.expected_since)


@record
class Session:
    """One run of an agent. It is the current one while `ended_at` is None."""

    id: int
    agent_id: int
    epoch: int
    seat: Seat
    started_at: int
    ended_at: int | None
    programs: Kept | None = None  #: what its process ran when xats first saw it; None until then
    xats_path: str | None = None  #: how its shell calls xats (xats/base/calling.py); None where that is not known
    gone_at: int | None = None  #: when xats saw that its process had ended (core/agents/departures.py), or None
    doing: str | None = None  #: what the agent works on, in its own words (core/agents/doing.py)
    doing_at: int | None = None  #: since when, in ms UTC


@record
class Details:
    """An agent with its labels, its session, and, in a list, its mail and its wake."""

    agent: Agent
    tags: tuple[str, ...]
    capabilities: tuple[str, ...]
    session: Session | None
    unread: int = 0
    oldest_unread_at: int | None = None
    # Only core/agents/listing.py fills the rest.
    wake: Wake | None = None  #: the open one, else that of the newest unread mail that has one
    no_wake_reason: Reason | None = None  #: why xats does not wake the agent for its newest unread mail
    paused: bool = False  #: the agent, or its whole team
    presence: Presence | None = None  #: what its program says it is doing
    shown: int = 0  #: messages that were shown and are not read yet
    expected: Expectation | None = None  #: the open expectation of its program, or one that ended in vain
    locks: int = 0  #: files that it has locked; automatic locks do not count


@record
class Left:
    """When an agent left, and which agent unregistered it."""

    at: int  #: ms UTC
    by: str | None  #: None: the agent itself, or it is not known
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
s.program_device, s.program_inode, s.program_script, s.program_inner, s.xats_path, s.gone_at, s.doing, s.doing_at
"""
BY_NAME = f"select {AGENT} from agents a where a.team = :team and a.name_key = :key"
BY_FORMER_NAME = f"""
select {AGENT} from former_names f join agents a on a.id = f.agent_id
where f.name_key = :key and a.team = :team order by f.until desc limit 1
"""
BY_ID = f"select {AGENT} from agents a where a.id = :id"
PEOPLE = f"""
select {AGENT} from agents a where a.team = :team and a.client = 'human' and a.unregistered_at is null order by a.id
"""
LEFT = "select epoch, unregistered_at, unregistered_by from agents where team = :team and name_key = :key"
CURRENT = f"select {SESSION} from sessions s where s.agent_id = :agent and s.ended_at is null"
# A session that was replaced is found too: xats refuses what it writes. After its agent left, a session does not count.
SEATED = "(s.ended_at is null or s.end_reason = 'replaced') and a.unregistered_at is null"
# Earlier releases marked a session with the name of its host: hosts had no ids (xats/base/host.py, core/hosts.py).
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
# For a process in a sandbox, which is a host of its own: the pane belongs to the machine, or to a container on it.
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
    """Return why no program can read the mail of an agent now, or None."""
    if not registered:
        return "not_registered"
    return None if expected_since is None else "no_program"


def chosen_wake_by(word: str | None) -> WakeBy | None:
    """Return the member of `WAKE_BY` that `word` is, or None."""
    return next((one for one in WAKE_BY if one == word), None)


def wake_by(client: str, chosen: WakeBy | None) -> WakeBy:
    """Return how xats wakes an agent that runs `client`: as was `chosen`, but it never types at a person."""
    if client == "human":
        return chosen if chosen in ("notice", "command") else "none"
    return chosen or "auto"


def pane_of(row: Row) -> Pane | None:
    """Return the Pane in a row that has the columns of a pane, or None."""
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


def by_name(tx: Tx, team: str, name: str, *, own: bool = False) -> Agent:
    """Return the registered agent `name` of `team`, also by a former name of the agent or the team.

    `own` is for a name under which a command shall act, and which it may register. Raises what `unknown` returns.
    """
    found = find(tx, team, name)
    if found is None and (today := teams.address(tx, team, name)) != (team, name):
        team, name = today
        found = find(tx, team, name)
    if found is None or not found.registered:
        raise unknown(tx, team, name, own=own)
    return found


def unknown(tx: Tx, team: str, name: str, *, own: bool = False) -> UnknownAgent:
    """Return the error for a `name` that no registered agent of `team` has.

    It says when the agent left, and which other teams have an agent of that name. Its hint is that of `meant`; for a
    name of one's `own` it says how to register.
    """
    gone = left(tx, team, name)
    other = teams.elsewhere(tx, name, team)
    msg = f"{name} left team {team} {gone}" if gone else f"There is no agent {name} in team {team}"
    hint, register = meant(tx, team, name), f"xats register {name} --team {team}"
    if own and other:
        hint = f"{hint} For a new agent: {register}"
    elif own and (gone or hint.startswith("xats ")):
        hint = register
    return UnknownAgent(f"{msg}; {other}." if other else f"{msg}.", hint, name=name, team=team)


def meant(tx: Tx, team: str, name: str) -> str:
    """Return the hint for a wrong `name` of an agent of `team`: the names that may be meant, else who is there."""
    other = teams.elsewhere(tx, name, team)
    names = [f"{name}@{other.teams[0]}"] if other else near(tx, team, name)
    return f"did you mean {' or '.join(names)}?" if names else f"xats agents --team {team}"


def find(tx: Tx, team: str, name: str) -> Agent | None:
    """Return the agent `name` of `team`, registered or not, also by a former name; None if there is none."""
    row = tx.one(BY_NAME, team=team, key=name.lower()) or tx.one(BY_FORMER_NAME, team=team, key=name.lower())
    return agent_of(row) if row else None


def leads_to(tx: Tx, address: str, agent: Agent) -> bool:
    """Tell whether `address` (NAME@TEAM) is that of `agent`, or one that it had before a rename of either."""
    found = called(tx, address)
    return found is not None and found.id == agent.id


def called(tx: Tx, address: str, team: str = "") -> Agent | None:
    """Return the agent whose `address` is NAME@TEAM, or was that before a rename of either; None if there is none.

    `team` is that of a NAME alone.
    """
    name, _, said = address.partition("@")
    return find(tx, said or team, name) or find(tx, *teams.address(tx, said or team, name))


NAMES = """
select a.name from agents a where a.team = :team and a.unregistered_at is null
union select f.name from former_names f join agents a on a.id = f.agent_id
where a.team = :team and a.unregistered_at is null
"""


def near(tx: Tx, team: str, name: str) -> list[str]:
    """Return at most three names in `team` that are like `name`, the most alike first."""
    from difflib import get_close_matches

    names = {row["name"].lower(): row["name"] for row in tx.all(NAMES, team=team)}
    return [names[key] for key in get_close_matches(name.lower(), names, 3)]


def left(tx: Tx, team: str, name: str) -> Left | None:
    """Return when the agent `name` of `team` left; None if it is registered, or never was. See `find` for the name."""
    known = find(tx, team, name)
    row = tx.one(LEFT, team=team, key=known.name.lower()) if known else None
    if row is None or row["unregistered_at"] is None or row["epoch"] == 0:
        return None
    by = row["unregistered_by"]
    return Left(at=row["unregistered_at"], by=by.removesuffix(f"@{team}") if by else None, now=tx.now)


def by_id(tx: Tx, agent_id: int) -> Agent:
    """Return the agent with that id, registered or not."""
    row = tx.one(BY_ID, id=agent_id)
    if row is None:
        raise UnknownAgent
    return agent_of(row)


def people(tx: Tx, team: str) -> list[Agent]:
    """Return the registered persons of `team`."""
    return [agent_of(row) for row in tx.all(PEOPLE, team=team)]


def new_name(tx: Tx, team: str, client: str) -> str:
    """Return a name after the `client`, such as codex-2, that no agent of `team` ever had: mail is kept for a name."""
    stem, number = client.partition("-")[0], 1
    while find(tx, team, f"{stem}-{number}"):
        number += 1
    return f"{stem}-{number}"


def current_session(tx: Tx, agent: Agent) -> Session | None:
    """Return the session that `agent` has now, or None."""
    row = tx.one(CURRENT, agent=agent.id)
    return session_of(row) if row else None


def by_client_session(tx: Tx, client_session: str) -> tuple[Agent, Session] | None:
    """Return the newest session, ended or not, of the client session with that id."""
    return _pair(tx.one(BY_CLIENT_SESSION, client_session=client_session))


def by_pane(tx: Tx, host: str, socket: str, server_pid: int, pane_id: str) -> tuple[Agent, Session] | None:
    """Return the newest session, ended or not, that was bound to that pane of that tmux server."""
    return _pair(tx.one(BY_PANE, host=host, socket=socket, server_pid=server_pid, pane_id=pane_id))


def expected_in(tx: Tx, host: str, socket: str, server_pid: int, pane_id: str, client: str) -> Agent | None:
    """Return the agent that xats expects a program of `client` in that pane to be (expectations.py), or None."""
    place = {"host": host, "socket": socket, "server_pid": server_pid, "pane_id": pane_id}
    row = tx.one(EXPECTED_IN, client=client, now=tx.now, **place)
    return agent_of(row) if row else None


def by_pane_outside(tx: Tx, machine: str, socket: str, server_pid: int, pane_id: str) -> tuple[Agent, Session] | None:
    """Return the session in that pane on the machine with the id `machine`, for a process in a sandbox on it.

    None where several hosts on that machine, such as containers, have such a pane.
    """
    rows = tx.all(BY_PANE_OUTSIDE, machine=f"{machine}%", socket=socket, server_pid=server_pid, pane_id=pane_id)
    return _pair(rows[0]) if len(rows) == 1 else None


def by_processes(tx: Tx, host: str, processes: Sequence[tuple[int, int]]) -> list[tuple[Agent, Session]]:
    """Return the newest session, ended or not, of each of `processes` (pid, start time) in their order.

    Processes without a session are left out. It is one query, because a command asks for all its ancestors.
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
    """Return the id and the last known name of the host of the session of `agent`; "" and None without a session."""
    row = tx.one(HOST, agent=agent.id)
    return (row["host"], row["host_name"]) if row else ("", None)


def system(tx: Tx, team: str) -> Agent:
    """Return the agent as which xats itself writes to `team`. No program can register as it."""
    tx.run(SYSTEM_AGENT, team=team, name=SYSTEM, now=tx.now)
    row = tx.one(BY_NAME, team=team, key=SYSTEM)
    assert row
    return agent_of(row)


def gone_since(agent: Agent, session: Session | None) -> int | None:
    """Return when (ms UTC) xats noted that `agent` is gone, or None. A sign of life since then revokes that."""
    at = session.gone_at if session else None
    return at if at is not None and agent.seen_at <= at + LAST_HOOKS else None


def refuse_stale(agent: Agent, session: Session) -> None:
    """Raise StaleSession if a newer session has replaced `session`."""
    if session.ended_at is not None:
        msg = f"Another session has taken over {agent.name}, so this one can no longer write as {agent.name}."
        hint = f"xats register {agent.name} --takeover, or take another name"
        raise StaleSession(msg, hint, agent=agent.address, epoch=session.epoch, current_epoch=agent.epoch)


def details(tx: Tx, agent: Agent) -> Details:
    """Return `agent` with its labels and its session."""
    rows = tx.all("select kind, label from labels where agent_id = :id order by label", id=agent.id)
    labels = {kind: tuple(row["label"] for row in rows if row["kind"] == kind) for kind in ("tag", "cap")}
    return Details(agent, tags=labels["tag"], capabilities=labels["cap"], session=current_session(tx, agent))


# -- signs of life -----------------------------------------------------------------------------------------------------

RENEW_EVERY = 60_000  # ms between two renewals of the leases of an agent; less for a short lease
TOUCH = "update agents set seen_at = :now where id = :id"
# The tables with leases (core/leases/tables.py). Each hook asks RENEWABLE, so nothing is imported for it.
UNMARK = (
    "update tasks set owner_gone_at = null where owner_id = :id and owner_gone_at is not null",
    "update locks set owner_gone_at = null where holder_id = :id and owner_gone_at is not null",
    "update turns set owner_gone_at = null where holder_id = :id and owner_gone_at is not null",
)
RENEWABLE = """
select 1 from tasks where owner_id = :id and state = 'claimed' and (lease_ms <= :length or owner_gone_at >= :seen)
union all
select 1 from locks where holder_id = :id and kind = 'explicit' and lease_ms <= :length
union all
select 1 from turns where holder_id = :id and (lease_ms <= :length or owner_gone_at >= :seen)
limit 1
"""
ANY_LENGTH = 1 << 62  # ms


def touch(tx: Tx, agent: Agent) -> None:
    """Record that `agent` did something now. This renews the leases of its tasks, its explicit locks and its turns."""
    tx.run(TOUCH, id=agent.id, now=tx.now)


def unmark(tx: Tx, agent_id: int) -> None:
    """Remove the marks of a gone holder from the leases of the agent with that id. See core/leases/holders.py."""
    for sql in UNMARK:
        tx.run(sql, id=agent_id)


def renewal_due(tx: Tx, agent: Agent) -> bool:
    """Tell whether `agent` needs a `touch`, because its last sign of life is too old.

    The limit is SIGN_EVERY. For an agent with a claimed task, an explicit lock or a turn it is RENEW_EVERY, or half
    of a shorter lease. An agent with a task or a turn also needs one when xats saw its process end since the last one.
    """
    if tx.now - agent.seen_at >= SIGN_EVERY:
        return True
    age = tx.now - agent.seen_at
    length = ANY_LENGTH if age >= RENEW_EVERY else 2 * age + 1  # of leases that need a renewal now
    return tx.one(RENEWABLE, id=agent.id, length=length, seen=agent.seen_at) is not None
