"""Agents: durable seats with names, and the sessions that sit in them one after another.

Mail belongs to the seat. A session is one process in one pane; it ends when another takes the seat (`replaced`) or
when the agent is unregistered. Every new session gets the next epoch, and what an ended one still tries to write is
refused (`stale_session`).
"""

from __future__ import annotations

from xats.base.errors import InvalidName, NameTaken, StaleSession, UnknownAgent
from xats.base.pane import Pane
from xats.base.record import from_row, record, replace
from xats.core.address import is_forgotten
from xats.core.agents.routine import SIGN_EVERY
from xats.core.teams import teams
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.base.program import Kept
    from xats.core.agents.expectations import Expectation
    from xats.core.agents.presence import Presence
    from xats.core.states import SessionEnd, WakeBy
    from xats.core.waking.reasons import Reason
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
class Changes:
    """What a registration says. None leaves a stored value as it is."""

    role: str | None = None
    client: str | None = None
    model: str | None = None
    tags: tuple[str, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    wake_by: WakeBy | None = None


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
    wake: wakes.Wake | None = None  #: the open one, else that of the newest unread mail that has one
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


@record
class Registered:
    """What a registration came to."""

    details: Details
    created: bool  #: the name was new, or returned after it was unregistered
    new_session: bool
    unseated: str | None  #: the agent that had this pane or process until now


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


# Closed wakes have no index by agent: the last one that matters is found by the mail that it was for.
LISTING = f"""
select {AGENT}, {SESSION}, {", ".join(f"w.{name} as last_{name}" for name in wakes.COLUMNS.split())},
    (select count(*) from deliveries d where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH_COPY}) as unread,
    (select min(m.sent_at) from deliveries d join messages m on m.id = d.message_id
     where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH}) as oldest,
    (select count(*) from deliveries d where d.agent_id = a.id and d.state = 'shown') as shown,
    (select d.no_wake_reason from deliveries d where d.agent_id = a.id and d.state = 'unread' and {wakes.FRESH_COPY}
     order by d.message_id desc limit 1) as no_wake_reason,
    {wakes.paused("a.id", "a.team")} as paused,
    h.state, h.at, h.client_session as told_by, h.continued, h.broken_off_at
from agents a left join presence h on h.agent_id = a.id
left join sessions s on s.agent_id = a.id and s.ended_at is null
left join wakes w on w.id = coalesce(
    (select o.id from wakes o where o.agent_id = a.id and o.closed_at is null),
    (select d.wake_id from deliveries d where d.agent_id = a.id and d.state = 'unread' and d.wake_id is not null
     and {wakes.FRESH_COPY} order by d.message_id desc limit 1)
)
where a.unregistered_at is null and (:team is null or a.team = :team) and (:role is null or a.role = :role)
order by a.team, a.name_key
"""
LABELS = """
select l.agent_id, l.kind, l.label from labels l join agents a on a.id = l.agent_id
where (:team is null or a.team = :team) order by l.label
"""


def listing(tx: Tx, team: str | None, role: str | None) -> list[Details]:
    """Return the registered agents of `team` (None: of all teams), those with `role` if it is given."""
    from xats.core.agents import expectations
    from xats.core.agents.presence import Presence

    expected = expectations.by_agent(tx, team)
    labels: dict[tuple[int, str], list[str]] = {}
    for row in tx.all(LABELS, team=team):
        labels.setdefault((row["agent_id"], row["kind"]), []).append(row["label"])
    rows = tx.all(LISTING, team=team, role=role.lower() if role else None, **wakes.fresh(tx))
    return [
        Details(
            agent_of(row),
            tags=tuple(labels.get((row["id"], "tag"), ())),
            capabilities=tuple(labels.get((row["id"], "cap"), ())),
            session=session_of(row) if row["session_id"] is not None else None,
            unread=row["unread"],
            oldest_unread_at=row["oldest"],
            wake=_last_wake(row),
            no_wake_reason=row["no_wake_reason"],
            paused=bool(row["paused"]),
            presence=from_row(Presence, row, client_session=row["told_by"], reminded_at=None) if row["state"] else None,
            shown=row["shown"],
            expected=expected.get(row["id"]),
        )
        for row in rows
    ]


def _last_wake(row: Row) -> wakes.Wake | None:
    if row["last_id"] is None:
        return None
    return wakes.Wake(**{name: row[f"last_{name}"] for name in wakes.COLUMNS.split()})


# -- signs of life -----------------------------------------------------------------------------------------------------

RENEW_EVERY = 60_000  # ms between two renewals of what an agent has claimed, unless its lease is too short for that
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


# -- changing ----------------------------------------------------------------------------------------------------------

UPSERT = """
insert into agents (team, name, name_key, role, client, model, wake_by, registered_at, seen_at)
values (:team, :name, :key, :role, coalesce(:client, 'generic'), :model, nullif(:wake_by, 'auto'), :now, :now)
on conflict (team, name_key) do update set
    role = coalesce(:role, agents.role), client = coalesce(:client, agents.client),
    model = coalesce(:model, agents.model), wake_by = nullif(coalesce(:wake_by, agents.wake_by), 'auto'),
    seen_at = :now, unregistered_at = null, unregistered_by = null, expected_at = null, pruned_at = null
returning id
"""
SYSTEM_AGENT = """
insert into agents (team, name, name_key, client, registered_at, seen_at, unregistered_at)
values (:team, :name, :name, 'system', :now, :now, :now) on conflict (team, name_key) do nothing
"""
END = "update sessions set ended_at = :now, end_reason = :reason where agent_id = :agent and ended_at is null"
WAITED_FOR = """
select 1 from expectations where agent_id = :agent or (ended_at is null and host = :host and pane_socket = :socket
    and server_pid = :server_pid and pane_id = :pane_id)
"""
NOT_EXPECTED = "delete from expectations where agent_id = :agent"
UNREAD = f"select count(*) as n from deliveries d where d.agent_id = :id and d.state = 'unread' and {wakes.FRESH_COPY}"
LEAVE = "update agents set unregistered_at = :now, unregistered_by = :by, expected_at = null where id = :id"
NOTHING_SAID = "delete from presence where agent_id = :agent"  # a new session has yet to say what it does
BESIDE = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.ended_at is null and s.agent_id <> :agent and (
    s.client_session = :client_session or (s.host = :host and s.pid = :pid and s.pid_started = :pid_started)
    or (s.host = :host and s.pane_socket = :socket and s.server_pid = :server_pid and s.pane_id = :pane_id)
)
order by s.pane_id is null, s.id desc
"""
LOSE_PANE = """
update sessions set pane_socket = null, server_pid = null, server_start = null, pane_id = null, pane_pid = null,
    pane_tty = null
where id = :session
"""
LOSE_PROCESS = """
update sessions set pid = null, pid_started = null, client_session = null, program_device = null,
    program_inode = null, program_script = null, program_inner = null
where id = :session
"""
SIT = """
insert into sessions (agent_id, epoch, host, pid, pid_started, client_session, pane_socket, server_pid, server_start,
    pane_id, pane_pid, pane_tty, started_at, host_name, program_device, program_inode, program_script, program_inner,
    xats_path)
values (:agent, :epoch, :host, :pid, :pid_started, :client_session, :socket, :server_pid, :server_start,
    :pane_id, :pane_pid, :tty, :now, :host_name, :device, :inode, :script, :inner, :xats_path)
"""
MOVE = """
update sessions set host = :host, host_name = :host_name, client_session = coalesce(:client_session, client_session),
    pid = :pid, pid_started = :pid_started, pane_socket = :socket, server_pid = :server_pid,
    server_start = :server_start, pane_id = :pane_id, pane_pid = :pane_pid, pane_tty = :tty,
    program_device = :device, program_inode = :inode, program_script = :script, program_inner = :inner,
    xats_path = coalesce(:xats_path, xats_path), gone_at = :gone_at
where id = :session
"""
PROGRAMS = """
update sessions set program_device = :device, program_inode = :inode, program_script = :script, program_inner = :inner
where id = :session
"""
FIRST_PROGRAMS = f"{PROGRAMS.rstrip()} and program_device is null"


def register(
    tx: Tx,
    team: str,
    name: str,
    changes: Changes,
    seat: Seat,
    living: Callable[[Session], bool | None],
    *,
    programs: Kept | None = None,
    xats_path: str | None = None,
    takeover: bool = False,
    leave_pane: bool = False,
) -> Registered:
    """Seat a session in agent `name` of `team`, making the agent if there is none.

    `living` tells whether a session's process still runs; None when that cannot be known. The same process again
    keeps its session and its epoch, and also its pane when `seat` has none, unless `leave_pane`. `programs` are what
    that process runs; None leaves it to the next hook or attempt to see that. `xats_path` is how its shell calls xats;
    None keeps what is known.
    Raises NameTaken when another living process has the seat, unless `takeover`; InvalidName for our own name.
    """
    if name.lower() == SYSTEM:
        msg = f"{name} is the name under which xats itself writes."
        raise InvalidName(msg, "take another name")
    from xats.base.host import is_id

    known = find(tx, team, name)
    asked = name
    if known and known.name.lower() != name.lower():  # it was renamed
        name = known.name
    holder = current_session(tx, known) if known else None
    if holder and not is_id(holder.seat.host) and living(holder):  # that very process lives here, so this is the host
        holder = _hosted(holder, seat)
    same = holder is not None and _same_process(holder.seat, seat)
    if holder and not same and not takeover and living(holder):
        msg = f"{name} is held by a living process (pid {holder.seat.pid} on {holder.seat.where})."
        hint = f"take another name, or: xats register {name} --takeover"
        if asked.lower() != name.lower():
            msg = f"{asked} is a former name of {name}. {msg}"
            hint = f"take another name, or free this one: xats agent forget {asked} --name-only"
        raise NameTaken(msg, hint, name=name, team=team, pid=holder.seat.pid)
    teams.ensure(tx, team)
    teams.use(tx, team, name)
    agent_id = store(tx, team, name, changes)
    unmark(tx, agent_id)
    agent = by_id(tx, agent_id)
    unseated = _unseat(tx, agent, seat)
    stays = told = back = False
    if holder and same:
        # A client session that was resumed by a new process is the same session.
        now_in = _moved(holder.seat, seat, leave_pane=leave_pane)
        values = {name: getattr(now_in, name) for name in ("host", "host_name", "pid", "pid_started")}
        runs = programs if seat.process else holder.programs if now_in.process else None
        back = holder.gone_at is not None and (now_in.process, now_in.pane) != (holder.seat.process, holder.seat.pane)
        tx.run(
            MOVE,
            session=holder.id,
            client_session=seat.client_session,
            xats_path=xats_path,
            gone_at=None if back else holder.gone_at,
            **values,
            **_pane_values(now_in.pane),
            **_program_values(runs),
        )
        told = seat.client_session is not None and seat.client_session != holder.seat.client_session
        before = holder.seat.pane, holder.seat.process, known and known.wake_by
        stays = (now_in.pane, seat.process, agent.wake_by) == before
    else:
        back = holder is not None and holder.gone_at is not None
        agent = _new_session(tx, agent, seat, programs, xats_path)
    _note_seated(tx, agent, seat)
    if stays:  # whoever was woken is still there: a program that is woken may tell of its session only then
        wakes.retry_now(tx, agent.id, "named_session" if told else "same_session")
    else:
        wakes.retry_now(tx, agent.id, "new_session")
    tx.event(
        "agent_registered",
        team,
        agent.name,
        f"agent:{agent.name}",
        epoch=agent.epoch,
        client=agent.client,
        pane=seat.pane.pane_id if seat.pane else None,
    )
    if holder and back:
        tx.event("agent_returned", team, agent.name, f"agent:{agent.name}", epoch=agent.epoch, gone_at=holder.gone_at)
    created = known is None or not known.registered
    return Registered(details(tx, agent), created, not same, unseated)


def _note_seated(tx: Tx, agent: Agent, seat: Seat) -> None:
    """End what was expected of `agent` and in the pane of `seat`, if a process sits there now."""
    place = _pane_values(seat.pane)
    if seat.process is None or not tx.one(
        WAITED_FOR,
        agent=agent.id,
        host=seat.host,
        socket=place["socket"],
        server_pid=place["server_pid"],
        pane_id=place["pane_id"],
    ):
        return
    from xats.core.agents import expectations

    expectations.seated(tx, agent, seat)


def _hosted(session: Session, seat: Seat) -> Session:
    """Return `session` as one on the host of `seat`."""
    return replace(session, seat=replace(session.seat, host=seat.host, host_name=seat.host_name))


def _moved(held: Seat, seat: Seat, *, leave_pane: bool) -> Seat:
    """Return where a session that sat at `held` sits when it says `seat`, which may lack what is known already.

    A pid and a pane mean something on their own host alone. A seat without either is where it was: a sandbox that the
    session runs a tool in is a host of its own.
    """
    if seat.process is None and seat.pane is None and seat.host != held.host:
        pane = None if leave_pane else held.pane
        return Seat(held.host, held.pid, held.pid_started, seat.client_session, pane, held.host_name)
    stays = seat.host == held.host
    pid, started = seat.process or (held.process if stays else None) or (None, None)
    pane = seat.pane or (held.pane if stays and not leave_pane else None)
    return Seat(seat.host, pid, started, seat.client_session, pane, seat.host_name)


def _same_process(held: Seat, seat: Seat) -> bool:
    """Tell whether both seats are the same session of a client, or else the same process.

    A client may begin a new session in the same process and pane (`/clear`), which is still the one that sat there. But
    where no pane tells them apart, one process may serve several sessions at once, as Codex's daemon does.
    """
    if held.client_session and seat.client_session:
        if held.client_session == seat.client_session:
            return True
        if held.pane is None or held.pane != seat.pane:
            return False
    if held.pid is None and seat.pid is None:
        return held.host == seat.host and held.pane == seat.pane
    return (held.host, held.pid, held.pid_started) == (seat.host, seat.pid, seat.pid_started)


def store(tx: Tx, team: str, name: str, changes: Changes) -> int:
    """Make the agent `name` of `team`, or change it; return its id. It is registered then, and not expected.

    Raises InvalidName for what is left of a forgotten team.
    """
    if is_forgotten(team):
        msg = f"Team {team} is what is left of a forgotten team: no agent can be in it. Nothing was registered."
        raise InvalidName(msg, "take another team")
    if changes.model is not None:
        from xats.base import text

        text.check(changes.model, "model", left="Nothing was registered.", hint="write the model in UTF-8")
    row = tx.one(
        UPSERT,
        team=team,
        name=name,
        key=name.lower(),
        role=changes.role.lower() if changes.role else None,
        client=changes.client,
        model=changes.model,
        wake_by=changes.wake_by,
        now=tx.now,
    )
    assert row
    agent_id: int = row["id"]
    for kind, labels in (("tag", changes.tags), ("cap", changes.capabilities)):
        if labels is not None:
            tx.run("delete from labels where agent_id = :id and kind = :kind", id=agent_id, kind=kind)
            wanted = sorted({label.lower() for label in labels})
            tx.many(
                "insert into labels (agent_id, kind, label) values (:id, :kind, :label)",
                [{"id": agent_id, "kind": kind, "label": label} for label in wanted],
            )
    return agent_id


def _unseat(tx: Tx, agent: Agent, seat: Seat) -> str | None:
    """Take the place of `seat` from every other agent that has it; return the address of the first one, or None.

    One pane, one process and one client session are one agent: the last one that was registered there. An agent whose
    process lives on in another one than that of `seat` loses only the pane.
    """
    pane, lost = _pane_values(seat.pane), []
    place = {"host": seat.host, "pid": seat.pid, "pid_started": seat.pid_started, "client_session": seat.client_session}
    place |= {name: pane[name] for name in ("socket", "server_pid", "pane_id")}
    for row in tx.all(BESIDE, agent=agent.id, **place):
        loser, session = agent_of(row), session_of(row)
        had = session.seat.pane
        if _same_process(session.seat, seat):
            tx.run(LOSE_PROCESS, session=session.id)
            tx.run(NOTHING_SAID, agent=loser.id)
        elif had is None or not _in_pane(had, seat.pane):
            continue  # another session of a process that serves several
        tx.run(LOSE_PANE, session=session.id)
        subject = f"agent:{loser.name}"
        if had:
            tx.event("pane_lost", loser.team, agent.name, subject, pane=had.pane_id, to=agent.address)
        else:
            tx.event("seat_lost", loser.team, agent.name, subject, to=agent.address)
        lost.append(loser.address)
    return lost[0] if lost else None


def _in_pane(had: Pane, pane: Pane | None) -> bool:
    """Tell whether `had` is the `pane`, whatever runs in it."""
    names = ("socket", "server_pid", "pane_id")
    return pane is not None and all(getattr(had, name) == getattr(pane, name) for name in names)


def _new_session(tx: Tx, agent: Agent, seat: Seat, programs: Kept | None, xats_path: str | None) -> Agent:
    end_session(tx, agent.id, "replaced")
    row = tx.one("update agents set epoch = epoch + 1 where id = :id returning epoch", id=agent.id)
    assert row
    tx.run(
        SIT,
        agent=agent.id,
        epoch=row["epoch"],
        host=seat.host,
        host_name=seat.host_name,
        pid=seat.pid,
        pid_started=seat.pid_started,
        client_session=seat.client_session,
        xats_path=xats_path,
        now=tx.now,
        **_pane_values(seat.pane),
        **_program_values(programs),
    )
    return by_id(tx, agent.id)


def _pane_values(pane: Pane | None) -> dict[str, str | int | None]:
    names = ("socket", "server_pid", "server_start", "pane_id", "pane_pid", "tty")
    return {name: getattr(pane, name) if pane else None for name in names}


def _program_values(programs: Kept | None) -> dict[str, str | int | None]:
    return dict(zip(("device", "inode", "script", "inner"), programs or (None,) * 4, strict=True))


def first_seen(tx: Tx, session: Session, programs: Kept) -> Session:
    """Keep what the process of `session` runs, unless that was recorded meanwhile; return the session with it."""
    tx.run(FIRST_PROGRAMS, session=session.id, **_program_values(programs))
    row = tx.one(BY_SESSION, id=session.id)
    assert row
    return session_of(row)


def seen_anew(tx: Tx, session: Session, programs: Kept) -> None:
    """Keep what the process of `session` runs now; a wake that was refused because it ran something else falls due."""
    tx.run(PROGRAMS, session=session.id, **_program_values(programs))
    wakes.retry_now(tx, session.agent_id, "program_changed")


def end_session(tx: Tx, agent_id: int, reason: SessionEnd) -> None:
    """End the session of the agent, if it has one, because of `reason`; what its program said of itself goes too."""
    tx.run(END, agent=agent_id, now=tx.now, reason=reason)
    tx.run(NOTHING_SAID, agent=agent_id)


def unregister(tx: Tx, agent: Agent, by: Agent | None = None) -> int:
    """Empty the seat and keep its mail, which is readable when the name returns; return how much is unread.

    Its subscriptions to contracts end. `by` is who has it leave, None if that is not known.
    """
    end_session(tx, agent.id, "unregistered")
    tx.run("delete from contract_subscribers where agent_id = :agent", agent=agent.id)
    tx.run(NOT_EXPECTED, agent=agent.id)
    tx.run(LEAVE, id=agent.id, now=tx.now, by=by.address if by and by.id != agent.id else None)
    wakes.suspend(tx, agent.id, "not_registered")
    tx.event("agent_unregistered", agent.team, agent.name, f"agent:{agent.name}")
    row = tx.one(UNREAD, id=agent.id, **wakes.fresh(tx))
    return row["n"] if row else 0
