"""Starts: xats starts the program of an agent, and knows what became of it.

    event                                              from                   to
    `begin`: `launch` or `up` starts the program       none, or any state     starting
                                                       that is not open
    `use`: the program in the pane uses the token      starting               starting
    `running`: its hook or its composer shows it       starting, needs_you    running
    `needs_you`: a dialog is open, or nothing is seen  starting               needs_you
    `fail`: it did not start, or ended with an error   starting, needs_you,   failed
                                                       running
    `flapping`: it ended too often                     as for `fail`          flapping
    `stopping`: xats ends the program                  as for `fail`          stopping
    `stopped`: the program has ended                   any open state         stopped

When a program ends, core/crews/restarts.py decides which of these it is, and whether the daemon starts it again.

There is one row for each agent. A start is written before tmux is called, with a token. The command in the new pane
uses the token once, in the transaction that registers it as the agent, and becomes the program then. A start counts
only with that. A new start replaces the token, so the pane of an older start ends by itself.
"""

from __future__ import annotations

from xats.base.record import from_row, record
from xats.core.agents import agents
from xats.core.crews import history
from xats.core.crews.errors import AlreadyStarted, StartSuperseded
from xats.core.crews.history import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from xats.base.pane import Pane
    from xats.core.agents.agents import Agent
    from xats.core.states import PromptState, RestartPolicy, StartAlert, StartPlace, StartState
    from xats.store import Row, Tx

READY = 30_000  # ms within which a program must be ready
STARTED = ("starting", "needs_you", "running")
OPEN = (*STARTED, "stopping")


@record
class Start:
    """The newest start of an agent. Times are in ms UTC."""

    agent: Agent
    generation: int  #: counts the starts of the agent
    token: str
    client: str  #: the name of a profile
    host: str
    host_name: str | None
    place: StartPlace
    socket: str | None  #: of the tmux server in which its pane is made
    folder: str
    worktree: str | None
    branch: str | None
    base: str | None  #: the branch that `branch` started from
    state: StartState
    detail: str | None
    starter: tuple[int, int]  #: the process that started it: pid, start time
    started_by: int | None
    pid: int | None
    pid_started: int | None
    pane: Pane | None
    crew_file: str | None  #: the path of the file that names it; None: it was started by `xats launch`
    policy: RestartPolicy
    prompt: PromptState | None
    created_at: int
    state_at: int
    used_at: int | None
    told_at: int | None
    automatic: bool  #: whether the daemon started it, after the program had ended
    restarts: int  #: how often the daemon has started it again since a person started it
    ready_at: int | None  #: when the program was ready
    exit_code: int | None
    exit_signal: int | None
    exited: Moment | None  #: when the program ended, or was seen not to have begun
    restart_in: int | None  #: ms after `exited`; None: the daemon does not start it again
    alerted: StartAlert | None  #: what the person got mail about

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.state in OPEN

    @property
    def waits(self) -> bool:
        """Whether it has ended, and the daemon is to start it again."""
        return self.restart_in is not None and not self.open

    @property
    def is_up(self) -> bool:
        """Whether it has not ended, or waits for a restart, or has had too many."""
        return self.open or self.waits or self.state == "flapping"

    @property
    def process(self) -> tuple[int, int] | None:
        """The program as (pid, start time), None until it has used the token."""
        return None if self.pid is None or self.pid_started is None else (self.pid, self.pid_started)


@record
class New:
    """What a start needs: who starts which program, and where."""

    token: str
    client: str
    host: str
    host_name: str
    place: StartPlace
    folder: str
    starter: tuple[int, int]
    started_by: int | None = None  #: the person who gets mail about it
    by: str | None = None  #: the name of the agent or person who starts it, for the event
    socket: str | None = None
    worktree: str | None = None
    branch: str | None = None
    base: str | None = None
    crew_file: str | None = None
    policy: RestartPolicy = "never"
    prompt: PromptState | None = None
    restarts: int = 0


