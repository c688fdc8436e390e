"""Here: what every command knows before it starts - who was asked for, which team, which store - and who I am.

Who I am, strongest word first: `--as` or XATS_AGENT, else the agent that has my client session, else the one bound to
my pane, else the one whose process is above me, else - on a terminal and in nobody's hands but a person's - the person
with the login name.
"""

from __future__ import annotations

import os
from contextlib import suppress

from xats import folders, host, process
from xats.clients import sessions
from xats.core import address, agents, teams
from xats.core.limits import HOPS
from xats.errors import InvalidName, Refused, StoreError, UnknownAgent, Usage, XatsError
from xats.identity import project
from xats.record import record
from xats.store import Store
from xats.store.place import default_path
from xats.tmux.address import address as pane_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from xats.core.agents import Agent, Session
    from xats.identity.project import Project
    from xats.store import Tx

    T = TypeVar("T")

RENEWING = 0.3  # seconds that a command that only reads waits for a busy store, to renew what its agent has claimed


@record
class Me:
    """Who acts, and how that is known."""

    agent: Agent
    evidence: str  #: "flag", "env", "session", "pane", "process" or "user"


class Here:
    """The circumstances of one command. What is costly is looked up when it is first asked for."""

    def __init__(
        self,
        as_name: str | None = None,
        team: str | None = None,
        db: str | None = None,
        *,
        json: bool = False,
        quiet: bool = False,
    ) -> None:
        self.environ = os.environ
        self.as_name = as_name
        self.asked_team = team or self.environ.get("XATS_TEAM") or None
        self.path = folders.expanded(db, self.environ) if db else default_path(self.environ)
        self.json = json
        self.quiet = quiet
        given = {"--as": as_name, "--team": team, "--db": db}
        self._given = {option: value for option, value in given.items() if value}
        self._store: Store | None = None
        self._new: Agent | None = None  # the person who was registered just now
        self._is_borrowed: bool | None = None  # not known yet
        self._project: tuple[Project | None] | None = None  # not looked for yet
        self._team: str | None = None  # not known yet

    @property
    def store(self) -> Store:
        """The store, opened when first asked for."""
        if self._store is None:
            from xats.cli.render import warn

            # With --json stderr is for one document; what a failure is about is in that.
            self._store = Store(self.path, warn=warn, notice=None if self.json else warn)
            if self._store.upgraded:
                from xats.daemon import autostart, owner

                autostart.relieve(self.path, self.environ)
                self._store.write(owner.settle)
        return self._store

    def command(self, *words: object) -> str:
        """Return the command of xats with `words`, to be typed here, with --as, --team and --db as they were given.

        A word None is left out; hints.TEXT stands for a text that is still to be written.
        """
        from xats import calling
        from xats.cli import hints

        given = [str(word) for word in words if word is not None]
        said = " ".join(word if word == hints.TEXT else calling.quoted(word) for word in given)
        return hints.command(said, self._given, calling.spelled(calling.path_for(self.environ)))

    def complete(self, hint: str) -> str:
        """Return `hint` with --as, --team and --db, as they were given, in each command that it names."""
        from xats.cli import hints

        return hints.complete(hint, self._given)

    def rouse_daemon(self) -> None:
        """Have the daemon look at what was committed, and warn when it cannot."""
        from xats.daemon import autostart

        problem = autostart.ensure_running(self.path, self.environ)
        if problem:
            from xats.cli.render import warn

            warn(problem)

    @property
    def host(self) -> str:
        """The id of this host."""
        return host.id()

    def look_anew(self) -> None:
        """Open the store once more if it was replaced: who waits for something would never hear of it."""
        if self._store and self._store.replaced:
            self._store.close()
            self._store = None

    @property
    def project(self) -> Project:
        """The project of the working directory. Raises Refused if that was removed."""
        found = self.find_project()
        if found is None:
            msg = "The working directory was removed, so xats cannot tell which project this is."
            raise Refused(msg, "cd to a folder of the project, or use --team TEAM")
        return found

    def find_project(self) -> Project | None:
        """Return the project of the working directory, None if that was removed."""
        if self._project is None:
            self._project = (project.find(),)
        return self._project[0]

    @property
    def team(self) -> str:
        """What `team_in` returns, for use outside of a transaction; it makes no store."""
        if self._team is None:
            if self._store is None and not os.path.exists(self.path):
                return self._asked() or address.slug(self.project.name)
            self._team = self.store.read(self.team_in)
        return self._team

    def team_in(self, tx: Tx, registering: str | None = None) -> str:
        """Return the team of this command, which may register an agent with the name `registering`.

        It is the one of --team or XATS_TEAM, else that of the agent whom --as or XATS_AGENT names as name@team, else
        that of the agent that my session, pane or process belongs to, else that of the project. Whoever registers a new
        agent in a pane whose former one has ended is in the project's. Raises InvalidName, and Refused where the
        working directory was removed.
        """
        name = self.as_name or self.environ.get("XATS_AGENT") or ""
        if self.asked_team or "@" not in name or (not self.as_name and self._borrowed()):
            bound = None if self.asked_team else self._bound(tx)
            if bound and registering and bound[2] == "pane" and bound[0].name.lower() != registering.lower():
                bound = None if process.living(bound[1].seat) is False else bound
            return self._team_of(tx, bound)
        return teams.current(tx, address.check_name(name.partition("@")[2], "team").lower())

    def _team_of(self, tx: Tx, bound: tuple[Agent, Session, str] | None) -> str:
        """Return the team asked for, else that of the agent `bound`, or of my process, else that of the project."""
        if asked := self._asked():
            return teams.current(tx, asked)
        pair = bound or agents.by_process(tx, self.host, self._above())
        if pair and not (pair[0].client == "human" and sessions.inside_agent(self.environ)):
            return pair[0].team  # a person's pane is not that of a program that he starts in it
        return teams.of(tx, host.machine(), self.project)

    def address(self, tx: Tx, name: str) -> tuple[str, str]:
        """Return the team and name of the agent `name`, which this command registers, as it is called today."""
        asked = self._asked()
        return teams.address(tx, asked, name) if asked else (self.team_in(tx, name), name)

    def project_team(self, tx: Tx) -> str | None:
        """Return the team of the project, whoever I am; None where the working directory was removed."""
        found = self.find_project()
        return teams.of(tx, host.machine(), found) if found else None

    def claim(self, tx: Tx, team: str) -> None:
        """Record the project, in which an agent of `team` is registered, unless the team is that of another project."""
        found = self.find_project()
        if found and team in (teams.former(found.here), self.project_team(tx)):
            teams.claim(tx, host.machine(), found)

    def _asked(self) -> str | None:
        return address.check_name(self.asked_team, "team").lower() if self.asked_team else None

    def write(self, work: Callable[[Tx, Me], T]) -> T:
        """Run `work` as me in one write transaction."""

        def attempt(tx: Tx) -> T:
            me = self.me(tx)
            agents.touch(tx, me.agent)
            if self._may_have_moved(tx, me):
                self._follow(tx, me)
            return work(tx, me)

        result = self.store.write(attempt)
        self._introduce()
        return result

    def read(self, work: Callable[[Tx, Me], T], *, register: bool = True) -> T:
        """Run `work` as me on one snapshot, and renew what I have claimed.

        A person who is not known yet is registered first, with `register`; else this raises FirstUse.
        """
        moved: list[Me] = []
        renewing: list[Me] = []

        def look(tx: Tx) -> T:
            me = self.me(tx, register=False)
            if self._may_have_moved(tx, me):
                moved.append(me)
            if agents.renewal_due(tx, me.agent):
                renewing.append(me)
            return work(tx, me)

        try:
            result = self.store.read(look)
            if moved:
                with suppress(StoreError):  # a store that cannot be written can still be read
                    self.store.write(lambda tx: self._follow(tx, moved[0]))
            if renewing:
                self._renew(renewing[0])
            return result
        except FirstUse:
            if not register:
                raise
            self.store.write(self.me)
            self._introduce()
            return self.store.read(lambda tx: work(tx, self.me(tx)))

    def _renew(self, me: Me) -> None:
        """Renew what I have claimed, if the store can be written in a moment: I only look at something."""
        patience, self.store.patience = self.store.patience, RENEWING
        try:
            self.store.write(lambda tx: agents.touch(tx, me.agent))
        except StoreError:
            pass  # the next command or hook renews it
        finally:
            self.store.patience = patience

    def _may_have_moved(self, tx: Tx, me: Me) -> bool:
        """Tell whether something is to be noted of the host of my session: its id, or its new name."""
        marked, name = agents.host_of(tx, me.agent)
        return name != host.name() and (marked == host.id() or not host.is_id(marked)) and marked != ""

    def _follow(self, tx: Tx, me: Me) -> None:
        """Note on which host I act, and what it is called now."""
        from xats.core import hosts

        def here(session: Session) -> bool:
            seen = process.sits_here(session.seat)
            # A session of which nothing is known is where its own commands are, but not where anybody says --as.
            return bool(seen) or (seen is None and me.evidence != "flag" and not host.nested())

        hosts.follow(tx, me.agent, host.id(), host.name(), here)

    def me(self, tx: Tx, *, register: bool = True) -> Me:
        """Return who I am. Raises UnknownAgent, StaleSession, or FirstUse when a person would have to be registered."""
        bound = self._bound(tx)
        inherited: str | None = None
        name, evidence = self.as_name, "flag"
        if not name:
            name, evidence = self.environ.get("XATS_AGENT"), "env"
            if bound and bound[2] == "session" and self.environ.get("CODEX_THREAD_ID"):
                name = None  # Codex's daemon may have handed out the environment of another session
            elif name and self._borrowed():
                name, inherited = None, name
        if name:
            whom, _, team = name.partition("@")
            said = team.lower() or self._asked() or self._team_of(tx, bound)
            agent = agents.by_name(tx, said, address.check_name(whom))
            persons = evidence == "env" and agent.client == "human"  # the program that he starts has inherited it
            if bound and (bound[0].id == agent.id or (persons and bound[2] == "session")):
                return self._current(*bound)
            if evidence == "env" and not (bound and bound[2] == "session"):
                self._refuse_anothers(tx, agent)
            return Me(agent, evidence)
        if bound:
            return self._current(*bound)
        above = agents.by_process(tx, self.host, self._above())
        if above:
            return self._current(*above, "process")
        if inherited:
            msg = f"XATS_AGENT={inherited} was inherited from another session; this one is new and belongs to no agent."
            raise Refused(msg, "give this session a name of its own: xats register NEW_NAME")
        return self._person(tx, register=register)

    def named(self, tx: Tx, name: str, team: str | None = None) -> Agent:
        """Return the registered agent `name` of `team` (None: of this one), or `name@team`. Raises UnknownAgent."""
        whom, _, other = name.partition("@")
        return agents.by_name(tx, other.lower() or team or self._asked() or self.team_in(tx), whom)

    def _current(self, agent: Agent, session: Session, evidence: str) -> Me:
        agents.refuse_stale(agent, session)
        return Me(agent, evidence)

    def _borrowed(self) -> bool:
        """Tell whether the environment is that of a helper process of the agent program that runs this, if one does.

        What Codex's daemon hands out has rules of its own.
        """
        if self._is_borrowed is None:
            inside = sessions.inside_agent(self.environ) and not self.environ.get("CODEX_THREAD_ID")
            if inside:
                from xats.clients import helpers

                inside = helpers.borrowed(process.ancestors(), self.environ)
            self._is_borrowed = inside
        return self._is_borrowed

    def _refuse_anothers(self, tx: Tx, agent: Agent) -> None:
        """Raise Refused where XATS_AGENT names `agent`, and this is a session of a client, but another one than it has.

        Outside of a client, as in a shell or a script, XATS_AGENT is believed. So it is where nothing is known of the
        agent's session, or where that has ended.
        """
        own = sessions.session_id(self.environ)
        holder = agents.current_session(tx, agent) if own else None
        seat = holder.seat if holder else None
        if seat is None or seat.client_session in (None, own) or seat.process is None or not process.living(seat):
            return
        from xats.clients import processes

        if not processes.works_for(process.ancestors(), seat.process):
            msg = f"XATS_AGENT names {agent.name}, but another session is {agent.name} (pid {seat.pid}), and lives."
            raise Refused(msg, "give this session a name of its own: xats register NEW_NAME", agent=agent.address)

    def _bound(self, tx: Tx) -> tuple[Agent, Session, str] | None:
        """Return the agent of my client session, else of my pane, with the evidence."""
        client_session = sessions.session_id(self.environ)
        if client_session:
            pair = agents.by_client_session(tx, client_session)
            if pair and self._in_team(tx, pair[0]):
                return *pair, "session"
        pane = self.pane
        if pane:
            pair = agents.by_pane(tx, self.host, *pane)
            if pair is None and not process.serves_here(pane[1]):
                pair = agents.by_pane_outside(tx, host.machine(), *pane)
            if pair and self._in_team(tx, pair[0]):
                return *pair, "pane"
        return None

    def _in_team(self, tx: Tx, agent: Agent) -> bool:
        return not self.asked_team or agent.team == teams.current(tx, self._asked() or "")

    @property
    def pane(self) -> tuple[str, int, str] | None:
        """My pane as (socket, server pid, pane id), where the environment can be trusted to know it."""
        found = pane_address(self.environ) if sessions.pane_is_trusted(self.environ) else None
        return None if found and self._borrowed() else found

    def _above(self) -> list[tuple[int, int]]:
        """Return the processes above this one, up to its own session if that runs in the background of another one."""
        found = process.ancestors()
        if sessions.inside_agent(self.environ):
            from xats.clients import helpers

            behind = helpers.in_background(found)
            found = found[: found.index(behind) + 1] if behind else found
        return [(one.pid, one.started) for one in found]

    def _person(self, tx: Tx, *, register: bool) -> Me:
        name = self.person()
        if not name:
            raise UnknownAgent
        try:
            known = agents.by_name(tx, self._team_of(tx, None), name)
            if known.client != "human":
                msg = f"{name} is an agent here ({known.client}), and nothing tells that you are it."
                raise Refused(msg, "xats register ANOTHER_NAME --client human, or say --as", agent=known.address)
            return Me(known, "user")
        except UnknownAgent:
            if not register:
                raise FirstUse from None
        changes, team = agents.Changes(client="human"), self._team_of(tx, None)
        self.claim(tx, team)
        done = agents.register(tx, team, name, changes, agents.Seat(self.host, host_name=host.name()), lambda _: None)
        self._new = done.details.agent
        return Me(done.details.agent, "user")

    def _introduce(self) -> None:
        """Tell a person once that he has a name here."""
        if self._new and not self.quiet:
            from xats.cli.render import say

            say(f"you are {self._new.name} in team {self._new.team} from now on; your mail: {self.command('inbox')}")
        self._new = None

    def person(self) -> str | None:
        """Return the name of the person who types this, or None when an agent or a script does."""
        if not (os.isatty(0) or os.isatty(1)) or sessions.inside_agent(self.environ):
            return None
        user = login(self.environ)
        try:
            return address.check_name(user)
        except InvalidName:
            return address.slug(user, "user")


