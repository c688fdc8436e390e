"""Registration: a name gets a session, keeps it, loses it, or leaves its team.

The same process that registers again keeps its session and its epoch. Any other process gets a new session with the
next epoch, and the session before it ends as `replaced`. One pane, one process and one client session are one agent: a
registration takes them from every other agent.

core/agents/expectations.py has the rules for an agent that xats expected in the pane. `register` imports it late: the
start of a session seldom needs it.
"""

from __future__ import annotations

from xats.base.errors import InvalidName, NameTaken
from xats.base.record import record, replace
from xats.core.address import is_forgotten
from xats.core.agents import agents
from xats.core.agents.agents import AGENT, SESSION, SYSTEM, Seat
from xats.core.teams import teams
from xats.core.waking import wakes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xats.base.pane import Pane
    from xats.base.program import Kept
    from xats.core.agents.agents import Agent, Details, Session
    from xats.core.states import SessionEnd, WakeBy
    from xats.core.waking.wakes import Which
    from xats.store import Tx


@record
class Changes:
    """The properties that a registration sets. None leaves a stored value as it is."""

    role: str | None = None
    client: str | None = None
    model: str | None = None
    tags: tuple[str, ...] | None = None
    capabilities: tuple[str, ...] | None = None
    wake_by: WakeBy | None = None


@record
class Registered:
    """The result of a registration."""

    details: Details
    created: bool  #: the name was new, or returned after it was unregistered
    new_session: bool
    unseated: str | None  #: the agent that had this pane or process until now


UPSERT = """
insert into agents (team, name, name_key, role, client, model, wake_by, registered_at, seen_at)
values (:team, :name, :key, :role, coalesce(:client, 'generic'), :model, nullif(:wake_by, 'auto'), :now, :now)
on conflict (team, name_key) do update set
    role = coalesce(:role, agents.role), client = coalesce(:client, agents.client),
    model = coalesce(:model, agents.model), wake_by = nullif(coalesce(:wake_by, agents.wake_by), 'auto'),
    seen_at = :now, unregistered_at = null, unregistered_by = null, expected_at = null, pruned_at = null
returning id
"""
END = """
update sessions set ended_at = :now, end_reason = :reason, doing = null, doing_at = null
where agent_id = :agent and ended_at is null
"""
WAITED_FOR = """
select 1 from expectations where agent_id = :agent or (ended_at is null and host = :host and pane_socket = :socket
    and server_pid = :server_pid and pane_id = :pane_id)
"""
NOT_EXPECTED = "delete from expectations where agent_id = :agent"
UNREAD = f"select count(*) as n from deliveries d where d.agent_id = :id and d.state = 'unread' and {wakes.FRESH_COPY}"
LEAVE = "update agents set unregistered_at = :now, unregistered_by = :by, expected_at = null where id = :id"
FORGET_PRESENCE = "delete from presence where agent_id = :agent"
FORGET_EDITS = "delete from locks where holder_id = :agent and kind = 'automatic'"
BESIDE = f"""
select {AGENT}, {SESSION} from sessions s join agents a on a.id = s.agent_id
where s.ended_at is null and s.agent_id <> :agent and (
    s.client_session = :client_session or (s.host = :host and s.pid = :pid and s.pid_started = :pid_started)
    or (s.host = :host and s.pane_socket = :socket and s.server_pid = :server_pid and s.pane_id = :pane_id)
)
order by s.pane_id is null, s.id desc
"""
# The columns of a session that say where it is and what it runs, each with its parameter.
PROCESS = {"pid": "pid", "pid_started": "pid_started"}
PANE = {
    "pane_socket": "socket",
    "server_pid": "server_pid",
    "server_start": "server_start",
    "pane_id": "pane_id",
    "pane_pid": "pane_pid",
    "pane_tty": "tty",
}
PROGRAM = {
    "program_device": "device",
    "program_inode": "inode",
    "program_script": "script",
    "program_inner": "inner",
}
SEAT = {"host": "host", "host_name": "host_name", **PROCESS, **PANE, **PROGRAM}


def _set(columns: Mapping[str, str]) -> str:
    """Return the SQL that sets `columns` to their parameters."""
    return ", ".join(f"{column} = :{parameter}" for column, parameter in columns.items())


