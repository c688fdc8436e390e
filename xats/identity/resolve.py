"""Who am I: the one answer for the command line, completion, launch and hooks.

The strongest evidence decides: the flag (--as), XATS_AGENT, the client's session, the pane, a process above, the person
at the terminal. docs/identity.md has the table of all cases, and tests/identity/cases.py runs it.

An agent is taken while its process lives. Everything that an agent starts inherits XATS_AGENT and the pane. So neither
is evidence for another agent program that runs beside or below the program of that agent.
"""

from __future__ import annotations

from xats.base import host
from xats.base.errors import Refused, UnknownAgent, XatsError
from xats.base.record import record
from xats.core.address import check_name
from xats.core.agents import agents
from xats.core.teams import teams

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from xats.core.agents.agents import Agent, Session
    from xats.identity.circumstances import Circumstances, Claim
    from xats.store import Tx

    Pair = tuple[Agent, Session]
    Found = tuple[Agent, Session, str]  # the last is the evidence, as in `Me`

OWN_NAME = "give this session a name of its own: xats register NEW_NAME"


@record
class Me:
    """The agent that acts, and the evidence for that."""

    agent: Agent
    evidence: str  #: "flag", "env", "session", "pane", "process" or "user"
    note: str | None = None  #: a remark for the person at the terminal


class FirstUse(Exception):
    """A person uses xats for the first time."""

    def __init__(self, team: str, name: str, note: str | None) -> None:
        super().__init__(name)
        self.team, self.name, self.note = team, name, note


def resolve(tx: Tx, c: Circumstances) -> Me:
    """Return the agent that acts in the circumstances `c`.

    Raises UnknownAgent, StaleSession or Refused, and FirstUse if a person must be registered first.
    """
    _refuse_two_teams(tx, c)
    seen = Evidence(tx, c)
    if c.flag:
        return _by_flag(c.flag, seen)
    if c.seeks_terminal and c.shared() and seen.by_session is None:
        c.find_terminal()
    me = _by_environment(seen) if c.name() else None
    if me:
        return me
    found = seen.bound or seen.process
    if found:
        return _current(found)
    if seen.problem:
        raise seen.problem
    return _person(seen)


def _refuse_two_teams(tx: Tx, c: Circumstances) -> None:
    """Raise Refused if --team or XATS_TEAM names another team than the address in --as or XATS_AGENT.

    Otherwise a command could act in the wrong team. XATS_TEAM does not count beside --as NAME@TEAM.
    """
    said = c.flag or c.name() or ""
    team = said.partition("@")[2]
    if not team or c.asked_team is None or (not c.flag and c.borrowed()):
        return
    asked = c.asked(tx)
    if teams.current(tx, check_name(team, "team").lower()) != asked:
        msg = f"{'--as' if c.flag else 'XATS_AGENT'} says {said}, but --team or XATS_TEAM says {asked}."
        raise Refused(msg, f"leave the team out, or address it: xats send NAME@{asked} 'text'", agent=said)


def resolve_or_none(tx: Tx, c: Circumstances) -> Agent | None:
    """Return the agent that acts in the circumstances `c`, or None where `resolve` raises. For hooks."""
    try:
        return resolve(tx, c).agent
    except (XatsError, FirstUse):
        return None


# -- the evidence ------------------------------------------------------------------------------------------------------


