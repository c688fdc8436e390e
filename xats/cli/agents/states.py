"""The states of agents: whether each is there, how xats knows that, and what its program reports.

    online     its process lives (and its program says nothing, or that it waits for a prompt)
    busy       its process lives and is in a turn
    waiting    its process lives and asks its user for permission
    gone       its process has ended, or its pane is gone
    offline    its program said that the session is over, and no process is known
    unknown    no process is known, or it cannot be looked at from here
    expected   a seat that waits for its program

`--online` and the field `online` mean online, busy and waiting. An unknown agent is not online, and it is not dead.
"""

from __future__ import annotations

from xats.base import host, occupancy
from xats.base.durations import ago, rough
from xats.base.record import record, replace
from xats.core.agents.agents import gone_since

TYPE_CHECKING = False
if TYPE_CHECKING:
    from xats.core.agents.agents import Details, Session
    from xats.core.agents.expectations import Expectation
    from xats.core.waking.wakes import Wake

STATES = ("online", "busy", "waiting", "gone", "offline", "unknown", "expected")
ONLINE = ("online", "busy", "waiting")
SILENT = 5 * 60_000  # ms without a sign of life after which the silence of a busy agent is shown


@record
class State:
    """The state of an agent at one moment. The times are in ms UTC."""

    name: str  #: one of `STATES`
    words: str  #: the state and how it is known
    brief: str  #: the state where there is little room
    gone_at: int | None = None  #: when the daemon saw that it is gone
    busy_since: int | None = None  #: since when it is in its turn, or waits for its user
    silent_since: int | None = None  #: of a busy agent: its last sign of life

    @property
    def online(self) -> bool:
        """Whether its process is known to live."""
        return self.name in ONLINE


def look(details: Details, now: int) -> tuple[Details, State]:
    """Return an agent with its wake as it is now, and its state, at the time `now` (ms UTC)."""
    state = of(details, now)
    return replace(details, wake=wake_now(details, details.wake, state)), state


def wake_now(details: Details, wake: Wake | None, state: State) -> Wake | None:
    """Return the `wake` of an agent with the reason that is true now, if the program of the agent has ended.

    The reason in the store is that of the last attempt, when the program may still have run.
    """
    waits = wake is not None and wake.next_attempt_at is not None and not wake.lease_token
    if wake is None or not waits or state.name != "gone" or details.agent.wake_by == "command":
        return wake
    has_process = details.session is not None and details.session.seat.process is not None
    return replace(wake, reason="process_gone" if has_process else "no_pane", detail=None)


def of(details: Details, now: int) -> State:
    """Return the state of an agent at the time `now` (ms UTC). It looks at the processes of this host."""
    from xats.daemon.liveness import pane_gone

    if details.expected:
        return _of_expectation(details.expected, now)
    agent, session = details.agent, details.session
    if session is None and agent.expected_since is not None:
        waiting = rough(now - agent.expected_since)
        return State("expected", f"expected, since {waiting}", "expected")
    said, since = details.presence.doing if details.presence else ("", 0)
    alive = occupancy.living(session.seat) if session else None
    seen = f"seen {ago(agent.seen_at, now)}"
    if alive and session:
        return _online(details, f"pid {session.seat.pid}", now)
    closed = session is not None and alive is None and pane_gone(session)
    if agent.client == "human":  # a person whose shell has ended is still there
        return State("unknown", seen, seen)
    if session and (alive is False or closed):
        return _gone(details, session, seen, now)
    if at := gone_since(agent, session):  # as the daemon of its host noted
        return State("gone", f"gone {ago(at, now)}{_place(session)}", f"gone {ago(at, now)}", at)
    if said == "ended":
        return State("offline", f"offline, its session ended, {seen}", "offline")
    doing = {"busy": ", busy for ", "waiting": ", needs a person, "}.get(said, "")
    doing += rough(now - since) if doing else ""
    return State("unknown", f"unknown{doing}{_place(session)}, {seen}", "unknown")


def doing(session: Session | None, state: State) -> tuple[str, int] | None:
    """Return what the agent of `session` said that it works on, and since when (ms UTC).

    None if it said nothing, or if its program has ended, as its `state` shows.
    """
    if session is None or session.doing is None or session.doing_at is None or state.name in ("gone", "offline"):
        return None
    return session.doing, session.doing_at


def _of_expectation(one: Expectation, now: int) -> State:
    """Return the state of the agent of `one` at the time `now` (ms UTC)."""
    from xats.core.agents import expectations

    if one.ended_at is None and not expectations.is_late(one, now):
        left = rough(max(0, one.expires_at - now))
        return State("expected", f"expected, {one.client} in {one.pane.pane_id}, {left} left", "expected")
    ended = one.ended_at or one.expires_at
    why = expectations.words(one, one.end_reason or "expired", ended)
    return State("offline", f"offline, {why}, {ago(ended, now)}", "offline")


def _online(details: Details, pid: str, now: int) -> State:
    """Return the state of an agent whose process lives."""
    said, since = details.presence.doing if details.presence else ("", 0)
    if said not in ("busy", "waiting"):
        idle = f", idle for {rough(now - since)}" if said == "idle" else ""
        return State("online", f"online{idle}, {pid}", "online")
    sign = max(since, details.agent.seen_at)
    silent = f", silent for {rough(now - sign)}" if now - sign >= SILENT else ""
    doing = f"needs a person, {rough(now - since)}" if said == "waiting" else f"busy for {rough(now - since)}"
    return State(
        name=said, words=f"{doing}{silent}, {pid}", brief=doing, gone_at=None, busy_since=since, silent_since=sign
    )


def _gone(details: Details, session: Session, seen: str, now: int) -> State:
    """Return the state of an agent whose process has ended, or whose pane is gone."""
    from xats.daemon.liveness import pane_gone

    how = ", pane closed" if pane_gone(session) else ""
    if session.gone_at is None:  # no daemon has looked since
        return State("gone", f"gone{how}, {seen}", "gone")
    at = gone_since(details.agent, session)
    if at is None:
        return State("unknown", f"unknown, its process ended {ago(session.gone_at, now)}, {seen}", "unknown")
    return State("gone", f"gone {ago(at, now)}{how}", f"gone {ago(at, now)}", at)


def _place(session: Session | None) -> str:
    """Return in words which other host a session is on; "" if it is on this one."""
    return f", on {session.seat.where}" if session and session.seat.host != host.id() else ""