def login(environ: Mapping[str, str]) -> str:
    """Return the login name of who runs this: `$USER`, `$LOGNAME`, else by the user id, for cron and containers."""
    name = environ.get("USER") or environ.get("LOGNAME")
    if name:
        return name
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without an account
        return f"user{os.getuid()}"


class FirstUse(Exception):
    """A person uses xats for the first time."""


def team_of(here: Here) -> str:
    """Return the team of the agent that acts, and renew what it has claimed; else what `Here.team_in` returns.

    Only --as NAME@TEAM beside another --team makes a difference between them.
    """
    try:
        return here.read(lambda _, me: me.agent.team, register=False)
    except (XatsError, FirstUse):
        return here.team


def team_meant(here: Here) -> str:
    """Return the team asked for, else what `team_of` returns."""
    return here.team if here.asked_team else team_of(here)


def hop_limit(environ: Mapping[str, str]) -> int:
    """Return how many wakes two agents may cause each other without a person in between: XATS_HOPS. Raises Usage."""
    said = environ.get("XATS_HOPS")
    if not said:
        return HOPS
    if not (said.isascii() and said.isdigit() and len(said) < 7):
        msg = f"XATS_HOPS must be a whole number, not {said[:40]!r}."
        raise Usage(msg, f"export XATS_HOPS={HOPS}")
    return int(said)


def project_folder() -> str:
    """Return the git top-level folder above the working directory, else the working directory."""
    found = project.find()
    return found.here if found else "."
