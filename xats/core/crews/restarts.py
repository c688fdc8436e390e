"""Restarts: what follows when a program ends that xats has started.

    it ended                             never       on-crash    always
    with exit 0                          stopped     stopped     again
    with another code, or by a signal    failed      again       again
    not at all: it could not be started  failed      again       again

*Again* means: the start waits (`restart_in`), and the daemon of its host starts the program again in the pane that has
stayed. The wait begins with 5 s, doubles with each exit, and ends at 5 min. An exit after 5 min of a program that was
ready counts as the first one again. The third exit within 5 min is the last one, and so is the one before an 11th
restart within a day: the state is `flapping`, and the person gets mail. A person who starts the agent begins all this
afresh. A team gets at most 3 restarts within 30 s; the others wait for their turn.

The ages come from the time since boot where it is known (core/crews/history.py), so setting the clock neither speeds up
nor stops a restart.
"""

from __future__ import annotations

from xats.base import durations, faults
from xats.base.record import record, replace
from xats.core.crews import history, limits, starts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from xats.core.crews.history import Logged
    from xats.core.crews.starts import New, Start
    from xats.core.states import RestartPolicy, StartAlert
    from xats.store import Tx

LINES = 6  # of a screen that mail has
TASKS = 20  # that the mail to a restarted agent names


@record
class Rules:
    """The numbers of the rules. Times are in ms."""

    first: int = 5_000  #: the wait after the first exit
    longest: int = 300_000  #: the longest wait
    healthy: int = 300_000  #: how long a program must run until an exit counts as the first one again
    exits: int = 3  #: the number of exits within `within` after which nothing is restarted
    within: int = 300_000
    restarts: int = 10  #: of an agent within `day`
    day: int = 86_400_000
    team: int = 3  #: restarts of a team within `span`
    span: int = 30_000