COLUMNS = f"""
{agents.AGENT}, t.generation, t.token, t.client as started_client, t.host, t.host_name as started_host_name, t.place,
    t.socket, t.folder, t.worktree, t.branch, t.base, t.state, t.detail, t.starter_pid, t.starter_started, t.started_by,
    t.pid, t.pid_started, t.pane_socket, t.server_pid, t.server_start, t.pane_id, t.pane_pid, t.pane_tty, t.crew_file,
    t.policy, t.prompt, t.created_at, t.state_at, t.used_at, t.told_at, t.automatic, t.restarts, t.ready_at,
    t.exit_code, t.exit_signal, t.exited_at, t.exited_boot, t.exited_up, t.restart_in, t.alerted
"""
FROM = "from starts t join agents a on a.id = t.agent_id"
OF_AGENT = f"select {COLUMNS} {FROM} where t.agent_id = :agent"
BY_TOKEN = f"select {COLUMNS} {FROM} where t.token = :token"
OF_TEAM = f"select {COLUMNS} {FROM} where :team is null or a.team = :team order by a.name_key, a.id"
UNSETTLED = f"""
select {COLUMNS} {FROM} where t.host = :host and t.state in ('starting', 'needs_you', 'running', 'stopping')
order by t.agent_id
"""
BEGIN = """
insert into starts (agent_id, generation, token, client, host, host_name, place, socket, folder, worktree, branch, base,
    state, starter_pid, starter_started, started_by, crew_file, policy, prompt, automatic, restarts, created_at,
    state_at)
values (:agent, :generation, :token, :client, :host, :host_name, :place, :socket, :folder, :worktree, :branch, :base,
    'starting', :starter_pid, :starter_started, :started_by, :crew_file, :policy, :prompt, :automatic, :restarts, :now,
    :now)
"""
REMOVE = "delete from starts where agent_id = :agent"
READY_AT = "update starts set ready_at = :now where token = :token and ready_at is null"
PLACED = """
update starts set pane_socket = :socket, server_pid = :server_pid, server_start = :server_start, pane_id = :pane_id,
    pane_pid = :pane_pid, pane_tty = :tty
where token = :token and used_at is null
"""
USE = """
update starts set used_at = :now, pid = :pid, pid_started = :started, pane_socket = :socket, server_pid = :server_pid,
    server_start = :server_start, pane_id = :pane_id, pane_pid = :pane_pid, pane_tty = :tty
where token = :token and used_at is null and state = 'starting'
"""
SET = """
update starts set state = :state, detail = :detail, state_at = case when state = :state then state_at else :now end
where token = :token and state in {states}
"""
LIMITED = "select 1 from limits where team = :team and name in ('agents', 'minutes') limit 1"
PROMPT = "update starts set prompt = :state where token = :token and prompt = :before"
NO_WORKTREE = "update starts set worktree = null, branch = null, base = null where token = :token"
TOLD = "update starts set told_at = :now where token = :token and told_at is null"


def of_row(row: Row) -> Start:
    """Return the start in a row with COLUMNS."""
    return from_row(
        Start,
        row,
        agent=agents.agent_of(row),
        client=row["started_client"],
        host_name=row["started_host_name"],
        starter=(row["starter_pid"], row["starter_started"]),
        pane=agents.pane_of(row),
        automatic=bool(row["automatic"]),
        exited=None if row["exited_at"] is None else Moment(row["exited_at"], row["exited_boot"], row["exited_up"]),
    )


def of_agent(tx: Tx, agent_id: int) -> Start | None:
    """Return the newest start of the agent with that id."""
    row = tx.one(OF_AGENT, agent=agent_id)
    return of_row(row) if row else None


def by_token(tx: Tx, token: str) -> Start | None:
    """Return the start with that token, None if a newer one has replaced it."""
    row = tx.one(BY_TOKEN, token=token)
    return of_row(row) if row else None


def of_team(tx: Tx, team: str | None) -> list[Start]:
    """Return the newest start of each agent of `team` (None: of all teams) that xats has started."""
    return [of_row(row) for row in tx.all(OF_TEAM, team=team)]


def tokens(tx: Tx) -> set[str]:
    """Return the tokens of all starts."""
    return {row["token"] for row in tx.all("select token from starts")}


def open_on(tx: Tx, host: str) -> list[Start]:
    """Return the starts on `host` that have not ended."""
    return [of_row(row) for row in tx.all(UNSETTLED, host=host)]