class Evidence:
    """What the store knows about the session, the pane and the processes of `c`, looked up at its first use."""

    def __init__(self, tx: Tx, c: Circumstances) -> None:
        self.tx, self.c = tx, c
        self.problem: XatsError | None = None  #: why evidence does not count, if there is some
        self.beside: Pair | None = None  #: the agent that has the pane in which a person or a script works beside it
        self._asked: tuple[str | None] | None = None  # not known yet
        self._known: dict[str, Found | None] = {}

    @property
    def asked(self) -> str | None:
        """The team that --team or XATS_TEAM means today, or None. Raises InvalidName."""
        if self._asked is None:
            self._asked = (self.c.asked(self.tx),)
        return self._asked[0]

    def _once(self, what: str, look: Callable[[], Found | None]) -> Found | None:
        if what not in self._known:
            self._known[what] = look()
        return self._known[what]

    @property
    def by_session(self) -> Found | None:
        """The agent of this client session."""
        return self._once("session", self._by_session)

    @property
    def bound(self) -> Found | None:
        """The agent of this client session, or else of this pane."""
        return self.by_session or self._once("pane", self._by_pane)

    @property
    def process(self) -> Found | None:
        """The agent whose process is above this one."""
        return self._once("process", self._by_process)

    def is_asked(self, agent: Agent, what: str = "") -> bool:
        """Tell whether `agent`, known by `what`, is in the team of --team or XATS_TEAM, if that is set."""
        if self.asked is None or agent.team == self.asked:
            return True
        if what and self.c.inside():  # a person has a name of their own in that team
            msg = f"This {what} is {agent.name}'s in team {agent.team}, but --team or XATS_TEAM says {self.asked}."
            self.problem = self.problem or UnknownAgent(msg, f"leave the team out, or say --as {agent.address}")
        return False

    def _by_session(self) -> Found | None:
        pair = agents.by_client_session(self.tx, self.c.session) if self.c.session else None
        if pair is None:
            return None
        return (*pair, "session") if self.is_asked(pair[0], "session") else None

    def _by_pane(self) -> Found | None:
        c, claim = self.c, self.c.pane()
        pair = in_pane(self.tx, c, claim) if claim else None
        if pair is None or self._is_inherited(pair[0]) or c.borrowed() or not self.is_asked(pair[0], "pane"):
            return None
        agent, session = pair
        if session.ended_at is None and not is_ours(c, session):
            if c.inside():
                self.problem = self.problem or _occupied(c, agent, session)
                return None
            if _works_beside(c, session):
                self.beside = pair
                return None
        nearer = self.process  # such as a program that was registered in the shell that has the pane
        if nearer and nearer[1].id != session.id and self._stands_below(nearer[1], session):
            return nearer
        return agent, session, "pane"

    def _by_process(self) -> Found | None:
        c = self.c
        found = agents.by_processes(self.tx, c.host, [(one.pid, one.started) for one in c.ancestors()])
        above = [(one.pid, one.started) for one in c.above()] if found else []
        for agent, session in found:
            if session.seat.process not in above or not self.is_asked(agent) or self._is_inherited(agent):
                continue
            if c.works_for(session.seat.process):
                return agent, session, "process"
            self.problem = self.problem or _occupied(c, agent, session)
        return None

    def _stands_below(self, one: Session, other: Session) -> bool:
        """Tell whether the process of `one` is above this one and nearer than the process of `other`."""
        order = [(each.pid, each.started) for each in self.c.ancestors()]
        inner, outer = one.seat.process, other.seat.process
        return inner in order and (outer not in order or order.index(inner) < order.index(outer))

    def _is_inherited(self, agent: Agent) -> bool:
        """Tell whether `agent` is a person and an agent program runs this, which must not get that person's mail."""
        return agent.client == "human" and self.c.inside()


def in_pane(tx: Tx, c: Circumstances, claim: Claim) -> Pair | None:
    """Return the newest session, ended or not, that was bound to the pane `claim`. This works in a sandbox too."""
    from xats.base import process

    pair = agents.by_pane(tx, c.host, *claim)
    if pair is None and not process.serves_here(claim[1]):
        pair = agents.by_pane_outside(tx, host.machine(), *claim)
    return pair


def is_ours(c: Circumstances, session: Session) -> bool:
    """Tell whether `c` may act as `session`: it is the same client session, or the same program, or its process ended.

    A program that an agent runs inherits its pane and its name, and must not get its mail. So the answer is False if
    the process of `session` lives and is not above this one, or if another agent program is in between.
    """
    seat = session.seat
    if seat.client_session is not None and seat.client_session == c.session:
        return True
    from xats.base import occupancy

    if seat.process is None or not occupancy.holds(seat):
        return True
    if seat.host != c.host and host.is_id(seat.host):  # outside this sandbox, so processes cannot be compared
        return None in (seat.client_session, c.session)
    return c.works_for(seat.process)


def _works_beside(c: Circumstances, session: Session) -> bool:
    """Tell whether this was started in the pane of `session`, but not by its program, as after Ctrl-Z.

    Then the first process of the pane is above this one. It is not above what the agent left in the background.
    """
    pane = session.seat.pane
    return pane is not None and any(one.pid == pane.pane_pid for one in c.ancestors())


# -- the rules ---------------------------------------------------------------------------------------------------------


def team_in(tx: Tx, c: Circumstances, registering: str | None = None) -> str:
    """Return the team in which a command works, also one that registers an agent with the name `registering`.

    The first of these decides: --team or XATS_TEAM; the team in --as or XATS_AGENT, as name@team; the agent of this
    session, pane or process; the project. For a new agent in a pane whose former agent has ended, it is the project.
    Raises InvalidName, and Refused if the working directory was removed.
    """
    seen = Evidence(tx, c)
    said = c.flag or c.name() or ""
    if seen.asked is None and "@" in said and (c.flag or not c.borrowed()):
        return teams.current(tx, check_name(said.partition("@")[2], "team").lower())
    found = seen.bound if seen.asked is None else None
    if found and registering and found[2] == "pane" and found[0].name.lower() != registering.lower():
        from xats.base import occupancy

        if occupancy.living(found[1].seat) is False:
            return seen.process[0].team if seen.process else c.project_team(tx)
    return _team(seen)