def _clear(columns: Iterable[str]) -> str:
    """Return the SQL that sets `columns` to null."""
    return ", ".join(f"{column} = null" for column in columns)


LOSE_PANE = f"update sessions set {_clear(PANE)} where id = :session"
LOSE_PROCESS = f"""
update sessions set {_clear((*PROCESS, *PROGRAM))}, client_session = null, doing = null, doing_at = null
where id = :session
"""
INSERT_SESSION = f"""
insert into sessions (agent_id, epoch, client_session, started_at, xats_path, doing, doing_at, {", ".join(SEAT)})
values (:agent, :epoch, :client_session, :now, :xats_path, :doing, :doing_at,
    {", ".join(f":{parameter}" for parameter in SEAT.values())})
"""
MOVE = f"""
update sessions set {_set(SEAT)}, client_session = coalesce(:client_session, client_session),
    xats_path = coalesce(:xats_path, xats_path), gone_at = :gone_at
where id = :session
"""
PROGRAMS = f"update sessions set {_set(PROGRAM)} where id = :session"
BY_SESSION = f"select {SESSION} from sessions s where s.id = :id"
FIRST_PROGRAMS = f"{PROGRAMS} and program_device is null"


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
    """Give agent `name` of `team` a session in `seat`, and make the agent if there is none.

    `living` tells whether the process of a session runs; None when that cannot be known. The same process keeps its
    session and its epoch. It also keeps its pane when `seat` has none, unless `leave_pane`. `programs` are what that
    process runs; with None the next hook or attempt records them. `xats_path` is how its shell calls xats; None keeps
    what is known.
    Raises NameTaken when another living process has the name, unless `takeover`; InvalidName for the name of xats.
    """
    refuse_reserved_name(name)
    known = agents.find(tx, team, name)
    asked = name
    if known and known.name.lower() != name.lower():  # it was renamed
        name = known.name
    holder = _holder(tx, known, seat, living) if known else None
    same = holder is not None and _is_same(holder.seat, seat)
    if holder and not same and not takeover and living(holder):
        raise _held(team, name, asked, holder)
    teams.ensure(tx, team)
    teams.use(tx, team, name)
    agent_id = save(tx, team, name, changes)
    agents.unmark(tx, agent_id)
    agent = agents.by_id(tx, agent_id)
    unseated = _unseat(tx, agent, seat)
    moved = True
    event: Which = "new_session"
    if known and holder and same:
        now_in = _merged(holder.seat, seat, leave_pane=leave_pane)
        moved = (now_in.process, now_in.pane) != (holder.seat.process, holder.seat.pane)
        kept = programs if seat.process else holder.programs if now_in.process else None
        _keep_session(tx, holder, now_in, kept, xats_path, None if moved else holder.gone_at)
        # The woken program is still there. It may name its session only because it was woken.
        if (now_in.pane, seat.process, agent.wake_by) == (holder.seat.pane, holder.seat.process, known.wake_by):
            event = "same_session" if seat.client_session in (None, holder.seat.client_session) else "named_session"
    else:
        # Without a pane, /clear begins a new session here. The same process goes on with its work.
        goes_on = holder if holder and seat.process and seat.process == holder.seat.process else None
        agent = _new_session(tx, agent, seat, programs, xats_path, goes_on)
    runs = programs if seat.process else None
    named = changes.client if known else agent.client
    tx.note_seat(agent.id, client=named, stored_client=agent.client, seat=seat, programs=runs, xats_path=xats_path)
    _end_expectations(tx, agent, seat)
    wakes.retry_now(tx, agent.id, event)
    subject = f"agent:{agent.name}"
    pane = seat.pane.pane_id if seat.pane else None
    tx.event("agent_registered", team, agent.name, subject, epoch=agent.epoch, client=agent.client, pane=pane)
    if holder and holder.gone_at is not None and moved:
        tx.event("agent_returned", team, agent.name, subject, epoch=agent.epoch, gone_at=holder.gone_at)
    return Registered(
        details=agents.details(tx, agent),
        created=known is None or not known.registered,
        new_session=not same,
        unseated=unseated,
    )