def _rules(first: int) -> Rules:
    """Return the rules, in a test with all times shortened so that the first wait is `first` ms."""
    rules = Rules()
    if not first:
        return rules
    times = ("first", "longest", "healthy", "within", "day", "span")
    return Rules(**{**rules.__dict__, **{name: getattr(rules, name) * first // rules.first for name in times}})


RULES = _rules(faults.RESTARTS)


@record
class Exit:
    """How a program ended. Both are None where nobody knows it."""

    code: int | None = None
    signal: int | None = None

    @property
    def clean(self) -> bool:
        """Whether it ended without an error."""
        return self.code == 0

    @property
    def words(self) -> str:
        """How it ended, for a person."""
        if self.signal is not None:
            return f"ended by signal {self.signal}"
        return "ended" if self.code is None else f"ended with exit {self.code}"


@record
class Plan:
    """What follows an exit: a restart after `wait` ms, or none and the reason `why`."""

    wait: int | None = None
    why: str = ""


NOTHING = Plan()
EXITED = """
update starts set exit_code = :code, exit_signal = :signal, exited_at = :at, exited_boot = :boot, exited_up = :up,
    restart_in = :wait
where token = :token
"""
CANCEL = "update starts set restart_in = null where token = :token and restart_in is not null"
WAITING = f"""
select {starts.COLUMNS} {starts.FROM} where t.host = :host and t.restart_in is not null
    and t.state in ('failed', 'stopped') and a.unregistered_at is null
order by t.exited_at, t.agent_id
"""
LEFT = f"""
select {starts.COLUMNS} {starts.FROM} where t.host = :host and t.automatic = 1 and t.state = 'starting'
    and t.used_at is null
order by t.agent_id
"""
TAKE = "delete from starts where token = :token and restart_in is not null and state in ('failed', 'stopped')"
ADOPT = """
update starts set starter_pid = :pid, starter_started = :started
where token = :token and starter_pid = :old_pid and starter_started = :old_started and used_at is null
    and state = 'starting'
"""
ENDED = "update starts set state = 'stopped', detail = :why, state_at = :now, restart_in = null where token = :token"
IN_SERVER = f"""
select {starts.COLUMNS} {starts.FROM} where t.host = :host and t.pane_socket = :socket and t.server_pid = :pid
    and t.server_start = :started and t.crew_file is not null and a.team = :team
    and (t.state in ('starting', 'needs_you', 'running') or t.restart_in is not null or t.token = :token)
order by a.name_key, a.id
"""
OF_FILE = f"""
select {starts.COLUMNS} {starts.FROM} where t.host = :host and t.crew_file = :file and a.team = :team
order by a.name_key, a.id
"""
ALERTED = "update starts set alerted = :about where token = :token"


# -- the rules ---------------------------------------------------------------------------------------------------------


def decide(policy: RestartPolicy, how: Exit, log: Sequence[Logged], rules: Rules = RULES) -> Plan:
    """Return what follows the exit `how`, which is the newest entry of the `log`."""
    if policy == "never" or (how.clean and policy != "always"):
        return NOTHING
    exits = [one for one in log if one.kind == "exit"]
    recent = sum(one.age < rules.within for one in exits)
    if recent >= rules.exits:
        return Plan(why=f"it ended {recent} times within {durations.rough(rules.within)}")
    restarts = sum(one.kind == "start" and one.automatic and one.age < rules.day for one in log)
    if restarts >= rules.restarts:
        return Plan(why=f"xats has started it again {restarts} times within {durations.rough(rules.day)}")
    wait = rules.first
    for one in exits[:-1]:
        if wait >= rules.longest or (one.ran is not None and one.ran >= rules.healthy):
            break
        wait *= 2
    return Plan(min(wait, rules.longest))


def has_room(log: Iterable[Logged], rules: Rules = RULES) -> bool:
    """Tell whether a team, whose newest restarts are in the `log`, may have another restart now."""
    return sum(one.age < rules.span for one in log) < rules.team


# -- an exit -----------------------------------------------------------------------------------------------------------


def ended(tx: Tx, token: str, how: Exit, detail: str, rules: Rules = RULES) -> bool:
    """Note that the program of the start has ended, or did not begin; tell whether this is new.

    `detail` says how, with the last lines of its screen after that.
    """
    start = starts.by_token(tx, token)
    if start is None:
        return False
    if start.state == "stopping":
        return starts.stopped(tx, token, "xats ended it")
    if start.state not in starts.STARTED:
        return False
    history.set_right(tx)
    ran = _ran(start, history.of_agent(tx, start.agent.id))
    history.add(tx, start.agent.id, "exit", ran=ran)
    plan = decide(start.policy, how, history.of_agent(tx, start.agent.id), rules)
    if plan.why:
        first, _, shown = detail.partition("\n")
        starts.flapping(tx, token, f"{first}; {plan.why}\n{shown}".strip())
    elif how.clean:
        starts.stopped(tx, token, detail)
    else:
        starts.fail(tx, token, detail)
    now = history.moment(tx)
    tx.run(EXITED, token=token, code=how.code, signal=how.signal, at=now.at, boot=now.boot, up=now.up, wait=plan.wait)
    if plan.why:
        _tell_flapping(tx, replace(start, detail=detail), plan.why)
    return True


def _ran(start: Start, log: Sequence[Logged]) -> int | None:
    """Return for how many ms the program of `start` ran, None if it was never ready."""
    begun = next((one.age for one in log if one.kind == "start"), None)
    return begun if start.ready_at is not None else None


def stop(tx: Tx, token: str, why: str) -> bool:
    """Note that the start, whose program has ended, is not started again; tell whether this is new."""
    start = starts.by_token(tx, token)
    if start is None:
        return False
    if start.open:
        return starts.stopped(tx, token, why)
    if not tx.run(CANCEL, token=token):
        return False
    tx.run(ENDED, token=token, why=why, now=tx.now)
    tx.event("agent_stopped", start.agent.team, None, f"agent:{start.agent.name}", reason=why)
    return True


def put_down(tx: Tx, token: str) -> bool:
    """Note that a person has ended a start that waits, or that is flapping; tell whether it did."""
    start = starts.by_token(tx, token)
    if start is None or not (start.waits or start.state == "flapping"):
        return False
    why = "xats ended it"
    tx.run(ENDED, token=token, why=why, now=tx.now)
    tx.event("agent_stopped", start.agent.team, None, f"agent:{start.agent.name}", reason=why)
    return True


# -- a restart ---------------------------------------------------------------------------------------------------------


def left(tx: Tx, start: Start) -> int:
    """Return in how many ms `start` is due, which waits; 0: now."""
    if start.restart_in is None or start.exited is None:
        return 0
    since = history.moment(tx).since(start.exited)
    return 0 if since is None else max(0, start.restart_in - since)


def due(tx: Tx, host: str) -> list[Start]:
    """Return the starts on `host` that are due, the one that ended first at the front."""
    return [one for one in map(starts.of_row, tx.all(WAITING, host=host)) if left(tx, one) == 0]


def unfinished(tx: Tx, host: str) -> list[Start]:
    """Return the restarts on `host` whose program has not begun: the daemon may have been killed in between."""
    return [starts.of_row(row) for row in tx.all(LEFT, host=host)]


def begin(tx: Tx, token: str, new: New, rules: Rules = RULES, *, prompted: bool = True) -> Start | None:
    """Write the restart `new` of the start with that `token`, which is due, before its pane is used; return it.

    Without `prompted`, the program does not get its first prompt. If its work was cut off, it gets mail then.
    None: the start does not wait any more, its team must wait for its turn, or a limit of the team is reached.
    """
    before = starts.by_token(tx, token)
    if before is None or not before.waits or left(tx, before) or not before.agent.registered:
        return None
    history.set_right(tx)
    if not has_room(history.restarts_of(tx, before.agent.team, rules.team), rules):
        return None
    if limits.may_restart(tx, before.agent.team):
        return None
    if not tx.run(TAKE, token=token):
        return None
    made = starts.insert(tx, before.agent, replace(new, restarts=before.restarts + 1), before.generation + 1)
    if before.pane:
        starts.placed(tx, made.token, before.pane)
    about = {"generation": made.generation, "client": made.client, "place": made.place}
    tx.event("agent_restarting", made.agent.team, None, f"agent:{made.agent.name}", **about)
    if not prompted:
        _tell_to_go_on(tx, before)
    return made


def adopt(tx: Tx, start: Start, me: tuple[int, int]) -> bool:
    """Make the process `me` (pid, start time) the starter of `start`, whose starter has ended; tell whether it is."""
    old = {"old_pid": start.starter[0], "old_started": start.starter[1]}
    return bool(tx.run(ADOPT, token=start.token, pid=me[0], started=me[1], **old))


# -- what the agent is told --------------------------------------------------------------------------------------------


def _tell_to_go_on(tx: Tx, before: Start) -> None:
    """Tell the agent to go on with its work, if the program of `before` ended in a turn or with claimed tasks.

    A program that continues a session waits for input. Without this mail, nobody would wake it.
    """
    from xats.core.agents import presence
    from xats.core.mail import from_xats
    from xats.core.tasks import recap

    agent = before.agent
    seen = presence.get(tx, agent.id)
    claimed = [one for one in recap.todo(tx, agent, TASKS)[0] if one.state == "claimed"]
    if not claimed and (seen is None or seen.doing[0] not in ("busy", "waiting")):
        return
    first = (before.detail or "ended").split("\n")[0]
    lines = [f"Your program {_said(first)}, and xats started it again.", "Go on with the work that this has cut off."]
    lines += [f"You have claimed task #{one.id}: {one.title}" for one in claimed]
    from_xats.tell(tx, agent, "alert", "your program was started again", lines)


# -- what the person is told -------------------------------------------------------------------------------------------


def _tell_flapping(tx: Tx, start: Start, why: str) -> None:
    name, first, *shown = start.agent.name, *(start.detail or "").split("\n")
    lines = [f"xats does not start {start.agent.address} again: {why}.", f"The last time, it {_said(first)}."]
    if shown:
        lines += ["Its screen showed:", *(f"  {line}" for line in shown[-LINES:])]
    lines.append(f"To look at its pane: xats attach {name}. To start it again: {_again(start)}")
    starts.mail(tx, starts.people(tx, start), f"{name} is not started again", lines)


def _said(first: str) -> str:
    return first.removeprefix("the program ") if first.startswith(("ended", "the program ")) else f"failed: {first}"


def _again(start: Start) -> str:
    return f"xats up {start.agent.name}" if start.crew_file else f"xats launch {start.client} --name {start.agent.name}"


def server_gone(tx: Tx, token: str, why: str) -> bool:
    """Note that the tmux server of the start is gone, and tell the person once for the crew in it."""
    start = starts.by_token(tx, token)
    if start is None or not stop(tx, token, why):
        return False
    if start.crew_file is None or start.pane is None or start.alerted == "server_gone":
        return True
    pane = start.pane
    rows = tx.all(
        IN_SERVER,
        host=start.host,
        socket=pane.socket,
        pid=pane.server_pid,
        started=pane.server_start,
        team=start.agent.team,
        token=token,
    )
    crew = [starts.of_row(row) for row in rows]
    names = ", ".join(one.agent.name for one in crew)
    lines = [
        f"The tmux server at {pane.socket} has ended, and with it programs that xats had started: {names}.",
        f"xats does not start them again by itself. To start them, in {start.crew_file.rpartition('/')[0]}: xats up",
    ]
    _alert(tx, start, "server_gone", crew, f"a tmux server has ended, and with it {names}", lines)
    return True


def given_up(tx: Tx, token: str, why: str) -> bool:
    """Note that the start cannot be made again, because of `why`, and tell the person."""
    start = starts.by_token(tx, token)
    if start is None or not stop(tx, token, why):
        return False
    lines = [
        f"{start.agent.address} has ended, and xats does not start it again:",
        f"  {why}",
        f"To start it: {_again(start)}",
    ]
    starts.mail(tx, starts.people(tx, start), f"{start.agent.name} was not started again", lines)
    return True


def file_changed(tx: Tx, token: str, why: str) -> bool:
    """Note that the start is not started again because its crew file is not the trusted one; tell the person once."""
    start = starts.by_token(tx, token)
    if start is None or not stop(tx, token, f"{start.detail or 'ended'}".split("\n", 1)[0] + f"; {why}"):
        return False
    if start.crew_file is None or start.alerted == "file_changed":
        return True
    rows = tx.all(OF_FILE, host=start.host, file=start.crew_file, team=start.agent.team)
    lines = [
        f"{start.agent.address} has ended, and xats does not start it again: {why}.",
        "Until you agree to the file, xats restarts none of its agents. To see the file and to agree: xats trust",
        f"Then: xats up {start.agent.name}",
    ]
    crew = [starts.of_row(row) for row in rows]
    _alert(tx, start, "file_changed", crew, f"{start.agent.name} was not started again", lines)
    return True


def _alert(tx: Tx, start: Start, about: StartAlert, crew: Iterable[Start], subject: str, lines: Sequence[str]) -> None:
    """Send mail about `start`, and note for all of the `crew` that it was sent."""
    starts.mail(tx, starts.people(tx, start), subject, lines)
    for one in crew:
        tx.run(ALERTED, token=one.token, about=about)