def begin(tx: Tx, agent: Agent, new: New, over: Callable[[Start, int], bool]) -> Start:
    """Write the start of `agent`, before its pane exists; return it.

    `over` tells whether the start before it, of that age in ms, has surely ended. Raises AlreadyStarted, or
    LimitReached for a limit of the team.
    """
    known = of_agent(tx, agent.id)
    if known and known.open and not over(known, tx.now - known.created_at):
        raise already_started(known, new.host)
    _refuse_over_limit(tx, agent, over)
    tx.run(REMOVE, agent=agent.id)
    made = insert(tx, agent, new, known.generation + 1 if known else 1)
    about = {"generation": made.generation, "client": made.client, "place": made.place}
    tx.event("agent_starting", agent.team, new.by, f"agent:{agent.name}", **about)
    return made


def insert(tx: Tx, agent: Agent, new: New, generation: int) -> Start:
    """Write the start of `agent` with that number, whose last one was removed; return it."""
    tx.run(
        BEGIN,
        agent=agent.id,
        generation=generation,
        token=new.token,
        client=new.client,
        host=new.host,
        host_name=new.host_name,
        place=new.place,
        socket=new.socket,
        folder=new.folder,
        worktree=new.worktree,
        branch=new.branch,
        base=new.base,
        starter_pid=new.starter[0],
        starter_started=new.starter[1],
        started_by=new.started_by,
        crew_file=new.crew_file,
        policy=new.policy,
        prompt=new.prompt,
        automatic=int(new.restarts > 0),
        restarts=new.restarts,
        now=tx.now,
    )
    made = of_agent(tx, agent.id)
    assert made
    history.add(tx, agent.id, "start", automatic=made.automatic)
    return made


def _refuse_over_limit(tx: Tx, agent: Agent, over: Callable[[Start, int], bool]) -> None:
    """Raise LimitReached if a limit of the team allows no further start, of `agent`."""
    if tx.one(LIMITED, team=agent.team) is None:
        return
    from xats.core.crews import limits

    others = [one for one in of_team(tx, agent.team) if one.open and one.agent.id != agent.id]
    running = sum(1 for one in others if not over(one, tx.now - one.created_at))
    refused = limits.allows(tx, agent.team, "agents", running) or limits.allows(tx, agent.team, "minutes")
    if refused:
        raise refused


def already_started(known: Start, host: str) -> AlreadyStarted:
    """Return the error that the program of `known` runs, or is being started; `host` is the id of this machine."""
    name = known.agent.name
    where = f" in pane {known.pane.pane_id}" if known.pane else ""
    if known.used_at is None:
        msg = f"{name} is being started{where} (by pid {known.starter[0]} on {known.host_name})."
    else:
        msg = f"{name} already runs{where} (pid {known.pid} on {known.host_name}, state {known.state})."
    hint = f"look at it: xats attach {name}; or end it first: xats down {name}"
    if known.host != host:
        hint = f"end it there: xats down {name}; if {known.host_name} is gone: xats launch --takeover, in a pane here"
    return AlreadyStarted(msg, hint, agent=known.agent.address, state=known.state)


def placed(tx: Tx, token: str, pane: Pane) -> None:
    """Record the pane that was made for the start with that `token`."""
    tx.run(PLACED, token=token, **agents.pane_values(pane))


def use(tx: Tx, token: str, process: tuple[int, int], pane: Pane | None) -> Start:
    """Use the token: the calling `process` (pid, start time) becomes the program, in `pane`; return the start.

    Raises StartSuperseded if the token was used or replaced, or if its start has ended.
    """
    values = agents.pane_values(pane)
    if not tx.run(USE, token=token, pid=process[0], started=process[1], now=tx.now, **values):
        found = by_token(tx, token)
        if found is None:
            msg = "A newer start has replaced this one. Nothing was started."
        elif found.used_at is not None:
            msg = f"This start of {found.agent.name} was already used (pid {found.pid}). Nothing was started."
        else:
            msg = f"This start of {found.agent.name} is over ({found.detail or found.state}). Nothing was started."
        raise StartSuperseded(msg, "xats agents --long")
    found = by_token(tx, token)
    assert found
    return found


def running(tx: Tx, token: str) -> bool:
    """Note that the program is ready; tell whether this is new."""
    found = _set(tx, token, "running", None, ("starting", "needs_you"))
    if found:
        tx.run(READY_AT, token=token, now=tx.now)
        tx.event("agent_started", found.agent.team, None, f"agent:{found.agent.name}", generation=found.generation)
    return found is not None