def refuse_reserved_name(name: str) -> None:
    """Raise InvalidName for the name that xats itself has."""
    if name.lower() == SYSTEM:
        msg = f"The name {name} is reserved for xats itself."
        raise InvalidName(msg, "take another name")


def _holder(tx: Tx, agent: Agent, seat: Seat, living: Callable[[Session], bool | None]) -> Session | None:
    """Return the session that `agent` has now, as one on the host of `seat` if its process lives there.

    A session that another host has moved on this one does not count: nothing of it may stay (xats/base/seats.py).
    """
    from xats.base.host import is_id

    found = agents.current_session(tx, agent)
    if found and not tx.is_ours(agent, found):
        return None
    if found and not is_id(found.seat.host) and living(found):  # its host has only a name: that process lives here
        return replace(found, seat=replace(found.seat, host=seat.host, host_name=seat.host_name))
    return found


def _held(team: str, name: str, asked: str, holder: Session) -> NameTaken:
    """Return the error for a `name`, or its former name `asked`, that the living process of `holder` has."""
    msg = f"{name} is held by a living process (pid {holder.seat.pid} on {holder.seat.where})."
    hint = f"take another name, or: xats register {name} --takeover"
    if asked.lower() != name.lower():
        msg = f"{asked} is a former name of {name}. {msg}"
        hint = f"take another name, or free this one: xats agent forget {asked} --name-only"
    return NameTaken(msg, hint, name=name, team=team, pid=holder.seat.pid)


def _end_expectations(tx: Tx, agent: Agent, seat: Seat) -> None:
    """End the expectations of `agent` and of the pane of `seat`, if `seat` has a process."""
    place = agents.pane_values(seat.pane)
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

    expectations.registered(tx, agent, seat)


def _merged(held: Seat, seat: Seat, *, leave_pane: bool) -> Seat:
    """Return `seat` with what only `held` says, for a session that was in `held` and registers from `seat`.

    A pid and a pane have a meaning on their own host alone. A `seat` without either is still where it was: a sandbox
    in which the session runs a tool is a host of its own.
    """
    if seat.process is None and seat.pane is None and seat.host != held.host:
        return replace(held, client_session=seat.client_session, pane=None if leave_pane else held.pane)
    stays = seat.host == held.host
    pid, started = seat.process or (held.process if stays else None) or (None, None)
    pane = seat.pane or (held.pane if stays and not leave_pane else None)
    return replace(seat, pid=pid, pid_started=started, pane=pane)


def _keep_session(
    tx: Tx, session: Session, seat: Seat, programs: Kept | None, xats_path: str | None, gone_at: int | None
) -> None:
    """Record that `session` continues in `seat`, perhaps in a new process that resumed it."""
    tx.run(
        MOVE,
        session=session.id,
        client_session=seat.client_session,
        xats_path=xats_path,
        gone_at=gone_at,
        **_seat_values(seat, programs),
    )


def _is_same(held: Seat, seat: Seat) -> bool:
    """Tell whether both seats have the same session of a client, or else the same process.

    A client may begin a new session in the same process and pane (`/clear`). That continues the session before it. But
    without a pane one process may serve several sessions at once, as Codex's daemon does.
    """
    if held.client_session and seat.client_session:
        if held.client_session == seat.client_session:
            return True
        if held.pane is None or held.pane != seat.pane:
            return False
    if held.pid is None and seat.pid is None:
        return held.host == seat.host and held.pane == seat.pane
    return (held.host, held.pid, held.pid_started) == (seat.host, seat.pid, seat.pid_started)


def save(tx: Tx, team: str, name: str, changes: Changes) -> int:
    """Make the agent `name` of `team`, or change it; return its id. It is registered then, and not expected.

    Raises InvalidName for the history of a forgotten team.
    """
    if is_forgotten(team):
        msg = f"Team {team} is the history of a forgotten team, so it can have no agents. Nothing was registered."
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
    """Take the pane, process and client session of `seat` from every other agent; return the first one's address.

    An agent whose own process lives on loses only the pane.
    """
    pane, lost = agents.pane_values(seat.pane), []
    place = {"host": seat.host, "pid": seat.pid, "pid_started": seat.pid_started, "client_session": seat.client_session}
    place |= {name: pane[name] for name in ("socket", "server_pid", "pane_id")}
    for row in tx.all(BESIDE, agent=agent.id, **place):
        loser, session = agents.agent_of(row), agents.session_of(row)
        had = session.seat.pane
        if _is_same(session.seat, seat):
            tx.run(LOSE_PROCESS, session=session.id)
            _forget_doing(tx, loser.id)
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
    """Tell whether `had` and `pane` are the same pane, even if different programs run in them."""
    names = ("socket", "server_pid", "pane_id")
    return pane is not None and all(getattr(had, name) == getattr(pane, name) for name in names)