def _team(seen: Evidence) -> str:
    """Return the team of --team or XATS_TEAM, or else of the agent that is known here, or else of the project."""
    if seen.asked is not None:
        return seen.asked
    found = seen.bound or seen.process
    return found[0].team if found else seen.c.project_team(seen.tx)


def _by_flag(said: str, seen: Evidence) -> Me:
    """Return the agent that --as names."""
    whom, _, team = said.partition("@")
    agent = agents.by_name(seen.tx, team.lower() or seen.c.said_team or _team(seen), check_name(whom), own=True)
    found = seen.bound
    return _current(found) if found and found[0].id == agent.id else Me(agent, "flag")


def _by_environment(seen: Evidence) -> Me | None:
    """Return the agent that XATS_AGENT names; None if it does not count, and then `seen.problem` says why.

    Raises UnknownAgent if there is no such agent.
    """
    tx, c = seen.tx, seen.c
    team, name = named(seen)
    agent = agents.find(tx, team, name)
    held = agents.current_session(tx, agent) if agent and agent.registered else None
    if agent and held and c.session and held.seat.client_session == c.session:
        return Me(agent, "session")
    found = seen.bound
    if found and found[2] == "session":
        from xats.clients import sessions

        if not sessions.pane_is_trusted(c.environ):
            return None  # the environment can be that of another session of the same process
    if c.borrowed():
        msg = f"XATS_AGENT={c.name()} was inherited from another session; this one is new and belongs to no agent."
        seen.problem = Refused(msg, OWN_NAME)
        return None
    agent = agents.by_name(tx, team, name, own=True)
    if found and found[0].id == agent.id:
        return _current(found)
    if agent.client == "human" and c.inside():
        msg = f"XATS_AGENT names {agent.name}, who is a person, and an agent program runs this."
        seen.problem = UnknownAgent(msg, OWN_NAME)
        return None
    if held and c.inside() and not is_ours(c, held):
        msg = (
            f"XATS_AGENT names {agent.name}, but another session is {agent.name} (pid {held.seat.pid}) and still runs."
        )
        seen.problem = Refused(msg, OWN_NAME, agent=agent.address)
        return None
    return Me(agent, "env")


def named(seen: Evidence) -> tuple[str, str]:
    """Return the agent that XATS_AGENT names, as (team, name); see `team_in`. Raises InvalidName."""
    whom, _, team = (seen.c.name() or "").partition("@")
    name = check_name(whom)
    said = check_name(team, "team").lower() if team else seen.c.said_team
    return teams.address(seen.tx, said, name) if said else (_team(seen), name)


def _current(found: Found) -> Me:
    agent, session, evidence = found
    agents.refuse_stale(agent, session)
    return Me(agent, evidence)


def _person(seen: Evidence) -> Me:
    """Return the person who typed the command. Raises UnknownAgent, Refused or FirstUse."""
    tx, c = seen.tx, seen.c
    name, note = c.person(), None
    if seen.beside:
        agent, session = seen.beside
        who = f"{agent.name} ({agent.client}, pid {session.seat.pid})"
        if not name:
            msg = f"{who} has this pane, and nothing shows that you are {agent.name}."
            raise UnknownAgent(msg, f"say --as {agent.name}")
        note = f"{who} has this pane, and you are {name}; to act as {agent.name}: --as {agent.name}"
    if not name:
        raise UnknownAgent
    team = seen.asked or c.project_team(tx)
    known = agents.find(tx, team, name)
    if known is None or not known.registered:
        raise FirstUse(team, name, note)
    if known.client != "human":
        msg = f"{name!r} is a registered agent ({known.client}), and nothing shows that you are {name}."
        raise Refused(msg, "xats register ANOTHER_NAME --client human, or say --as", agent=known.address)
    return Me(known, "user", note)


def _occupied(c: Circumstances, agent: Agent, session: Session) -> Refused:
    """Return the error for an agent program that runs in the pane or below the process of another agent."""
    program = c.program()
    who = f"{agent.name} ({agent.client}, pid {session.seat.pid})"
    what = f"{program[1]} (pid {program[0].pid})" if program else "another agent program"
    msg = (
        f"{who} is already registered here. {what[0].upper()}{what[1:]} started this command, and it is another agent."
    )
    return Refused(msg, f"{OWN_NAME} --no-pane", agent=agent.address)