def needs_you(tx: Tx, token: str, detail: str) -> bool:
    """Note that the program waits for a person, who sees `detail` on its screen; tell whether this is new."""
    found = _set(tx, token, "needs_you", detail, ("starting",))
    if found:
        tx.event("agent_needs_you", found.agent.team, None, f"agent:{found.agent.name}", reason=detail)
    return found is not None


def fail(tx: Tx, token: str, why: str) -> bool:
    """Note that the program did not start, or ended with an error; tell whether this is new."""
    found = _set(tx, token, "failed", why, STARTED)
    if found and found.ready_at is not None:
        tx.event("agent_failed", found.agent.team, None, f"agent:{found.agent.name}", reason=_first_line(why))
    elif found:
        tx.event("agent_start_failed", found.agent.team, None, f"agent:{found.agent.name}", reason=_first_line(why))
    return found is not None


def flapping(tx: Tx, token: str, why: str) -> bool:
    """Note that the program ended too often, so xats does not start it again; tell whether this is new."""
    found = _set(tx, token, "flapping", why, STARTED)
    if found:
        tx.event("agent_flapping", found.agent.team, None, f"agent:{found.agent.name}", reason=_first_line(why))
    return found is not None


def stopping(tx: Tx, token: str) -> bool:
    """Note that xats ends the program; tell whether this is new."""
    found = _set(tx, token, "stopping", None, STARTED)
    if found:
        tx.event("agent_stopping", found.agent.team, None, f"agent:{found.agent.name}", pid=found.pid)
    return found is not None


def not_stopped(tx: Tx, before: Start) -> None:
    """Note that the program was not ended after all; `before` is its start before that."""
    state = "running" if before.state == "stopping" else before.state  # of a command that was killed
    _set(tx, before.token, state, before.detail, ("stopping",))


def stopped(tx: Tx, token: str, why: str) -> bool:
    """Note that the program has ended, because of `why`; tell whether this is new."""
    found = _set(tx, token, "stopped", why, OPEN)
    if found:
        tx.event("agent_stopped", found.agent.team, None, f"agent:{found.agent.name}", reason=_first_line(why))
    return found is not None


def _first_line(why: str) -> str:
    """Return how a program ended, without the last lines of its screen: these may show a secret, and events stay."""
    return why.split("\n", 1)[0]


def worktree_removed(tx: Tx, token: str) -> None:
    """Note that the worktree of the start is gone."""
    tx.run(NO_WORKTREE, token=token)


def _set(tx: Tx, token: str, state: StartState, detail: str | None, before: tuple[str, ...]) -> Start | None:
    """Give the start that `state`, if its state is one of `before`; return it, None if it is not."""
    states = f"({', '.join(repr(one) for one in before)})"
    changed = tx.run(SET.format(states=states), token=token, state=state, detail=detail, now=tx.now)
    return by_token(tx, token) if changed else None


def prompt(tx: Tx, token: str, before: PromptState, after: PromptState) -> bool:
    """Change the state of the first prompt from `before` to `after`; tell whether it had that state.

    So only one process types it.
    """
    return bool(tx.run(PROMPT, token=token, before=before, state=after))


def tell(tx: Tx, start: Start) -> bool:
    """Send the person mail that the program of `start` needs them, once; tell whether this call did."""
    if not tx.run(TOLD, token=start.token, now=tx.now):
        return False
    name, pane = start.agent.name, start.pane.pane_id if start.pane else "its pane"
    lines = (
        f"{start.agent.address} was started and waits for a person in {pane}:",
        *(f"  {line}" for line in (start.detail or "").split("\n")),
        f"To answer it: xats attach {name}",
    )
    mail(tx, people(tx, start), f"{name} needs you", lines)
    return True


def people(tx: Tx, start: Start) -> list[Agent]:
    """Return who gets mail about `start`: the person who started it, else the persons of its team."""
    starter = agents.by_id(tx, start.started_by) if start.started_by is not None else None
    return [starter] if starter and starter.registered else agents.people(tx, start.agent.team)


def mail(tx: Tx, to: Sequence[Agent], subject: str, lines: Sequence[str]) -> None:
    """Send mail from xats to each person of `to`."""
    from xats.core.mail import from_xats

    for person in to:
        from_xats.tell(tx, person, "alert", subject, lines)


def told(tx: Tx, token: str) -> None:
    """Note that the person was told on their terminal."""
    tx.run(TOLD, token=token, now=tx.now)