def _new_session(
    tx: Tx, agent: Agent, seat: Seat, programs: Kept | None, xats_path: str | None, goes_on: Session | None
) -> Agent:
    """Give `agent` the next session; it works on what it said in the session that `goes_on`, if there is one."""
    end_session(tx, agent.id, "replaced")
    row = tx.one("update agents set epoch = epoch + 1 where id = :id returning epoch", id=agent.id)
    assert row
    tx.run(
        INSERT_SESSION,
        agent=agent.id,
        epoch=row["epoch"],
        client_session=seat.client_session,
        xats_path=xats_path,
        now=tx.now,
        doing=goes_on.doing if goes_on else None,
        doing_at=goes_on.doing_at if goes_on else None,
        **_seat_values(seat, programs),
    )
    return agents.by_id(tx, agent.id)


def _seat_values(seat: Seat, programs: Kept | None) -> dict[str, str | int | None]:
    """Return the parameters of `SEAT`."""
    place = {"host": seat.host, "host_name": seat.host_name, "pid": seat.pid, "pid_started": seat.pid_started}
    return {**place, **agents.pane_values(seat.pane), **_program_values(programs)}


def _program_values(programs: Kept | None) -> dict[str, str | int | None]:
    return dict(zip(("device", "inode", "script", "inner"), programs or (None,) * 4, strict=True))


def record_programs(tx: Tx, session: Session, programs: Kept) -> Session:
    """Record what the process of `session` runs, unless that is recorded already; return the session with it."""
    tx.run(FIRST_PROGRAMS, session=session.id, **_program_values(programs))
    row = tx.one(BY_SESSION, id=session.id)
    assert row
    found = agents.session_of(row)
    tx.note_seat(session.agent_id, programs=programs)
    return found


def replace_programs(tx: Tx, session: Session, programs: Kept) -> None:
    """Record what the process of `session` runs now, and retry a wake that was refused for another program."""
    tx.run(PROGRAMS, session=session.id, **_program_values(programs))
    tx.note_seat(session.agent_id, programs=programs)
    wakes.retry_now(tx, session.agent_id, "program_changed")


def end_session(tx: Tx, agent_id: int, reason: SessionEnd) -> None:
    """End the session of the agent, if it has one, because of `reason`; forget what its program did."""
    tx.run(END, agent=agent_id, now=tx.now, reason=reason)
    _forget_doing(tx, agent_id)


def _forget_doing(tx: Tx, agent_id: int) -> None:
    """Forget what the program of the agent said it does, and which files it edited."""
    tx.run(FORGET_PRESENCE, agent=agent_id)
    tx.run(FORGET_EDITS, agent=agent_id)


def unregister(tx: Tx, agent: Agent, by: Agent | None = None) -> int:
    """Take `agent` out of its team and keep its mail for its return; return how much of it is unread.

    Its subscriptions to contracts and its locks end. `by` is the agent that unregisters it, None if that is not known.
    """
    from xats.core.locks import leaving

    leaving.leave(tx, agent)
    end_session(tx, agent.id, "unregistered")
    tx.run("delete from contract_subscribers where agent_id = :agent", agent=agent.id)
    tx.run(NOT_EXPECTED, agent=agent.id)
    tx.run(LEAVE, id=agent.id, now=tx.now, by=by.address if by and by.id != agent.id else None)
    wakes.suspend(tx, agent.id, "not_registered")
    tx.event("agent_unregistered", agent.team, agent.name, f"agent:{agent.name}")
    row = tx.one(UNREAD, id=agent.id, **wakes.fresh(tx))
    return row["n"] if row else 0
